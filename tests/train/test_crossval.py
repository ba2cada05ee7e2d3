from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinylearning as tiny
from hubbub.errors import RefusedError
from hubbub.runs.record import DatasetRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.train import crossval
from hubbub.train.arrays import RowSplit
from hubbub.train.config import Recipe, Stage
from hubbub.train.job import TrainingJob

QUICK = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 1, 1e-2),))
FOLDS = (1, 2, 4)


def job(folder: Path, recipe: Recipe = tiny.PROBE, **changes: Any) -> TrainingJob:
    facts: dict[str, Any] = {"arrays": tiny.clip_arrays(), "trunk": tiny.trunk(), "seed": 0, "log": lambda _: None}
    return TrainingJob(recipe=recipe, dataset=DatasetRecord("tiny"), cache=folder / "cache", **facts | changes)


def splits(validation: int | None = None) -> dict[int, RowSplit]:
    return {fold: tiny.split(tiny.clip_arrays(), fold, validation) for fold in FOLDS}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("cv")
    return crossval.cross_validate(job(folder), splits(), Run(folder / "cv"))


def test_predictions_of_the_folds_are_joined(done: Run) -> None:
    given = tiny.clip_arrays()
    found = done.predictions
    tested = np.flatnonzero(np.isin(given.folds, FOLDS))
    assert found.clips == tuple(given.ids[row] for row in tested)
    np.testing.assert_array_equal(found.folds, given.folds[tested])
    for fold in FOLDS:
        part = done.child(f"fold{fold}").predictions
        np.testing.assert_array_equal(found.probabilities[found.folds == fold], part.probabilities)
        np.testing.assert_array_equal(part.folds, fold)


def test_figures_are_of_all_test_clips_and_means_of_the_folds(done: Run) -> None:
    figures, folds = done.metrics, [done.child(f"fold{fold}").metrics for fold in FOLDS]
    assert figures["test"]["clips"] == 18
    assert figures["test"]["accuracy"] == pytest.approx(done.predictions.right.mean())
    assert figures["folds"] == {f"fold{n}": m["test"]["accuracy"] for n, m in zip(FOLDS, folds, strict=True)}
    assert figures["train"]["clips"] == 18
    assert figures["train"]["loss"] == pytest.approx(np.mean([one["train"]["loss"] for one in folds]))
    assert figures["validation"] == {"clips": 0, "accuracy": None, "loss": None}
    assert figures["parameters"] == folds[0]["parameters"]


def test_the_interval_is_over_source_recordings(tmp_path: Path) -> None:
    import dataclasses

    given = tiny.clip_arrays()
    together = dataclasses.replace(given, groups=np.char.add("fold ", given.folds.astype(str)))
    recipe = tiny.changed(tiny.PROBE, c_grid=(0.001,))
    wide = []
    for name, arrays in (("a", given), ("b", together)):
        run = crossval.cross_validate(job(tmp_path / name, recipe, arrays=arrays), splits(), Run(tmp_path / name))
        wide.append(run.metrics["test"]["interval"])
    accuracies = list(run.metrics["folds"].values())
    assert wide[0] != wide[1] and min(accuracies) <= wide[1][0] <= wide[1][1] <= max(accuracies)


def test_what_ran_is_on_record(done: Run) -> None:
    record = done.record
    assert (
        str(record.split) == "tiny folds 1 2 4" and record.labels == tiny.LABELS and record.kind == "cross-validation"
    )
    seconds = sum(done.child(f"fold{fold}").record.outcome["seconds"] for fold in FOLDS)
    assert record.outcome["seconds"] == pytest.approx(seconds, abs=0.06) and done.finished
    assert not (done.folder / "model.pt").exists()


def test_an_interrupted_cross_validation_goes_on(tmp_path: Path) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line == "fold 2 of 4" and said.count(line) == 1:
            raise RuntimeError("power cut")

    target = Run(tmp_path / "cv")
    with pytest.raises(RuntimeError, match="power cut"):
        crossval.cross_validate(job(tmp_path, QUICK, log=say), splits(3), target)
    assert not target.finished and target.child("fold1").finished and not target.child("fold2").exists
    kept = (target.folder / "fold1" / "model.pt").stat().st_mtime_ns
    crossval.cross_validate(job(tmp_path, QUICK, log=say), splits(3), target)
    assert target.finished and (target.folder / "fold1" / "model.pt").stat().st_mtime_ns == kept
    epochs = [line for line in said if line.startswith("stage")]
    assert len(epochs) == len(FOLDS) and target.metrics["validation"]["clips"] == 6


def test_another_recipe_is_refused(done: Run, tmp_path: Path) -> None:
    other = tiny.changed(tiny.PROBE, c_grid=(0.5,))
    with pytest.raises(RefusedError, match="holds a run that differs in recipe"):
        crossval.cross_validate(job(tmp_path, other), splits(), done)
    with pytest.raises(RefusedError, match="holds a run that differs in split"):
        crossval.cross_validate(job(tmp_path), {1: splits()[1]}, done)


def test_the_final_model_stands_beside_the_folds(tmp_path: Path) -> None:
    target = crossval.cross_validate(job(tmp_path), splits(), Run(tmp_path / "cv"))
    before = target.metrics
    every = np.arange(len(tiny.clip_arrays().ids))
    final = crossval.final_model(job(tmp_path), RowSplit(SplitRecord("all"), every[:-2], every[:0], every[-2:]), target)
    assert final.folder == tmp_path / "cv" / "final" and (final.folder / "model.pt").is_file()
    assert final.predictions.clips == ("clip-22", "clip-23") and target.metrics == before
