"""The training API, on three kinds of made sounds."""

from pathlib import Path
from typing import Any

import pytest

from hubbub.data.synth import synthetic
from hubbub.errors import RefusedError, UsageError
from hubbub.runs.record import DatasetRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.studies import experiment as module
from hubbub.studies.experiment import Experiment, export

LABELS = ("siren", "sea_waves", "door_wood_knock")
OVERRIDES = {"network.width": 0.1, "stages.0.epochs": 1, "network.weights": None}


@pytest.fixture(autouse=True)
def small_world(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clips of each class in two folds, and an empty folder to work in."""
    monkeypatch.setattr(synthetic.dataset, "__defaults__", (None, LABELS, 4, 2))
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path_factory.getbasetemp() / "experiment-cache"))
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path / "no-data"))
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.setattr(module, "_COMPARED", 4)
    monkeypatch.chdir(tmp_path)


def prepared(**request: Any) -> Experiment:
    """An experiment that says nothing."""
    usual: dict[str, Any] = {"recipe": "cnn", "budget": "quick", "overrides": OVERRIDES, "log": lambda line: None}
    return Experiment.prepare(**usual | request)


def test_a_training_says_what_it_is() -> None:
    run = prepared(command="hubbub train cnn").train(fold=2)
    assert run.folder == Path("runs/cnn-quick-synthetic-fold2") and run.finished
    record = run.record
    assert (record.kind, record.recipe, record.command, record.seed) == ("training", "cnn", "hubbub train cnn", 0)
    assert record.dataset == DatasetRecord("synthetic", "synthetic") and record.split == SplitRecord("official", 2)
    assert record.labels == LABELS and len(run.predictions.clips) == 12
    again = prepared().train(fold=2)  # what ran is the same, whoever asks
    assert again.record == record


def test_other_content_under_the_same_name_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared().train(fold=1)
    monkeypatch.setattr(synthetic.dataset, "__defaults__", (None, LABELS, 5, 2))
    with pytest.raises(RefusedError, match=r"a run that differs in clips: --fresh starts over, --name keeps both"):
        prepared().train(fold=1)


def test_a_cross_validation_its_final_model_and_a_model_file(tmp_path: Path) -> None:
    run = prepared().cross_validate(runs=tmp_path / "mine", name="cv")
    assert run.folder == tmp_path / "mine" / "cv" and run.record.split == SplitRecord("official", None, (1, 2))
    assert [fold.record.split.fold for fold in run.folds] == [1, 2] and len(run.predictions.clips) == 24
    assert run.child("final").record.split.kind == "all"
    meta = export(run, tmp_path / "model.onnx", name="mine")
    assert meta.name == "mine" and meta.labels == LABELS and meta.licence == "MIT"
    assert len(meta.training.clips) == 24 and (tmp_path / "model.onnx").is_file()


def test_progress_is_handed_in(tmp_path: Path) -> None:
    steps: list[str] = []
    batches: list[int] = []

    def progress(step: str) -> Any:
        steps.append(step)
        return iter

    prepared(progress=progress, on_batch_end=lambda done: batches.append(done.batch)).train(runs=tmp_path)
    assert "log-mel" in steps and batches


def test_a_leaky_split_is_asked_for_and_never_makes_a_model_for_use() -> None:
    with pytest.raises(RefusedError, match="tests on recordings that training hears"):
        prepared(split="random")
    leaky = {"split": "random", "allow_leaky": True, "overrides": OVERRIDES | {"split.folds": 2}}
    run = prepared(**leaky).cross_validate()
    assert run.leaky and run.folder.name.startswith("LEAKY-random-") and not (run.folder / "final").exists()


@pytest.mark.parametrize(
    ("request_", "match"),
    [
        ({"recipe": "prob"}, "unknown recipe 'prob'"),
        ({"budget": "cheap"}, "has no budget 'cheap'"),
        ({"dataset": "nowhere"}, "unknown dataset 'nowhere'"),
        ({"overrides": {"colour": 1}}, "unknown key colour"),
    ],
)
def test_what_makes_no_sense(request_: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        prepared(**request_)


def test_a_run_folder_has_a_name_without_slashes() -> None:
    with pytest.raises(UsageError, match="is not a folder name"):
        prepared().train(name="a/b")
    with pytest.raises(RefusedError, match="no run at"):
        export(Path("nowhere"), "x.onnx")
    assert not Run(Path("runs")).folder.exists()
