"""Windows over a stream of samples: equally long, overlapping, none of the sound left out."""

from collections.abc import Iterable, Iterator

import numpy as np

from hubbub.logmel import Floats


def windows(blocks: Iterable[Floats], length: int, hop: int) -> Iterator[Floats]:
    """Windows of `length` samples every `hop` samples, from blocks of any lengths; holds about one window in memory.

    The last window is right-aligned: it ends with the sound, overlapping the one before it more than usual. A sound
    shorter than a window is zero-padded at its end. No blocks give no windows.

    >>> blocks = [np.arange(4, dtype=np.float32), np.arange(4, 7, dtype=np.float32)]
    >>> [window.astype(int).tolist() for window in windows(blocks, length=4, hop=2)]
    [[0, 1, 2, 3], [2, 3, 4, 5], [3, 4, 5, 6]]
    """
    if not 0 < hop <= length:
        raise ValueError(f"hop must be in 1..length, got hop {hop} and length {length}")
    waiting = np.zeros(0, np.float32)
    previous: Floats | None = None
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) >= length:
            previous, waiting = waiting[:length], waiting[hop:]
            yield previous
    if previous is None:
        if len(waiting):
            yield np.pad(waiting, (0, length - len(waiting)))
    elif len(waiting) > length - hop:
        yield np.concatenate([previous[:hop], waiting])[-length:]
