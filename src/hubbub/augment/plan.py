"""What a recipe does to a sound each time a network is shown it: to the waveform first, then to the spectrogram."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt

from hubbub.augment import rules
from hubbub.augment.spectrogram import Equalise, Mask, RandomCrop, RepeatOverSilence, Roll
from hubbub.augment.steps import Probability, Step, chain
from hubbub.augment.transform import Choose, Sometimes, Transform, apply_all
from hubbub.logmel import LogMelSpec, logmel
from hubbub.types import Floats
from hubbub.validation import STRICT


@dataclass(frozen=True)
class Augment:
    """What a clip goes through each time it is seen; zeros switch a part off.

    Attributes:
        background_clip: how often another clip of another class, of the same fold, sounds under a clip before all else,
            `background_snr_db` under its level. Never in a dataset without folds, where it might be a test clip.
        waveform: steps for every clip. rules: "acoustic" adds those of the clip's category, "balanced" the same for
            all (see `hubbub.augment.rules`). waveform_probability: how often steps and rules act at all, so that some
            of what is seen keeps the waveform as it was recorded.
        class_aware: the strength of the rules follows each class's validation recall, see `hubbub.augment.class_aware`.
        least_strength, most_strength: its bounds.
        roll ... crop_frames: of the spectrogram, see `hubbub.augment.spectrogram`.
    """

    __pydantic_config__: ClassVar = STRICT
    background_clip: Probability = 0.0
    background_snr_db: tuple[float, float] = (0.0, 20.0)
    waveform: tuple[Step, ...] = ()
    rules: Literal["none", "acoustic", "balanced"] = "none"
    waveform_probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    class_aware: bool = False
    least_strength: NonNegativeFloat = 0.3
    most_strength: Annotated[float, Field(gt=0, le=2)] = 1.5
    repeat_over_silence: Probability = 0.0
    roll: bool = False
    gain_db: NonNegativeFloat = 0.0
    tilt_db: NonNegativeFloat = 0.0
    mask_bands: NonNegativeInt = 0
    mask_frames: NonNegativeInt = 0
    crop_frames: NonNegativeInt = 0

    def __post_init__(self) -> None:
        if self.least_strength > self.most_strength:
            raise ValueError("least_strength must not be above most_strength")
        if self.background_snr_db[0] > self.background_snr_db[1]:
            raise ValueError("background_snr_db must be its least and its most")
        if self.class_aware and self.rules == "none":
            raise ValueError("class_aware scales the rules: set rules to acoustic or balanced")

    @property
    def of_waveform(self) -> bool:
        """Whether the waveform itself is changed, so that a log-mel has to be computed each time."""
        return bool(self.waveform) or bool(self.background_clip) or self.rules != "none"


def waveform_chain(plan: Augment, rate: int, category: str = "", strength: float = 1.0) -> list[Transform]:
    """The plan's changes of a waveform. Raises ValueError if acoustic rules know nothing of `category`."""
    ruled: list[Transform] = []
    if plan.rules == "acoustic":
        ruled = rules.acoustic(category, rate, strength)
    elif plan.rules == "balanced":
        ruled = rules.balanced(rate, strength)
    changes = [*chain(plan.waveform, rate), *ruled]
    if plan.waveform_probability == 1 or not changes:
        return changes
    together = Choose(tuple(changes), len(changes), len(changes))
    return [Sometimes(together, plan.waveform_probability)]


def spectrogram_chain(plan: Augment, spec: LogMelSpec) -> list[Transform]:
    """The plan's changes of a log-mel, in the order in which a sound meets them: silence, time, microphone, masks."""
    transforms: list[Transform] = []
    if plan.repeat_over_silence:
        transforms.append(RepeatOverSilence(spec, plan.repeat_over_silence))
    if plan.roll:
        transforms.append(Roll())
    if plan.gain_db or plan.tilt_db:
        transforms.append(Equalise(spec, plan.gain_db, plan.tilt_db))
    if plan.mask_bands or plan.mask_frames:
        transforms.append(Mask(plan.mask_bands, plan.mask_frames))
    if plan.crop_frames:
        transforms.append(RandomCrop(plan.crop_frames))
    return transforms


def view(
    sound: Floats, spec: LogMelSpec, plan: Augment, rng: np.random.Generator, category: str = "", strength: float = 1.0
) -> Floats:
    """What a network is shown of a waveform, shape (time,) at `spec.sample_rate`: augmented log-mel (rows, columns)."""
    changed = apply_all(waveform_chain(plan, spec.sample_rate, category, strength), sound, rng)
    return apply_all(spectrogram_chain(plan, spec), logmel(changed, spec), rng)


def describe(
    spec: LogMelSpec, plan: Augment, rng: np.random.Generator, category: str = "", strength: float = 1.0
) -> list[str] | None:
    """What `view` does to a sound with the same draws, a few words each; None for a plan that changes nothing."""
    transforms = [*waveform_chain(plan, spec.sample_rate, category, strength), *spectrogram_chain(plan, spec)]
    if not transforms:
        return None
    return list(filter(None, (transform.describe(transform.draw(rng)) for transform in transforms)))
