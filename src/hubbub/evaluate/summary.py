"""All the figures of one evaluation: arrays in, plain values for JSON out."""

from typing import Any

from numpy.typing import ArrayLike

from hubbub.evaluate.intervals import mean_interval
from hubbub.evaluate.metrics import accuracy, confused_pairs, confusion, log_loss, macro_f1, recalls
from hubbub.types import Doubles, Ints


def brief(targets: Ints, probabilities: Doubles) -> dict[str, Any]:
    """Clips, accuracy and log loss; accuracy and loss are None for no clips."""
    if not len(targets):
        return {"clips": 0, "accuracy": None, "loss": None}
    predicted = probabilities.argmax(1)
    return {"clips": len(targets), "accuracy": accuracy(targets, predicted), "loss": log_loss(targets, probabilities)}


def full(targets: Ints, probabilities: Doubles, groups: ArrayLike, labels: tuple[str, ...]) -> dict[str, Any]:
    """`brief`, and the 95 % interval over source recordings, macro F1, recall a class, confusion, confused pairs.

    `groups` holds each clip's source recording. Needs at least one clip.
    """
    predicted = probabilities.argmax(1)
    counts = confusion(targets, predicted, len(labels))
    interval = mean_interval(targets == predicted, groups)
    recall = {
        label: None if value != value else float(value) for label, value in zip(labels, recalls(counts), strict=True)
    }
    return brief(targets, probabilities) | {
        "interval": [interval.low, interval.high],
        "macro_f1": macro_f1(counts),
        "recall": recall,
        "confusion": counts.tolist(),
        "confused": confused_pairs(counts, labels),
    }
