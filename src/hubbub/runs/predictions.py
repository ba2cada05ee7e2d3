"""Predictions of clips, and the CSV file that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hubbub.errors import DataError
from hubbub.storage import read_table, write_csv
from hubbub.types import Bools, Doubles, Ints
from hubbub.validation import one_line

_FIXED = ("clip", "fold", "label", "prediction")


@dataclass(frozen=True)
class Predictions:
    """Predictions of clips, as kept in a CSV file: columns clip, fold, label, prediction, then one a class.

    `folds` is 0 for a clip without a fold; `probabilities` has shape (clips, classes) and six significant digits.
    Raises DataError for probabilities that are none, as of a network whose training diverged.
    """

    classes: tuple[str, ...]
    clips: tuple[str, ...]
    folds: Ints
    targets: Ints
    probabilities: Doubles

    def __post_init__(self) -> None:
        within = (self.probabilities >= 0) & (self.probabilities <= 1.001)  # false for NaN; six digits are written
        if not (within.all() and self.probabilities.any(1).all()):
            raise DataError("probabilities are not all in 0..1: what gave them is damaged, or its training diverged")

    @cached_property
    def predicted(self) -> Ints:
        """The likeliest class of each clip, shape (clips,)."""
        return np.asarray(self.probabilities.argmax(1))

    @cached_property
    def right(self) -> Bools:
        """Whether each clip was named right, shape (clips,)."""
        return np.asarray(self.predicted == self.targets)

    def sorted(self) -> "Predictions":
        """In order of clip names."""
        order = sorted(range(len(self.clips)), key=self.clips.__getitem__)
        return Predictions(
            self.classes,
            tuple(self.clips[i] for i in order),
            self.folds[order],
            self.targets[order],
            self.probabilities[order],
        )

    def write(self, path: Path) -> None:
        """Write the CSV file, whole or not at all."""
        predicted = self.predicted
        rows = (
            [
                self.clips[i],
                self.folds[i],
                self.classes[self.targets[i]],
                self.classes[predicted[i]],
                *(f"{value:.6g}" for value in self.probabilities[i]),
            ]
            for i in range(len(self.clips))
        )
        write_csv(path, [*_FIXED, *self.classes], rows)

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read the CSV file. Raises DataError if it is not one of predictions."""
        table = read_table(path, "run the evaluation again")
        try:
            if tuple(table.header[: len(_FIXED)]) != _FIXED:
                raise ValueError(f"its columns are not {', '.join(_FIXED)} and the classes")
            classes = tuple(table.header[len(_FIXED) :])
            index = {label: position for position, label in enumerate(classes)}
            clips = tuple(row[0] for row in table.rows)
            if not classes or len(index) < len(classes) or len(set(clips)) < len(clips):
                raise ValueError("it has no class, or a class or a clip twice")
            values = [[float(value) for value in row[len(_FIXED) :]] for row in table.rows]
            return cls(
                classes,
                clips,
                np.array([int(row[1]) for row in table.rows], dtype=np.int64),
                np.array([index[row[2]] for row in table.rows], dtype=np.int64),
                np.array(values, dtype=np.float64).reshape(len(table.rows), len(classes)),
            )
        except (ValueError, KeyError, OverflowError, DataError) as error:
            problem = one_line(error)
            raise DataError(f"{path} is not a table of predictions ({problem}): run the evaluation again") from error


def join(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of several folds as one, in order of clip names. Raises DataError if their classes differ."""
    if any(part.classes != parts[0].classes for part in parts):
        raise DataError("predictions of different classes cannot be joined: run the folds with one dataset")
    return Predictions(
        parts[0].classes,
        tuple(clip for part in parts for clip in part.clips),
        np.concatenate([part.folds for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    ).sorted()
