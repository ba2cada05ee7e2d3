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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubbub import audio
from hubbub.errors import UsageError
from hubbub.evaluate.calibration import softmax
from hubbub.listen.classifier import Classifier
from hubbub.listen.windows import windows
from hubbub.logmel import Floats, LogMelSpec, hz_to_mel, logmel, mel_to_hz

SECONDS = 0.8  #: width of the patch
SHARE = 0.25  #: its height, of the mel axis

_QUIET = 0.05  # of the time a row is quieter than what the patch sets it to
_BATCH = 16
_Doubles = NDArray[np.float64]


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
    picture, start, wanted = _window(
        classifier, audio.from_array(samples, rate, classifier.meta.frontend.sample_rate), label
    )
    length = classifier.meta.window_seconds
    rows, columns = picture.shape
    size = (_within(share * rows, rows), _within(seconds / length * columns, columns))
    places = list(_places(picture.shape, size))
    logits = _without(classifier, picture, places)
    odds = _log_odds(logits, wanted)
    falls, scores = odds[0] - odds[1:], softmax(logits)[:, wanted]
    worst = int(falls.argmax())
    patch = _patch(classifier, picture.shape, places[worst], start, float(scores[1 + worst]))
    fall = _spread(places, falls, picture.shape)
    return Occlusion(classifier.labels[wanted], float(scores[0]), start, length, picture, fall, patch)


def _window(classifier: Classifier, sound: Floats, label: str | None) -> tuple[Floats, float, int]:
    """The log-mel of the window in which a class is likeliest, where it begins in seconds, and the class's number."""
    meta = classifier.meta
    length, hop = (
        round(meta.window_seconds * meta.frontend.sample_rate),
        round(meta.hop_seconds * meta.frontend.sample_rate),
    )
    heard = np.concatenate([classifier.run(window[None])[0] for window in windows([sound], length, hop)])
    number = int(heard.mean(0).argmax()) if label is None else classifier.labels.index(label)
    best = int(_log_odds(_calibrated(classifier, heard), number).argmax())
    start = min(best * hop, max(0, len(sound) - length))  # the last window ends with the sound
    window = sound[start : start + length]
    return logmel(np.pad(window, (0, length - len(window))), meta.frontend), start / meta.frontend.sample_rate, number


def _within(size: float, most: int) -> int:
    return min(max(1, round(size)), most)


def _places(shape: tuple[int, ...], size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Where the patch goes: by half of itself, evenly, from edge to edge."""
    starts = []
    for length, extent in zip(shape, size, strict=True):
        count = 1 + int(np.ceil(2 * (length - extent) / extent))
        starts.append(np.unique(np.round(np.linspace(0, length - extent, count)).astype(int)).tolist())
    for row in starts[0]:
        for column in starts[1]:
            yield slice(row, row + size[0]), slice(column, column + size[1])


def _without(classifier: Classifier, picture: Floats, places: list[tuple[slice, slice]]) -> _Doubles:
    """Log-scores of the picture, and of it without each of those places; shape (1 + places, classes)."""
    quiet = np.minimum(picture, np.quantile(picture, _QUIET, axis=1, keepdims=True).astype(np.float32))
    changes = [index for index, place in enumerate(places) if (quiet[place] < picture[place]).any()]
    found = np.empty((1 + len(places), len(classifier.labels)))
    found[:] = classifier.run_pictures(picture[None])[0]  # a patch over what is quiet changes nothing
    for start in range(0, len(changes), _BATCH):
        some = changes[start : start + _BATCH]
        covered = np.repeat(picture[None], len(some), axis=0)
        for one, index in zip(covered, some, strict=True):
            one[places[index]] = quiet[places[index]]
        found[np.array(some) + 1] = classifier.run_pictures(covered)[0]
    return _calibrated(classifier, found)


def _calibrated(classifier: Classifier, logits: NDArray[np.floating]) -> _Doubles:
    """Logarithms of the calibrated scores; they serve as logits, whatever the calibration."""
    return np.log(np.maximum(classifier.calibrate(logits), 1e-300))


def _log_odds(logits: NDArray[np.floating], number: int) -> _Doubles:
    """ln(p / (1 - p)) of a class, shape (batch,), from logits (batch, classes); 0 if there is no other class."""
    if logits.shape[1] == 1:
        return np.zeros(len(logits))
    others = np.delete(np.asarray(logits, np.float64), number, axis=1)
    most = others.max(1)
    return np.asarray(logits[:, number] - most - np.log(np.exp(others - most[:, None]).sum(1)))


def _spread(places: list[tuple[slice, slice]], falls: _Doubles, shape: tuple[int, ...]) -> Floats:
    """Each point's mean over the patches that cover it."""
    total, count = np.zeros(shape), np.zeros(shape)
    for place, fall in zip(places, falls, strict=True):
        total[place] += fall
        count[place] += 1
    return np.asarray(total / count, np.float32)


def _patch(
    classifier: Classifier, shape: tuple[int, ...], place: tuple[slice, slice], start: float, score: float
) -> Patch:
    meta, (rows, columns) = classifier.meta, place
    pace = meta.window_seconds / shape[1]
    bottom, top = (_hertz(row / shape[0], meta.frontend) for row in (rows.start, rows.stop))
    return Patch((start + columns.start * pace, start + columns.stop * pace), (bottom, top), score)


def _hertz(share: float, spec: LogMelSpec) -> float:
    """The frequency at a share of the mel axis."""
    low, high = hz_to_mel(spec.fmin), hz_to_mel(spec.fmax)
    return float(mel_to_hz(low + share * (high - low)))
