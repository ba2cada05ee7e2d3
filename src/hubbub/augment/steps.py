"""One augmentation of a waveform as a recipe states it: a kind, a range to draw from, a probability."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hubbub.augment.ambience import AMBIENCES, Ambience
from hubbub.augment.conditions import Clipping, ColouredNoise, Excerpt, Microphone, Speed
from hubbub.augment.transform import Ranged, Sometimes, Transform
from hubbub.augment.waveform import (
    Background,
    Gain,
    Hiss,
    LowPass,
    Noise,
    PitchShift,
    Reverb,
    Shift,
    TimeStretch,
)
from hubbub.validation import STRICT

Probability = Annotated[float, Field(ge=0, le=1)]
Kind = Literal[
    "stretch",
    "pitch",
    "noise",
    "hiss",
    "gain",
    "shift",
    "reverb",
    "low_pass",
    "background",
    "coloured_noise",
    "microphone",
    "clipping",
    "excerpt",
    "speed",
]

KINDS: dict[Kind, type[Ranged]] = {
    "stretch": TimeStretch,
    "pitch": PitchShift,
    "noise": Noise,
    "hiss": Hiss,
    "gain": Gain,
    "shift": Shift,
    "reverb": Reverb,
    "low_pass": LowPass,
    "background": Background,
    "coloured_noise": ColouredNoise,
    "microphone": Microphone,
    "clipping": Clipping,
    "excerpt": Excerpt,
    "speed": Speed,
}


@dataclass(frozen=True)
class Step:
    """Drawn uniformly from `low` to `high`, in the `unit` of its kind, and applied with `probability`.

    `ambience` is for a background; other kinds ignore it. See `hubbub.augment.waveform` for the kinds.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Kind
    low: float
    high: float
    probability: Probability = 1.0
    ambience: Ambience = "outdoor"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no step {self.kind!r}; known are {', '.join(KINDS)}")
        if not (isfinite(self.low) and isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"{self.kind}: low must not be above high, got {self.low:g} and {self.high:g}")
        least, most = KINDS[self.kind].limits
        if self.low < least or self.high > most:
            wanted = f"must be in {least:g}..{most:g} ({self.unit})"
            raise ValueError(f"{self.kind}: {wanted}, got {self.low:g} to {self.high:g}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"{self.kind}: probability must be in 0..1, got {self.probability:g}")
        if self.ambience not in AMBIENCES:
            raise ValueError(f"{self.kind}: ambience must be one of {', '.join(AMBIENCES)}, got {self.ambience!r}")

    @property
    def unit(self) -> str:
        """What the range is of."""
        return KINDS[self.kind].unit

    def scaled(self, strength: float) -> "Step":
        """The same step with its range moved towards what changes nothing (0), or away from it (above 1).

        1 is the step as it stands; the probability stays. How a value is moved is the transform's own, see
        `Ranged.scale`; the range stays within the transform's limits.

        >>> Step("pitch", -2, 4).scaled(0.5)
        Step(kind='pitch', low=-1.0, high=2.0, probability=1.0, ambience='outdoor')

        Raises:
            ValueError: the strength is negative or not a number.
        """
        if not (isfinite(strength) and strength >= 0):
            raise ValueError(f"a strength must be 0 or above, got {strength:g}")
        if strength == 1:
            return self
        least, most = KINDS[self.kind].limits
        low, high = (min(max(KINDS[self.kind].scale(end, strength), least), most) for end in (self.low, self.high))
        return replace(self, low=low, high=high)

    def transform(self, rate: int) -> Ranged:
        """What the step does to samples at `rate` Hz, each time, whatever its probability."""
        values: dict[str, Any] = {"low": self.low, "high": self.high, "rate": rate, "ambience": self.ambience}
        kind = KINDS[self.kind]
        return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})


def chain(steps: Iterable[Step], rate: int) -> list[Transform]:
    """Those steps, in order, for samples at `rate` Hz; each is applied with its probability."""
    return [
        step.transform(rate) if step.probability == 1 else Sometimes(step.transform(rate), step.probability)
        for step in steps
        if step.probability
    ]
