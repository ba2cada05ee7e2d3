"""Shortcuts: how far one gets without listening, from a file's effective bandwidth and its digital silence alone.

ESC-50's author warns that some classes were recorded, cut or encoded in their own way. A random forest (Breiman,
Machine Learning 45, 2001) is trained on nothing else than that, and predicts the class of recordings that it has not
seen. What it gains above chance, a network can gain as well, and it will not hold on other sounds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.data.dataset import Clip
from hubbub.data.splits import by_recording
from hubbub.errors import missing_extra
from hubbub.evaluate.intervals import Interval, mean_interval
from hubbub.studies.measure import Measurements
from hubbub.types import Bools, Doubles, Ints

ALL = "bandwidth and silence"
#: Features of a forest, by a name for people: fields of `Measurements`.
FEATURES: Mapping[str, tuple[str, ...]] = {
    ALL: ("bandwidth", "silence", "lead", "tail"),
    "bandwidth alone": ("bandwidth",),
    "silence alone": ("silence", "lead", "tail"),
}
LEAST_RECORDINGS = 5  #: of each class, on average: below, an accuracy says nothing
MOST_CLASSES = 100  #: those with most clips are predicted, so that the forests stay small
_TREES, _LEAVES, _SEEN = 100, 1000, 10_000  # of a forest; and clips that a tree sees at most
_FOLDS = 5


@dataclass(frozen=True)
class Guess:
    """Accuracy from some features, by their name in `FEATURES`, with its 95 % interval over recordings."""

    features: str
    accuracy: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"features": self.features, "accuracy": self.accuracy.value, "interval": list(self.accuracy[1:])}


@dataclass(frozen=True)
class ClassGuess:
    """A class: its clips, the share of them named right from all features, and its medians.

    `bandwidth` in Hz, `silence` in [0, 1].
    """

    label: str
    clips: int
    recall: float
    bandwidth: float
    silence: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Shortcuts:
    """What can be guessed without listening.

    Attributes:
        problem: why nothing could be said; empty if it could.
        chance: accuracy of always naming the most frequent class.
        clips: how many were predicted.
        guesses: from all features first, then from some.
        classes: those that are guessed best first.
    """

    problem: str = ""
    chance: float = 0.0
    clips: int = 0
    guesses: tuple[Guess, ...] = ()
    classes: tuple[ClassGuess, ...] = ()

    @property
    def given_away(self) -> bool:
        """Whether the whole interval of the first accuracy is above chance."""
        return bool(self.guesses) and self.guesses[0].accuracy.low > self.chance

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        if self.problem:
            return {"problem": self.problem}
        return {
            "chance": self.chance,
            "clips": self.clips,
            "guesses": [guess.to_dict() for guess in self.guesses],
            "classes": [guess.to_dict() for guess in self.classes],
        }


def find(clips: Sequence[Clip], measurements: Sequence[Measurements], seed: int = 0) -> Shortcuts:
    """Guess each clip's class from its measurements, by a forest that has seen other recordings only.

    Args:
        clips: what is guessed, those of a class in its official folds if they all have one.
        measurements: of each clip.
        seed: of the folds that are made, and of the forests.

    Raises RefusedError if scikit-learn is not installed.
    """
    readable = [pair for pair in zip(clips, measurements, strict=True) if not pair[1].problem]
    largest = Counter(clip.label for clip, _ in readable).most_common(MOST_CLASSES)
    chosen = [(clip, measured) for clip, measured in readable if clip.label in dict(largest)]
    clips, measurements = [clip for clip, _ in chosen], [measured for _, measured in chosen]
    problem = _too_small(clips)
    if problem:
        return Shortcuts(problem)
    labels = np.array([clip.label for clip in clips])
    groups = np.array([clip.group for clip in clips])
    folds = _folds(clips, seed)
    columns = {name: np.array([getattr(measured, name) for measured in measurements]) for name in FEATURES[ALL]}
    right = {
        features: predict(np.stack([columns[name] for name in names], 1), labels, folds, groups, seed) == labels
        for features, names in FEATURES.items()
    }
    chance = Counter(labels.tolist()).most_common(1)[0][1] / len(labels)
    guesses = tuple(Guess(features, mean_interval(named, groups)) for features, named in right.items())
    return Shortcuts(
        "", chance, len(labels), guesses, _classes(labels, right[ALL], columns["bandwidth"], columns["silence"])
    )


def predict(columns: Doubles, labels: NDArray[Any], folds: Ints, groups: NDArray[Any], seed: int = 0) -> NDArray[Any]:
    """The class that forests predict for each clip, shape (clips,); each has seen the other folds' recordings only.

    Empty where these are none.

    Args:
        columns: the features, shape (clips, features).
        labels: class of each clip.
        folds: of each clip.
        groups: source recording of each clip; one that lies in the tested fold, the forest has not seen.
        seed: of the forests.
    """
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ModuleNotFoundError as error:
        raise missing_extra("report", "guessing classes without listening") from error
    predicted = np.full(labels.shape, "", labels.dtype)
    for fold in np.unique(folds):
        tested = folds == fold
        seen = ~tested & ~np.isin(groups, groups[tested])
        if not seen.any():
            continue
        forest = RandomForestClassifier(
            _TREES,
            min_samples_leaf=2,
            max_leaf_nodes=_LEAVES,
            max_samples=min(_SEEN, int(seen.sum())),
            random_state=seed,
        )
        predicted[tested] = forest.fit(columns[seen], labels[seen]).predict(columns[tested])
    return predicted


def _too_small(clips: Sequence[Clip]) -> str:
    classes = len({clip.label for clip in clips})
    recordings = len({(clip.label, clip.group) for clip in clips})
    if classes < 2:
        return "one class: there is nothing to guess" if classes else "no readable clip"
    if len({clip.group for clip in clips}) < LEAST_RECORDINGS * classes:
        return (
            f"too small to say: {recordings:,} recordings of {classes:,} classes; it takes {LEAST_RECORDINGS} a class"
        )
    return ""


def _folds(clips: Sequence[Clip], seed: int) -> Ints:
    """The official fold of each clip, or one that is made of its recording; shape (clips,)."""
    official = [clip.fold for clip in clips]
    if None not in official and len(set(official)) > 1:
        return np.array(official, dtype=np.int64)
    folds = by_recording(clips, _FOLDS, seed)
    return np.array([folds[clip.group] for clip in clips], dtype=np.int64)


def _classes(labels: NDArray[Any], right: Bools, bandwidth: Doubles, silence: Doubles) -> tuple[ClassGuess, ...]:
    """One for each class, the best guessed first; all arrays of shape (clips,)."""
    guesses = []
    for label in np.unique(labels).tolist():
        rows = labels == label
        medians = float(np.median(bandwidth[rows])), float(np.median(silence[rows]))
        guesses.append(ClassGuess(label, int(rows.sum()), float(right[rows].mean()), *medians))
    return tuple(sorted(guesses, key=lambda guess: (-guess.recall, guess.label)))
