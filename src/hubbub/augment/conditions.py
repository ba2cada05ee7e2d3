"""Conditions of a recording as augmentations: how long and how fast it is, what else sounds, what records it.

Float32 of shape (time,) at a known rate in Hz; all keep the label and the number of samples, and leave digital silence
silent. They are what a network is trained with; the conditions that it is tested with, `hubbub.augment.corruptions`,
are made by other means on purpose, so that no room, noise or filter of the test was ever heard.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft

from hubbub.augment.loudness import level
from hubbub.augment.transform import Ranged
from hubbub.augment.waveform import LowPass, Noise, TimeStretch
from hubbub.types import Floats

_LOUDEST = 0.1  # seconds that an excerpt always holds
_LEAST_HERTZ = 20.0
_POINTS = 10  # through which a microphone's curve goes
_RUMBLE = 300.0  # Hz; a microphone may be deaf up to there


@dataclass(frozen=True)
class ColouredNoise(Ranged):
    """Adds Gaussian noise `low` to `high` dB under the clip's level, its power falling with frequency as 1 / f^a.

    The exponent a is drawn from -1 (blue) to 2 (brown).
    """

    unit = "dB of signal over noise"
    limits = (-40.0, 100.0)
    scale = staticmethod(Noise.scale)
    rate: int

    def draw(self, rng: np.random.Generator) -> tuple[float, float, int]:
        """Signal-to-noise ratio in dB, the exponent, and a seed."""
        return self.amount(rng), float(rng.uniform(-1, 2)), int(rng.integers(2**32))

    def apply(self, array: Floats, parameters: tuple[float, float, int]) -> Floats:
        """See class."""
        snr, exponent, seed = parameters
        loudness = level(array)
        if not loudness:
            return array.copy()
        length = scipy.fft.next_fast_len(len(array), real=True)
        spectrum = (
            np.random.default_rng(seed).standard_normal((length // 2 + 1, 2), np.float32).view(np.complex64)[:, 0]
        )
        hertz = np.maximum(scipy.fft.rfftfreq(length, 1 / self.rate), _LEAST_HERTZ).astype(np.float32)
        noise = scipy.fft.irfft(spectrum * hertz ** np.float32(-exponent / 2), length)[: len(array)]
        return np.asarray(array + noise * np.float32(loudness * 10 ** (-snr / 20) / np.sqrt(np.mean(noise**2))))

    def describe(self, parameters: tuple[float, float, int]) -> str:
        """See `Transform`."""
        return f"noise of 1/f^{parameters[1]:.1f} at {parameters[0]:.0f} dB"


@dataclass(frozen=True)
class Microphone(Ranged):
    """A microphone that is deaf above `low` to `high` Hz and below 20 to 300 Hz, and uneven between by ±`uneven_db`.

    Both ends fall by 24 dB an octave; between, the curve goes through ten points evenly spaced in octaves.
    """

    unit = "Hz"
    limits = (1000.0, 1e6)
    scale = staticmethod(LowPass.scale)
    rate: int
    uneven_db: float = 8.0

    def draw(self, rng: np.random.Generator) -> tuple[float, float, tuple[float, ...]]:
        """Upper and lower edge in Hz, and the curve's points in dB."""
        lower = _LEAST_HERTZ * (_RUMBLE / _LEAST_HERTZ) ** rng.random()
        upper = self.low * (self.high / self.low) ** rng.random()
        return float(upper), float(lower), tuple(rng.uniform(-self.uneven_db, self.uneven_db, _POINTS).tolist())

    def apply(self, array: Floats, parameters: tuple[float, float, tuple[float, ...]]) -> Floats:
        """See class."""
        upper, lower, points = parameters
        length = scipy.fft.next_fast_len(len(array) + self.rate // 10, real=True)
        hertz = np.maximum(scipy.fft.rfftfreq(length, 1 / self.rate), 1.0)
        octaves = np.linspace(np.log(lower), np.log(upper), _POINTS)
        curve = 10 ** (np.interp(np.log(hertz), octaves, points) / 20)
        curve /= np.sqrt((1 + (hertz / upper) ** 8) * (1 + (lower / hertz) ** 8))
        return np.asarray(
            scipy.fft.irfft(scipy.fft.rfft(array, length) * curve.astype(np.float32), length)[: len(array)], np.float32
        )

    def describe(self, parameters: tuple[float, float, Any]) -> str:
        """See `Transform`."""
        return f"microphone of {parameters[1]:,.0f} to {parameters[0]:,.0f} Hz"


@dataclass(frozen=True)
class Clipping(Ranged):
    """Cuts off all that is above a level `low` to `high` dB under the clip's peak."""

    unit = "dB of the peak cut off"
    limits = (0.0, 100.0)

    def draw(self, rng: np.random.Generator) -> float:
        """Decibels."""
        return self.amount(rng)

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class."""
        limit = np.float32(np.abs(array).max(initial=0) * 10 ** (-parameters / 20))
        return np.clip(array, -limit, limit)

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"clipped by {parameters:.0f} dB"


@dataclass(frozen=True)
class Excerpt(Ranged):
    """Keeps `low` to `high` seconds around the clip's loudest tenth of a second; what is before and after is silent.

    A length is drawn evenly in logarithm. Half of the time the excerpt moves to the clip's beginning.
    """

    unit = "seconds"
    limits = (0.1, 600.0)
    scale = staticmethod(LowPass.scale)
    rate: int

    def draw(self, rng: np.random.Generator) -> tuple[float, float, bool]:
        """Seconds, where the loudest part lies in them (0 at the beginning, 1 at the end), and whether it moves."""
        return float(self.low * (self.high / self.low) ** rng.random()), float(rng.random()), bool(rng.random() < 0.5)

    def apply(self, array: Floats, parameters: tuple[float, float, bool]) -> Floats:
        """See class."""
        seconds, place, moves = parameters
        core, length = round(_LOUDEST * self.rate), round(seconds * self.rate)
        if length >= len(array):
            return array.copy()
        energy = np.concatenate([[0.0], np.cumsum(array.astype(np.float64) ** 2)])
        loudest = int(np.argmax(energy[core:] - energy[:-core]))
        start = min(max(loudest - round(place * (length - core)), 0), len(array) - length)
        result = np.zeros_like(array)
        target = 0 if moves else start
        result[target : target + length] = array[start : start + length]
        return result

    def describe(self, parameters: tuple[float, float, bool]) -> str:
        """See `Transform`."""
        return f"{parameters[0]:.1f} s of it"


@dataclass(frozen=True)
class Speed(Ranged):
    """Faster (above 1) or slower (below 1) by a factor from `low` to `high`, its pitch with it, as of a tape.

    The clip keeps its length: a slower one loses its end, a faster one is zero-padded.
    """

    unit = "times as fast"
    limits = (0.25, 4.0)
    scale = staticmethod(TimeStretch.scale)

    def draw(self, rng: np.random.Generator) -> float:
        """Times as fast."""
        return self.amount(rng)

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class. By cutting or padding the spectrum of the clip as a whole."""
        if not len(array):
            return array.copy()
        before = scipy.fft.next_fast_len(len(array), real=True)
        after = scipy.fft.next_fast_len(round(before / parameters), real=True)
        made = scipy.fft.irfft(scipy.fft.rfft(array, before)[: after // 2 + 1], after) * np.float32(after / before)
        made = made[: min(len(array), round(len(array) * after / before))]
        return np.pad(np.asarray(made, np.float32), (0, len(array) - len(made)))

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"{parameters:.2f} times as fast, pitch and all"
