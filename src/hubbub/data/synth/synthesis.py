"""Building blocks of sounds made by code: oscillators, noise, envelopes, modes, bubbles and rooms. Numpy only.

Everything works at `RATE`; times are in seconds, frequencies in Hz, samples are float64 of shape (time,), and levels
are relative: what is made from the blocks is scaled at the end.

The methods are those of Andy Farnell, "Designing Sound" (MIT Press, 2010); of modal synthesis (Cook, "Real Sound
Synthesis for Interactive Applications", 2002, chapter 4); and of the bubble model by van den Doel, "Physically based
models for liquid sounds" (ACM Transactions on Applied Perception 2, 2005).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

Samples = NDArray[np.float64]

RATE = 44_100  #: Hz
_NYQUIST = RATE / 2


@dataclass(frozen=True)
class Take:
    """One sound in the making: where its random numbers come from, and its length in seconds."""

    rng: np.random.Generator
    seconds: float

    @property
    def count(self) -> int:
        """Its length in samples."""
        return round(self.seconds * RATE)

    @property
    def times(self) -> Samples:
        """The time of each sample."""
        return np.arange(self.count) / RATE

    def between(self, low: float, high: float) -> float:
        """A random number, all ratios equally likely: 1 to 2 as often as 2 to 4. Both above 0."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def chance(self, share: float) -> bool:
        """True in that share of the cases."""
        return bool(self.rng.random() < share)

    def part(self, seconds: float) -> "Take":
        """A shorter take that draws from the same random numbers."""
        return Take(self.rng, seconds)

    def noise(self, low: float = 20.0, high: float = _NYQUIST, order: float = 2.0) -> Samples:
        """Noise of variance 1 in a band; see `band`."""
        made = band(self.rng.standard_normal(self.count), low, high, order)
        return _of_variance_one(made)

    def coloured(self, slope: float) -> Samples:
        """Noise of variance 1 whose spectrum has `slope` dB per octave above 30 Hz: -3 pink, -6 brown."""
        made = shaped(self.rng.standard_normal(self.count), lambda f: np.maximum(f / 30, 1) ** (slope / 6.02))
        return _of_variance_one(made)

    def wander(self, hz: float) -> Samples:
        """A smooth random course around 0, mostly within -2 and 2, that turns about `hz` times a second."""
        knots = self.rng.standard_normal(int(self.seconds * hz * 2) + 5)
        at = self.times * hz * 2
        index, phase = at.astype(int), at % 1.0
        weight = (1 - np.cos(np.pi * phase)) / 2
        return np.asarray((1 - weight) * knots[index] + weight * knots[index + 1])

    def moments(self, per_second: float) -> Samples:
        """Times of independent events (a Poisson process), sorted."""
        number = int(self.rng.poisson(per_second * self.seconds))
        return np.sort(self.rng.uniform(0, self.seconds, number))

    def beats(self, period: float, jitter: float = 0.0, first: float = 0.1) -> Samples:
        """Times of events that come every `period` seconds, each off by about `jitter` seconds."""
        exact = np.arange(first, self.seconds, period)
        return np.clip(exact + jitter * self.rng.standard_normal(len(exact)), 0, None)


def shaped(samples: Samples, gain: Callable[[Samples], Samples]) -> Samples:
    """Samples with each frequency (Hz) multiplied by `gain` of it; no phase is turned."""
    length = scipy.fft.next_fast_len(len(samples) + RATE // 4, real=True)
    spectrum = scipy.fft.rfft(samples, length) * gain(scipy.fft.rfftfreq(length, 1 / RATE))
    return np.asarray(scipy.fft.irfft(spectrum, length)[: len(samples)])


def band(samples: Samples, low: float, high: float, order: float = 2.0) -> Samples:
    """What lies between two frequencies, by a Butterworth magnitude of 6 × `order` dB per octave on both sides."""

    def gain(f: Samples) -> Samples:
        f = np.maximum(f, 1e-3)
        return np.asarray(1 / np.sqrt((1 + (low / f) ** (2 * order)) * (1 + (f / high) ** (2 * order))))

    return shaped(samples, gain)


def resonant(samples: Samples, peaks: Iterable[tuple[float, float, float]], dry: float = 0.0) -> Samples:
    """Samples through resonators in parallel, each (frequency, quality, gain); `dry` of the input is kept."""

    def gain(f: Samples) -> Samples:
        f = np.maximum(f, 1e-3)
        curves = (level / np.sqrt(1 + (quality * (f / at - at / f)) ** 2) for at, quality, level in peaks)
        return np.asarray(dry + sum(curves))

    return shaped(samples, gain)


def phase(frequency: ArrayLike, count: int) -> Samples:
    """Radians run through by an oscillator of that frequency, one number or one a sample."""
    return np.asarray(2 * np.pi * np.cumsum(np.broadcast_to(np.asarray(frequency, np.float64), count)) / RATE)


def harmonics(frequency: ArrayLike, levels: Sequence[float], count: int) -> Samples:
    """A tone of a (changing) frequency from partials of the given levels; those beyond Nyquist are left out."""
    hertz = np.broadcast_to(np.asarray(frequency, np.float64), count)
    angle, top = phase(hertz, count), float(hertz.max(initial=1.0))
    made = np.zeros(count)
    for number, level in enumerate(levels, start=1):
        if level and number * top < _NYQUIST:
            made += level * np.sin(number * angle)
    return made


def hissing(take: Take, centre: ArrayLike, width: float) -> Samples:
    """Noise of variance 1 around a (changing) frequency, `width` Hz wide: a resonator that is tuned while it sounds."""
    count = take.count
    slow = [band(take.rng.standard_normal(count), 0.01, width / 2) for _ in range(2)]
    angle = phase(centre, count)
    return _of_variance_one(slow[0] * np.cos(angle) + slow[1] * np.sin(angle))


def modes(frequencies: ArrayLike, ringing: ArrayLike, levels: ArrayLike, seconds: float) -> Samples:
    """A struck body: the sum of decaying sines.

    Args:
        frequencies: of the modes, shape (modes,); those beyond Nyquist are left out.
        ringing: seconds until a mode has lost 60 dB, shape (modes,) or one number.
        levels: of the modes, shape (modes,) or one number.
        seconds: length.
    """
    hertz = np.asarray(frequencies, np.float64)
    times = np.arange(round(seconds * RATE)) / RATE
    made = np.zeros(len(times))
    for at, t60, level in zip(*np.broadcast_arrays(hertz, ringing, levels), strict=True):
        if at < _NYQUIST:
            made += level * np.exp(-6.9 * times / t60) * np.sin(2 * np.pi * at * times)
    return made


def bubble(frequency: float, rise: float, level: float) -> Samples:
    """A gas bubble under water that rings as it rises (van den Doel, equations 1 to 5).

    Args:
        frequency: Hz, that is 3 / its radius in metres.
        rise: how fast the pitch rises, in units of the damping: 0 far below the surface, 0.1 and more near it.
        level: its loudness.
    """
    damping = 0.043 * frequency + 0.0014 * frequency**1.5  # per second
    times = np.arange(round(min(6.9 / damping, 1.0) * RATE)) / RATE
    hertz = frequency * (1 + rise * damping * times)
    return np.asarray(level * np.sin(phase(hertz, len(times))) * np.exp(-damping * times))


def fading(count: int, t60: float, attack: float = 0.001) -> Samples:
    """An envelope that rises within `attack` seconds and then loses 60 dB in `t60` seconds."""
    times = np.arange(count) / RATE
    return np.asarray(np.minimum(times / attack, 1) * np.exp(-6.9 * np.maximum(times - attack, 0) / t60))


def gate(times: Samples, start: float, stop: float, ramp: float = 0.01) -> Samples:
    """An envelope that is 1 between two times and 0 elsewhere, with ramps of `ramp` seconds inside."""
    return np.asarray(np.clip(np.minimum(times - start, stop - times) / ramp, 0, 1))


def placed(count: int, events: Iterable[tuple[float, Samples]]) -> Samples:
    """A track of `count` samples with each sound (its time in seconds, its samples) mixed in; what goes over is cut."""
    track = np.zeros(count)
    for at, sound in events:
        start = round(at * RATE)
        piece = sound[: max(count - start, 0)]
        track[start : start + len(piece)] += piece
    return track


def room(take: Take, samples: Samples, t60: float, wet: float, high: float = 6000.0) -> Samples:
    """Samples with the reverberation of a room: noise that decays, below `high` Hz, at `wet` times their level."""
    tail = take.part(min(t60 * 1.2, 4.0))
    response = tail.noise(60, high, 1) * fading(tail.count, t60, 0.002)
    length = scipy.fft.next_fast_len(len(samples) + tail.count, real=True)
    spectrum = scipy.fft.rfft(samples, length) * scipy.fft.rfft(response, length)
    echo = np.asarray(scipy.fft.irfft(spectrum, length)[: len(samples)])
    return samples + wet * echo / float(np.sqrt((response**2).sum()))


def even(samples: Samples) -> Samples:
    """Samples scaled to a peak of 1; silence stays silent."""
    return samples / (float(np.abs(samples).max(initial=0.0)) or 1.0)


def _of_variance_one(samples: Samples) -> Samples:
    return np.asarray(samples / (float(samples.std()) or 1.0))
