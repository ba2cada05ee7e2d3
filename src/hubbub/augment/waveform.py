"""Augmentations of waveforms: float32 of shape (time,), in [-1, 1], at a known rate in Hz.

All of them keep the label and the number of samples, and all but `Hiss` leave digital silence silent. Nothing is
clipped: what makes a sound louder may take it beyond [-1, 1], for clipping would add overtones that the sound does not
have, and a log-mel needs no bound. Whoever writes the samples to a file limits them first.

Noise, rooms and places derive from a seed that is part of the draw.
"""

from dataclasses import dataclass
from math import log10

import numpy as np
import scipy.fft

from hubbub.augment.ambience import Ambience, synthesise
from hubbub.augment.loudness import level, pressure
from hubbub.augment.transform import Ranged
from hubbub.errors import missing_extra
from hubbub.types import Floats

_LEAST_STRENGTH = 1e-6  # that strengths are taken for, where they would give infinity
_TAIL = 0.5  # seconds of RT60 at which a room's tail is as strong as the direct sound


@dataclass(frozen=True)
class TimeStretch(Ranged):
    """Faster (above 1) or slower (below 1) by a factor from `low` to `high`, at the same pitch.

    The clip keeps its length: a slower one loses its end, a faster one is zero-padded. By the Signalsmith Stretch.
    """

    unit = "times as fast"
    limits = (0.25, 4.0)
    rate: int

    @staticmethod
    def scale(value: float, strength: float) -> float:
        """In logarithm."""
        return float(value**strength)

    def draw(self, rng: np.random.Generator) -> float:
        """Times as fast."""
        return self.amount(rng)

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class. Raises RefusedError if python-stretch is not installed."""
        return _stretched(array, self.rate, speed=parameters)

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"{parameters:.2f} times as fast"


@dataclass(frozen=True)
class PitchShift(Ranged):
    """Higher or lower by `low` to `high` semitones, at the same speed; onsets stay in place. Keeps the length."""

    unit = "semitones"
    limits = (-24.0, 24.0)
    rate: int

    def draw(self, rng: np.random.Generator) -> float:
        """Semitones."""
        return self.amount(rng)

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class. Raises RefusedError if python-stretch is not installed."""
        return _stretched(array, self.rate, semitones=parameters)

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"{parameters:+.1f} semitones"


@dataclass(frozen=True)
class Noise(Ranged):
    """Adds white Gaussian noise `low` to `high` dB under the clip's level, over its padding too. Keeps the length.

    A silent clip stays silent, since nothing is under it.
    """

    unit = "dB of signal over noise"
    limits = (-40.0, 100.0)

    @staticmethod
    def scale(value: float, strength: float) -> float:
        """By 20 log10 of the strength."""
        return value - 20 * log10(max(strength, _LEAST_STRENGTH))

    def draw(self, rng: np.random.Generator) -> tuple[float, int]:
        """Signal-to-noise ratio in dB, and a seed."""
        return self.amount(rng), _seed(rng)

    def apply(self, array: Floats, parameters: tuple[float, int]) -> Floats:
        """See class."""
        snr, seed = parameters
        return array + np.float32(level(array) * 10 ** (-snr / 20)) * _white(len(array), seed)

    def describe(self, parameters: tuple[float, int]) -> str:
        """See `Transform`."""
        return f"noise at {parameters[0]:.0f} dB"


@dataclass(frozen=True)
class Hiss(Ranged):
    """Adds white Gaussian noise of a fixed deviation, `low` to `high`, however loud the clip is. Keeps the length.

    The one transform that silence does not survive: 0.005 is 46 dB under full scale.
    """

    unit = "deviation, 1 being full scale"
    limits = (0.0, 1.0)

    def draw(self, rng: np.random.Generator) -> tuple[float, int]:
        """Deviation, 1 being full scale, and a seed."""
        return self.amount(rng), _seed(rng)

    def apply(self, array: Floats, parameters: tuple[float, int]) -> Floats:
        """See class."""
        deviation, seed = parameters
        return array + np.float32(deviation) * _white(len(array), seed)

    def describe(self, parameters: tuple[float, int]) -> str:
        """See `Transform`."""
        return f"hiss of {parameters[0]:.2g}"


@dataclass(frozen=True)
class Gain(Ranged):
    """Louder or softer by a factor of amplitude from `low` to `high`; not clipped. Keeps the length."""

    unit = "factor of amplitude"
    limits = (0.0, 100.0)
    scale = staticmethod(TimeStretch.scale)

    def draw(self, rng: np.random.Generator) -> float:
        """Factor."""
        return self.amount(rng)

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class."""
        return array * np.float32(parameters)

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"gain {parameters:.2f}"


@dataclass(frozen=True)
class Shift(Ranged):
    """Moves the clip by `low` to `high` of its length, either way; what leaves at one end comes in at the other."""

    unit = "share of the length"
    limits = (0.0, 1.0)

    @staticmethod
    def scale(value: float, strength: float) -> float:
        """Not beyond half of the clip, for there it would come nearer again."""
        return min(value * strength, max(value, 0.5))

    def draw(self, rng: np.random.Generator) -> float:
        """Share of the length, above 0 later and below 0 earlier."""
        return float(rng.uniform(self.low, self.high) * rng.choice([-1.0, 1.0]))

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class."""
        return np.roll(array, round(parameters * len(array)))

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"shifted by {parameters:+.0%}"


@dataclass(frozen=True)
class Reverb(Ranged):
    """Puts the clip into a room whose reverberation loses 60 dB in `low` to `high` seconds (RT60).

    Keeps the length: the tail is cut at the clip's end. See `room_response`.
    """

    unit = "seconds of RT60"
    limits = (0.0, 10.0)
    rate: int

    def draw(self, rng: np.random.Generator) -> tuple[float, int]:
        """RT60 in seconds, and the seed of the room."""
        return self.amount(rng), _seed(rng)

    def apply(self, array: Floats, parameters: tuple[float, int]) -> Floats:
        """See class."""
        response = room_response(parameters[0], self.rate, parameters[1])
        length = scipy.fft.next_fast_len(len(array) + len(response), real=True)
        spectrum = scipy.fft.rfft(array, length) * scipy.fft.rfft(response, length)
        return np.asarray(scipy.fft.irfft(spectrum, length)[: len(array)], np.float32)

    def describe(self, parameters: tuple[float, int]) -> str:
        """See `Transform`."""
        return f"room of {parameters[0]:.1f} s"


@dataclass(frozen=True)
class LowPass(Ranged):
    """Dulls the sound: mixed with itself without what is above `low` to `high` Hz. Keeps the length.

    The filter falls by 24 dB an octave (the magnitude of a Butterworth of order 4) and turns no phase, so that far
    above the cut-off the dry share of the amplitude is left: 1 - `blend`, which is drawn from `least` to `most`.
    """

    unit = "Hz"
    limits = (20.0, 1e6)
    rate: int
    least: float = 0.3
    most: float = 0.8

    @staticmethod
    def scale(value: float, strength: float) -> float:
        """Divided by the strength."""
        return value / max(strength, _LEAST_STRENGTH)

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:
        """Cut-off in Hz, and the filtered share of the mixture."""
        return self.amount(rng), float(rng.uniform(self.least, self.most))

    def apply(self, array: Floats, parameters: tuple[float, float]) -> Floats:
        """See class."""
        cutoff, blend = parameters
        length = scipy.fft.next_fast_len(len(array) + self.rate // 10, real=True)
        ratio = np.arange(length // 2 + 1, dtype=np.float32) * np.float32(self.rate / length / cutoff)
        curve = np.float32(1 - blend) + np.float32(blend) / np.sqrt(1 + ratio**8)
        return np.asarray(scipy.fft.irfft(scipy.fft.rfft(array, length) * curve, length)[: len(array)], np.float32)

    def describe(self, parameters: tuple[float, float]) -> str:
        """See `Transform`."""
        return f"dulled above {parameters[0]:,.0f} Hz"


@dataclass(frozen=True)
class Background(Ranged):
    """Puts the sound of a place under the clip, `low` to `high` dB under its level. Keeps the length.

    See `hubbub.augment.ambience`. A silent clip stays silent.
    """

    unit = "dB of signal over background"
    limits = (-40.0, 100.0)
    scale = staticmethod(Noise.scale)
    rate: int
    ambience: Ambience = "outdoor"

    def draw(self, rng: np.random.Generator) -> tuple[float, int]:
        """Signal-to-background ratio in dB, and the seed of the background."""
        return self.amount(rng), _seed(rng)

    def apply(self, array: Floats, parameters: tuple[float, int]) -> Floats:
        """See class."""
        snr, seed = parameters
        loudness = np.float32(level(array) * 10 ** (-snr / 20))
        if not loudness:
            return array.copy()
        return array + loudness * synthesise(self.ambience, len(array), self.rate, seed)

    def describe(self, parameters: tuple[float, int]) -> str:
        """See `Transform`."""
        return f"{self.ambience} background at {parameters[0]:.0f} dB"


def room_response(rt60: float, rate: int, seed: int) -> Floats:
    """Impulse response of a made-up room: the direct sound, then white noise that loses 60 dB in `rt60` seconds.

    As in a real room at a given place (Sabine), the energy of the tail is proportional to its RT60, here that of the
    direct sound at 0.5 s; a room of 0 s changes nothing. Scaled to energy 1, so that steady sounds keep their loudness.

    Returns:
        float32, shape (1 + rate * rt60, rounded,).
    """
    count = round(rt60 * rate)
    decay = np.exp(np.arange(count, dtype=np.float32) * np.float32(-np.log(1000) / max(count, 1)))
    tail = _white(count, seed) * decay
    energy = float(np.sum(tail**2)) or 1.0
    tail *= np.float32(np.sqrt(rt60 / _TAIL / energy))
    return np.asarray(np.append(np.float32(1), tail) / np.float32(np.sqrt(1 + rt60 / _TAIL)))


def between_class(first: Floats, second: Floats, share: float, rate: int) -> Floats:
    """Two clips sounding at once, so that a network hears `share` of the first (Tokozume et al., ICLR 2018).

    With G the clips' sound pressure levels, ``p = 1 / (1 + 10^((G1 - G2) / 20) (1 - share) / share)`` weighs the first
    and 1 - p the second; divided by ``sqrt(p² + (1 - p)²)``, because sounds add in energy. A level is the greatest
    A-weighted one of any 93 ms; a clip counts as at most 80 dB softer than the other.

    The label changes: it is ``share`` of the first's and ``1 - share`` of the second's. The length is kept.

    Args:
        first: float32, shape (time,).
        second: the same.
        share: of the label of the first, 0 to 1; the paper draws it uniformly.
        rate: Hz.

    Raises:
        ValueError: the clips differ in length, or share is not in 0..1.
    """
    if first.shape != second.shape or not 0 <= share <= 1:
        raise ValueError(f"cannot mix shapes {first.shape} and {second.shape} with share {share}: want equal, and 0..1")
    levels = np.array([pressure(first, rate), pressure(second, rate)])
    own, other = np.maximum(levels, 1e-4 * levels.max()) if levels.max() else (1.0, 1.0)
    weight = share * other / (share * other + (1 - share) * own)
    mixed = np.float32(weight) * first + np.float32(1 - weight) * second
    return np.asarray(mixed / np.float32(np.hypot(weight, 1 - weight)))


def _stretched(samples: Floats, rate: int, speed: float = 1.0, semitones: float = 0.0) -> Floats:
    if (speed == 1 and semitones == 0) or not samples.any():
        return samples.copy()
    try:
        from python_stretch import Signalsmith
    except ModuleNotFoundError as error:
        raise missing_extra("augment", "stretching time and pitch") from error
    stretch = Signalsmith.Stretch(0)  # the seed of the few phases that it draws
    stretch.preset(1, rate)
    stretch.setTimeFactor(speed)
    stretch.setTransposeSemitones(semitones)
    made = np.asarray(stretch.process(np.ascontiguousarray(samples[None], np.float32)))[0, : len(samples)]
    return np.pad(made, (0, len(samples) - len(made)))


def _white(count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(count, dtype=np.float32)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))
