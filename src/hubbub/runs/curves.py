"""How a run learnt, read from its tables: epochs.csv and strengths.csv of it, or of the runs inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hubbub.errors import DataError
from hubbub.runs.run import Run
from hubbub.storage import read_csv
from hubbub.types import Doubles
from hubbub.validation import one_line

_NEEDED = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Curves:
    """Figures of each epoch, all stages in a row.

    Attributes:
        columns: stage, epoch, train_loss, val_loss, val_accuracy, and train_accuracy and lr where they were kept; each
            of shape (epochs,).
        names: of the epochs for people, such as "2" or "2 of stage 1".
        stages: each epoch's stage.
        chosen: index of the epoch whose checkpoint was kept; None if no epoch has a figure to choose by.
    """

    columns: Mapping[str, Doubles]
    names: tuple[str, ...]
    stages: tuple[str, ...]
    chosen: int | None


@dataclass(frozen=True)
class StrengthCurves:
    """How strongly the augmentation of each class was set in each epoch: `values` of shape (classes, epochs)."""

    labels: tuple[str, ...]
    values: Doubles


def parts(run: Run) -> list[Run]:
    """Runs that have epochs: the run itself, or those in a cross-validation that are finished."""
    if "folds" not in run.metrics:
        return [run]
    return [part for part in (*run.folds, run.child("final")) if part.finished]


def curves(run: Run) -> Curves:
    """Of a run that was trained in epochs. Raises DataError if epochs.csv is missing, damaged or empty."""
    table = run.folder / "epochs.csv"
    rows = read_csv(table, remedy="run it again")
    columns = _numbers(rows, table, _NEEDED, ("train_accuracy", "lr"))
    stages = tuple(row["stage"] for row in rows)
    several = len(set(stages)) > 1
    names = tuple(f"{row['epoch']} of stage {row['stage']}" if several else row["epoch"] for row in rows)
    return Curves(columns, names, stages, _chosen(run, columns))


def strengths(run: Run) -> StrengthCurves:
    """Of a run with class-aware augmentation. Raises DataError if strengths.csv is missing, damaged or empty."""
    table = run.folder / "strengths.csv"
    rows = read_csv(table, remedy="run it again")
    labels = tuple(name for name in (rows[0] if rows else {}) if name != "epoch")
    columns = _numbers(rows, table, ("epoch", *labels))
    values = np.array([columns[label] for label in labels]).reshape(len(labels), len(rows))
    return StrengthCurves(labels, values)


def _numbers(
    rows: Sequence[Mapping[str, str]], table: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, Doubles]:
    """Columns of a table as numbers, of `optional` ones those that are there and full."""
    if not rows:
        raise DataError(f"{table} holds no epoch: run it again")
    wanted = (*needed, *(name for name in optional if all(row.get(name) for row in rows)))
    try:
        return {name: np.array([float(row[name]) for row in rows]) for name in wanted}
    except (KeyError, ValueError) as error:
        raise DataError(f"{table} is damaged ({one_line(error)}): run it again") from error


def _chosen(run: Run, columns: dict[str, Doubles]) -> int | None:
    """Index of the epoch whose checkpoint was kept: the best of what the recipe monitors.

    Of equals it is the first of a stage, and of the last such stage, since a stage goes on from the best so far.
    """
    by_accuracy = run.recipe.get("monitor") == "val_accuracy"
    badness = -columns["val_accuracy"] if by_accuracy else columns["val_loss"]
    known = np.flatnonzero(~np.isnan(badness)).tolist()
    return min(known, key=lambda index: (badness[index], -columns["stage"][index], index), default=None)
