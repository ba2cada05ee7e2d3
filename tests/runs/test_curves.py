from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.errors import DataError
from hubbub.runs import curves
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_text

COLUMNS = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy", "lr")
ROWS = [(1, 1, 2.0, 1.5, 0.4, 1e-3), (1, 2, 1.5, 0.9, 0.7, 1e-3), (2, 1, 1.2, 1.1, 0.8, 1e-4)]


def trained(folder: Path, columns: int = len(COLUMNS)) -> Run:
    run = tinyruns.write(folder)
    write_csv(folder / "epochs.csv", COLUMNS[:columns], (row[:columns] for row in ROWS))
    return run


def test_curves_of_a_run(tmp_path: Path) -> None:
    found = curves.curves(trained(tmp_path))
    assert found.names == ("1 of stage 1", "2 of stage 1", "1 of stage 2") and found.stages == ("1", "1", "2")
    np.testing.assert_array_equal(found.columns["val_loss"], [1.5, 0.9, 1.1])
    assert found.chosen == 1
    write_text(tmp_path / "recipe.yaml", "monitor: val_accuracy\n")
    assert curves.curves(Run(tmp_path)).chosen == 2
    assert "lr" not in curves.curves(trained(tmp_path, 5)).columns


def test_strengths_of_a_run(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    write_csv(tmp_path / "strengths.csv", ["epoch", "b", "a"], [[1, 1, 1], [2, 1.25, 0.5]])
    found = curves.strengths(run)
    assert found.labels == ("b", "a")
    np.testing.assert_array_equal(found.values, [[1, 1.25], [1, 0.5]])


@pytest.mark.parametrize("text", ["stage,epoch\n", "stage,epoch\n1,1\n", "\n"])
def test_a_damaged_table(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "epochs.csv", text)
    with pytest.raises(DataError, match=r"epochs.csv .*run it again"):
        curves.curves(Run(tmp_path))


def test_parts_of_a_cross_validation_that_are_finished(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    assert curves.parts(run) == [run]
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.6}})
    inner = [tinyruns.write(tmp_path / name) for name in ("fold1", "final")]
    assert curves.parts(run) == inner
