"""How loud a clip is, for what is mixed with it."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from hubbub.types import Floats

_BLOCK = 512  # samples over which `level` looks whether a clip sounds
_AUDIBLE = 1e-6  # of the loudest block's power: 60 dB under it


def level(samples: NDArray[np.floating]) -> float:
    """Root mean square of a clip where it sounds: over the blocks of 512 samples within 60 dB of the loudest.

    So the zeros that pad a short recording do not count. Silence has level 0.

    >>> round(level(np.array([0.5, -0.5] * 512 + [0.0] * 4096, np.float32)), 6)
    0.5
    """
    starts = np.arange(0, len(samples), _BLOCK)
    if not len(starts):
        return 0.0
    sums = np.add.reduceat(samples.astype(np.float64) ** 2, starts)
    counts = np.diff(starts, append=len(samples))
    power = sums / counts
    audible = power >= _AUDIBLE * power.max()
    return float(np.sqrt(sums[audible].sum() / counts[audible].sum()))


def pressure(samples: Floats, rate: int) -> float:
    """The greatest A-weighted amplitude of any 93 ms, in Hann windows that overlap by half (IEC 61672-1)."""
    size = 2 * round(0.0465 * rate)
    padded = np.pad(samples, (0, max(size - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
    spectrum = scipy.fft.rfft(frames * np.hanning(size).astype(np.float32))
    f = scipy.fft.rfftfreq(size, 1 / rate) ** 2
    low = (f + 20.6**2) * np.sqrt((f + 107.7**2) * (f + 737.9**2))
    weights = 12194**2 * f**2 / (low * (f + 12194**2))
    return float(np.sqrt(np.max((np.abs(spectrum) ** 2) @ weights**2)))
