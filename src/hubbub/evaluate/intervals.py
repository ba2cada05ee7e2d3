"""Intervals by bootstrap over source recordings.

Clips cut from one recording succeed and fail together, so recordings are drawn, not clips (a cluster bootstrap: Field
and Welsh, "Bootstrapping clustered data", JRSS B 69, 2007). Percentile intervals.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hubbub.types import Bools


class Interval(NamedTuple):
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def mean_interval(values: ArrayLike, groups: ArrayLike, draws: int = 2000, seed: int = 0) -> Interval:
    """Mean of `values` over clips, with its 95 % interval.

    Args:
        values: one number a clip, shape (clips,), such as 1 for named right and 0 for wrong.
        groups: each clip's source recording, shape (clips,).
        draws: bootstrap samples.
        seed: of the draws.

    >>> mean_interval([1, 1, 0, 1], ["a", "a", "b", "c"], draws=100).value
    0.75
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        raise ValueError("an interval needs at least one clip")
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    sums, sizes = np.bincount(member, numbers), np.bincount(member)
    rng = np.random.default_rng(seed)
    means = np.empty(draws)
    for index in range(draws):
        drawn = rng.integers(len(sums), size=len(sums))
        means[index] = sums[drawn].sum() / sizes[drawn].sum()
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(numbers.mean()), float(low), float(high))


def paired_difference(first: Bools, second: Bools, groups: ArrayLike) -> Interval:
    """Accuracy of the second minus that of the first, on the same clips, with its 95 % interval.

    `first` and `second` say for each clip whether it was named right, shape (clips,).
    """
    return mean_interval(np.asarray(second, float) - np.asarray(first, float), groups)
