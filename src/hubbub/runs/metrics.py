"""What `metrics.json` of a run must hold, so that whoever reads its figures need not ask."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, FiniteFloat

Count = Annotated[int, Field(ge=0, lt=2**53)]
Share = Annotated[float, Field(ge=0, le=1)]
_GROWING = ConfigDict(extra="ignore", allow_inf_nan=False)  # older and newer runs hold other figures, too


@dataclass(frozen=True)
class PartFigures:
    """Of a part of the split, see `hubbub.evaluate.summary.brief`."""

    __pydantic_config__: ClassVar = _GROWING
    clips: Count
    accuracy: Share | None = None
    loss: FiniteFloat | None = None

    def __post_init__(self) -> None:
        if self.clips and (self.accuracy is None or self.loss is None):
            raise ValueError("accuracy and loss are missing")


@dataclass(frozen=True)
class Confused:
    """Two classes, and the clips of either that were taken for the other."""

    pair: tuple[str, str]
    clips: Count


@dataclass(frozen=True)
class TestFigures(PartFigures):
    """Of the test clips, see `hubbub.evaluate.summary.full`; those of no clips are `brief`."""

    interval: tuple[Share, Share] | None = None
    macro_f1: Share | None = None
    recall: dict[str, Share | None] = field(default_factory=dict)
    confusion: list[list[Count]] = field(default_factory=list)
    confused: list[Confused] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clips and (self.interval is None or self.macro_f1 is None):
            raise ValueError("interval and macro_f1 are missing")
        if self.clips and {len(self.recall)} != {len(self.confusion), *map(len, self.confusion)}:
            raise ValueError("recall and confusion are not of the same classes")


@dataclass(frozen=True)
class UnknownFigures:
    """Of clips that were called unknown, see `hubbub.studies.evaluation.unknown_figures`."""

    clips: Count
    share: Share
    spared: Share | None
    accuracy: Share | None
    interval: tuple[Share, Share] | None


_NONE_UNKNOWN = UnknownFigures(0, 0.0, None, None, None)


@dataclass(frozen=True)
class Metrics:
    """The whole file; `folds` has the accuracy of each run in a cross-validation."""

    __pydantic_config__: ClassVar = _GROWING
    train: PartFigures
    validation: PartFigures
    test: TestFigures
    parameters: Count = 0
    folds: dict[Annotated[str, Field(pattern=r"^fold\d{1,4}$")], Share] = field(default_factory=dict)
    unknown: UnknownFigures = _NONE_UNKNOWN
