"""Noise of many colours. For fitting it is shaped by its spectrum; for tests it comes out of filters in time."""

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from hubbub.data.synth.synthesis import RATE, Samples, Take, shaped


def powers(take: Take) -> Samples:
    """One slope over the whole spectrum, -9 to +9 dB per octave: brown, pink, white, blue, violet and between."""
    return shaped(take.rng.standard_normal(take.count), _sloping(take.rng.uniform(-9, 9)))


def named_colours(take: Take) -> Samples:
    """White, pink, brown, blue or violet, by their exact slopes."""
    slope = take.rng.choice([0.0, -3.01, -6.02, 3.01, 6.02])
    return shaped(take.rng.standard_normal(take.count), _sloping(float(slope)))


def bands(take: Take) -> Samples:
    """A band of a quarter to five octaves with steep sides, on a faint white floor."""
    width = 2 ** take.rng.uniform(0.125, 2.5)
    centre = take.between(80, 12000)
    floor = 10 ** take.rng.uniform(-4, -1.5) * take.rng.standard_normal(take.count)
    return take.noise(centre / width, min(centre * width, RATE / 2), take.between(2, 8)) + floor


def equalised(take: Take) -> Samples:
    """A slope and a smooth random curve of ±15 dB, as rooms, cheap microphones and codecs leave it."""
    knots = np.geomspace(30, RATE / 2, 9)
    curve = take.rng.uniform(-15, 15, len(knots)) + take.rng.uniform(-6, 2) * np.log2(knots / 30)
    white = take.rng.standard_normal(take.count)
    return shaped(white, lambda f: 10 ** (np.interp(np.log(np.maximum(f, 1)), np.log(knots), curve) / 20))


def cut(take: Take) -> Samples:
    """White or pink noise through an upper limit of 1 to 12 kHz, as of telephones and low sampling rates."""
    return shaped(take.coloured(take.rng.choice([0.0, -3.0])), _below(take.between(1000, 12000)))


def white(take: Take) -> Samples:
    """White noise of evenly spread values, not of a bell curve."""
    return np.asarray(take.rng.uniform(-1, 1, take.count))


def voss_pink(take: Take) -> Samples:
    """Pink by the Voss-McCartney law: the sum of random steps, each row renewed half as often as the one before."""
    made = take.rng.uniform(-1, 1, take.count)
    for octave in range(1, 16):
        held = 2**octave
        steps = take.rng.uniform(-1, 1, take.count // held + 2)
        start = int(take.rng.integers(held))
        made += np.repeat(steps, held)[start : start + take.count]
    return made


def random_walk(take: Take) -> Samples:
    """Brown noise: a leaky sum of random steps; leaks of a second pole make it redder."""
    steps = take.rng.choice([-1.0, 1.0], take.count)
    leak = 1 - 2 * np.pi * take.between(5, 60) / RATE
    walked = lfilter([1], [1, -leak], steps)
    return np.asarray(lfilter([1], [1, -take.rng.uniform(0, 0.9)], walked))


def differenced(take: Take) -> Samples:
    """Blue to violet noise: differences of one sample to the next, once or twice, of a part or of the whole."""
    made = take.rng.uniform(-1, 1, take.count)
    for _ in range(int(take.rng.integers(1, 3))):
        made = lfilter([1, -take.rng.uniform(0.6, 1.0)], [1], made)
    return np.asarray(made)


def filtered(take: Take) -> Samples:
    """White noise through one to three Butterworth filters of random kinds and orders."""
    made = take.rng.laplace(size=take.count)
    for _ in range(int(take.rng.integers(1, 4))):
        order, corner = int(take.rng.integers(1, 4)), take.between(60, 9000)
        kind = take.rng.choice(["lowpass", "highpass", "bandpass"])
        edges = [corner, min(2.2 * corner, 0.49 * RATE)] if kind == "bandpass" else corner
        made = sosfilt(butter(order, edges, str(kind), fs=RATE, output="sos"), made)
    return np.asarray(made)


def held(take: Take) -> Samples:
    """Noise of a low sampling rate, each value held until the next: bands that repeat up to the top."""
    every = int(take.rng.integers(2, 12))
    return np.repeat(take.rng.standard_normal(take.count // every + 1), every)[: take.count]


def _sloping(slope: float) -> Callable[[Samples], Samples]:
    """Gain of `slope` dB per octave above 20 Hz, nothing under 5 Hz."""
    return lambda f: np.asarray(np.maximum(f / 20, 1) ** (slope / 6.02) * (f > 5))


def _below(hertz: float) -> Callable[[Samples], Samples]:
    """Gain of a Butterworth low-pass of order 8."""
    return lambda f: np.asarray(1 / np.sqrt(1 + (f / hertz) ** 16))


FITTING = (powers, named_colours, bands, equalised, cut)
TEST = (white, voss_pink, random_walk, differenced, filtered, held)
