"""Music made by code. For fitting it is additive on a steady beat; for tests plucked, modulated, sampled by hand."""

import numpy as np
from scipy.signal import butter, lfilter, sawtooth, sosfilt

from hubbub.data.synth.synthesis import RATE, Samples, Take, even, fading, harmonics, phase, placed

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))
_MODES = ((0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10), (0, 2, 3, 6, 7, 8, 11), (0, 2, 4, 6, 8, 10))


def organ_chords(take: Take) -> Samples:
    """Chords of harmonics that change every half second to two seconds, with a bass."""
    events, length = [], take.between(0.5, 2)
    root, scale = take.between(110, 260), _SCALES[int(take.rng.integers(2))]
    levels = (take.rng.uniform(0.1, 1, 8) / np.arange(1, 9)).tolist()
    for at in np.arange(0, take.seconds, length):
        degree = int(take.rng.integers(7))
        notes = [scale[(degree + third) % 7] + 12 * ((degree + third) // 7) for third in (0, 2, 4)]
        note = take.part(length * 1.05)
        shape = np.minimum(1, np.minimum(note.times, note.times[::-1]) / 0.04)
        for step in (*notes, notes[0] - 12):
            events.append((at, shape * harmonics(root * 2 ** (step / 12), levels, note.count)))
    return placed(take.count, events)


def melody_and_drums(take: Take) -> Samples:
    """A tune of decaying harmonics over bass drum, snare and hi-hat in four."""
    beat = 60 / take.between(70, 170)
    root, scale = take.between(180, 500), _SCALES[int(take.rng.integers(2))]
    levels = (take.rng.uniform(0.05, 1, 10) / np.arange(1, 11) ** take.rng.uniform(0.3, 1.5)).tolist()
    events = []
    for number, at in enumerate(np.arange(0, take.seconds, beat / 2)):
        if take.chance(0.75):
            note = take.part(take.between(0.2, 0.8))
            step = scale[int(take.rng.integers(7))] + 12 * int(take.rng.integers(0, 2))
            tone = harmonics(root * 2 ** (step / 12), levels, note.count) * fading(note.count, note.seconds, 0.01)
            events.append((at, even(tone)))
        events.append((at, _drum(take, number)))
    return placed(take.count, events)


def _drum(take: Take, number: int) -> Samples:
    part = take.part(0.3)
    if number % 4 == 0:
        return 1.2 * harmonics(45 + 90 * np.exp(-part.times * 30), [1], part.count) * fading(part.count, 0.25)
    if number % 4 == 2:
        return 0.6 * even(part.noise(200, 8000, 1) * fading(part.count, 0.18))
    return 0.25 * even(part.noise(6000, 16000, 1) * fading(part.count, 0.06))


def strings(take: Take) -> Samples:
    """Slow voices with vibrato and swelling loudness, two to four of them."""
    made = np.zeros(take.count)
    root, scale = take.between(100, 300), _SCALES[int(take.rng.integers(2))]
    for _ in range(int(take.rng.integers(2, 5))):
        hold = take.between(0.4, 1.5)
        steps = take.rng.choice(scale, int(take.seconds / hold) + 2) + 12 * take.rng.integers(0, 3)
        course = np.interp(take.times, np.arange(len(steps)) * hold, steps)
        slow = np.round(course) + 0.15 * np.sin(phase(take.between(4.5, 6.5), take.count))
        levels = (1 / np.arange(1, 16) ** take.rng.uniform(0.7, 1.3)).tolist()
        made += harmonics(root * 2 ** (slow / 12), levels, take.count) * np.clip(0.7 + 0.3 * take.wander(0.7), 0.1, 2)
    return made


def plucked(take: Take) -> Samples:
    """Strings plucked by Karplus and Strong's law (Computer Music Journal 7, 1983), in arpeggios."""
    beat, root = take.between(0.12, 0.4), take.between(80, 220)
    mode = _MODES[int(take.rng.integers(len(_MODES)))]
    events = []
    for at in np.arange(0.02, take.seconds, beat):
        step = mode[int(take.rng.integers(len(mode)))] + 12 * int(take.rng.integers(0, 3))
        events.append((at, take.between(0.3, 1) * _string(take, root * 2 ** (step / 12))))
    return placed(take.count, events)


def _string(take: Take, hertz: float) -> Samples:
    period, count = round(RATE / hertz), round(1.5 * RATE)
    burst = np.zeros(count)
    burst[:period] = take.rng.uniform(-1, 1, period)
    loss = take.rng.uniform(0.985, 0.999)
    return np.asarray(lfilter([1], [1, *np.zeros(period - 1), -loss / 2, -loss / 2], burst))


def electric_piano(take: Take) -> Samples:
    """Chords by frequency modulation whose index decays (Chowning, JAES 21, 1973), syncopated."""
    beat, root = 60 / take.between(60, 140), take.between(120, 260)
    mode = _MODES[int(take.rng.integers(len(_MODES)))]
    events = []
    for at in np.arange(0, take.seconds, beat):
        begin = at + (beat / 2 if take.chance(0.3) else 0)
        for _ in range(int(take.rng.integers(2, 5))):
            step = mode[int(take.rng.integers(len(mode)))] + 12 * int(take.rng.integers(0, 2))
            times = np.arange(round(1.4 * beat * RATE)) / RATE
            angle = 2 * np.pi * root * 2 ** (step / 12) * times
            index = take.between(0.5, 2.5) * np.exp(-3 * times)
            events.append((begin, np.sin(angle + index * np.sin(angle)) * np.exp(-2.5 * times)))
    return placed(take.count, events)


def synthesiser(take: Take) -> Samples:
    """A sawtooth bass line through a filter that opens and shuts, over a click of filtered noise on the beat."""
    beat = 60 / take.between(90, 150) / 2
    mode = _MODES[int(take.rng.integers(len(_MODES)))]
    steps = take.rng.choice(mode, 8)
    index = (take.times / beat).astype(int)
    hertz = take.between(50, 110) * 2 ** (steps[index % 8] / 12)
    local = take.times % beat
    wave = sawtooth(2 * np.pi * np.cumsum(hertz) / RATE) + sawtooth(2 * np.pi * np.cumsum(1.006 * hertz) / RATE)
    dull = sosfilt(butter(2, take.between(200, 600), fs=RATE, output="sos"), wave)
    bright = sosfilt(butter(2, take.between(1500, 5000), fs=RATE, output="sos"), wave)
    opened = np.exp(-local / beat * take.between(1, 5))
    snare = take.rng.laplace(size=take.count) * np.exp(-local * 40) * (index % 4 == 2)
    kick = np.sin(40 * np.exp(-local * 12)) * np.exp(-local * 9) * (index % 4 == 0)
    return np.asarray(dull + opened * bright + 0.5 * snare + 1.5 * kick)


def flute(take: Take) -> Samples:
    """A breathy tune of triangle waves that slide from note to note, with an echo."""
    hold, mode = take.between(0.15, 0.6), _MODES[int(take.rng.integers(len(_MODES)))]
    notes = take.rng.choice(mode, int(take.seconds / hold) + 2) + 12 * take.rng.integers(0, 2)
    index = (take.times / hold).astype(int)
    course = lfilter([1e-3], [1, -(1 - 1e-3)], notes[index] - notes[0]) + notes[0]
    tone = sawtooth(2 * np.pi * np.cumsum(take.between(250, 600) * 2 ** (course / 12)) / RATE, 0.5)
    breath = sosfilt(butter(1, [1000, 6000], "bandpass", fs=RATE, output="sos"), take.rng.laplace(size=take.count))
    blown = (tone + 0.08 * breath) * np.minimum(1, (take.times % hold) / 0.03)
    late = round(take.between(0.15, 0.4) * RATE)
    return np.asarray(blown + 0.35 * np.pad(blown, (late, 0))[: take.count])


FITTING = (organ_chords, melody_and_drums, strings)
TEST = (plucked, electric_piano, synthesiser, flute)
