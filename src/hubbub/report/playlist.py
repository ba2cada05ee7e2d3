"""Which clips of a run a page lets one hear, and where they lie on this machine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hubbub.data.dataset import Clip, Dataset
from hubbub.data.sources import open_dataset
from hubbub.errors import AudioError, HubbubError
from hubbub.runs.analysis import RunAnalysis
from hubbub.types import Track
from hubbub.web import images
from hubbub.web.sounds import Sounds

RIGHT_ONES = 8  #: of each class, the least confident, after all mistakes
PICTURES = 60  #: at most, of the mistakes in front


@dataclass(frozen=True)
class LocalClips:
    """The clips of a dataset by id; none, and why, where it is not on this machine."""

    dataset: str
    clips: Mapping[str, Clip] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def find(cls, evidence: RunAnalysis, dataset: str | None = None) -> "LocalClips":
        """Those of `dataset`, or of the one that the run names; augmented copies are found only if it is given.

        Raises what `open_dataset` does for one that is given; a run's own may be elsewhere.
        """
        name = evidence.record.dataset.name
        if dataset is not None:
            return cls._of(name or dataset, open_dataset(dataset))
        try:
            return cls._of(name, open_dataset(evidence.record.dataset.reference))
        except HubbubError as error:
            return cls(name, problem=str(error))

    @classmethod
    def _of(cls, name: str, dataset: Dataset) -> "LocalClips":
        return cls(name, {clip.id: clip for clip in dataset.clips})

    def relabelled(self, evidence: RunAnalysis) -> list[str]:
        """Tested clips that the dataset here labels otherwise than the run does."""
        predictions = evidence.predictions
        labelled = zip(predictions.clips, predictions.targets, strict=True)
        return [
            name
            for name, target in labelled
            if name in self.clips and self.clips[name].label != predictions.classes[target]
        ]

    def add_sounds(self, names: Iterable[str], sounds: Sounds, jobs: int = 1, track: Track = iter) -> None:
        """Put those clips into the page, in that order, as far as they are here, decode, and fit."""
        sounds.add_all([(name, self.clips[name].path) for name in names if name in self.clips], jobs, track)

    def pictures(self, names: Iterable[str]) -> tuple[dict[str, str], float]:
        """Log-mels of clips that are here and decode, as data URIs, and the seconds that their width stands for."""
        here = {name: self.clips[name].path for name in names if name in self.clips}
        span, pictures = images.span(here.values()), {}
        for name, path in here.items():
            try:
                pictures[name] = images.logmel_png(*images.beginning(path), span)
            except AudioError:
                continue
        return pictures, span


def clips_to_hear(evidence: RunAnalysis) -> list[str]:
    """Mistakes, the most confident ones first, then the least confident right ones, class by class in turn."""
    predictions, rows = evidence.predictions, evidence.ranked
    wrong = [predictions.clips[row] for row in rows[: evidence.wrong]]
    right: dict[int, list[str]] = {}
    for row in rows[len(wrong) :]:
        right.setdefault(int(predictions.targets[row]), []).append(predictions.clips[row])
    turns = [names[turn] for turn in range(RIGHT_ONES) for names in right.values() if turn < len(names)]
    return wrong + turns
