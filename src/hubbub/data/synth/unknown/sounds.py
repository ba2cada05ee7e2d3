"""Sounds of no class, by kind, family and number: the same arguments always give the same sound.

>>> samples = unknown_sound("noise", "test", 0)
>>> samples.shape, samples.dtype
((220500,), dtype('float32'))

There are two families of each kind, which share no generator, no seed and no voice: what is learnt from sounds of
"fitting" is measured on sounds of "test". None is meant to be one of the 50 classes of ESC-50.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hubbub import audio
from hubbub.data.synth.synthesis import RATE, Samples, Take
from hubbub.data.synth.unknown import hum, machines, music, noise, silence, speech, tones
from hubbub.errors import UsageError
from hubbub.types import Floats

VERSION = 1  #: of the sounds; raised whenever a kind, family and index come to sound different

Maker = Callable[[Take], Samples]
Family = Literal["fitting", "test"]


@dataclass(frozen=True)
class Kind:
    """The makers of each family, taken in turn, and the levels that their sounds are brought to.

    `levels` are the least and most RMS in dBFS, all between equally likely; None leaves levels as they were made.
    """

    fitting: tuple[Maker, ...]
    test: tuple[Maker, ...]
    levels: tuple[float, float] | None = (-60.0, -12.0)


KINDS: dict[str, Kind] = {
    "noise": Kind(noise.FITTING, noise.TEST, (-70.0, -10.0)),
    "hum": Kind(hum.FITTING, hum.TEST, (-70.0, -10.0)),
    "silence": Kind(silence.FITTING, silence.TEST, None),
    "tones": Kind(tones.FITTING, tones.TEST),
    "speech": Kind(speech.FITTING, speech.TEST),
    "music": Kind(music.FITTING, music.TEST),
    "machines": Kind(machines.FITTING, machines.TEST),
}


def unknown_sound(kind: str, family: Family, index: int, rate: int = RATE, seconds: float = 5.0) -> Floats:
    """One sound of no class; every second one is rounded to 16 bit, as files are.

    Args:
        kind: one of `KINDS`.
        family: "fitting" or "test".
        index: which one, from 0; makers are taken in turn.
        rate: Hz; sounds are made at `RATE` and resampled.
        seconds: length.

    Returns:
        float32, shape (rate * seconds, rounded,), in [-1, 1].

    Raises:
        UsageError: an unknown kind or family, or a negative index.
        RefusedError: speech where the extra "speech" is not installed.
    """
    if kind not in KINDS or family not in ("fitting", "test") or index < 0:
        raise UsageError(
            f"no sound {kind!r} {family!r} {index}: kinds are {', '.join(KINDS)}, families fitting and test"
        )
    rules = KINDS[kind]
    makers = rules.fitting if family == "fitting" else rules.test
    take = Take(np.random.default_rng([index, *kind.encode(), *family.encode()]), seconds)
    samples = makers[index % len(makers)](take)
    if rules.levels is not None:
        samples = _at_level(samples, take.rng.uniform(*rules.levels))
    resampled = np.asarray(audio.resample(samples.astype(np.float32), RATE, rate), np.float32)
    if index // len(makers) % 2:
        resampled = np.round(resampled * 2**15) / np.float32(2**15)
    count = round(seconds * rate)
    return np.clip(np.pad(resampled, (0, max(count - len(resampled), 0)))[:count], -1, 1)


def _at_level(samples: Samples, dbfs: float) -> Samples:
    """Without its mean, at that RMS, or less where its peak would pass 0.99."""
    centred = samples - samples.mean()
    rms, peak = np.sqrt(np.mean(centred**2)), np.abs(centred).max()
    return np.asarray(centred * min(10 ** (dbfs / 20) / max(rms, 1e-12), 0.99 / max(peak, 1e-12)))
