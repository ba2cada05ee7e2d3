"""Shortcuts: how far one gets without listening, from a file's effective bandwidth and its digital silence alone.

ESC-50's author warns that some classes were recorded, cut or encoded in their own way. A random forest (Breiman,
Machine Learning 45, 2001) is given nothing else than that, and is asked for the class of recordings that it has not
seen. What it finds above chance, a network can find as well, and it will not hold on other sounds.
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
from hubbub.studies.measure import Facts

#: What the forest is told, by name: the names of `Facts`.
TOLD: Mapping[str, tuple[str, ...]] = {
    "bandwidth and silence": ("bandwidth", "silence", "lead", "tail"),
    "bandwidth alone": ("bandwidth",),
    "silence alone": ("silence", "lead", "tail"),
}
LEAST_RECORDINGS = 5  #: of each class, on average: below, an accuracy says nothing
MOST_CLASSES = 100  #: those with most clips are asked for, so that the forests stay small
_TREES, _LEAVES, _SEEN = 100, 1000, 10_000  # of a forest; and clips that a tree sees at most
_FOLDS = 5


@dataclass(frozen=True)
class Guess:
    """What is named right by one kind of knowledge: accuracy with its 95 % interval over recordings."""

    told: str
    accuracy: Interval

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {"told": self.told, "accuracy": self.accuracy.value, "interval": list(self.accuracy[1:])}


@dataclass(frozen=True)
class ClassGuess:
    """A class: its clips, the share of them named right from all that is told, and what is usual for it (medians).

    `bandwidth` in Hz, `silence` in [0, 1].
    """

    label: str
    clips: int
    recall: float
    bandwidth: float
    silence: float

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Shortcuts:
    """What can be guessed without listening.

    Attributes:
        problem: why nothing could be said; empty if it could.
        chance: accuracy of always naming the most frequent class.
        clips: how many were asked for.
        guesses: all that is told first, then its parts.
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

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        if self.problem:
            return {"problem": self.problem}
        return {
            "chance": self.chance,
            "clips": self.clips,
            "guesses": [one.facts() for one in self.guesses],
            "classes": [one.facts() for one in self.classes],
        }


def find(clips: Sequence[Clip], facts: Sequence[Facts], seed: int = 0) -> Shortcuts:
    """Guess each clip's class from its facts, by a forest that has seen other recordings only.

    Args:
        clips: what is guessed, those of a class in its official folds if they all have one.
        facts: of each clip.
        seed: of the folds that are made, and of the forests.

    Raises RefusedError if scikit-learn is not installed.
    """
    counts = Counter(clip.label for clip, known in zip(clips, facts, strict=True) if not known.problem)
    asked = {label for label, _ in counts.most_common(MOST_CLASSES)}
    pairs = [(c, known) for c, known in zip(clips, facts, strict=True) if not known.problem and c.label in asked]
    readable, measured = [clip for clip, _ in pairs], [known for _, known in pairs]
    problem = _too_small(readable)
    if problem:
        return Shortcuts(problem)
    labels = np.array([clip.label for clip in readable])
    groups = np.array([clip.group for clip in readable])
    folds = _folds(readable, seed)
    guesses, right = [], np.zeros(0)
    for told, names in TOLD.items():
        columns = np.array([[getattr(known, name) for name in names] for known in measured])
        named = guess(columns, labels, folds, groups, seed) == labels
        guesses.append(Guess(told, mean_interval(named, groups)))
        right = right if len(right) else named
    chance = Counter(labels.tolist()).most_common(1)[0][1] / len(labels)
    return Shortcuts("", chance, len(labels), tuple(guesses), _classes(labels, right, measured))


def guess(
    columns: NDArray[np.float64], labels: NDArray[Any], folds: NDArray[np.int64], groups: NDArray[Any], seed: int = 0
) -> NDArray[Any]:
    """The class that forests name for each clip, shape (clips,); each has seen the other folds' recordings only.

    Empty where these are none.

    Args:
        columns: what is told, shape (clips, features).
        labels: class of each clip.
        folds: of each clip.
        groups: source recording of each clip; one that lies in the fold which is asked for, the forest has not seen.
        seed: of the forests.
    """
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ModuleNotFoundError as error:
        raise missing_extra("report", "guessing classes without listening") from error
    named = np.full(labels.shape, "", labels.dtype)
    for fold in np.unique(folds):
        asked = folds == fold
        seen = ~asked & ~np.isin(groups, groups[asked])
        if not seen.any():
            continue
        forest = RandomForestClassifier(
            _TREES,
            min_samples_leaf=2,
            max_leaf_nodes=_LEAVES,
            max_samples=min(_SEEN, int(seen.sum())),
            random_state=seed,
        )
        named[asked] = forest.fit(columns[seen], labels[seen]).predict(columns[asked])
    return named


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


def _folds(clips: Sequence[Clip], seed: int) -> NDArray[np.int64]:
    """The official fold of each clip, or one that is made of its recording; shape (clips,)."""
    official = [clip.fold for clip in clips]
    if None not in official and len(set(official)) > 1:
        return np.array(official, dtype=np.int64)
    made = by_recording(clips, _FOLDS, seed)
    return np.array([made[clip.group] for clip in clips], dtype=np.int64)


def _classes(labels: NDArray[Any], right: NDArray[Any], facts: Sequence[Facts]) -> tuple[ClassGuess, ...]:
    bandwidth, silence = (np.array([getattr(known, name) for known in facts]) for name in ("bandwidth", "silence"))
    found = []
    for label in np.unique(labels).tolist():
        its = labels == label
        usual = float(np.median(bandwidth[its])), float(np.median(silence[its]))
        found.append(ClassGuess(label, int(its.sum()), float(right[its].mean()), *usual))
    return tuple(sorted(found, key=lambda one: (-one.recall, one.label)))
