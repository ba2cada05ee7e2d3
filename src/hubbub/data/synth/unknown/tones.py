"""Test tones: steady, gliding and stacked. None beeps as an alarm clock does, and none wails as a siren does."""

import numpy as np
from scipy.signal import chirp, sawtooth, square

from hubbub.data.synth.synthesis import RATE, Samples, Take, harmonics, phase

_DTMF = ([697, 770, 852, 941], [1209, 1336, 1477, 1633])  # Hz, ITU-T Q.23


def sine(take: Take) -> Samples:
    """One sine of 40 Hz to 15 kHz."""
    return np.asarray(np.sin(phase(take.between(40, 15000), take.count) + take.rng.uniform(0, 6)))


def partials(take: Take) -> Samples:
    """A steady tone of harmonics: an organ pipe, a hollow or a bright square."""
    levels = take.rng.uniform(0, 1, 24) / np.arange(1, 25) ** take.rng.uniform(0.3, 2)
    levels[1 :: 1 + int(take.rng.integers(0, 2))] *= take.rng.choice([0.0, 1.0])
    return harmonics(take.between(50, 2000), [1.0, *levels.tolist()], take.count)


def stacked(take: Take) -> Samples:
    """Two to six sines of unrelated frequencies."""
    tones = [take.between(0.1, 1) * np.sin(phase(take.between(60, 12000), take.count)) for _ in range(6)]
    return np.asarray(sum(tones[: int(take.rng.integers(2, 7))]))


def glide(take: Take) -> Samples:
    """One sweep from one frequency to another, in equal steps of Hz or of octaves."""
    ends = take.between(30, 18000), take.between(30, 18000)
    course = np.linspace(0, 1, take.count)
    hertz = ends[0] + (ends[1] - ends[0]) * course if take.chance(0.5) else ends[0] * (ends[1] / ends[0]) ** course
    return np.asarray(np.sin(phase(hertz, take.count)))


def dialling(take: Take) -> Samples:
    """Numbers dialled: two tones at once, 0.15 to 0.6 s a key."""
    key = round(take.between(0.15, 0.6) * RATE)
    keys = take.count // key + 1
    pairs = (np.repeat(take.rng.choice(row, keys), key)[: take.count] for row in _DTMF)
    made = sum(np.sin(phase(pair, take.count)) for pair in pairs)
    return np.asarray(made * (np.arange(take.count) % key < 0.8 * key))


def plain(take: Take) -> Samples:
    """One sine at a test frequency of laboratories and of musicians, or at a whole number of Hz."""
    whole = int(take.rng.integers(50, 14000))
    hertz = take.rng.choice([100, 220, 250, 315, 440, 500, 1000, 2000, 3150, 4000, 8000, whole])
    return np.asarray(np.cos(2 * np.pi * hertz * take.times + take.rng.uniform(0, 6)))


def shapes(take: Take) -> Samples:
    """A square, pulse, triangle or sawtooth wave, steady, with all its aliases."""
    angle = 2 * np.pi * take.between(40, 3000) * take.times
    return np.asarray(
        sawtooth(angle, take.rng.uniform(0, 1)) if take.chance(0.5) else square(angle, take.rng.uniform(0.1, 0.9))
    )


def chord(take: Take) -> Samples:
    """A chord of three or four equal-tempered notes, of sines or of soft triangles, held."""
    root = 55 * 2 ** (take.rng.integers(0, 48) / 12)
    steps = take.rng.choice(
        [(0, 4, 7), (0, 3, 7), (0, 4, 7, 11), (0, 5, 7, 14), (0, 3, 6, 9)][int(take.rng.integers(5))], 3
    )
    wave = np.sin if take.chance(0.5) else (lambda angle: sawtooth(angle, 0.5))
    return np.asarray(sum(wave(2 * np.pi * root * 2 ** (step / 12) * take.times) for step in steps))


def swept(take: Take) -> Samples:
    """A measuring sweep over four octaves or more, hyperbolic, quadratic or logarithmic."""
    low, high = take.between(20, 400), take.between(6400, 20000)
    method = str(take.rng.choice(["quadratic", "logarithmic", "hyperbolic"]))
    made = chirp(take.times, low, take.seconds, high, method)
    return np.asarray(made[::-1] if take.chance(0.5) else made)


def dial_tone(take: Take) -> Samples:
    """A line's tone as a telephone holds it: 425 Hz, or 350 and 440 Hz, or 480 and 620 Hz, all along, band-limited."""
    pair = take.rng.choice([(425, 425), (350, 440), (480, 620), (400, 450)])
    made = sum(np.sin(2 * np.pi * hertz * take.times) for hertz in pair)
    return np.asarray(np.clip(made, -1.5, 1.5) + take.between(1e-4, 1e-2) * take.rng.uniform(-1, 1, take.count))


def tremolo(take: Take) -> Samples:
    """A sine whose loudness a second one turns up and down, 1 to 200 times a second, never off."""
    depth = take.rng.uniform(0.05, 0.6)
    return np.asarray(
        (1 - depth * np.sin(2 * np.pi * take.between(1, 200) * take.times))
        * np.sin(2 * np.pi * take.between(80, 8000) * take.times)
    )


FITTING = (sine, partials, stacked, glide, dialling)
TEST = (plain, shapes, chord, swept, dial_tone, tremolo)
