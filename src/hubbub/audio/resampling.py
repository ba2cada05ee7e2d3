"""From one sampling rate to another, whole or in pieces, by soxr."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hubbub.errors import UsageError
from hubbub.types import Floats

MIN_RATE, MAX_RATE = 4_000, 384_000  #: Hz


def resample(samples: NDArray[np.floating], rate: int, to: int) -> Floats:
    """Samples of shape (time,) at `rate` Hz, as float32 at `to` Hz: about time * to / rate of them.

    soxr's "HQ" quality: a linear-phase low-pass, no delay. Raises UsageError for rates outside `MIN_RATE` to
    `MAX_RATE`.
    """
    require_rate(rate)
    require_rate(to)
    mono = np.asarray(samples, dtype=np.float32)
    return mono if rate == to else np.asarray(soxr.resample(mono, rate, to), dtype=np.float32)


def resample_blocks(chunks: Iterable[Floats], rate: int, to: int) -> Iterator[Floats]:
    """The same of a sound that comes in pieces of any length, each of shape (time,): pieces, none of them empty.

    Joined, they are what `resample` makes of the joined input. Raises UsageError as `resample`, while iterating.
    """
    require_rate(rate)
    require_rate(to)
    if rate == to:
        yield from (chunk for chunk in chunks if len(chunk))
        return
    stream = soxr.ResampleStream(rate, to, num_channels=1, dtype="float32")
    for chunk in chunks:
        resampled = stream.resample_chunk(chunk)
        if len(resampled):
            yield resampled
    rest = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if len(rest):
        yield rest


def require_rate(rate: int) -> None:
    """Raise UsageError for a rate outside `MIN_RATE` to `MAX_RATE`, or one that is no whole number."""
    try:
        whole = int(rate) == rate
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise UsageError(f"a sampling rate is a whole number of Hz, not {rate!r}; give one such as 44100")
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(f"a sampling rate of {rate} Hz is not possible; give one from {MIN_RATE} to {MAX_RATE} Hz")
