"""Figures from targets and predictions: arrays in, numbers out.

Throughout, `targets` and `predicted` are integer arrays of shape (clips,) with values in 0..classes-1, and
`probabilities` has shape (clips, classes). tests/evaluate compares each figure with scikit-learn's.
"""

from typing import Any

import numpy as np

from hubbub.types import Doubles, Ints


def accuracy(targets: Ints, predicted: Ints) -> float:
    """Share of clips that were named right, in [0, 1]; NaN for no clips.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 0]))
    0.6666666666666666
    """
    return float(np.mean(targets == predicted)) if len(targets) else float("nan")


def confusion(targets: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts, shape (classes, classes): row = true class, column = predicted class.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    return np.bincount(targets * classes + predicted, minlength=classes**2).reshape(classes, classes)


def recalls(counts: Ints) -> Doubles:
    """Recall of each class from a confusion matrix, NaN for a class without clips."""
    return _ratio(np.diag(counts), counts.sum(1))


def macro_f1(counts: Ints) -> float:
    """Mean of the classes' F1 = 2 hits / (clips + predictions); a class with neither is left out."""
    return float(np.nanmean(_ratio(2 * np.diag(counts), counts.sum(1) + counts.sum(0))))


def log_loss(targets: Ints, probabilities: Doubles) -> float:
    """Mean of -ln(probability of the true class), in nats; probabilities below 1e-15 count as 1e-15."""
    return float(-np.log(np.clip(probabilities[np.arange(len(targets)), targets], 1e-15, None)).mean())


def confused_pairs(counts: Ints, labels: tuple[str, ...], top: int = 10) -> list[dict[str, Any]]:
    """The pairs of classes most often taken for each other, either way, most first."""
    both = np.triu(counts + counts.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:top]
    pairs = [divmod(int(index), len(labels)) for index in order]
    return [{"pair": [labels[a], labels[b]], "clips": int(both[a, b])} for a, b in pairs if both[a, b]]


def mistakes(counts: Ints, top: int = 10) -> list[tuple[int, int, int]]:
    """Most frequent mistakes first: true class, the class that it was predicted as, and how many clips.

    >>> mistakes(np.array([[5, 0, 0], [3, 2, 0], [1, 0, 4]]))
    [(1, 0, 3), (2, 0, 1)]
    """
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:top]
    cells = [divmod(int(index), len(counts)) for index in order]
    return [(true, predicted, int(wrong[true, predicted])) for true, predicted in cells if wrong[true, predicted]]


def _ratio(above: Ints, below: Ints) -> Doubles:
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))
