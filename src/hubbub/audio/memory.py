"""Samples that are in memory already, as a file that holds them would be heard."""

import logging
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubbub.audio.decoders import STEP
from hubbub.audio.errors import EmptyAudioError
from hubbub.audio.mixdown import Mixdown
from hubbub.audio.resampling import require_rate, resample
from hubbub.errors import UsageError
from hubbub.types import Floats, Log

_MOST_CHANNELS = 1024  # as in libsndfile

_log = logging.getLogger(__name__)


def from_array(samples: ArrayLike, rate: int, to: int, *, log: Log | None = None) -> Floats:
    """Samples in memory as mono at another rate, as `read` would give them of a file that holds them.

    Args:
        samples: shape (time,) or (time, channels): floats, nominally in [-1, 1], or integers of 8, 16 or 32 bits, whose
            full scale becomes [-1, 1) (unsigned ones have their zero in the middle, as in WAV).
        rate: of the samples, in Hz.
        to: Hz to resample to.
        log: hears a line where the samples look wrong: floats of the scale of integers, channels of opposite phase
            (`hubbub.audio.mixdown`); None warns through `logging`.

    Returns:
        Mono float32, shape (time,), at least one sample.

    Raises:
        EmptyAudioError, InvalidSamplesError: as for a file.
        UsageError: another shape or type, more channels than samples, or a rate outside `MIN_RATE` to `MAX_RATE`.

    >>> from_array(np.array([[0, 16384], [-32768, -32768]], dtype=np.int16), 8000, 8000).tolist()
    [0.25, -1.0]
    """
    require_rate(rate)
    require_rate(to)
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] > _MOST_CHANNELS):
        raise UsageError(f"samples of shape {array.shape} are no sound; give (time,) or (time, channels)")
    if array.ndim == 2 and array.shape[1] > array.shape[0] > 0:
        raise UsageError(
            f"samples of shape {array.shape} have more channels than samples; give (time, channels), such as samples.T"
        )
    mono = np.zeros(0, np.float32)
    if array.size:
        frames = _scaled(array)
        frames = frames[:, None] if frames.ndim == 1 else frames
        mix = Mixdown(None, rate, log or _log.warning)
        mono = np.concatenate([mix(frames[start : start + STEP]) for start in range(0, len(frames), STEP)])
        mono = resample(mono, rate, to)
    if not len(mono):
        raise EmptyAudioError(f"the samples hold no sound: not one sample at {to} Hz; give more of them")
    return mono


def _scaled(samples: NDArray[Any]) -> NDArray[np.floating]:
    kind, bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    if kind == "f":
        return samples.astype(np.float32) if bits < 32 else samples
    if kind not in "iu":
        raise UsageError(f"samples of type {samples.dtype} are no sound; give floats in [-1, 1], or 16-bit integers")
    if bits > 32:  # what Python's own integers become
        raise UsageError(
            f"samples of type {samples.dtype} are no sound: they have no agreed full scale; if they are of 16 bits, "
            "give samples.astype('int16')"
        )
    half = 2.0 ** (bits - 1)
    return samples / half - (1.0 if kind == "u" else 0.0)
