"""Scores that mean what they say, whether they do, and the score under which a sound counts as unknown.

All are read off clips that were held out, never off clips that a model was trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubbub.evaluate.intervals import Interval, mean_interval
from hubbub.evaluate.metrics import log_loss
from hubbub.types import Bools, Doubles, Ints


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Doubles:
    """Probabilities over the last axis.

    >>> softmax(np.array([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


#: How logits, shape (..., classes), become scores that sum to 1, by the name in a model file.
CALIBRATIONS: dict[str, Callable[..., Doubles]] = {"temperature": softmax}


def fit_temperature(targets: Ints, probabilities: Doubles) -> float:
    """The temperature, 0.1 to 10, at which held-out clips have the least log loss (Guo et al., ICML 2017).

    `probabilities` of shape (clips, classes) are those of temperature 1; their logarithms serve as logits.
    """
    logits = np.log(np.clip(probabilities, 1e-30, None))
    low, high = np.log(0.1), np.log(10.0)
    for _ in range(4):  # a grid refined four times: smooth, one minimum, no optimiser needed
        grid = np.linspace(low, high, 21)
        losses = [log_loss(targets, softmax(logits, float(np.exp(point)))) for point in grid]
        best = int(np.argmin(losses))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 20)]
    return float(np.exp(grid[best]))


def known_threshold(probabilities: Doubles, temperature: float, share: float = 0.05) -> float:
    """The largest softmax that `share` of held-out clips of known classes stay under."""
    logits = np.log(np.clip(probabilities, 1e-30, None))
    return float(np.quantile(softmax(logits, temperature).max(-1), share))


@dataclass(frozen=True)
class Bin:
    """Clips of about one confidence: how many, what the model claimed on average, and what it kept, with its interval.

    `confidence` and `accuracy` are shares of these `clips`, in [0, 1].
    """

    clips: int
    confidence: float
    accuracy: Interval

    @property
    def gap(self) -> float:
        """How far what was claimed is from what was kept."""
        return abs(self.accuracy.value - self.confidence)


def reliability(
    confidence: Doubles,
    right: Bools,
    groups: ArrayLike,
    bins: int = 15,
    equal: Literal["clips", "width"] = "clips",
) -> list[Bin]:
    """Accuracy against confidence, bin by bin from the least confident; bins without a clip are left out.

    Bins of equal `clips` are for looking: a good classifier is nearly always confident, so that most bins of equal
    width hold a handful of clips, whose accuracy is chance, while the last one holds nearly all; and the calibration
    error over bins of equal clips is the less biased one (Roelofs et al., "Mitigating bias in calibration error
    estimation", AISTATS 2022). Bins of equal `width`, fifteen of them, are what most published errors are over (Guo et
    al., ICML 2017). Clips of the same confidence are always in one bin, so that the order of clips changes nothing.

    Args:
        confidence: the probability of the class that was named, shape (clips,).
        right: whether it was the true one, shape (clips,).
        groups: each clip's source recording, shape (clips,), for the intervals.
        bins: at most so many.
        equal: what bins have alike.
    """
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = inner if equal == "width" or not len(confidence) else np.quantile(confidence, inner)
    member = np.searchsorted(edges, confidence)  # a bin holds its upper edge, as in (0.2, 0.4]
    groups = np.asarray(groups)
    filled = []
    for index in np.unique(member):
        rows = member == index
        accuracy = mean_interval(right[rows], groups[rows], draws=500)
        filled.append(Bin(int(rows.sum()), float(confidence[rows].mean()), accuracy))
    return filled


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean gap of the bins, each weighed by its clips; NaN for no bins.

    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
    """
    clips = sum(entry.clips for entry in bins)
    return sum(entry.clips * entry.gap for entry in bins) / clips if clips else float("nan")


def width_calibration_error(confidence: Doubles, right: Bools, bins: int = 15) -> float:
    """`calibration_error` over bins of equal width, without the intervals that `reliability` takes its time for.

    >>> width_calibration_error(np.array([0.9, 0.9, 0.3]), np.array([True, False, True]))
    0.5
    """
    member = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    gaps = np.abs(np.bincount(member, confidence - right, minlength=bins))
    return float(gaps.sum() / len(confidence))
