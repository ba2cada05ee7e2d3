"""A cross-validation on made sounds, measured: which model hears which clip, and what owes nothing to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinyruns
from hubbub.data.dataset import Dataset
from hubbub.data.synth import synthetic
from hubbub.errors import RefusedError
from hubbub.evaluate.calibration import fit_temperature
from hubbub.modelfile import KnownScore
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_json, write_json
from hubbub.studies import experiment, fold_models
from hubbub.studies.experiment import Experiment
from hubbub.studies.robustness import Pass

LABELS = ("siren", "sea_waves", "door_wood_knock")
OVERRIDES = {"network.width": 0.1, "stages.0.epochs": 1, "network.weights": None, "seconds": 5.0}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Dataset]:
    """Two folds of four clips of three classes, and a cross-validation of a thin network on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic.dataset, "__defaults__", (None, LABELS, 4, 2))
        patch.setenv("HUBBUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        prepared = Experiment.prepare(recipe="cnn", budget="quick", overrides=OVERRIDES, log=lambda line: None)
        run = prepared.cross_validate(runs=tmp_path_factory.mktemp("runs"), name="cv", final=False)
        return run, prepared.dataset


@pytest.fixture(autouse=True)
def compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "_COMPARED", 2)


def test_every_clip_is_heard_by_the_model_of_its_own_test_fold(world: tuple[Run, Dataset], tmp_path: Path) -> None:
    run, dataset = world
    model = fold_models.of_run(run, tmp_path / "models")
    assert (model.name, model.run, model.part, len(model.files)) == ("cv", "cv", "test", 2)
    assert model.listeners == {clip.id: (clip.fold or 0) - 1 for clip in dataset.clips}
    for number, meta in enumerate(model.metas):
        others = run.folds[1 - number].predictions
        fitted = fit_temperature(others.targets, others.probabilities)
        assert meta.calibration.parameters["temperature"] == pytest.approx(fitted)
        assert meta.known_score == KnownScore("max_softmax", {}, 0.0)
    (kept,) = Pass.plan([model], dataset, tmp_path).measure([])
    joined = run.predictions
    assert kept.clips == joined.clips and np.array_equal(kept.folds, joined.folds)
    assert np.array_equal(kept.predictions[0], joined.predicted)  # what torch named while it was trained

    written = [file.stat().st_mtime_ns for file in model.files]
    again = fold_models.of_run(run, tmp_path / "models")
    assert again.digest == model.digest and [file.stat().st_mtime_ns for file in again.files] == written


@pytest.fixture
def unexported(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, KnownScore]]:
    """Nothing is exported; of each fold, the temperature and the known score that it would have."""
    given: dict[str, tuple[float, KnownScore]] = {}

    def export(fold: Run, path: Path, *values: Any) -> None:
        given[fold.folder.name] = values

    monkeypatch.setattr(fold_models, "_export", export)
    return given


def test_the_known_score_of_a_fold_can_be_another(
    world: tuple[Run, Dataset], tmp_path: Path, unexported: dict[str, tuple[float, KnownScore]]
) -> None:
    run, _ = world

    def known(fold: Run) -> KnownScore:
        return KnownScore("max_softmax", {}, 0.25 if fold.folder.name == "fold1" else 0.5)

    model = fold_models.of_run(run, tmp_path, known_score=known)
    assert [known.threshold for _, known in unexported.values()] == [0.25, 0.5]
    assert model.digest != fold_models.of_run(run, tmp_path).digest


def test_a_single_run_has_a_temperature_from_its_validation_clips(
    world: tuple[Run, Dataset], tmp_path: Path, unexported: dict[str, tuple[float, KnownScore]]
) -> None:
    fold = world[0].folds[0]
    model = fold_models.of_run(fold, tmp_path)
    assert set(model.listeners.values()) == {0} and len(model.listeners) == 12
    held = Predictions.read(fold.folder / "validation.csv")
    assert unexported["fold1"][0] == pytest.approx(fit_temperature(held.targets, held.probabilities))


def test_validation_clips_to_choose_on(
    world: tuple[Run, Dataset], tmp_path: Path, unexported: dict[str, tuple[float, KnownScore]]
) -> None:
    run, _ = world
    model = fold_models.of_run(run, tmp_path, "validation")
    first, second = ({row["clip"] for row in fold.clips if row["part"] == "validation"} for fold in run.folds)
    assert first and second and model.part == "validation"
    assert model.listeners == dict.fromkeys(second, 1) | dict.fromkeys(first, 0)
    others = Predictions.read(run.folds[1].folder / "validation.csv")
    rows = [clip not in first for clip in others.clips]
    fitted = fit_temperature(others.targets[rows], others.probabilities[rows])
    assert unexported["fold1"][0] == pytest.approx(fitted)


def test_runs_that_cannot_be_measured(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "run")
    with pytest.raises(RefusedError, match=r"run holds no model.pt"):
        fold_models.of_run(run, tmp_path)
    (run.folder / "model.pt").write_bytes(b"")
    with pytest.raises(RefusedError, match="has no validation clips: choose another --part"):
        fold_models.of_run(run, tmp_path, "validation")
    about = read_json(run.folder / "about.json")
    about["split"]["leaky"] = True
    write_json(run.folder / "about.json", about)
    with pytest.raises(RefusedError, match="its figures are not honest"):
        fold_models.of_run(Run.open(run.folder), tmp_path)
