"""Two runs on the clips that both predicted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import DataError
from hubbub.evaluate.intervals import Interval, paired_difference
from hubbub.runs.analysis import RunAnalysis


@dataclass(frozen=True)
class Pairing:
    """A run beside a first one.

    Attributes:
        first, second: the runs.
        places: rows of the shared clips in the predictions of each, in order of clip names; shape (2, clips).
        change: accuracy of the second minus that of the first on those clips, paired by recording.
    """

    first: RunAnalysis
    second: RunAnalysis
    places: NDArray[np.int64]
    change: Interval

    @property
    def clips(self) -> int:
        """How many clips both predicted."""
        return int(self.places.shape[1])

    @property
    def shown(self) -> bool:
        """Whether the interval says that one is better."""
        return self.change.low > 0 or self.change.high < 0

    @property
    def rights(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each named each shared clip right, each of shape (clips,)."""
        first, second = self.places
        return self.first.predictions.right[first], self.second.predictions.right[second]

    def recalls(self) -> list[tuple[int, float | None, float | None]]:
        """Of each class: its shared clips, and the recall of both on them; None where there are none."""
        targets = self.first.predictions.targets[self.places[0]]
        recalls: list[tuple[int, float | None, float | None]] = []
        for number in range(len(self.first.labels)):
            held = targets == number
            count = int(held.sum())
            before, after = (float(right[held].mean()) if count else None for right in self.rights)
            recalls.append((count, before, after))
        return recalls


def pair(first: RunAnalysis, second: RunAnalysis) -> Pairing:
    """Raises DataError if they share no clips, or their labels or those of their clips differ."""
    before, after = first.predictions, second.predictions
    shared = sorted(set(before.clips) & set(after.clips))
    if not shared or before.classes != after.classes:
        raise DataError(
            f"{first.run.folder} and {second.run.folder} share no test clips with the same labels: compare other runs"
        )
    places = np.array([_places(predictions.clips, shared) for predictions in (before, after)])
    different = int((before.targets[places[0]] != after.targets[places[1]]).sum())
    if different:
        raise DataError(
            f"{first.run.folder} and {second.run.folder} label {different:,} shared clips differently: evaluate both on"
            " one version of the dataset"
        )
    recordings = [first.recordings[row] for row in places[0]]
    change = paired_difference(before.right[places[0]], after.right[places[1]], recordings)
    return Pairing(first, second, places, change)


def _places(clips: tuple[str, ...], wanted: list[str]) -> list[int]:
    rows = {clip: index for index, clip in enumerate(clips)}
    return [rows[clip] for clip in wanted]
