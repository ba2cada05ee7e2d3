"""Which clips of a run a page lets one hear, and where they lie on this machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hubbub.data.dataset import Clip, Dataset
from hubbub.data.sources import open_dataset
from hubbub.errors import AudioError, HubbubError
from hubbub.runs.analysis import RunAnalysis
from hubbub.web import images
from hubbub.web.sounds import Sounds

RIGHT_ONES = 4  #: of each class, the least confident, after all mistakes
PICTURES = 60  #: at most, of the mistakes in front
Track = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Shelf:
    """The clips of a dataset by id; none, and why, where it is not on this machine."""

    dataset: str
    clips: Mapping[str, Clip] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def find(cls, found: RunAnalysis, given: str | None = None) -> "Shelf":
        """The dataset `given`, or the one that the run names; the copies in that one are found only if it is given.

        Raises what `open_dataset` does for one that was given; a run's own may be elsewhere.
        """
        named = found.record.dataset.name
        if given is not None:
            return cls._of(named or given, open_dataset(given))
        try:
            return cls._of(named, open_dataset(found.record.dataset.reference))
        except HubbubError as error:
            return cls(named, problem=str(error))

    @classmethod
    def _of(cls, name: str, opened: Dataset) -> "Shelf":
        return cls(name, {clip.id: clip for clip in opened.clips})

    def relabelled(self, found: RunAnalysis) -> list[str]:
        """Tested clips that the dataset here labels otherwise than the run does."""
        kept = found.predictions
        pairs = zip(kept.clips, kept.targets, strict=True)
        return [name for name, number in pairs if name in self.clips and self.clips[name].label != kept.classes[number]]

    def put(self, names: Iterable[str], sounds: Sounds, jobs: int = 1, track: Track = iter) -> None:
        """Put those clips into the page, in that order, as far as they are here, decode, and fit."""
        sounds.add_all([(name, self.clips[name].path) for name in names if name in self.clips], jobs, track)

    def pictures(self, names: Iterable[str]) -> dict[str, str]:
        """Log-mels of those clips that are here and decode, as data URIs."""
        found = {}
        for name in names:
            if name in self.clips:
                try:
                    found[name] = images.logmel_png(*images.beginning(self.clips[name].path))
                except AudioError:
                    continue
        return found


def worth_hearing(found: RunAnalysis) -> list[str]:
    """Mistakes, the most confident ones first, then the least confident right ones, class by class in turn."""
    kept, rows = found.predictions, found.ranked
    wrong = [kept.clips[row] for row in rows[: found.wrong]]
    right: dict[int, list[str]] = {}
    for row in rows[len(wrong) :]:
        right.setdefault(int(kept.targets[row]), []).append(kept.clips[row])
    turns = [names[turn] for turn in range(RIGHT_ONES) for names in right.values() if turn < len(names)]
    return wrong + turns
