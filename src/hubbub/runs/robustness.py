"""The figures of a corruption suite, read off kept predictions alone: no model, no sound, no training.

Means are as in ImageNet-C (Hendrycks and Dietterich, ICLR 2019), but of accuracy: over the severities of a corruption
first, then over corruptions, so that one with fewer severities counts as much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hubbub.errors import UsageError
from hubbub.evaluate.calibration import width_calibration_error
from hubbub.evaluate.intervals import Interval, mean_interval
from hubbub.runs.condition_predictions import Condition, ConditionPredictions
from hubbub.types import Bools, Doubles

MIDDLE = 3  #: the severity at which single corruptions are compared
KEPT = 0.95  #: share of clean clips that a threshold found across folds keeps
_LEAST = 2.0**-24  # the smallest probability that half precision holds


@dataclass(frozen=True)
class ConditionFigures:
    """The figures of one condition.

    Attributes:
        condition: name and severity.
        accuracy: share of clips that were named right.
        log_loss: mean of -ln(probability of the true class), in nats; what is under 6e-8 counts as 6e-8.
        calibration_error: expected, over 15 bins of equal width.
        kept: share of clips that were not called unknown.
        kept_accuracy: share of those that were named right; NaN if there are none.
    """

    condition: Condition
    accuracy: float
    log_loss: float
    calibration_error: float
    kept: float
    kept_accuracy: float


@dataclass(frozen=True)
class Robustness:
    """What a model's predictions under all measured conditions come to."""

    predictions: ConditionPredictions

    @property
    def name(self) -> str:
        """The model's."""
        return self.predictions.measured.model

    @cached_property
    def corruptions(self) -> dict[str, tuple[int, ...]]:
        """Of each corruption that was measured, in order, the rows of its severities."""
        rows: dict[str, list[int]] = {}
        for row, (name, severity) in enumerate(self.predictions.conditions):
            if severity:
                rows.setdefault(name, []).append(row)
        return {name: tuple(found) for name, found in rows.items()}

    @cached_property
    def conditions(self) -> tuple[ConditionFigures, ...]:
        """The figures of each condition; the clean one is the first."""
        kept, right = self.kept, self.predictions.right
        figures = []
        for row, condition in enumerate(self.predictions.conditions):
            p_true, p_top = (
                array[row].astype(np.float64) for array in (self.predictions.p_true, self.predictions.p_top)
            )
            figures.append(
                ConditionFigures(
                    condition,
                    float(right[row].mean()),
                    float(-np.log(np.maximum(p_true, _LEAST)).mean()),
                    width_calibration_error(p_top, right[row]),
                    float(kept[row].mean()),
                    float(right[row][kept[row]].mean()) if kept[row].any() else float("nan"),
                )
            )
        return tuple(figures)

    @property
    def clean(self) -> ConditionFigures:
        """Those of the clips as they are."""
        return self.conditions[0]

    @cached_property
    def thresholds(self) -> Doubles:
        """The known score under which each clip counts as unknown, shape (clips,).

        That of a single model is its own. In a cross-validation, a fold's keeps `KEPT` of the clean clips of the other
        folds.
        """
        if self.predictions.measured.threshold is not None:
            return np.full(len(self.predictions.clips), self.predictions.measured.threshold)
        clean, folds = self.predictions.known_score[0].astype(np.float64), self.predictions.folds
        thresholds = np.zeros(len(folds))
        for fold in np.unique(folds):
            others = clean[folds != fold]
            thresholds[folds == fold] = np.quantile(others, 1 - KEPT) if len(others) else 0.0
        return thresholds

    @cached_property
    def kept(self) -> Bools:
        """Whether each clip was not called unknown, shape (conditions, clips)."""
        return np.asarray(self.predictions.known_score.astype(np.float64) >= self.thresholds)

    @cached_property
    def accuracy(self) -> Mapping[str, float]:
        """Of each corruption, the mean over its severities."""
        return {name: float(right.mean()) for name, right in self._right.items()}

    @cached_property
    def middle(self) -> Mapping[str, float]:
        """Of each corruption, the accuracy at severity `MIDDLE`, where it was measured."""
        figures = {row.condition: row.accuracy for row in self.conditions}
        return {name: figures[name, MIDDLE] for name in self.corruptions if (name, MIDDLE) in figures}

    @cached_property
    def mean(self) -> Interval:
        """Mean corrupted accuracy: over corruptions, of the mean over severities, with its interval over recordings.

        Raises UsageError if nothing but the clean condition was measured.
        """
        return mean_interval(self._means, self.predictions.recordings)

    @property
    def worst(self) -> str:
        """The corruption with the lowest accuracy at severity `MIDDLE`, or on average if that was not measured."""
        return min(self.middle or self.accuracy, key=(self.middle or self.accuracy).__getitem__)

    @cached_property
    def _right(self) -> dict[str, Doubles]:
        """Of each corruption, how often each clip was named right, as a share of severities, shape (clips,)."""
        right = self.predictions.right
        return {name: right[list(rows)].mean(0) for name, rows in self.corruptions.items()}

    @property
    def _means(self) -> Doubles:
        if not self._right:
            raise UsageError(f"{self.name}: no corruption was measured, so that there is no mean over them")
        return np.asarray(np.mean(list(self._right.values()), axis=0))


def read(paths: Sequence[Path]) -> list[Robustness]:
    """What is kept in files, or in all such files of folders, and compares.

    Raises DataError for a file that is none of these, UsageError for a folder without, or for some that do not compare.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.npz")) if path.is_dir() else [path])]
    if not files:
        raise UsageError(f"no predictions under conditions in {paths[0]}: `hubbub robustness` leaves NAME.npz files")
    models = [Robustness(ConditionPredictions.read(file)) for file in files]
    require_comparable(models)
    return models


def difference(first: Robustness, second: Robustness) -> Interval:
    """Mean corrupted accuracy of the second minus that of the first, clip by clip, with its interval over recordings.

    Raises UsageError if they were not measured on the same clips and conditions.
    """
    require_comparable([first, second])
    return mean_interval(second._means - first._means, first.predictions.recordings)


def require_comparable(models: Sequence[Robustness]) -> None:
    """Raises UsageError unless all were measured with one suite, on the same clips, under the same conditions."""
    first = models[0].predictions
    for other in (model.predictions for model in models[1:]):
        for what, one, two in (
            ("another version of the suite", first.measured.suite, other.measured.suite),
            ("other clips", first.clips, other.clips),
            ("other conditions", first.conditions, other.conditions),
        ):
            if one != two:
                raise UsageError(
                    f"{other.measured.model} was measured with {what} than {first.measured.model}: they do not compare"
                )
