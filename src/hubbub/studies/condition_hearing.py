"""Clips under a condition, as models hear them: each sound is corrupted once, its log-mel made once a front end.

What a worker process does for `hubbub.studies.robustness`: a condition and some clips in, small arrays out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hubbub import audio
from hubbub.augment.corruptions import CORRUPTIONS, RATE, corrupt
from hubbub.listen.classifier import SILENCE, Classifier
from hubbub.listen.windows import sliding_windows
from hubbub.logmel import LogMelSpec, logmel
from hubbub.runs.condition_predictions import CLEAN, Condition
from hubbub.types import Doubles, Floats, Ints

_SHORTEST = RATE // 2  # samples; what is shorter is zero-padded before it is corrupted
_BATCH = 4  # windows a call of the network: it takes 2.5 ms a window then, and 3.2 ms in batches of 16


class Hearing(NamedTuple):
    """A clip to hear: its id and file, and the file of the clip that may lie under it."""

    clip: str
    path: Path
    background: Path


@dataclass(frozen=True)
class Task:
    """Clips to hear under one condition, all by the same model files.

    Attributes:
        condition: which.
        hearings: the clips.
        files: model files, one for each model that is measured.
        targets: of each model, the number of each clip's class, shape (models, clips).
    """

    condition: Condition
    hearings: tuple[Hearing, ...]
    files: tuple[Path, ...]
    targets: Ints


class Named(NamedTuple):
    """What models named clips, each of shape (models, clips): numbers of classes, and shares in [0, 1]."""

    predictions: Ints
    p_true: Doubles
    p_top: Doubles
    known_score: Doubles


class _Ear(NamedTuple):
    """How a model hears: two with equal ears are given the same pictures."""

    spec: LogMelSpec
    window: int
    hop: int

    @classmethod
    def of(cls, classifier: Classifier) -> "_Ear":
        meta = classifier.meta
        rate = meta.frontend.sample_rate
        return cls(meta.frontend, round(meta.window_seconds * rate), round(meta.hop_seconds * rate))


class _Pictures(NamedTuple):
    """Log-mels of a clip's windows, shape (windows, rows, columns), and whether it is silent."""

    logmels: Floats
    silent: bool


def hear(task: Task) -> Named:
    """Corrupt the clips, and let every model name them as `Classifier.classify` does. Raises AudioError."""
    sounds = [under(task.condition, hearing) for hearing in task.hearings]
    pictures: dict[_Ear, list[_Pictures]] = {}
    rows = []
    for file, targets in zip(task.files, task.targets, strict=True):
        classifier = _opened(file)
        ear = _Ear.of(classifier)
        if ear not in pictures:
            pictures[ear] = [_seen(sound, ear) for sound in sounds]
        rows.append(_named(classifier, pictures[ear], targets))
    return Named(*(np.stack(arrays) for arrays in zip(*rows, strict=True)))


def under(condition: Condition, hearing: Hearing) -> Floats:
    """A clip under a condition, or as it is, at `corruptions.RATE`, shape (time,). Raises AudioError."""
    samples = _read(hearing.path)
    if condition == CLEAN:
        return samples
    name, severity = condition
    background = _read(hearing.background) if CORRUPTIONS[name].with_background else None
    return corrupt(samples, RATE, name, severity, hearing.clip, background)


def _read(path: Path) -> Floats:
    samples, _ = audio.read(path, RATE, log=lambda line: None)
    return np.pad(samples, (0, max(0, _SHORTEST - len(samples))))


@lru_cache(maxsize=64)
def _opened(file: Path) -> Classifier:
    return Classifier(file, threads=1)


def _seen(sound: Floats, ear: _Ear) -> _Pictures:
    samples = audio.resample(sound, RATE, ear.spec.sample_rate)
    windows = np.stack([window.samples for window in sliding_windows([samples], ear.window, ear.hop)])
    return _Pictures(logmel(windows, ear.spec), bool(np.abs(samples).max() < SILENCE))


def _named(classifier: Classifier, clips: Sequence[_Pictures], targets: Ints) -> tuple[Ints, Doubles, Doubles, Doubles]:
    """Predictions, p_true, p_top and known scores, each of shape (clips,)."""
    windows = np.concatenate([clip.logmels for clip in clips])
    batches = [classifier.run_pictures(windows[start : start + _BATCH]) for start in range(0, len(windows), _BATCH)]
    ends = np.cumsum([len(clip.logmels) for clip in clips])[:-1]
    logits, embeddings = (
        np.stack([part.mean(0) for part in np.split(np.concatenate(outputs), ends)])
        for outputs in zip(*batches, strict=True)
    )
    scores = classifier.calibrate(logits)
    predictions = scores.argmax(1)
    each = np.arange(len(clips))
    known = [
        0.0 if clip.silent else classifier.known_score(row, embedding)
        for clip, row, embedding in zip(clips, scores, embeddings, strict=True)
    ]
    return predictions, scores[each, targets], scores[each, predictions], np.array(known)
