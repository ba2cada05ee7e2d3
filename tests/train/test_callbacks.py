from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import tinylearning as tiny
from hubbub.augment.class_aware import ClassAware
from hubbub.storage import read_csv
from hubbub.train.callbacks import BatchProgress, Checkpointing, ClassStrengths, StageFiles, add_row, ignore
from hubbub.train.config import Stage
from hubbub.train.lightning_module import Tuning
from hubbub.train.networks.classifier import ClassifierNetwork, head


def test_a_row_of_the_same_key_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.csv"
    for stage, epoch, loss in (("1", "1", "a"), ("1", "2", "b"), ("2", "1", "c"), ("1", "2", "again")):
        add_row(path, ("stage", "epoch", "loss"), {"stage": stage, "epoch": epoch, "loss": loss}, ("stage", "epoch"))
    assert [tuple(row.values()) for row in read_csv(path)] == [("1", "1", "a"), ("2", "1", "c"), ("1", "2", "again")]


def module() -> Tuning:
    trunk = tiny.cnn()
    tuning = Tuning(ClassifierNetwork(trunk, head(trunk.embedding_size, 3)), tiny.SCRATCH, Stage(0, 1, 1e-2), 0)
    tuning._validated = [(torch.tensor([0, 0, 1]), torch.tensor([True, False, True]))]  # recalls 0.5, 1, none
    return tuning


def trainer(**figures: float) -> Any:
    return SimpleNamespace(callback_metrics=figures, should_stop=False, current_epoch=0)


def checkpointing(folder: Path, monitor: str = "val_loss", patience: int = 0) -> Checkpointing:
    return Checkpointing(StageFiles(folder, 1), monitor, patience, BatchProgress(1, 1, ignore), lambda _: None)


@pytest.mark.parametrize(
    ("monitor", "values", "best_epochs"),
    [
        ("val_loss", [float("nan"), 2.0, 2.0, 2.5, 1.0, float("nan")], [None, 1, 1, 1, 4, 4]),
        ("val_accuracy", [0.2, 0.5, 0.5, 0.4, 0.6, float("nan")], [0, 1, 1, 1, 4, 4]),
    ],
)
def test_the_best_weights_are_those_of_the_first_best_epoch(
    tmp_path: Path, monitor: str, values: list[float], best_epochs: list[int | None]
) -> None:
    callback, training, file = checkpointing(tmp_path, monitor), module(), StageFiles(tmp_path, 1).best
    for epoch, (value, best_epoch) in enumerate(zip(values, best_epochs, strict=True)):
        with torch.no_grad():
            training.average.module.head[-1].bias.fill_(float(epoch))
        callback.on_validation_end(trainer(**{monitor: value}), training)
        assert file.exists() is (best_epoch is not None)
        if best_epoch is not None:
            best = torch.load(file, weights_only=True)
            assert best["state"]["head.2.bias"].tolist() == [float(best_epoch)] * 3
            assert abs(best["badness"]) == pytest.approx(values[best_epoch])


def test_what_was_kept_before_an_interruption_is_not_beaten_by_what_is_worse(tmp_path: Path) -> None:
    before = checkpointing(tmp_path)
    before.on_validation_end(trainer(val_loss=1.0), module())
    written = StageFiles(tmp_path, 1).best.stat().st_mtime_ns
    after = checkpointing(tmp_path)
    after.load_state_dict(before.state_dict())
    after.on_validation_end(trainer(val_loss=1.5), module())
    assert StageFiles(tmp_path, 1).best.stat().st_mtime_ns == written


@pytest.mark.parametrize(("patience", "ends"), [(0, None), (2, 5)])
def test_patience_counts_epochs_without_a_better_one(tmp_path: Path, patience: int, ends: int | None) -> None:
    callback, training = checkpointing(tmp_path, patience=patience), module()
    for epoch, loss in enumerate([3.0, 2.0, 2.1, 1.0, 1.0, 1.1, 1.2]):
        callback.on_validation_end(trainer(val_loss=loss), training)
        resumed, started = checkpointing(tmp_path, patience=patience), trainer()
        resumed.load_state_dict(callback.state_dict())
        resumed.on_train_start(started, training)
        assert started.should_stop is (ends is not None and epoch >= ends)


def test_strengths_by_hand(tmp_path: Path) -> None:
    callback = ClassStrengths(ClassAware(0.3, 1.5, momentum=0.5), ("a", "b", "c"), tmp_path / "strengths.csv")
    for epoch in (0, 1):
        after = trainer()
        after.current_epoch = epoch
        callback.on_train_epoch_end(after, module())
    aims = np.array([1.5 - 1.2 * 0.5, 0.3])  # the third class has no clips
    first = (1 + aims) / 2
    assert callback.now.tolist() == pytest.approx([*(first + aims) / 2, 1.0])
    table = read_csv(tmp_path / "strengths.csv")
    assert [row["epoch"] for row in table] == ["1", "2"]
    assert [float(table[1][name]) for name in "abc"] == pytest.approx([*first, 1.0], abs=1e-4)
    resumed = ClassStrengths(ClassAware(), ("a", "b", "c"), tmp_path / "strengths.csv")
    resumed.load_state_dict(callback.state_dict())
    assert resumed.now.tolist() == callback.now.tolist()
