"""A dataset of sounds made by code, each under the name of an ESC-50 class: no download and no licence to mind.

They serve demonstrations, tests and first steps. They are not recordings, and a score on them says nothing about real
sounds.

>>> samples = make("siren", seed=0, seconds=2.0)
>>> samples.shape, samples.dtype
((88200,), dtype('float32'))
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.data import esc50
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.synth import nature as nature
from hubbub.data.synth import things as things
from hubbub.data.synth.synthesis import RATE, Samples, Take, even
from hubbub.errors import UsageError
from hubbub.storage import cache_dir

VERSION = 1  #: of the sounds; raised whenever a label and seed come to sound different

_MAKERS: dict[str, Callable[[Take], Samples]] = {
    "car_horn": things.car_horn,
    "chainsaw": things.chainsaw,
    "chirping_birds": nature.chirping_birds,
    "church_bells": things.church_bells,
    "clock_alarm": things.clock_alarm,
    "clock_tick": things.clock_tick,
    "crackling_fire": nature.crackling_fire,
    "crickets": nature.crickets,
    "door_wood_knock": things.door_wood_knock,
    "engine": things.engine,
    "fireworks": nature.fireworks,
    "footsteps": things.footsteps,
    "glass_breaking": things.glass_breaking,
    "hand_saw": things.hand_saw,
    "keyboard_typing": things.keyboard_typing,
    "mouse_click": things.mouse_click,
    "pouring_water": nature.pouring_water,
    "rain": nature.rain,
    "sea_waves": nature.sea_waves,
    "siren": things.siren,
    "thunderstorm": nature.thunderstorm,
    "vacuum_cleaner": things.vacuum_cleaner,
    "water_drops": nature.water_drops,
    "wind": nature.wind,
}

LABELS: tuple[str, ...] = tuple(_MAKERS)  #: what can be made, by ESC-50 class name, in alphabetical order

#: Labels and seeds that a classifier trained on ESC-50 names right with a margin.
SAMPLES: tuple[tuple[str, int], ...] = (
    ("siren", 31),
    ("sea_waves", 38),
    ("door_wood_knock", 26),
    ("glass_breaking", 0),
    ("chirping_birds", 21),
    ("clock_alarm", 28),
    ("thunderstorm", 15),
    ("chainsaw", 36),
    ("car_horn", 37),
    ("clock_tick", 5),
    ("crickets", 36),
    ("water_drops", 14),
)

SHORTEST, LONGEST = 1.0, 60.0  #: seconds that `make` can fill


def make(label: str, seed: int, rate: int = RATE, seconds: float = 5.0) -> NDArray[np.float32]:
    """One sound; the same arguments always give the same one, and nothing else is random.

    Args:
        label: one of `LABELS`.
        seed: which variant, from 0.
        rate: Hz; it changes the rate alone, for the sound is made at `RATE` and resampled.
        seconds: length, `SHORTEST` to `LONGEST`; another length is another variant.

    Returns:
        float32, shape (rate * seconds, rounded,), in [-1, 1], its peak between about 0.4 and 0.95.

    Raises:
        UsageError: an unknown label, a negative seed, or a rate or length that is not possible.
    """
    _require_known([label])
    if seed < 0:
        raise UsageError(f"the seed {seed} is negative; give a whole number from 0")
    if not SHORTEST <= seconds <= LONGEST:
        raise UsageError(f"a sound of {seconds} s cannot be made; give {SHORTEST:g} to {LONGEST:g} seconds")
    take = Take(np.random.default_rng([seed, *label.encode()]), seconds)
    samples = even(_MAKERS[label](take)) * take.between(0.4, 0.95)
    resampled = audio.resample(_without_clicks(samples), RATE, rate)
    count = round(seconds * rate)
    return np.clip(np.pad(resampled, (0, max(count - len(resampled), 0)))[:count], -1, 1)


def dataset(folder: Path | None = None, labels: Iterable[str] = LABELS, per_fold: int = 2, folds: int = 5) -> Dataset:
    """Make the sounds that are not there yet, as 5 s WAV files, and return them as a dataset.

    A clip's seed decides its fold: 0 is in fold 1, 1 in fold 2, and so on round. Each clip is a recording of its own.

    Args:
        folder: where to keep them, in a subfolder for this `VERSION`; None for the cache.
        labels: the classes, some or all of `LABELS`.
        per_fold: clips of each class in each fold, at least 1.
        folds: how many, at least 1.

    Raises:
        UsageError: an unknown label, no label, or a number below 1.
        OSError: the folder cannot be written.
    """
    labels = tuple(dict.fromkeys(labels))
    _require_known(labels)
    if not labels or per_fold < 1 or folds < 1:
        raise UsageError("a dataset needs at least one label, one fold, and one clip per fold")
    home = (cache_dir("synthetic") if folder is None else folder) / f"v{VERSION}"
    clips = [_clip(home, label, seed, seed % folds + 1) for label in labels for seed in range(per_fold * folds)]
    return Dataset(
        name="synthetic",
        title="Everyday sounds made by code",
        labels=labels,
        clips=tuple(sorted(clips, key=lambda clip: clip.id)),
        licence="CC0",
        citation="Sounds made by hubbub, after A. Farnell, Designing Sound, MIT Press, 2010",
        source="made by code",
        categories=esc50.categories(labels),
    )


def _clip(home: Path, label: str, seed: int, fold: int) -> Clip:
    name = f"{label}-{seed:03d}"
    path = home / f"{name}.wav"
    if not path.is_file():
        audio.write_wav(path, make(label, seed), RATE)
    return Clip(id=path.name, path=path, label=label, group=name, fold=fold)


def _require_known(labels: Iterable[str]) -> None:
    unknown = [label for label in labels if label not in _MAKERS]
    if unknown:
        raise UsageError(f"no sound is made for {', '.join(map(repr, unknown))}; known are: {', '.join(LABELS)}")


def _without_clicks(samples: Samples) -> Samples:
    """The same with 5 ms ramps at both ends, where a steady sound is cut."""
    ramp = np.linspace(0, 1, RATE // 200)
    faded = samples.copy()
    faded[: len(ramp)] *= ramp
    faded[-len(ramp) :] *= ramp[::-1]
    return faded
