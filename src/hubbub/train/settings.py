"""What a recipe can say, as plain dataclasses: training itself needs neither pydantic nor YAML.

`hubbub.train.recipe` reads and validates them.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from hubbub.logmel import LogMelSpec


@dataclass(frozen=True)
class Bounds:
    """Limits of a number, which pydantic enforces when a recipe is read."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Pydantic's hook: the number's own schema with the limits added, and neither infinite nor NaN."""
        limits = {name: value for name, value in vars(self).items() if value is not None}
        schema = handler(source) | limits
        return schema | {"allow_inf_nan": False} if schema["type"] == "float" else schema


_STRICT: dict[str, str] = {"extra": "forbid"}
Positive = Annotated[float, Bounds(gt=0)]
Amount = Annotated[float, Bounds(ge=0)]
Share = Annotated[float, Bounds(ge=0, lt=1)]
Count = Annotated[int, Bounds(ge=1)]
Size = Annotated[int, Bounds(ge=0)]


@dataclass(frozen=True)
class Network:
    """The trunk and its head. `pool_from`: see `MobileNetV3`; `hidden` 0 makes the head linear."""

    __pydantic_config__: ClassVar = _STRICT
    weights: str = "mn04_as"
    width: Positive = 0.4
    pool_from: Annotated[int, Bounds(ge=0, le=16)] = 12
    hidden: Size = 0
    dropout: Share = 0.0


@dataclass(frozen=True)
class Augment:
    """What a clip goes through each time it is seen; zeros switch a part off."""

    __pydantic_config__: ClassVar = _STRICT
    roll: bool = True
    gain_db: Amount = 8.0
    tilt_db: Amount = 4.0
    repeat_over_silence: Annotated[float, Bounds(ge=0, le=1)] = 0.5
    mask_bands: Size = 0
    mask_frames: Size = 0


@dataclass(frozen=True)
class Stage:
    """A part of training. Blocks before `train_from` are frozen; 17 trains the head alone, 0 everything.

    What the frozen blocks make of a clip is computed once for each of `variants` augmented versions of it and used
    again; without frozen blocks every epoch has new versions.
    """

    __pydantic_config__: ClassVar = _STRICT
    train_from: Annotated[int, Bounds(ge=0, le=17)]
    epochs: Count
    lr: Positive
    weight_decay: Amount = 0.0
    variants: Count = 1


@dataclass(frozen=True)
class Recipe:
    """A way to train a classifier. `kind` says how the last layers are found: in closed form or by gradient."""

    __pydantic_config__: ClassVar = _STRICT
    name: str
    about: str
    kind: Literal["probe", "finetune"]
    frontend: LogMelSpec = field(default_factory=LogMelSpec)
    seconds: Positive = 5.0
    network: Network = field(default_factory=Network)
    validation: Share = 0.15
    # probe
    c_grid: tuple[Positive, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    # finetune
    augment: Augment = field(default_factory=Augment)
    stages: tuple[Stage, ...] = ()
    batch: Count = 64
    mixup: Amount = 0.4
    label_smoothing: Share = 0.1
    weight_average: Share = 0.99
