"""How strongly each class is augmented, from how well it is recognised on validation clips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hubbub.types import Doubles


@dataclass(frozen=True)
class ClassAware:
    """Augments a class the more, the fewer of its validation clips are named right.

    A class of recall r aims at a strength of ``most - (most - least) r``, and moves there by 1 - `momentum` of the way
    each epoch, because the recall of a few clips jumps. Just the strength of the rules changes (`Step.scaled`), never
    how often a class is seen: classes stay as balanced as they were. Test clips play no part.

    Attributes:
        least: strength that a class of recall 1 comes to.
        most: strength that a class of recall 0 comes to.
        momentum: share of its strength that a class keeps at each update.
    """

    least: float = 0.3
    most: float = 1.5
    momentum: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise ValueError(f"strengths must be 0 <= least <= most, got {self.least:g} and {self.most:g}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and under 1, got {self.momentum:g}")

    def start(self, classes: int) -> Doubles:
        """Strengths before anything is known, shape (classes,): the rules as stated, 1, or the nearest bound."""
        return np.full(classes, float(np.clip(1.0, self.least, self.most)))

    def update(self, strengths: ArrayLike, recall: ArrayLike) -> Doubles:
        """Strengths after an epoch.

        Args:
            strengths: before it, shape (classes,).
            recall: share of each class's validation clips that were named right, shape (classes,), 0 to 1; NaN where
                there is none, which leaves the class as it was.

        Returns:
            New strengths, within the bounds, shape (classes,).

        Raises:
            ValueError: the shapes differ, or a recall is not in 0..1.

        >>> ClassAware().update([1.0, 1.0, 1.0], [1.0, 0.0, np.nan]).round(3).tolist()
        [0.65, 1.25, 1.0]
        """
        before, right = np.asarray(strengths, np.float64), np.asarray(recall, np.float64)
        if before.shape != right.shape:
            raise ValueError(f"strengths and recall must be of one shape, got {before.shape} and {right.shape}")
        if np.any((right < 0) | (right > 1)):
            raise ValueError("a recall must be in 0..1, or NaN where a class has no validation clips")
        aim = self.most - (self.most - self.least) * right
        after = np.where(np.isnan(right), before, self.momentum * before + (1 - self.momentum) * aim)
        return np.clip(after, self.least, self.most)
