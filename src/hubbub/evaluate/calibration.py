"""Scores that mean what they say, and the score under which a sound counts as unknown.

Both are read off clips that were held out, never off clips that a model was trained on.
"""

import numpy as np
from numpy.typing import NDArray

from hubbub.evaluate.metrics import log_loss

Doubles = NDArray[np.float64]


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Doubles:
    """Probabilities over the last axis.

    >>> softmax(np.array([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def fit_temperature(targets: NDArray[np.int64], probabilities: Doubles) -> float:
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
