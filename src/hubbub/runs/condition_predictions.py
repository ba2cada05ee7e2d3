"""What one model named each clip under each condition of a corruption suite, and the file that keeps it.

A compressed `.npz` without pickle. Half precision is enough to make every figure again (`hubbub.runs.robustness`):
a probability near 1 is off by at most 0.00025, and one under 6e-8 is kept as 0.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hubbub.errors import DataError
from hubbub.storage import write_with
from hubbub.types import Bools, Ints
from hubbub.validation import STRICT, from_json, one_line

Halves = NDArray[np.float16]
Condition = tuple[str, int]  #: the corruption's name, and its severity from 1

CLEAN: Condition = ("clean", 0)
FORMAT_VERSION = 1
_TEXTS, _COUNTS = ("clips", "recordings", "labels", "names"), ("targets", "folds", "severities", "predictions")
_SHARES = ("p_true", "p_top", "known_score")


@dataclass(frozen=True)
class Measured:
    """What was measured, and with what.

    Attributes:
        suite: version of the corruptions.
        model: its name. digest: of its files. run: folder of the run that it came from; empty for a model file.
        dataset: its name. part: of the dataset: "test", "validation" or "all".
        sampled: of how many clips the measured ones are a sample; None if they are all of the part.
        temperatures: of the softmax, of each fold's model in order; of a single model its own.
        known_score: name of the function in `hubbub.evaluate.openset`.
        threshold: known score under which a single model calls a sound unknown; None if it is found across folds.
        seen: corruptions of a kind that training heard.
        environment: versions and machine.
    """

    __pydantic_config__: ClassVar = STRICT
    suite: int
    model: str
    digest: str
    dataset: str
    part: str
    temperatures: Annotated[tuple[float, ...], Field(min_length=1)]
    known_score: str
    threshold: float | None
    run: str = ""
    sampled: int | None = None
    seen: tuple[str, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ConditionPredictions:
    """What one model named each clip under each condition.

    Attributes:
        measured: what it is of.
        clips: their ids.
        recordings: the clips' source recordings.
        labels: the model's classes.
        targets: the true class of each clip, shape (clips,).
        folds: which fold's model heard each clip, from 1, shape (clips,); 0 for a single model.
        conditions: `CLEAN` is the first.
        predictions: the class that was named, unsigned integers of shape (conditions, clips).
        p_true: probability of the true class, in half precision, shape (conditions, clips).
        p_top: that of the class that was named.
        known_score: how like the known classes each was, in [0, 1].
    """

    measured: Measured
    clips: tuple[str, ...]
    recordings: tuple[str, ...]
    labels: tuple[str, ...]
    targets: Ints
    folds: Ints
    conditions: tuple[Condition, ...]
    predictions: NDArray[np.unsignedinteger]
    p_true: Halves
    p_top: Halves
    known_score: Halves

    def __post_init__(self) -> None:
        clips, shape = (len(self.clips),), (len(self.conditions), len(self.clips))
        shapes = {self.predictions.shape, self.p_true.shape, self.p_top.shape, self.known_score.shape}
        if shapes != {shape} or {self.targets.shape, self.folds.shape, (len(self.recordings),)} != {clips}:
            raise ValueError("its arrays are not of the shapes that its clips and conditions give")
        if not self.clips or self.conditions[:1] != (CLEAN,) or len(set(self.conditions)) < len(self.conditions):
            raise ValueError("it has no clip, no clean condition at the beginning, or a condition twice")
        if max(self.targets.max(), self.predictions.max()) >= len(self.labels) or self.targets.min() < 0:
            raise ValueError("a class has no label")
        if not all(((array >= 0) & (array <= 1)).all() for array in (self.p_true, self.p_top, self.known_score)):
            raise ValueError("probabilities are not all in 0..1")

    @property
    def right(self) -> Bools:
        """Whether each clip was named right, shape (conditions, clips)."""
        return np.asarray(self.predictions == self.targets)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        arrays = {name: np.array(getattr(self, name)) for name in ("clips", "recordings", "labels")}
        arrays["names"] = np.array([name for name, _ in self.conditions])
        arrays["severities"] = np.array([severity for _, severity in self.conditions], np.uint8)
        arrays["targets"] = self.targets.astype(index_type(self.labels))
        arrays["folds"] = self.folds.astype(np.uint8)
        arrays["predictions"] = self.predictions.astype(index_type(self.labels))
        arrays |= {name: getattr(self, name).astype(np.float16) for name in _SHARES}
        about = {"format_version": FORMAT_VERSION, **asdict(self.measured)}
        arrays["about"] = np.array(json.dumps(about, ensure_ascii=True))

        def save(part: Path) -> None:
            with part.open("xb") as handle:
                np.savez_compressed(handle, **arrays)  # type: ignore[arg-type]

        write_with(path, save)

    @classmethod
    def read(cls, path: Path) -> "ConditionPredictions":
        """Read the file; nothing is unpickled. Raises DataError if it is not one of these."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                texts = {name: tuple(map(str, _of_kind(kept[name], "U", name).tolist())) for name in _TEXTS}
                counts = {name: _of_kind(kept[name], "ui", name) for name in _COUNTS}
                shares = {name: _of_kind(kept[name], "f", name).astype(np.float16) for name in _SHARES}
                about = from_json(dict[str, Any], str(_of_kind(kept["about"], "U", "about")))
            if about.pop("format_version", None) != FORMAT_VERSION:
                raise ValueError(f"this hubbub reads format version {FORMAT_VERSION}")
            return cls(
                from_json(Measured, json.dumps(about)),
                texts["clips"],
                texts["recordings"],
                texts["labels"],
                counts["targets"].astype(np.int64),
                counts["folds"].astype(np.int64),
                tuple(zip(texts["names"], counts["severities"].tolist(), strict=True)),
                counts["predictions"],
                *shares.values(),
            )
        except Exception as error:  # numpy and zipfile raise half a dozen kinds for a file that is damaged
            problem = one_line(error)
            raise DataError(f"{path} holds no predictions under conditions ({problem}): measure again") from error


def index_type(labels: Sequence[str]) -> type[np.unsignedinteger]:
    """The smallest type of a class's number."""
    return np.uint8 if len(labels) <= 256 else np.uint16


def _of_kind(array: NDArray[Any], kinds: str, name: str) -> NDArray[Any]:
    if array.dtype.kind not in kinds:
        raise ValueError(f"{name} is of type {array.dtype}")
    return array
