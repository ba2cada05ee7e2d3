"""Types that many rooms share: arrays, and how long work shows its progress."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]  #: samples, log-mels, embeddings
Doubles = NDArray[np.float64]  #: probabilities and figures
Ints = NDArray[np.int64]  #: classes, folds, rows
Bools = NDArray[np.bool_]

Item = TypeVar("Item")


class Track(Protocol):
    """Wraps what is walked through, to show how far the walk has come."""

    def __call__(self, items: Iterable[Item], /) -> Iterable[Item]:
        """The same items, in order."""


class Progress(Protocol):
    """Names a step of long work, such as "log-mel", and gives its `Track`. The command line hands in a bar."""

    def __call__(self, step: str, /) -> Track:
        """The wrapper of that step."""


#: Hears a line of text as soon as there is something to say.
Log = Callable[[str], None]


def no_progress(step: str) -> Track:
    """A `Progress` that shows nothing."""
    return iter
