"""What a run found, as plain values for a page: from its folder alone, labels and counts from its own tables."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub import formatting
from hubbub.data import esc50
from hubbub.errors import DataError
from hubbub.evaluate import summary
from hubbub.evaluate.calibration import Bin, calibration_error, reliability
from hubbub.evaluate.metrics import confusion, recalls
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import RunRecord
from hubbub.runs.run import Run
from hubbub.types import Ints

MOST_LISTED = 20_000  #: clips that a page lists: mistakes first, the most confident ones ahead


@dataclass(frozen=True)
class ClassRow:
    """How one class fared; `recall` and `precision` are None where nothing of it was tested, or named after it.

    Attributes:
        clips: that were tested. named: that were named after it.
        mistaken: the class that its clips are most often taken for, and how often; None if never.
    """

    label: str
    category: str | None
    clips: int
    named: int
    recall: float | None
    precision: float | None
    mistaken: tuple[str, int] | None


@dataclass(frozen=True)
class RunAnalysis:
    """A finished run and its predictions, and what follows from them."""

    run: Run
    predictions: Predictions

    @classmethod
    def of(cls, run: Run) -> "RunAnalysis":
        """Raises DataError if the run's record or its predictions are missing or damaged."""
        _ = run.record
        return cls(run, run.predictions)

    @property
    def record(self) -> RunRecord:
        """What ran."""
        return self.run.record

    @property
    def name(self) -> str:
        """The run's; one inside another run bears that one's name as well."""
        return self.run.name

    @property
    def leaky(self) -> bool:
        """Whether its test was not honest."""
        return self.run.leaky

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of their numbers."""
        return self.predictions.classes

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Each class's category, if all are ESC-50's; else none."""
        return tuple(esc50.categories(self.labels).values())

    @cached_property
    def counts(self) -> Ints:
        """The confusion matrix: row = true class, column = what it was named; shape (classes, classes)."""
        return confusion(self.predictions.targets, self.predictions.predicted, len(self.labels))

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the class that was named, shape (clips,)."""
        return np.asarray(self.predictions.probabilities.max(1, initial=0))

    @cached_property
    def recordings(self) -> list[str]:
        """Each clip's source recording. Raises DataError if clips.csv lacks a clip."""
        known = {row["clip"]: row["recording"] for row in self.run.clips}
        try:
            return [known[clip] for clip in self.predictions.clips]
        except KeyError as error:
            raise DataError(f"{self.run.folder}: clips.csv lacks the clip {error}: run it again") from error

    @cached_property
    def test(self) -> dict[str, Any] | None:
        """All figures of the test clips, see `hubbub.evaluate.summary`; None for a run that was tested on nothing."""
        predictions = self.predictions
        if not predictions.clips:
            return None
        return summary.full(predictions.targets, predictions.probabilities, self.recordings, self.labels)

    def bins(self, equal: Any = "clips") -> list[Bin]:
        """Accuracy against confidence, see `reliability`."""
        return reliability(self.confidence, self.predictions.right, self.recordings, equal=equal)

    @cached_property
    def calibration_error(self) -> float:
        """Over bins of equal clips; NaN for no clips."""
        return calibration_error(self.bins())

    @cached_property
    def classes(self) -> list[ClassRow]:
        """How each class fared."""
        recall, precision = recalls(self.counts), recalls(self.counts.T)  # turned over, one is the other
        wrong = self.counts - np.diag(np.diag(self.counts))
        rows = []
        for index, label in enumerate(self.labels):
            worst = int(wrong[index].argmax())
            rows.append(
                ClassRow(
                    label,
                    self.categories[index] if self.categories else None,
                    int(self.counts[index].sum()),
                    int(self.counts[:, index].sum()),
                    _known(recall[index]),
                    _known(precision[index]),
                    (self.labels[worst], int(wrong[index, worst])) if wrong[index, worst] else None,
                )
            )
        return rows

    @cached_property
    def ranked(self) -> NDArray[np.int64]:
        """Rows of the predictions: mistakes, the most confident ones ahead, then right ones, the least confident ahead.

        What misleads most comes first in either part.
        """
        right = self.predictions.right
        return np.lexsort((np.where(right, self.confidence, -self.confidence), right))

    @property
    def wrong(self) -> int:
        """How many clips were named wrong."""
        return int((~self.predictions.right).sum())

    def clip_data(self) -> dict[str, list[Any]]:
        """The clips in the order of `ranked`, at most `MOST_LISTED`, as columns.

        They are: id, fold, is (number of the true class), named (that of the likeliest), p (its probability), q (that
        of the true one).
        """
        predictions, rows = self.predictions, self.ranked[:MOST_LISTED]
        return {
            "id": [predictions.clips[row] for row in rows],
            "fold": predictions.folds[rows].tolist(),
            "is": predictions.targets[rows].tolist(),
            "named": predictions.predicted[rows].tolist(),
            "p": self.confidence[rows].round(4).tolist(),
            "q": predictions.probabilities[rows, predictions.targets[rows]].round(4).tolist(),
        }

    def matrix_data(self) -> dict[str, Any]:
        """The confusion matrix for the page's script: labels, counts, categories, and the orders that it can be in."""
        names = sorted(set(self.categories), key=esc50.CATEGORIES.index)
        return {
            "labels": [formatting.label(name) for name in self.labels],
            "counts": self.counts.tolist(),
            "categories": names,
            "category": [names.index(category) for category in self.categories],
            "orders": self._orders(),
        }

    def _orders(self) -> list[dict[str, Any]]:
        number = range(len(self.labels))
        by_name = sorted(number, key=lambda index: self.labels[index])
        recall = np.nan_to_num(recalls(self.counts), nan=2.0)  # classes without clips come last
        orders = {
            "by name": by_name,
            "by recall, lowest first": sorted(number, key=lambda index: (recall[index], self.labels[index])),
            "by similarity": similarity_order(self.counts),
            "as in the dataset": list(number),
        }
        if self.categories:
            official = {label: index for index, label in enumerate(esc50.LABELS)}
            orders = {"by category": sorted(number, key=lambda index: official[self.labels[index]]), **orders}
        return [{"name": name, "order": order} for name, order in orders.items()]


def similarity_order(counts: Ints) -> list[int]:
    """Classes in an order that puts those side by side which are taken for each other.

    The leaves of a tree by average linkage, turned so that neighbours are as alike as can be (Bar-Joseph et al., "Fast
    optimal leaf ordering for hierarchical clustering", Bioinformatics 17, 2001).

    Args:
        counts: a confusion matrix, shape (classes, classes).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(counts) < 3:
        return list(range(len(counts)))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    distance = 2 - (shares + shares.T)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=len(counts) <= 300)
    return [int(index) for index in leaves_list(tree)]


def _known(share: float) -> float | None:
    return None if np.isnan(share) else float(share)
