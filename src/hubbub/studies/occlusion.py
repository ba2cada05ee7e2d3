"""Where in a sound a model finds what it names: an occlusion map over the log-mel.

After Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014. A patch, some seconds wide
and a part of the mel axis high, is slid over the picture that the network is shown. Under it, all that is louder than
the sound's own quiet level is brought down to that level: of each row the 5th percentile over time. So the patch says
"nothing happens here" in the background's own colour, where black would cut a hole that no sound has; and where the
minimum would go by one frame, a drop-out, it takes a twentieth of the time. What is measured is by how much the
logarithm of the odds of a class falls, in nats. Where the class is not all but certain that is as much as its
log-probability falls; where it is, the probability hardly moves, whatever the model lost.

It takes a model file and nothing else. It covers one patch at a time: what a sound says twice is not missed when one
of the two is covered. And a steady sound, such as rain, is close to its own quiet level, so that its map is faint.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubbub import audio
from hubbub.errors import UsageError
from hubbub.evaluate.calibration import softmax
from hubbub.listen.classifier import Classifier
from hubbub.logmel import LogMelSpec, hz_to_mel, logmel, mel_to_hz
from hubbub.types import Doubles, Floats

SECONDS = 0.8  #: width of the patch
SHARE = 0.25  #: its height, of the mel axis

_QUIET = 0.05  # of the time a row is quieter than what the patch sets it to
_BATCH = 16
Region = tuple[slice, slice]  #: of a picture: rows, columns


@dataclass(frozen=True)
class Patch:
    """A part of the picture: seconds from the beginning of the sound, Hz, and the class's probability without it."""

    seconds: tuple[float, float]
    hertz: tuple[float, float]
    score: float


@dataclass(frozen=True)
class Occlusion:
    """What each part of a picture does for a class.

    Attributes:
        label: the class. score: its probability in the window that is shown.
        start: of that window, in seconds from the beginning of the sound. seconds: its length.
        picture: the log-mel as the network sees it, shape (rows, columns), low frequencies first.
        fall: by how much the log-odds of the class fall where it is covered, the mean over all patches that cover a
            point; of the picture's shape, in nats. Below 0 where the sound speaks against the class.
        worst: the patch without which the class is least likely.
    """

    label: str
    score: float
    start: float
    seconds: float
    picture: Floats
    fall: Floats
    worst: Patch


def occlude(
    classifier: Classifier,
    samples: ArrayLike,
    rate: int,
    label: str | None = None,
    seconds: float = SECONDS,
    share: float = SHARE,
) -> Occlusion:
    """The occlusion map of a sound; of a longer one than the model's window, where that window is likeliest.

    Args:
        classifier: the model.
        samples: shape (time,) or (time, channels), see `hubbub.audio.from_array`.
        rate: of the samples, in Hz.
        label: the class that is asked about; the likeliest one if left out.
        seconds: width of the patch, which moves by half of it.
        share: its height as a share of the mel axis, in (0, 1]; it moves by half of it.

    Raises:
        AudioError: the samples are no sound.
        UsageError: the model does not know the label, or the patch has no size.
    """
    if label is not None and label not in classifier.labels:
        raise UsageError(f"{classifier.meta.name} does not know {label!r}: it knows {', '.join(classifier.labels)}")
    if not (seconds > 0 and 0 < share <= 1):
        raise UsageError(f"a patch of {seconds} s and {share} of the mel axis makes no sense: give more than 0")
    spec, length = classifier.meta.frontend, classifier.meta.window_seconds
    sound = audio.from_array(samples, rate, spec.sample_rate)
    start, target = _likeliest_window(classifier, sound, label)
    window = sound[round(start * spec.sample_rate) :][: round(length * spec.sample_rate)]
    picture = logmel(np.pad(window, (0, round(length * spec.sample_rate) - len(window))), spec)
    rows, columns = picture.shape
    height = min(max(1, round(share * rows)), rows)
    width = min(max(1, round(seconds / length * columns)), columns)
    regions = [(row, column) for row in _steps(rows, height) for column in _steps(columns, width)]
    logits = _without(classifier, picture, regions)
    odds = _log_odds(logits, target)
    falls, scores = odds[0] - odds[1:], softmax(logits)[:, target]
    worst = int(falls.argmax())
    patch = _patch(classifier, picture.shape, regions[worst], start, float(scores[1 + worst]))
    fall = _spread(regions, falls, picture.shape)
    return Occlusion(classifier.labels[target], float(scores[0]), start, length, picture, fall, patch)


def _likeliest_window(classifier: Classifier, sound: Floats, label: str | None) -> tuple[float, int]:
    """Where the window begins in which a class is likeliest, in seconds, and the class's number."""
    results = list(classifier.windows(sound, classifier.meta.frontend.sample_rate))
    logits = np.stack([result.logits for result in results])
    target = int(logits.mean(0).argmax()) if label is None else classifier.labels.index(label)
    return results[int(_log_odds(_calibrated(classifier, logits), target).argmax())].start, target


def _steps(length: int, extent: int) -> list[slice]:
    """Where a patch of some extent goes along an axis: by half of itself, evenly, from edge to edge."""
    count = 1 + int(np.ceil(2 * (length - extent) / extent))
    starts = np.unique(np.round(np.linspace(0, length - extent, count)).astype(int)).tolist()
    return [slice(start, start + extent) for start in starts]


def _without(classifier: Classifier, picture: Floats, regions: list[Region]) -> Doubles:
    """Log-scores of the picture, and of it without each of the regions; shape (1 + regions, classes)."""
    quiet = np.minimum(picture, np.quantile(picture, _QUIET, axis=1, keepdims=True).astype(np.float32))
    changing = [index for index, region in enumerate(regions) if (quiet[region] < picture[region]).any()]
    logits = np.empty((1 + len(regions), len(classifier.labels)))
    logits[:] = classifier.run_pictures(picture[None])[0]  # a patch over what is quiet changes nothing
    for start in range(0, len(changing), _BATCH):
        indices = changing[start : start + _BATCH]
        covered = np.repeat(picture[None], len(indices), axis=0)
        for copy, index in zip(covered, indices, strict=True):
            copy[regions[index]] = quiet[regions[index]]
        logits[np.array(indices) + 1] = classifier.run_pictures(covered)[0]
    return _calibrated(classifier, logits)


def _calibrated(classifier: Classifier, logits: NDArray[np.floating]) -> Doubles:
    """Logarithms of the calibrated scores; they serve as logits, whatever the calibration."""
    return np.log(np.maximum(classifier.calibrate(logits), 1e-300))


def _log_odds(logits: NDArray[np.floating], number: int) -> Doubles:
    """ln(p / (1 - p)) of a class, shape (batch,), from logits (batch, classes); 0 if there is no other class."""
    if logits.shape[1] == 1:
        return np.zeros(len(logits))
    others = np.delete(np.asarray(logits, np.float64), number, axis=1)
    most = others.max(1)
    return np.asarray(logits[:, number] - most - np.log(np.exp(others - most[:, None]).sum(1)))


def _spread(regions: list[Region], falls: Doubles, shape: tuple[int, ...]) -> Floats:
    """Each point's mean over the patches that cover it."""
    total, count = np.zeros(shape), np.zeros(shape)
    for region, fall in zip(regions, falls, strict=True):
        total[region] += fall
        count[region] += 1
    return np.asarray(total / count, np.float32)


def _patch(classifier: Classifier, shape: tuple[int, ...], region: Region, start: float, score: float) -> Patch:
    meta, (rows, columns) = classifier.meta, region
    column_seconds = meta.window_seconds / shape[1]
    bottom, top = (_hertz(row / shape[0], meta.frontend) for row in (rows.start, rows.stop))
    return Patch((start + columns.start * column_seconds, start + columns.stop * column_seconds), (bottom, top), score)


def _hertz(share: float, spec: LogMelSpec) -> float:
    """The frequency at a share of the mel axis."""
    low, high = hz_to_mel(spec.fmin), hz_to_mel(spec.fmax)
    return float(mel_to_hz(low + share * (high - low)))
