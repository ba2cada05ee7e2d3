"""Sounds of places, made by code from a seed, to lie under a clip: no recordings. Numpy and scipy.fft only."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import scipy.fft

from hubbub.types import Floats

Ambience = Literal["outdoor", "indoor", "urban"]
AMBIENCES: tuple[Ambience, ...] = get_args(Ambience)


def synthesise(kind: Ambience, count: int, rate: int, seed: int) -> Floats:
    """The sound of a place, of RMS 1 (or silent, if `count` is too small for any).

    Args:
        kind: "outdoor" is wind in slow gusts, here and there a chirp; "indoor" is room tone, ventilation and the hum
            of the mains; "urban" is the rumble of traffic that swells when something passes.
        count: samples.
        rate: Hz.
        seed: the same seed always gives the same sound.

    Returns:
        float32, shape (count,).
    """
    made = _MAKERS[kind](np.random.default_rng(seed), count, rate)
    rms = float(np.sqrt(np.mean(made**2))) if count else 0.0
    return np.asarray(made / (rms or 1.0), np.float32)


def _outdoor(rng: np.random.Generator, count: int, rate: int) -> Floats:
    wind = _noise(
        rng, count, rate, lambda f: np.sqrt(30 / (30 + f)) / (1 + (f / 900) ** 2) + 0.02 * np.sqrt(30 / (30 + f))
    )
    made = wind * (0.35 + _wander(rng, count, rate, 0.6) ** 2)
    for _ in range(int(rng.poisson(0.4 * count / rate))):
        chirp = _chirp(rng, rate)[:count]
        start = int(rng.integers(count - len(chirp) + 1))
        made[start : start + len(chirp)] += chirp
    return np.asarray(made, np.float32)


def _indoor(rng: np.random.Generator, count: int, rate: int) -> Floats:
    tone = _noise(rng, count, rate, lambda f: 60 / (60 + f))
    fan = float(rng.uniform(150, 450))
    ventilation = _noise(rng, count, rate, lambda f: 1 / (1 + ((f - fan) / (0.5 * fan)) ** 2))
    made = tone + float(rng.uniform(0.3, 0.8)) * ventilation
    mains = 50.0 if rng.random() < 0.5 else 60.0
    times = np.arange(count, dtype=np.float32) / np.float32(rate)
    for number, level in ((1, 0.2), (2, 0.5), (3, 0.15), (4, 0.2), (6, 0.1)):
        turn = 2 * np.pi * (number * mains * times + rng.random())
        made += np.float32(level * rng.uniform(0.3, 1.2)) * np.sin(turn, dtype=np.float32)
    return np.asarray(made, np.float32)


def _urban(rng: np.random.Generator, count: int, rate: int) -> Floats:
    made = _noise(rng, count, rate, lambda f: 50 / (50 + f) / (1 + (f / 1000) ** 2) + 0.002)
    times = np.arange(count, dtype=np.float32) / np.float32(rate)
    swell = np.full(count, 0.15, np.float32)
    for _ in range(1 + int(rng.poisson(0.3 * count / rate))):
        middle, width = rng.uniform(0, count / rate), rng.uniform(0.4, 1.2)
        swell += np.float32(rng.uniform(0.4, 1.2)) * np.exp(-(((times - middle) / width) ** 2), dtype=np.float32)
    tyres = _noise(rng, count, rate, lambda f: 1 / (1 + ((f - 700) / 500) ** 2))
    return np.asarray(made + swell * tyres, np.float32)


_MAKERS: dict[Ambience, Callable[[np.random.Generator, int, int], Floats]] = {
    "outdoor": _outdoor,
    "indoor": _indoor,
    "urban": _urban,
}


def _noise(rng: np.random.Generator, count: int, rate: int, gain: Callable[[Floats], Any]) -> Floats:
    """Noise of RMS about 1 whose amplitude at each frequency (Hz, from 20 Hz) follows `gain`."""
    length = scipy.fft.next_fast_len(max(count, 2), real=True)
    frequencies = np.arange(length // 2 + 1, dtype=np.float32) * np.float32(rate / length)
    curve = np.asarray(gain(frequencies), np.float32) * (frequencies >= 20)
    power = float(np.sqrt(np.sum(curve**2)))
    if not power:
        return np.zeros(count, np.float32)
    random = rng.standard_normal((2, len(curve)), dtype=np.float32)
    spectrum = (random[0] + 1j * random[1]) * (curve * np.float32(length / 2 / power))
    return np.asarray(scipy.fft.irfft(spectrum, length)[:count], np.float32)


def _wander(rng: np.random.Generator, count: int, rate: int, hz: float) -> Floats:
    """A random course between 0 and 1 that turns about `hz` times a second."""
    at = np.arange(count, dtype=np.float32) * np.float32(2 * hz / rate)
    knots = rng.random(int(2 * hz * count / rate) + 2, dtype=np.float32)
    course = np.interp(at, np.arange(len(knots)), knots)
    return np.asarray(course, np.float32)


def _chirp(rng: np.random.Generator, rate: int) -> Floats:
    """A whistle of 60 to 160 ms that slides between 2 and 6 kHz (or as high as the rate allows)."""
    times = np.arange(round(rng.uniform(0.06, 0.16) * rate)) / rate
    first, last = rng.uniform(2000, 6000, 2).clip(max=0.4 * rate)
    angle = 2 * np.pi * (first * times + (last - first) * times**2 / (2 * times[-1]))
    return np.asarray(rng.uniform(0.2, 0.8) * np.sin(angle) * np.hanning(len(times)), np.float32)
