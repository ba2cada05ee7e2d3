"""What a recipe can say, as dataclasses; their types hold the limits that `hubbub.train.recipe_file` enforces."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from hubbub.augment.plan import Augment
from hubbub.data.splits import Plan
from hubbub.logmel import LogMelSpec
from hubbub.validation import STRICT

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Network:
    """The trunk and its head.

    Attributes:
        kind: "mobilenet" (MobileNetV3), "resnet", "cnn", "efficientnet-lite0"; see `hubbub.train.networks`.
        weights: name of pretrained weights; none trains from random ones.
        width: of a mobilenet or cnn, relative to its full number of channels.
        depth: layers of a resnet.
        pool: how the embedding is made of what the last block gives: its mean; or, over time, by attention, or by a
            small transformer and then attention.
        pool_from: of a mobilenet with pool mean, see `MobileNetV3`; the last block if left out.
        hidden: units of the head's hidden layer; 0 makes the head linear. dropout: in the head.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["mobilenet", "resnet", "cnn", "efficientnet-lite0"] = "mobilenet"
    weights: str | None = None
    width: PositiveFloat = 0.4
    depth: Literal[18, 34, 50] = 18
    pool: Literal["mean", "attention", "transformer"] = "mean"
    pool_from: Annotated[int, Field(ge=0, le=16)] | None = None
    hidden: NonNegativeInt = 0
    dropout: Share = 0.0

    def __post_init__(self) -> None:
        if self.pool_from is not None and (self.kind, self.pool) != ("mobilenet", "mean"):
            raise ValueError("pool_from is for kind mobilenet with pool mean: leave it out")

    @property
    def blocks(self) -> int:
        """How many blocks the trunk has: a stage that trains from there on trains the head alone.

        The pooling counts as a block, except for the mobilenet's own, which pools several.
        """
        own_pooling = self.kind == "mobilenet" and self.pool == "mean"
        return _CONVOLUTIONS[self.kind] + (0 if own_pooling else 1)


_CONVOLUTIONS = {"mobilenet": 17, "resnet": 5, "cnn": 4, "efficientnet-lite0": 18}


@dataclass(frozen=True)
class Stage:
    """A part of training. Blocks before `first_trainable_block` are frozen.

    0 trains everything, the number of blocks trains the head alone.

    With `variants`, what the frozen blocks make of a clip is computed once for each of so many augmented versions of
    it and used again; with 0 every epoch has new versions, which pass through the frozen blocks each time.

    Attributes:
        optimizer: AdamW, Adam, or SGD with Nesterov momentum 0.9.
        lr: learning rate, which `schedule` changes: "step" multiplies it by `step_factor` every `step_epochs` epochs,
            "cosine" lowers it to zero by the last epoch. Before that, it rises over `warmup` epochs.
        patience: epochs without a better one after which the stage ends; 0 never ends it early.
        batch_norm: whether statistics of the blocks that are trained stay as they were pretrained.
    """

    __pydantic_config__: ClassVar = STRICT
    first_trainable_block: NonNegativeInt
    epochs: Count
    lr: PositiveFloat
    weight_decay: NonNegativeFloat = 0.0
    variants: NonNegativeInt = 0
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    schedule: Literal["constant", "step", "cosine"] = "constant"
    step_epochs: Count = 6
    step_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    warmup: NonNegativeFloat = 0.0
    patience: NonNegativeInt = 0
    batch_norm: Literal["frozen", "trained"] = "frozen"

    def version(self, epoch: int) -> int:
        """Which augmented version of a clip an epoch, counted from 0, shows: the number that its draws derive from.

        Fresh ones are other versions than those that may be kept as frozen features.
        """
        return epoch % self.variants if self.variants else _FRESH + epoch


_FRESH = 1000


@dataclass(frozen=True)
class Recipe:
    """A way to train a classifier. `kind` says how: a probe in closed form, the rest by gradient, stage by stage.

    Attributes:
        split: who trains, validates and tests. validation: share of the training recordings that choose.
        c_grid: of a probe.
        mixup: strength of mixing clips with each other; mixup_of: the network's "input", the "embedding", or the
            "waveform", which is between-class learning (`hubbub.augment.waveform.between_class`).
        class_weights: "balanced" weighs the loss against the frequency of a class.
        monitor: what of the validation clips chooses the checkpoint, and ends a stage early.
        ema_decay: decay of the running average of the weights, which is what is validated and kept; 0 keeps the
            weights themselves.
        precision: "bf16" multiplies in 16 bit, "auto" does so where the machine has units for it.
        num_workers: processes that make batches beside the one that trains; they change nothing but the time.
    """

    __pydantic_config__: ClassVar = STRICT
    name: str
    about: str
    kind: Literal["probe", "gradient"]
    frontend: LogMelSpec = field(default_factory=LogMelSpec)
    seconds: PositiveFloat = 5.0
    network: Network = field(default_factory=Network)
    split: Plan = field(default_factory=Plan)
    validation: Share = 0.15
    # probe
    c_grid: tuple[PositiveFloat, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    # gradient
    augment: Augment = field(default_factory=Augment)
    stages: tuple[Stage, ...] = ()
    batch_size: Count = 64
    mixup: NonNegativeFloat = 0.0
    mixup_of: Literal["input", "embedding", "waveform"] = "input"
    label_smoothing: Share = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    ema_decay: Share = 0.0
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    precision: Literal["auto", "32", "bf16"] = "32"
    num_workers: NonNegativeInt = 0

    @property
    def of_waveform(self) -> bool:
        """Whether waveforms are changed as they are shown, so that a log-mel has to be computed each time."""
        return self.augment.of_waveform or self.mixes_waveforms

    @property
    def mixes_waveforms(self) -> bool:
        """Whether each clip is shown with another one sounding."""
        return bool(self.mixup) and self.mixup_of == "waveform"
