"""ESC-50-C: conditions that a listener meets outside the studio, as a fixed suite of corrupted clips.

Sixteen corruptions of five severities each, and excerpts of three lengths: `CONDITIONS`. What a condition makes of a
clip follows from the suite's `VERSION`, the corruption's name and the clip's id alone; the severities of one corruption
share their draws, so that only the amount differs between them. All is computed in double precision and returned as
float32, so that a hash pins it (`tests/augment/test_corruptions.py`); what a codec makes is pinned by tolerance.

Names of gaussian_snr, lowpass, clipping, resample, gain, speed, mu_law and silence_edge are those of AudioClaw-C
(clawRxiv 2604.00462), which has eight corruptions of ESC-50; the amounts are our own. Five severities, and a mean over
all corruptions, are as in ImageNet-C (Hendrycks and Dietterich, ICLR 2019). docs/robustness.md defines each in words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import scipy.signal

from hubbub import audio
from hubbub.audio.codecs import Codec, round_trip
from hubbub.augment.babble import babble
from hubbub.augment.loudness import level
from hubbub.augment.rooms import draw_room, impulse_response
from hubbub.storage import digest
from hubbub.types import Doubles, Floats

VERSION = 1  #: of the suite; raised whenever a condition comes to sound different
RATE = 44_100  #: in Hz, of the clips that are corrupted: ESC-50's own; others are resampled to it first
SEVERITIES = (1, 2, 3, 4, 5)

_BABBLES, _BABBLE_SECONDS = 24, 12.0
_EXCERPT = 0.1  # seconds of the loudest part, which every excerpt holds

#: Changes samples (time,) at a rate, by an amount, with draws, and the clip that may lie under it.
Change: TypeAlias = Callable[[Doubles, int, Any, np.random.Generator, Doubles | None], Doubles]


@dataclass(frozen=True)
class Corruption:
    """What is done to a clip.

    Attributes:
        unit: what the amounts are of.
        amounts: of severity 1, 2, ...
        change: does it.
        with_background: whether it takes another clip to lie under this one.
    """

    unit: str
    amounts: tuple[Any, ...]
    change: Change
    with_background: bool = False


def corrupt(
    samples: Floats, rate: int, name: str, severity: int, clip: str, background: Floats | None = None
) -> Floats:
    """A clip under a condition.

    Args:
        samples: mono, shape (time,), at least 0.5 s.
        rate: of the samples, in Hz.
        name: of the corruption, a key of `CORRUPTIONS`.
        severity: from 1 to as many as the corruption has amounts.
        clip: the clip's id, from which all draws derive.
        background: for corruptions `with_background`, another clip at the same rate, as long as this one.

    Returns:
        float32, shape (time,); not clipped. Excerpts are shorter, all else is as long as `samples`.

    Raises KeyError or IndexError for a condition that there is not, ValueError for a background too many or missing.
    """
    corruption = CORRUPTIONS[name]
    if severity < 1:
        raise IndexError(f"severities count from 1, got {severity}")
    if corruption.with_background != (background is not None):
        raise ValueError(f"{name}: a background clip is {'missing' if background is None else 'not wanted'}")
    amount = corruption.amounts[severity - 1]
    rng = np.random.default_rng(int(digest("ESC-50-C", str(VERSION), name, clip), 16))
    under = None if background is None else background.astype(np.float64)
    return corruption.change(samples.astype(np.float64), rate, amount, rng, under).astype(np.float32)


def _at_snr(samples: Doubles, noise: Doubles, snr: float) -> Doubles:
    """Noise under the sound, their levels (`loudness.level`) `snr` dB apart."""
    loudness = level(noise)
    return np.asarray(samples + noise * (level(samples) / loudness * 10 ** (-snr / 20) if loudness else 0.0))


def _gaussian(samples: Doubles, rate: int, snr: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    return _at_snr(samples, rng.standard_normal(len(samples)), snr)


def _pink(samples: Doubles, rate: int, snr: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    spectrum = np.fft.rfft(rng.standard_normal(len(samples))) / np.sqrt(np.maximum(hertz, 20.0))
    return _at_snr(samples, np.fft.irfft(spectrum, len(samples)), snr)


def _babble(samples: Doubles, rate: int, snr: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    voices = babble(_BABBLE_SECONDS, rate, 9_000 + int(rng.integers(_BABBLES)))
    voices = np.roll(np.resize(voices, max(len(voices), len(samples))), -int(rng.integers(len(voices))))
    return _at_snr(samples, voices[: len(samples)], snr)


def _background(samples: Doubles, rate: int, snr: float, rng: np.random.Generator, under: Doubles | None) -> Doubles:
    assert under is not None
    return _at_snr(samples, np.resize(under, len(samples)), snr)


def _reverb(
    samples: Doubles, rate: int, amount: tuple[float, float], rng: np.random.Generator, _: Doubles | None
) -> Doubles:
    rt60, distance = amount
    response = impulse_response(draw_room(rng, rt60, distance), rate, rng)
    return _as_loud(scipy.signal.fftconvolve(samples, response)[: len(samples)], samples)


@dataclass(frozen=True)
class Microphone:
    """A band in Hz, the height of three resonances in dB, and SNRs in dB of hum and rumble, and of its own noise."""

    low: float
    high: float
    resonance: float
    hum: float
    noise: float


def _microphone(
    samples: Doubles, rate: int, microphone: Microphone, rng: np.random.Generator, _: Doubles | None
) -> Doubles:
    filtered = _butter(samples, rate, 2, microphone.low, "highpass")
    filtered = _butter(filtered, rate, 4, microphone.high, "lowpass")
    for share, sign, width in zip(rng.random(3), rng.choice([-1, 1], 3), rng.uniform(2, 6, 3), strict=True):
        hertz = microphone.low * 2 * (microphone.high / microphone.low / 4) ** share
        filtered = scipy.signal.sosfilt(_peak(hertz, width, sign * microphone.resonance, rate), filtered)
    times = np.arange(len(samples)) / rate
    mains = 50.0 if rng.random() < 0.5 else 60.0
    hum = sum(rng.uniform(0.2, 1.0) / n * np.sin(2 * np.pi * (n * mains * times + rng.random())) for n in (1, 2, 3, 5))
    rumble = _butter(rng.standard_normal(len(samples)), rate, 2, 60.0, "lowpass")
    for sound, snr in ((hum, microphone.hum), (rumble, microphone.hum)):
        filtered = _at_snr(filtered, np.asarray(sound), snr)
    return _as_loud(_at_snr(filtered, rng.standard_normal(len(samples)), microphone.noise), samples)


def _gain(samples: Doubles, rate: int, decibels: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    return samples * 10 ** (decibels / 20)


def _gain_16bit(samples: Doubles, rate: int, decibels: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    return np.rint(samples * 10 ** (decibels / 20) * 32768) / 32768


def _clipping(samples: Doubles, rate: int, decibels: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    limit = np.abs(samples).max() * 10 ** (-decibels / 20)
    return np.clip(samples, -limit, limit)


def _lowpass(samples: Doubles, rate: int, hertz: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    return _butter(samples, rate, 8, hertz, "lowpass")


def _resample(samples: Doubles, rate: int, to: int, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    there = scipy.signal.resample_poly(samples, to, rate)
    return _fitted(scipy.signal.resample_poly(there, rate, to), len(samples))


def _mu_law(samples: Doubles, rate: int, bits: int, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    peak = np.abs(samples).max() or 1.0
    steps = 2 ** (bits - 1) - 1
    companded = np.sign(samples) * np.log1p(255 * np.abs(samples) / peak) / np.log(256)
    rounded = np.rint(companded * steps) / steps
    return np.asarray(np.sign(rounded) * np.expm1(np.abs(rounded) * np.log(256)) / 255 * peak)


def _coded(
    samples: Doubles, rate: int, amount: tuple[int, int], rng: np.random.Generator, _: Doubles | None, codec: Codec
) -> Doubles:
    kilobits, codec_rate = amount
    peak = max(np.abs(samples).max(), 1.0)  # a codec clips what goes beyond
    there = audio.resample(samples / peak, rate, codec_rate)
    back = audio.resample(round_trip(there, codec_rate, codec, kilobits * 1000), codec_rate, rate)
    return _fitted(back * peak, len(samples))


def _speed(samples: Doubles, rate: int, factor: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    factor = factor if rng.random() < 0.5 else 1 / factor
    return _fitted(scipy.signal.resample_poly(samples, round(1000 / factor), 1000), len(samples))


def _silence_edge(samples: Doubles, rate: int, seconds: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    start, stop = _around_loudest(samples, rate, seconds, rng)
    moved = np.zeros_like(samples)
    place = int(rng.integers(len(samples) - (stop - start) + 1))
    moved[place : place + stop - start] = samples[start:stop]
    return moved


def _excerpt(samples: Doubles, rate: int, seconds: float, rng: np.random.Generator, _: Doubles | None) -> Doubles:
    start, stop = _around_loudest(samples, rate, seconds, rng)
    return samples[start:stop]


def _around_loudest(samples: Doubles, rate: int, seconds: float, rng: np.random.Generator) -> tuple[int, int]:
    """Bounds of a part of `seconds` that holds the loudest 100 ms, placed evenly among those that do."""
    length, core = min(round(seconds * rate), len(samples)), round(_EXCERPT * rate)
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    loudest = int(np.argmax(energy[core:] - energy[:-core]))
    least = max(0, loudest + core - length)
    most = min(loudest, len(samples) - length)
    start = int(least + rng.random() * (most - least + 1))
    return start, start + length


def _butter(samples: Doubles, rate: int, order: int, hertz: float, kind: str) -> Doubles:
    return np.asarray(scipy.signal.sosfilt(scipy.signal.butter(order, hertz, kind, fs=rate, output="sos"), samples))


def _peak(hertz: float, quality: float, decibels: float, rate: int) -> Doubles:
    """A resonance as second-order section: the peaking filter of Bristow-Johnson's Audio EQ Cookbook."""
    a, w = 10 ** (decibels / 40), 2 * np.pi * hertz / rate
    alpha = np.sin(w) / (2 * quality)
    section = np.array([1 + alpha * a, -2 * np.cos(w), 1 - alpha * a, 1 + alpha / a, -2 * np.cos(w), 1 - alpha / a])
    return np.asarray(section[None] / section[3])


def _as_loud(changed: Doubles, original: Doubles) -> Doubles:
    """At the level of the original, so that no condition is one of level in secret."""
    loudness = level(changed)
    return changed * (level(original) / loudness) if loudness else changed


def _fitted(samples: Doubles, length: int) -> Doubles:
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


_SNR, _DB, _HZ, _SECONDS = "dB of signal over noise", "dB", "Hz", "seconds"
_CODED = "kbit/s, at Hz"
CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_snr": Corruption(_SNR, (30, 20, 10, 5, 0), _gaussian),
    "pink_snr": Corruption(_SNR, (30, 20, 10, 5, 0), _pink),
    "babble_snr": Corruption(_SNR, (20, 15, 10, 5, 0), _babble),
    "background_snr": Corruption(_SNR, (20, 15, 10, 5, 0), _background, with_background=True),
    "reverb": Corruption(
        "seconds of RT60, metres", ((0.3, 1.0), (0.5, 1.5), (0.8, 2.0), (1.2, 3.0), (2.0, 5.0)), _reverb
    ),
    "microphone": Corruption(
        "band, resonances, hum, noise",
        (
            Microphone(80, 12_000, 4, 40, 50),
            Microphone(150, 8_000, 6, 30, 40),
            Microphone(220, 6_000, 8, 25, 30),
            Microphone(300, 4_500, 10, 20, 25),
            Microphone(350, 3_400, 12, 15, 20),
        ),
        _microphone,
    ),
    "gain": Corruption(_DB, (-10, -20, -30, -40, -50), _gain),
    "gain_16bit": Corruption(_DB, (-10, -20, -30, -40, -50), _gain_16bit),
    "clipping": Corruption("dB of the peak cut off", (3, 6, 12, 20, 30), _clipping),
    "lowpass": Corruption(_HZ, (8_000, 4_000, 3_000, 2_000, 1_000), _lowpass),
    "resample": Corruption(_HZ, (16_000, 11_025, 8_000, 6_000, 4_000), _resample),
    "mu_law": Corruption("bits", (8, 6, 5, 4, 3), _mu_law),
    "opus": Corruption(
        _CODED, tuple((kilobits, 48_000) for kilobits in (24, 16, 12, 8, 6)), partial(_coded, codec="opus")
    ),
    "mp3": Corruption(
        _CODED,
        ((48, 44_100), (32, 44_100), (24, 22_050), (16, 22_050), (8, 16_000)),
        partial(_coded, codec="mp3"),
    ),
    "speed": Corruption("times as fast or slow", (1.05, 1.1, 1.2, 1.35, 1.5), _speed),
    "silence_edge": Corruption("seconds that are left", (4.0, 3.0, 2.0, 1.0, 0.5), _silence_edge),
    "excerpt": Corruption(_SECONDS, (2.0, 1.0, 0.5), _excerpt),
}

#: All conditions, in order: name and severity.
CONDITIONS: tuple[tuple[str, int], ...] = tuple(
    (name, severity) for name, corruption in CORRUPTIONS.items() for severity in range(1, len(corruption.amounts) + 1)
)
