"""One augmentation of a waveform as a recipe states it: a kind, a range to draw from, a probability."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite, log10
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from hubbub.augment.ambience import PLACES, Ambience
from hubbub.augment.transform import Sometimes, Transform
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

#: How pydantic reads what a recipe says: no unknown keys, no infinite numbers.
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

Probability = Annotated[float, Field(ge=0, le=1)]
Kind = Literal["stretch", "pitch", "noise", "hiss", "gain", "shift", "reverb", "low_pass", "background"]

#: Of each kind: what its range is of, and the least and the greatest value that it may hold.
LIMITS: dict[Kind, tuple[str, float, float]] = {
    "stretch": ("times as fast", 0.25, 4.0),
    "pitch": ("semitones", -24.0, 24.0),
    "noise": ("dB of signal over noise", -40.0, 100.0),
    "hiss": ("deviation, 1 being full scale", 0.0, 1.0),
    "gain": ("factor of amplitude", 0.0, 100.0),
    "shift": ("share of the length", 0.0, 1.0),
    "reverb": ("seconds of RT60", 0.0, 10.0),
    "low_pass": ("Hz", 20.0, 1e6),
    "background": ("dB of signal over background", -40.0, 100.0),
}


@dataclass(frozen=True)
class Step:
    """Drawn uniformly from `low` to `high`, in the unit that `LIMITS` names, and applied with `probability`.

    `ambience` is the place of a background; other kinds ignore it. See `hubbub.augment.waveform` for the kinds.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Kind
    low: float
    high: float
    probability: Probability = 1.0
    ambience: Ambience = "outdoor"

    def __post_init__(self) -> None:
        if self.kind not in LIMITS:
            raise ValueError(f"there is no step {self.kind!r}; known are {', '.join(LIMITS)}")
        unit, least, most = LIMITS[self.kind]
        if not (isfinite(self.low) and isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"{self.kind}: low must not be above high, got {self.low:g} and {self.high:g}")
        if self.low < least or self.high > most:
            raise ValueError(f"{self.kind}: must be in {least:g}..{most:g} ({unit}), got {self.low:g} to {self.high:g}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"{self.kind}: probability must be in 0..1, got {self.probability:g}")
        if self.ambience not in PLACES:
            raise ValueError(f"{self.kind}: ambience must be one of {', '.join(PLACES)}, got {self.ambience!r}")

    def scaled(self, strength: float) -> "Step":
        """The same step with its range moved towards what changes nothing (0), or away from it (above 1).

        1 is the step as it stands; the probability stays. Factors (stretch, gain) are scaled in logarithm, decibels
        under the clip by 20 log10 of the strength, cut-offs are divided by it, the rest is multiplied. Ranges stay
        within `LIMITS`; a shift does not grow beyond half of the clip, for there it would come nearer again.

        >>> Step("pitch", -2, 4).scaled(0.5)
        Step(kind='pitch', low=-1.0, high=2.0, probability=1.0, ambience='outdoor')

        Raises:
            ValueError: the strength is negative or not a number.
        """
        if not (isfinite(strength) and strength >= 0):
            raise ValueError(f"a strength must be 0 or above, got {strength:g}")
        _, least, most = LIMITS[self.kind]
        low, high = (min(max(_scaled(self.kind, value, strength), least), most) for value in (self.low, self.high))
        return self if strength == 1 else replace(self, low=low, high=high)

    def transform(self, rate: int) -> Transform:
        """What the step does to samples at `rate` Hz, each time, whatever its probability."""
        low, high = self.low, self.high
        if self.kind == "background":
            return Background(rate, low, high, self.ambience)
        if self.kind in _AT_RATE:
            return _AT_RATE[self.kind](rate, low, high)
        return _AT_ANY_RATE[self.kind](low, high)


def chain(steps: Iterable[Step], rate: int) -> list[Transform]:
    """Those steps, in order, for samples at `rate` Hz; each is applied with its probability."""
    return [
        step.transform(rate) if step.probability == 1 else Sometimes(step.transform(rate), step.probability)
        for step in steps
        if step.probability
    ]


_AT_RATE: dict[Kind, type[TimeStretch | PitchShift | Reverb | LowPass]] = {
    "stretch": TimeStretch,
    "pitch": PitchShift,
    "reverb": Reverb,
    "low_pass": LowPass,
}
_AT_ANY_RATE: dict[Kind, type[Noise | Hiss | Gain | Shift]] = {
    "noise": Noise,
    "hiss": Hiss,
    "gain": Gain,
    "shift": Shift,
}


def _scaled(kind: Kind, value: float, strength: float) -> float:
    if kind in ("stretch", "gain"):
        return float(value**strength)
    if kind in ("noise", "background"):
        return value - 20 * log10(max(strength, 1e-6))
    if kind == "low_pass":
        return value / max(strength, 1e-6)
    if kind == "shift":
        return min(value * strength, max(value, 0.5))
    return value * strength
