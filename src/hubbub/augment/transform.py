"""What every augmentation is: a draw of frozen parameters, and their application. No global randomness.

Draws derive from (seed, epoch, clip), never from the state of a worker, so that a run can be repeated and resumed.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from hubbub.logmel import Floats


class Transform(Protocol):
    """Changes an array and keeps its length and its label, unless its docstring says otherwise."""

    def draw(self, rng: np.random.Generator) -> Any:
        """Frozen parameters of one application."""

    def apply(self, array: Floats, parameters: Any) -> Floats:
        """A changed copy of `array`; the same parameters always change it the same way."""


def generator(seed: int, epoch: int, clip: str) -> np.random.Generator:
    """The source of draws for one clip in one epoch.

    >>> generator(0, 3, "a").random() == generator(0, 3, "a").random() != generator(0, 3, "b").random()
    True
    """
    return np.random.default_rng([seed, epoch, *clip.encode()])


def apply_all(transforms: Sequence[Transform], array: Floats, rng: np.random.Generator) -> Floats:
    """`array` after all transforms, in order."""
    for transform in transforms:
        array = transform.apply(array, transform.draw(rng))
    return array
