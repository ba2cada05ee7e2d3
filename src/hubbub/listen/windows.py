"""Windows over a stream of samples: equally long, overlapping, none of the sound left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hubbub.types import Floats


@dataclass(frozen=True)
class Window:
    """A part of a sound.

    Attributes:
        start: where it begins, in samples from the beginning of the sound.
        end: where what it holds of the sound ends, exclusive; the sound's length, if that is shorter than a window.
        samples: shape (length,); zeros follow the sound's end.
    """

    start: int
    end: int
    samples: Floats


def sliding_windows(blocks: Iterable[Floats], length: int, hop: int) -> Iterator[Window]:
    """Windows of `length` samples every `hop` samples, from blocks of any lengths; holds about one window in memory.

    The last window is right-aligned: it ends with the sound, overlapping the one before it more than usual. A sound
    shorter than a window is zero-padded at its end. No blocks give no windows.

    >>> blocks = [np.arange(4, dtype=np.float32), np.arange(4, 7, dtype=np.float32)]
    >>> for window in sliding_windows(blocks, length=4, hop=2):
    ...     print(window.start, window.end, window.samples.astype(int).tolist())
    0 4 [0, 1, 2, 3]
    2 6 [2, 3, 4, 5]
    3 7 [3, 4, 5, 6]
    """
    if not 0 < hop <= length:
        raise ValueError(f"hop must be in 1..length, got hop {hop} and length {length}")
    start, waiting = 0, np.zeros(0, np.float32)  # the samples from `start` on that have come
    previous: Floats | None = None
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) >= length:
            previous, waiting = waiting[:length], waiting[hop:]
            yield Window(start, start + length, previous)
            start += hop
    end = start + len(waiting)
    if previous is None:
        if len(waiting):
            yield Window(0, end, np.pad(waiting, (0, length - len(waiting))))
    elif len(waiting) > length - hop:
        yield Window(end - length, end, np.concatenate([previous[:hop], waiting])[-length:])
