"""What a run is, as fields: `about.json` of its folder. Nobody reads facts out of names or sentences.

Format 2. `hubbub.runs.format1` reads what was written before it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, Strict

from hubbub.data.splits import split_name
from hubbub.validation import from_values

FORMAT_VERSION = 2
Kind = Literal["training", "cross-validation", "evaluation"]
Number = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class _Environment:
    """What `environment` of a record may hold, where it is there; other keys are free."""

    python: str = ""
    machine: str = ""
    commit: str | None = None
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Outcome:
    """The same of `outcome`."""

    seconds: Number = 0.0
    listened: Number = 0.0
    heard: Annotated[int, Strict(), Field(ge=0)] = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    c: Number = 0.0
    bf16: Annotated[bool, Strict()] = False
    warnings: list[str] = field(default_factory=list)


def _of(kind: type) -> AfterValidator:
    """Checks a mapping that is left as it is."""

    def check(values: dict[str, Any]) -> dict[str, Any]:
        from_values(kind, values)
        return values

    return AfterValidator(check)


@dataclass(frozen=True)
class DatasetRecord:
    """What was trained or tested on.

    Attributes:
        name: of the dataset, without its copies.
        reference: what `hubbub.data.sources.open_dataset` takes: the name, or a folder.
        copies: clips among it that augmentation made.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    name: str
    reference: str = ""
    copies: int = 0

    def __str__(self) -> str:
        return f"{self.name}+{self.copies}" if self.copies else self.name


@dataclass(frozen=True)
class SplitRecord:
    """How the clips were split.

    Attributes:
        kind: the rule, such as "official".
        fold: the test fold, from 1; None for a rule without folds, and for a cross-validation.
        folds: of a cross-validation, all test folds.
        leaky: whether training hears recordings that are tested on, so that the figures are not honest.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    kind: str
    fold: int | None = None
    folds: tuple[int, ...] = ()
    leaky: bool = False

    def __str__(self) -> str:
        return split_name(self.kind, self.fold, self.folds, self.leaky)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What ran.

    Attributes:
        kind: of the run.
        dataset, split: what it worked on.
        labels: the classes, in the order of their numbers.
        recipe: name of the recipe; empty for an evaluation. command: what makes the run again; empty if not on record.
        seed: random seed. model: name of the model that an evaluation scored.
        content: digests of what was trained on, by what they are of: "clips", "samples", "labels of clips",
            "recordings", "parts" (of the split), "trunk", "pictures".
        environment: versions, machine and commit.
        outcome: what is known at the end: seconds, the chosen C, warnings, and the like.
        finished: whether the run is whole.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    kind: Kind
    dataset: DatasetRecord
    split: SplitRecord
    labels: tuple[str, ...]
    recipe: str = ""
    command: str = ""
    seed: int | None = None
    model: str | None = None
    content: dict[str, str] = field(default_factory=dict)
    environment: Annotated[dict[str, Any], _of(_Environment)] = field(default_factory=dict)
    outcome: Annotated[dict[str, Any], _of(_Outcome)] = field(default_factory=dict)
    finished: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, with the format's version."""
        return {"format_version": FORMAT_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunRecord":
        """The inverse of `to_dict`. Raises ValueError if something is missing or of the wrong type."""
        fields = {name: value for name, value in values.items() if name != "format_version"}
        if values.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"format version {values.get('format_version')!r:.20}, this hubbub reads {FORMAT_VERSION}")
        record = from_values(cls, fields)
        if record.finished and record.kind != "evaluation" and "seconds" not in record.outcome:
            raise ValueError("outcome: seconds are missing")
        return record

    def differences(self, other: "RunRecord") -> list[str]:
        """What makes the other a run of something else, in words; command, environment and outcome do not.

        What is not on this record, which may be older, makes no difference; nor is it said what follows from other
        clips.
        """
        names = [name for name in ("kind", "dataset", "split", "seed", "model") if _differs(self, other, name)]
        words = [f"{name} ({getattr(self, name)}, now {getattr(other, name)})" for name in names]
        if self.labels != other.labels:
            words.append(f"classes ({len(self.labels):,}, now {len(other.labels):,})")
        changed = [name for name, digest in other.content.items() if self.content.get(name, digest) != digest]
        if "clips" in changed:
            changed = [name for name in changed if name not in _OF_CLIPS]
        return words + changed


_OF_CLIPS = ("samples", "labels of clips", "recordings", "parts", "pictures")


def _differs(first: RunRecord, second: RunRecord, name: str) -> bool:
    if name == "dataset":  # the same dataset may lie elsewhere
        return (first.dataset.name, first.dataset.copies) != (second.dataset.name, second.dataset.copies)
    return bool(getattr(first, name) != getattr(second, name))
