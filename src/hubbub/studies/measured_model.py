"""A model as a study of robustness asks it: model files, and which of them may hear which clip of a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hubbub.data.dataset import Dataset
from hubbub.errors import RefusedError
from hubbub.modelfile import ModelMeta, open_session
from hubbub.storage import digest, file_sha256
from hubbub.studies.evaluation import check_unseen, require_known
from hubbub.types import Progress, no_progress


@dataclass(frozen=True)
class MeasuredModel:
    """A model file, or those of the folds of a cross-validation.

    Attributes:
        name: for people, and of the file of its predictions.
        files: one, or one for each fold in order.
        listeners: by clip id, which of the files hears it, from 0; no other clip may be asked about.
        digest: of what the model is, the same however often it is exported.
        part: of the dataset that those clips are: "test", "validation" or "all".
        run: folder name of the run; empty for a model file.
    """

    name: str
    files: tuple[Path, ...]
    listeners: Mapping[str, int]
    digest: str
    part: str = "all"
    run: str = ""

    @classmethod
    def of_file(
        cls, path: Path, dataset: Dataset, unseen_only: bool = False, progress: Progress = no_progress
    ) -> "MeasuredModel":
        """A model file, for the clips of a dataset that are not in its training record.

        Raises as `hubbub.studies.evaluation.evaluate`.
        """
        meta = open_session(path)[1]
        require_known(dataset, meta)
        unseen = check_unseen(dataset, meta.training, unseen_only, progress("what it has heard"))
        if unseen.unreadable:
            raise RefusedError(f"{next(iter(unseen.unreadable.values()))}; a corrupted dataset needs all of its clips")
        return cls(path.stem, (path,), dict.fromkeys(unseen.digests, 0), digest(file_sha256(path)))

    @cached_property
    def metas(self) -> tuple[ModelMeta, ...]:
        """The metadata of each file."""
        return tuple(open_session(path)[1] for path in self.files)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return self.metas[0].labels
