"""What is left where nothing sounds: digital silence, the least bits, and noise far under them. Levels are absolute."""

import numpy as np
from scipy.signal import lfilter

from hubbub.data.synth.synthesis import Samples, Take

STEP = 2.0**-15  #: of 16 bit samples


def digital(take: Take) -> Samples:
    """Zeros, or one value all along."""
    return np.full(take.count, STEP * take.rng.integers(-3, 4))


def triangular_dither(take: Take) -> Samples:
    """Dither of two steps of triangular shape, rounded: what careful software leaves of silence."""
    strength = take.between(0.5, 2)
    values = take.rng.uniform(-strength, strength, (2, take.count)).sum(0)
    return np.asarray(np.round(values) * STEP)


def faint_hiss(take: Take) -> Samples:
    """Noise of a slope of -6 to +3 dB per octave at -160 to -85 dBFS, not rounded."""
    return 10 ** (take.rng.uniform(-160, -85) / 20) * take.coloured(take.rng.uniform(-6, 3))


def rounded_hum(take: Take) -> Samples:
    """A hum of about one step that rounding turns into a staircase, with noise of a step or less."""
    hum = take.between(0.4, 1.5) * np.sin(2 * np.pi * take.rng.choice([50, 60]) * take.times + take.rng.uniform(0, 6))
    return np.asarray(np.round(hum + take.rng.uniform(0.05, 0.5) * take.rng.standard_normal(take.count)) * STEP)


def constant(take: Take) -> Samples:
    """A constant offset of a cheap converter, alone."""
    return np.full(take.count, 10 ** (take.rng.uniform(-100, -50) / 20))


def random_bits(take: Take) -> Samples:
    """The least bit, or two, thrown at random; with an offset half of the time."""
    bits = take.rng.integers(-1, int(take.rng.integers(1, 3)), take.count, endpoint=True)
    return np.asarray(STEP * (bits + take.rng.integers(0, 2) * take.rng.integers(1, 30)), np.float64)


def shaped_dither(take: Take) -> Samples:
    """Rounding of nothing with its error fed back: the noise is moved to high frequencies."""
    error = np.round(take.rng.uniform(-1, 1, take.count) + take.rng.uniform(-1, 1, take.count))
    return np.asarray(STEP * lfilter([1, -take.rng.uniform(0.5, 1.8), take.rng.uniform(0.0, 0.9)], [1], error))


def float_dust(take: Take) -> Samples:
    """What arithmetic in 32 bit leaves: uneven noise of 1e-9 to 1e-6, through a leaky sum or not."""
    dust = take.rng.laplace(size=take.count) * take.between(1e-9, 1e-6)
    return np.asarray(lfilter([1], [1, -take.rng.choice([0.0, 0.7, 0.97])], dust))


def sparse_bits(take: Take) -> Samples:
    """Zeros with a single least bit now and then, so sparse or so dense."""
    chance = take.between(1e-3, 0.3)
    return np.asarray(STEP * (take.rng.random(take.count) < chance) * take.rng.choice([-1, 1], take.count))


def fade_out(take: Take) -> Samples:
    """Noise that fades under the least bit and is rounded, then nothing."""
    fade = 3 * np.exp(-take.times * take.between(0.3, 2))
    return np.asarray(STEP * np.round(fade * lfilter([1], [1, -0.8], take.rng.uniform(-1, 1, take.count))))


FITTING = (digital, triangular_dither, faint_hiss, rounded_hum)
TEST = (constant, random_bits, shaped_dither, float_dust, sparse_bits, fade_out)
