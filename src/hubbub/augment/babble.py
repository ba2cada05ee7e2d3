"""Many voices at once, made by code: what a crowd sounds like where no word can be told. No recordings."""

from functools import lru_cache

import numpy as np
import scipy.signal

from hubbub.types import Doubles

TALKERS = 8
_HARMONICS = 30
_BLOCK = 4096  # samples that stay in the processor's cache
#: Formants in Hz of nine vowels, averages of men's (Peterson and Barney, JASA 24, 1952).
_VOWELS = np.array(
    [
        *([270, 2290, 3010], [390, 1990, 2550], [530, 1840, 2480], [660, 1720, 2410], [730, 1090, 2440]),
        *([570, 840, 2410], [440, 1020, 2240], [300, 870, 2240], [640, 1190, 2390]),
    ],
    dtype=float,
)


@lru_cache(maxsize=32)
def babble(seconds: float, rate: int, seed: int) -> Doubles:
    """The sound of `TALKERS` voices, shape (seconds * rate, rounded,), of RMS 1; the same seed, the same sound."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    mixed = np.zeros(count)
    for _ in range(TALKERS):
        voice = _voice(rng, count, rate)
        mixed += 10 ** (rng.uniform(-6, 0) / 20) * voice / np.sqrt(np.mean(voice**2))
    mixed /= np.sqrt(np.mean(mixed**2))
    mixed.flags.writeable = False  # shared
    return mixed


def _voice(rng: np.random.Generator, count: int, rate: int) -> Doubles:
    """One talker: syllables, three to six a second, of a gliding pitch and one vowel each, with breaths and hisses."""
    pitch, size = rng.uniform(90, 240), rng.uniform(0.95, 1.25)
    starts, knots = [0.0], [0.0]
    while starts[-1] < count / rate:
        pause = rng.uniform(0.2, 0.6) if rng.random() < 0.15 else 0.0
        starts.append(starts[-1] + rng.uniform(0.16, 0.33) + pause)
    moments = np.array(starts)
    times = np.arange(count) / rate
    syllables = len(moments)
    curve = pitch * 2 ** np.interp(times, moments, rng.normal(0, 0.15, syllables))
    formants = _VOWELS[rng.integers(len(_VOWELS), size=syllables)] * size
    tracks = np.stack([np.interp(times, moments, formants[:, number]) for number in range(3)])
    knots = np.repeat(moments, 2) + np.tile([0.0, 0.12], syllables)
    loudness = np.interp(times, knots, np.stack([np.zeros(syllables), rng.uniform(0.4, 1.0, syllables)], 1).ravel())
    phase = 2 * np.pi * np.cumsum(curve) / rate
    parts = [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
    voiced = np.concatenate([_harmonics(curve[part], phase[part], tracks[:, part], rate) for part in parts])
    band = scipy.signal.butter(2, [2500, min(8000, 0.45 * rate)], "bandpass", fs=rate, output="sos")
    hiss = scipy.signal.sosfilt(band, rng.standard_normal(count))
    hisses = np.interp(times, knots, np.stack([rng.random(syllables) < 0.3, np.zeros(syllables)], 1).ravel())
    return np.asarray(loudness * voiced + 0.3 * hisses * hiss)


def _harmonics(pitch: Doubles, phase: Doubles, formants: Doubles, rate: int) -> Doubles:
    """The voiced part of speech: harmonics of a `pitch` in Hz, shape (time,), under three formants, shape (3, time)."""
    voiced = np.zeros(len(pitch))
    for number in range(1, _HARMONICS + 1):
        hertz = number * pitch
        envelope = sum(
            gain / (1 + ((hertz - formant) / width) ** 2)
            for formant, gain, width in zip(formants, (1.0, 0.5, 0.25), (90, 120, 170), strict=True)
        )
        voiced += np.where(hertz < 0.45 * rate, envelope / number**0.5, 0.0) * np.sin(number * phase)
    return voiced
