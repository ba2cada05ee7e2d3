"""What all trainings of one experiment share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hubbub.runs.record import DatasetRecord
from hubbub.storage import digest
from hubbub.train.arrays import ClipArrays
from hubbub.train.callbacks import OnBatchEnd, ignore
from hubbub.train.config import Recipe
from hubbub.train.networks.build import Trunk
from hubbub.types import Log, Progress, no_progress


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A recipe, the clips that it is trained on, and who hears how far it has come.

    Attributes:
        arrays: all clips. dataset: what they are of.
        recipe: what to do. trunk: what to start from; it is left as it is.
        seed: random seed of the head, the order of clips and every draw.
        cache: folder of frozen features.
        pictures: whether `arrays` were read from PNG files.
        unreadable: clips that are not among them, by id, and why.
        command: what makes the run again, for the record.
        log: hears of each epoch. progress: shows long walks. on_batch_end: hears of each batch.
    """

    arrays: ClipArrays
    dataset: DatasetRecord
    recipe: Recipe
    trunk: Trunk
    seed: int
    cache: Path
    pictures: bool = False
    unreadable: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    log: Log = print
    progress: Progress = no_progress
    on_batch_end: OnBatchEnd = ignore

    @cached_property
    def content(self) -> dict[str, str]:
        """Digests of what is trained on, see `hubbub.runs.record.RunRecord.content`."""
        arrays = self.arrays
        tensors = (value.detach().cpu().numpy().tobytes() for value in self.trunk.state_dict().values())
        return {
            "clips": digest(*arrays.ids),
            "samples": digest(*arrays.digests),
            "labels of clips": digest(*(arrays.labels[target] for target in arrays.targets)),
            "recordings": digest(*map(str, arrays.groups)),
            "trunk": digest(*tensors),
            "pictures": digest(arrays.fingerprint) if self.pictures else "",
        }
