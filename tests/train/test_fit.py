import dataclasses
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
import torch

import tinylearning as tiny
from hubbub.errors import DataError, RefusedError
from hubbub.evaluate.calibration import softmax
from hubbub.runs.embeddings import Embeddings
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import DatasetRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import digest, read_csv
from hubbub.train import fit
from hubbub.train import recipe_file as recipes
from hubbub.train.arrays import ClipArrays, RowSplit
from hubbub.train.config import Recipe, Stage
from hubbub.train.job import TrainingJob

QUICK = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 2, 1e-2),))


def job(folder: Path, recipe: Recipe = QUICK, **changes: Any) -> TrainingJob:
    facts: dict[str, Any] = {"arrays": tiny.clip_arrays(), "trunk": tiny.trunk(), "seed": 0, "log": lambda _: None}
    facts |= changes
    return TrainingJob(recipe=recipe, dataset=DatasetRecord("tiny"), cache=folder / "cache", **facts)


def split(validation: int | None = 3) -> RowSplit:
    return tiny.split(tiny.clip_arrays(), validation=validation)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("done")
    return fit.run(job(folder), split(), Run(folder / "run"))


def test_what_a_run_leaves_behind(done: Run) -> None:
    files = {"about.json", "clips.csv", "embeddings.npz", "epochs.csv", "metrics.json", "model.pt"}
    found = {name for name in content(done.folder) if not name.startswith("tensorboard/")}
    assert found == files | {"predictions.csv", "recipe.yaml", "validation.csv"}
    assert recipes.load(str(done.folder / "recipe.yaml")) == QUICK
    record = done.record
    assert record.finished and record.outcome["seconds"] > 0 and record.seed == 0
    assert (str(record.split), str(record.dataset), record.labels) == ("tiny-fold4", "tiny", tiny.LABELS)
    assert record.environment["versions"] and record.kind == "training" and record.recipe == QUICK.name
    assert set(record.content) == {"clips", "samples", "labels of clips", "recordings", "parts", "trunk", "pictures"}


def test_every_clip_is_on_record_with_its_part(done: Run) -> None:
    given, rows = tiny.clip_arrays(), {row["clip"]: row for row in done.clips}
    assert sorted(rows) == sorted(given.ids)
    for name, part in (("train", split().train), ("validation", split().validation), ("test", split().test)):
        assert [clip for clip, row in rows.items() if row["part"] == name] == [given.ids[row] for row in part]
    assert rows["clip-07"] == {
        "clip": "clip-07",
        "part": "train",
        "fold": "2",
        "label": "hiss",
        "recording": "recording clip-07",
        "samples": digest("clip-07"),
    }


def test_predictions_are_what_the_kept_weights_say(done: Run) -> None:
    from hubbub.train.export import load_classifier

    given = tiny.clip_arrays()
    classifier, _ = load_classifier(done)
    for name, rows in (("predictions.csv", split().test), ("validation.csv", split().validation)):
        kept = Predictions.read(done.folder / name)
        with torch.inference_mode():
            logits = classifier(torch.from_numpy(given.logmels[rows][:, None]))[0].numpy()
        assert kept.clips == tuple(given.ids[row] for row in rows)
        np.testing.assert_allclose(kept.probabilities, softmax(logits), atol=1e-5)
        np.testing.assert_array_equal(kept.targets, given.targets[rows])
        np.testing.assert_array_equal(kept.folds, given.folds[rows])


def test_figures_are_those_of_the_predictions(done: Run) -> None:
    kept, figures = done.predictions, done.metrics
    assert figures["test"]["accuracy"] == pytest.approx(kept.right.mean())
    shares = kept.probabilities / kept.probabilities.sum(1, keepdims=True)  # the file has six digits
    expected = sklearn.metrics.log_loss(kept.targets, shares, labels=range(3))
    assert figures["test"]["loss"] == pytest.approx(expected, rel=1e-4)
    assert [figures[part]["clips"] for part in ("train", "validation", "test")] == [12, 6, 6]
    best = min(float(row["val_loss"]) for row in read_csv(done.folder / "epochs.csv"))
    assert figures["validation"]["loss"] == pytest.approx(best, abs=2e-3)
    assert {"interval", "recall", "confusion", "macro_f1"} <= set(figures["test"])
    state = torch.load(done.folder / "model.pt", weights_only=True)
    kinds = ("running_mean", "running_var", "num_batches_tracked", "head.0.mean", "head.0.std")
    assert figures["parameters"] == sum(value.numel() for name, value in state.items() if not name.endswith(kinds))


def test_a_finished_run_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fit.run(job(tmp_path), split(), Run(tmp_path / "run"))
    before = content(run.folder)

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(fit, "_fit", never)
    fit.run(job(tmp_path), split(), Run(tmp_path / "run"))
    assert content(run.folder) == before
    with pytest.raises(AssertionError, match="trained again"):
        fit.run(job(tmp_path), split(), Run(tmp_path / "other"))


def test_an_interrupted_run_goes_on_and_ends_alike(done: Run, tmp_path: Path) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise RuntimeError("power cut")

    target = Run(tmp_path / "run")
    with pytest.raises(RuntimeError, match="power cut"):
        fit.run(job(tmp_path, log=say), split(), target)
    assert not target.finished and (target.folder / "checkpoints").is_dir()
    fit.run(job(tmp_path, log=said.append), split(), target)
    assert target.finished and len(said) == 3
    ours, theirs = content(target.folder), content(done.folder)
    for name in ("predictions.csv", "validation.csv", "clips.csv", "metrics.json"):
        assert ours[name] == theirs[name], name
    clock = {"seconds": "", "waiting": ""}
    epochs = [[row | clock for row in read_csv(run.folder / "epochs.csv")] for run in (target, done)]
    assert epochs[0] == epochs[1]


def altered(**rows: int) -> ClipArrays:
    """The clips, of which one has other samples, another recording or another class."""
    arrays = tiny.clip_arrays()
    changes: dict[str, Any] = {}
    for name, row in rows.items():
        values = list(getattr(arrays, name))
        values[row] = values[row + 1]
        changes[name] = tuple(values) if name == "digests" else np.array(values)
    return dataclasses.replace(arrays, **changes)


Change = Callable[[Path], TrainingJob]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: job(folder, tiny.changed(QUICK, batch_size=3)), r"recipe \(batch_size: 4, now 3\)"),
        (lambda folder: job(folder, seed=1), r"seed \(0, now 1\)"),
        (lambda folder: job(folder, arrays=tiny.clip_arrays(("x", "y"))), r"classes \(3, now 2\)"),
        (lambda folder: job(folder, arrays=altered(digests=2)), "samples"),
        (lambda folder: job(folder, arrays=altered(groups=2)), "recordings"),
        (lambda folder: job(folder, arrays=altered(targets=2)), "labels of clips"),
        (lambda folder: job(folder, trunk=tiny.trunk(seed=1)), "trunk"),
        (lambda folder: job(folder, pictures=True), "pictures"),
    ],
)
def test_a_run_of_something_else_is_refused(done: Run, tmp_path: Path, change: Change, said: str) -> None:
    before = content(done.folder)
    with pytest.raises(
        RefusedError, match=f"holds a run that differs in {said}.*: --fresh starts over, --name keeps both"
    ):
        other = change(tmp_path)
        fit.run(other, tiny.split(other.arrays), done)
    assert content(done.folder) == before


def test_a_checkpoint_no_better_than_chance_is_warned_of(tmp_path: Path) -> None:
    """Of six validation clips, five are of one class: a network that learns nothing names that many right, or fewer."""
    arrays, said = tiny.clip_arrays(), list[str]()
    arrays.targets[split().validation] = [0, 0, 0, 0, 0, 1]
    hopeless = tiny.changed(QUICK, stages=(Stage(17, 1, 1e-9),))
    for _ in range(2):  # as it ends, and when it is asked for again
        run = fit.run(job(tmp_path, hopeless, arrays=arrays, log=said.append), split(), Run(tmp_path / "run"))
        assert said[-1].startswith("warning: the chosen checkpoint is no better than chance: it names ")
        assert "of the 6 validation clips right, the commonest class alone gives 83%" in said[-1]
    assert run.record.outcome["warnings"] == [said[-1].removeprefix("warning: ")]
    assert sum(line.startswith("already finished: ") for line in said) == 1


def test_what_is_made_of_a_clip_is_the_mean_over_its_windows(done: Run) -> None:
    from hubbub.train.export import load_classifier

    given, (classifier, _) = tiny.clip_arrays(), load_classifier(done)
    names = ("a", "a", "a", *given.ids[3:])
    cut = dataclasses.replace(given, ids=names)
    found = fit.predict(classifier, cut, np.array([3, 1]))[0]
    assert found.clips == ("clip-03", "a")
    with torch.inference_mode():
        logits = classifier(torch.from_numpy(given.logmels[:4, None]))[0].numpy()
    np.testing.assert_allclose(found.probabilities[1], softmax(logits[:3].mean(0, keepdims=True))[0], atol=1e-5)
    np.testing.assert_allclose(found.probabilities[0], softmax(logits[3:])[0], atol=1e-5)


def test_a_run_keeps_the_embedding_of_every_clip(done: Run) -> None:
    from hubbub.train.export import load_classifier

    given, (classifier, _) = tiny.clip_arrays(), load_classifier(done)
    kept = Embeddings.read(done.folder / "embeddings.npz")
    assert sorted(kept.clips) == sorted(row["clip"] for row in done.clips)
    with torch.inference_mode():
        expected = classifier(torch.from_numpy(given.logmels[:, None]))[1].numpy()
    np.testing.assert_allclose(kept.rows(given.ids), expected, rtol=2e-3, atol=2e-3)


def test_a_damaged_model_of_a_run_is_told_in_a_line(done: Run, tmp_path: Path) -> None:
    from hubbub.train.export import load_classifier

    run = Run(tmp_path / "run")
    shutil.copytree(done.folder, run.folder)
    for content in (b"no model", (done.folder / "model.pt").read_bytes()[:-500]):
        (run.folder / "model.pt").write_bytes(content)
        with pytest.raises(DataError, match=r"model\.pt is damaged"):
            load_classifier(run)
    torch.save({"head.0.mean": torch.zeros(3)}, run.folder / "model.pt")
    with pytest.raises(DataError, match=r"model\.pt does not fit the network of its recipe\.yaml"):
        load_classifier(run)


# --- the probe --------------------------------------------------------------------------------------------------------


def test_a_probe_needs_no_validation_and_trains_on_the_rest(tmp_path: Path) -> None:
    watched: list[float] = []

    def track(items: Iterable[Any]) -> Iterable[Any]:
        watched.extend(items)
        return watched

    run = fit.run(job(tmp_path, tiny.PROBE, progress=lambda _: track), split(validation=None), Run(tmp_path / "run"))
    assert set(content(run.folder)) == {
        *("about.json", "clips.csv", "embeddings.npz", "metrics.json", "model.pt", "predictions.csv", "recipe.yaml")
    }
    assert run.metrics["validation"] == {"clips": 0, "accuracy": None, "loss": None}
    assert run.metrics["train"]["clips"] == 18 and run.metrics["train"]["accuracy"] > 0.8
    assert run.record.outcome["c"] in (0.01, 1.0) and set(run.record.outcome["inner_accuracy"]) == {"0.01", "1.0"}
    assert watched == [0.01, 1.0]


def test_a_probe_does_not_look_at_test_clips(tmp_path: Path) -> None:
    given, rows = tiny.clip_arrays(), split(validation=None)
    states = []
    for name, shift in (("a", 0.0), ("b", 9.0)):
        given.logmels[rows.test] += shift
        given.targets[rows.test] = (given.targets[rows.test] + int(shift)) % 2
        fit.run(job(tmp_path / name, tiny.PROBE, arrays=given), rows, Run(tmp_path / name / "run"))
        states.append(torch.load(tmp_path / name / "run" / "model.pt", weights_only=True))
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_a_model_for_use_is_tested_on_nothing(tmp_path: Path) -> None:
    every = np.arange(len(tiny.clip_arrays().ids))
    none = np.zeros(0, np.int64)
    run = fit.run(job(tmp_path, tiny.PROBE), RowSplit(SplitRecord("all"), every, none, none), Run(tmp_path / "run"))
    assert run.metrics["test"] == {"clips": 0, "accuracy": None, "loss": None}
    assert run.predictions.clips == () and run.metrics["train"]["clips"] == len(every)


def test_predicting_keeps_the_order_of_rows() -> None:
    from hubbub.train.networks.classifier import ClassifierNetwork, head

    given, trunk = tiny.clip_arrays(), tiny.trunk()
    classifier = ClassifierNetwork(trunk, head(trunk.embedding_size, 3)).train()
    found = fit.predict(classifier, given, np.array([7, 0, 19]))[0]
    assert found.clips == ("clip-07", "clip-00", "clip-19") and not classifier.training
    whole = fit.predict(classifier, given, np.arange(24))[0]
    np.testing.assert_allclose(found.probabilities, whole.probabilities[[7, 0, 19]], atol=1e-6)
    np.testing.assert_allclose(found.probabilities.sum(1), 1)


def test_time_of_epochs_before_an_interruption_counts(tmp_path: Path) -> None:
    path = tmp_path / "epochs.csv"
    assert fit._all_seconds(path, 7.04) == 7.0
    path.write_text("stage,epoch,seconds\n1,1,40.5\n1,2,30\n", encoding="utf-8")
    assert fit._all_seconds(path, 7.04) == 70.5
    assert fit._all_seconds(path, 100.0) == 100.0
