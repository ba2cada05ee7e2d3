"""Channels to one, stretch by stretch, and what is odd about samples on the way.

The mean of the channels is heard. Channels of opposite phase (one is the other upside down: a wire or a plug of the
wrong way round) cancel in it: from the first stretch of 4096 frames on whose sum has less than a thousandth of the
channels' energy, the channel that is loudest there is heard alone, to the end. A file of any length is mixed down as
it comes, and alike in blocks and whole.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hubbub.audio.errors import InvalidSamplesError
from hubbub.types import Floats

_LOUDEST = 1e10  # beyond any integer scale that a float file may have kept, below what overflows in a power spectrum
_INTEGERS = 10.0  # floats nominally lie in [-1, 1]; 20 dB beyond are integers by another name
_CANCELLED = 1e-3  # energy of the channels' sum, of that of all channels
_FAINT = 1e-8  # mean energy (-80 dB), below which it is not judged whether channels cancel


class Mixdown:
    """Hears one sound from its beginning; `name` is what messages call it, None for samples in memory."""

    def __init__(self, name: str | None, rate: int, warn: Callable[[str], None]):
        self._name, self._rate, self._warn = name, rate, warn
        self._channel: int | None = None
        self._time = 0
        self._scaled = False

    def __call__(self, frames: NDArray[np.floating]) -> Floats:
        """Mono of shape (time,) of frames of shape (time, channels). Raises InvalidSamplesError."""
        require_sound(frames, self._name)
        self._mind_scale(frames)
        if self._channel is None and frames.shape[1] > 1:
            self._mind_phase(frames)
        self._time += len(frames)
        if self._channel is not None:
            return np.asarray(frames[:, min(self._channel, frames.shape[1] - 1)], dtype=np.float32)
        # the mean; numpy's own is three times slower over so few
        return np.asarray(np.einsum("tc->t", frames) / frames.shape[1], dtype=np.float32)

    def _mind_scale(self, frames: NDArray[np.floating]) -> None:
        if self._scaled or np.abs(frames).max(initial=0) <= _INTEGERS:
            return
        self._scaled = True
        self._warn(
            f"{self._name or 'the samples'}: the floats go far beyond [-1, 1], to {np.abs(frames).max():.0f}; "
            "if they are 16-bit integers, divide them by 32768"
        )

    def _mind_phase(self, frames: NDArray[np.floating]) -> None:
        energies = np.einsum("tc,tc->c", frames, frames)
        total = np.einsum("tc->t", frames)
        if not (energies.sum() > _FAINT * frames.size and total @ total < _CANCELLED * energies.sum()):
            return
        self._channel = int(energies.argmax())
        self._warn(
            f"{self._name or 'the samples'}: the channels cancel each other (opposite phase); "
            f"from {self._time / self._rate:.2f} s on, channel {self._channel + 1} is heard alone"
        )


def require_sound(samples: NDArray[np.floating], name: str | None) -> None:
    """Raise InvalidSamplesError for what is no sound; `name` as for `Mixdown`."""
    if not (np.abs(samples) <= _LOUDEST).all():  # false for NaN as well
        of, advice = ("", "check them") if name is None else (f" of {name}", "export it again")
        raise InvalidSamplesError(f"the samples{of} are not a sound (NaN, infinite or huge); {advice}")
