"""Embeddings of clips, and the file that keeps them, so that they can be learnt from without the sounds."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hubbub.errors import DataError
from hubbub.storage import write_with
from hubbub.types import Floats
from hubbub.validation import one_line

_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of clips by their ids, kept in half precision in a compressed `.npz` without pickle.

    `values` is float32 of shape (clips, size); what is beyond half precision, 65,504, is kept as that.
    """

    clips: tuple[str, ...]
    values: Floats

    def rows(self, clips: Iterable[str]) -> Floats:
        """Of some clips, in that order, shape (their number, size). Raises KeyError for a clip that is not there."""
        place = {clip: row for row, clip in enumerate(self.clips)}
        return self.values[[place[clip] for clip in clips]]

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""

        def save(part: Path) -> None:
            with part.open("xb") as handle:
                halves = np.clip(self.values, -_LARGEST, _LARGEST).astype(np.float16)
                np.savez_compressed(handle, clips=np.array(self.clips), values=halves)

        write_with(path, save)

    @classmethod
    def read(cls, path: Path) -> "Embeddings":
        """Read the file. Raises DataError if it is not there or damaged."""
        try:
            with np.load(path, allow_pickle=False) as content:
                clips, values = content["clips"], content["values"].astype(np.float32)
            if values.ndim != 2 or clips.shape != values.shape[:1] or not np.isfinite(values).all():
                raise ValueError("shapes that do not fit, or a value that is no number")
        except Exception as error:  # numpy and zipfile raise half a dozen kinds
            problem = one_line(error)
            raise DataError(f"{path} is not a file of embeddings ({problem}): run the training again") from error
        return cls(tuple(map(str, clips)), values)
