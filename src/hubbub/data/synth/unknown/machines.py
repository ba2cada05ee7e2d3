"""Machines and sounds that do not exist: data, motors that step, grains, modulation. None is meant for a class."""

import numpy as np
from scipy.signal import butter, lfilter, sosfilt, square

from hubbub.data.synth.synthesis import RATE, Samples, Take, even, fading, harmonics, modes, phase, placed, shaped


def modulated(take: Take) -> Samples:
    """A drone whose frequency is modulated by a second and a third oscillator."""
    third = take.between(0.5, 8) * np.sin(phase(take.between(0.1, 300), take.count))
    second = take.between(0.5, 12) * np.sin(phase(take.between(30, 3000), take.count) + third)
    return np.asarray(np.sin(phase(take.between(60, 4000), take.count) + second))


def grains(take: Take) -> Samples:
    """A cloud of short tones of random pitch in a band that drifts."""
    events, centre = [], take.between(200, 4000)
    length = take.between(0.01, 0.15)
    for at in take.moments(take.between(15, 120)):
        piece = take.part(length)
        hertz = centre * 2 ** (1.5 * np.sin(at * take.between(0.5, 2)) + take.rng.normal(0, 0.4))
        events.append((at, np.hanning(piece.count) * np.sin(phase(hertz, piece.count)) * take.between(0.1, 1)))
    return placed(take.count, events) + 1e-4 * take.coloured(-2)


def stepping(take: Take) -> Samples:
    """A motor that steps at rates that jump, as in a plotter or a printer in three dimensions."""
    hold = take.between(0.05, 0.5)
    rates = take.rng.choice([60, 90, 120, 180, 240, 320, 480, 640, 900], int(take.seconds / hold) + 2)
    hertz = rates[(take.times / hold).astype(int)] * take.rng.uniform(0.8, 1.2)
    levels = take.rng.uniform(0.1, 1, 12)
    return even(harmonics(hertz, levels.tolist(), take.count)) + take.between(0.01, 0.1) * take.coloured(-3)


def abstract_impacts(take: Take) -> Samples:
    """Bodies struck that are none: modes at random, some rising in pitch, at uneven times."""
    events = []
    for at in take.moments(take.between(1, 6)):
        hertz = take.between(60, 600) * np.sort(take.rng.uniform(1, 14, 9))
        struck = modes(hertz, take.rng.uniform(0.1, 2, 9), take.rng.uniform(0, 1, 9), 1.5)
        events.append((at, struck[::-1] if take.chance(0.4) else struck))
    return placed(take.count, events) + 1e-3 * take.coloured(-4)


def vocoded(take: Take) -> Samples:
    """Noise in bands that open and shut each by itself."""
    made = np.zeros(take.count)
    for _ in range(int(take.rng.integers(3, 9))):
        centre = take.between(100, 12000)
        opened = np.clip(take.wander(take.between(0.5, 15)), 0, None) ** 2
        made += opened * take.noise(centre / 1.15, centre * 1.15, 4)
    return made


def spectral_stripes(take: Take) -> Samples:
    """Noise whose spectrum is a comb that stays."""
    spacing, sharp = take.between(80, 2500), take.between(1, 30)
    comb = take.rng.standard_normal(take.count)
    made = shaped(comb, lambda f: np.cos(np.pi * f / spacing) ** 2 ** round(np.log2(2 + sharp)))
    return made * (1 + 0.3 * take.wander(take.between(0.2, 5))) * fading(take.count, take.between(5, 60))


def modem(take: Take) -> Samples:
    """Data sent by shifting a tone between two to eight frequencies, 30 to 1,200 times a second."""
    bauds, tones = take.between(30, 1200), np.sort(take.rng.uniform(400, 3400, int(take.rng.integers(2, 9))))
    symbols = take.rng.choice(tones, int(take.seconds * bauds) + 2)
    hertz = symbols[(take.times * bauds).astype(int)]
    return np.asarray(
        np.cos(2 * np.pi * np.cumsum(hertz) / RATE) + take.between(1e-3, 0.1) * take.rng.laplace(size=take.count)
    )


def ring_modulated(take: Take) -> Samples:
    """Two waves multiplied, one of them a square that drifts: metallic and in no key."""
    drift = np.cumsum(take.rng.standard_normal(take.count)) / RATE**0.5
    first = square(2 * np.pi * take.between(50, 900) * take.times * 1.0 + drift)
    second = np.sin(2 * np.pi * take.between(300, 6000) * take.times + 3 * drift)
    dark = butter(1, take.between(500, 9000), fs=RATE, output="sos")
    return np.asarray(sosfilt(dark, first * second))


def bytebeat(take: Take) -> Samples:
    """Whole-number arithmetic on the time, eight bits wide, as in "algorithmic symphonies" (Heikkilä, 2011)."""
    steps = (take.times * take.rng.choice([4000, 8000, 11025])).astype(np.int64) + int(take.rng.integers(1 << 16))
    a, b, c = (int(value) for value in take.rng.integers(3, 14, 3))
    made = [
        steps * (steps >> a | steps >> b),
        steps & steps >> a ^ steps * c,
        (steps * a & steps >> b) | (steps * c & steps >> 10),
    ]
    return np.asarray((made[int(take.rng.integers(3))] & 255) / 127.5 - 1, np.float64)


def random_levels(take: Take) -> Samples:
    """A sampled-and-held oscillator: a tone of a new pitch 5 to 60 times a second, with the click of each change."""
    times = np.sort(take.rng.uniform(0, take.seconds, int(take.seconds * take.between(5, 60)) + 1))
    pitches = take.rng.uniform(50, 5000, len(times) + 1)
    hertz = pitches[np.searchsorted(times, take.times)]
    wave = (
        np.sign(np.sin(2 * np.pi * np.cumsum(hertz) / RATE))
        if take.chance(0.5)
        else np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    )
    return np.asarray(wave)


def feedback(take: Take) -> Samples:
    """A delay line that feeds on itself until it sings: a comb of tones that noise keeps alive, clipped softly."""
    delay = int(take.between(30, 1500))
    gain = take.rng.uniform(0.9, 0.999) * take.rng.choice([-1, 1])
    excited = take.rng.laplace(size=take.count) * (1 + np.sin(2 * np.pi * take.between(0.2, 4) * take.times))
    ringing = lfilter([1], [1, *np.zeros(delay - 1), -gain], excited)
    return np.asarray(np.tanh(take.between(0.5, 3) * ringing / ringing.std()))


FITTING = (modulated, grains, stepping, abstract_impacts, vocoded, spectral_stripes)
TEST = (modem, ring_modulated, bytebeat, random_levels, feedback)
