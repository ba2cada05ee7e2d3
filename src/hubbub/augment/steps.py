"""One augmentation of a waveform as a recipe states it: a kind, a range to draw from, a probability."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from hubbub.bounds import STRICT, Chance

Kind = Literal["stretch", "pitch", "noise", "gain", "shift", "reverb", "low_pass", "background"]
Ambience = Literal["outdoor", "indoor", "urban"]


@dataclass(frozen=True)
class Step:
    """Drawn uniformly from `low` to `high`, applied with `probability`; the unit depends on the kind."""

    __pydantic_config__: ClassVar = STRICT
    kind: Kind
    low: float
    high: float
    probability: Chance = 1.0
    ambience: Ambience = "outdoor"
