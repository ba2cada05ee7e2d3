"""What every augmentation is: a draw of frozen parameters, and their application. No global randomness.

Draws derive from (seed, epoch, clip), never from the state of a worker, so that a run can be repeated and resumed.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from hubbub.types import Floats


class Transform(Protocol):
    """Changes an array and keeps its length and its label, unless its docstring says otherwise."""

    def draw(self, rng: np.random.Generator) -> Any:
        """Frozen parameters of one application."""

    def apply(self, array: Floats, parameters: Any) -> Floats:
        """A changed copy of `array`; the same parameters always change it the same way."""

    def describe(self, parameters: Any) -> str:
        """What those parameters do, in a few words; empty if nothing."""


@dataclass(frozen=True)
class Ranged(ABC):
    """A transform that draws how much it changes evenly from `low` to `high`.

    Attributes:
        unit: what the range is of.
        limits: the least and the greatest value that it may hold.
    """

    unit: ClassVar[str]
    limits: ClassVar[tuple[float, float]]
    low: float
    high: float

    @staticmethod
    def scale(value: float, strength: float) -> float:
        """A value of the range, moved towards what changes nothing (strength 0) or away from it (above 1)."""
        return value * strength

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Any:
        """See `Transform`."""

    @abstractmethod
    def apply(self, array: Floats, parameters: Any) -> Floats:
        """See `Transform`."""

    @abstractmethod
    def describe(self, parameters: Any) -> str:
        """See `Transform`."""

    def amount(self, rng: np.random.Generator) -> float:
        """A value of the range, drawn evenly."""
        return float(rng.uniform(self.low, self.high))


def generator(seed: int, epoch: int, clip: str) -> np.random.Generator:
    """The source of draws for one clip in one epoch.

    >>> generator(0, 3, "a").random() == generator(0, 3, "a").random() != generator(0, 3, "b").random()
    True
    """
    return np.random.default_rng([seed, epoch, *clip.encode()])


def apply_all(transforms: Sequence[Transform], array: Floats, rng: np.random.Generator) -> Floats:
    """`array` after all transforms, in order."""
    for transform in transforms:
        array = transform.apply(array, transform.draw(rng))
    return array


@dataclass(frozen=True)
class Sometimes:
    """Applies a transform with `probability`, and otherwise leaves the array as it is."""

    transform: Transform
    probability: float

    def draw(self, rng: np.random.Generator) -> Any | None:
        """The transform's parameters, or None to leave it out."""
        return self.transform.draw(rng) if rng.random() < self.probability else None

    def apply(self, array: Floats, parameters: Any | None) -> Floats:
        """See class."""
        return array if parameters is None else self.transform.apply(array, parameters)

    def describe(self, parameters: Any | None) -> str:
        """See `Transform`."""
        return "" if parameters is None else self.transform.describe(parameters)


@dataclass(frozen=True)
class Choose:
    """Applies `least` to `most` of the transforms, all numbers and all choices equally likely, in the order given."""

    transforms: tuple[Transform, ...]
    least: int
    most: int

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most <= len(self.transforms):
            raise ValueError(f"cannot choose {self.least} to {self.most} of {len(self.transforms)} transforms")

    def draw(self, rng: np.random.Generator) -> tuple[tuple[int, Any], ...]:
        """Indices and parameters of the chosen ones."""
        number = int(rng.integers(self.least, self.most + 1))
        chosen = sorted(int(index) for index in rng.permutation(len(self.transforms))[:number])
        return tuple((index, self.transforms[index].draw(rng)) for index in chosen)

    def apply(self, array: Floats, parameters: tuple[tuple[int, Any], ...]) -> Floats:
        """See class."""
        for index, drawn in parameters:
            array = self.transforms[index].apply(array, drawn)
        return array

    def describe(self, parameters: tuple[tuple[int, Any], ...]) -> str:
        """See `Transform`."""
        return ", ".join(self.transforms[index].describe(drawn) for index, drawn in parameters)


@dataclass(frozen=True)
class Either:
    """Applies `first` with `probability`, else `second`."""

    first: Transform
    second: Transform
    probability: float

    def draw(self, rng: np.random.Generator) -> tuple[bool, Any]:
        """Whether it is the first, and the parameters of whichever it is."""
        first = bool(rng.random() < self.probability)
        return first, (self.first if first else self.second).draw(rng)

    def apply(self, array: Floats, parameters: tuple[bool, Any]) -> Floats:
        """See class."""
        return (self.first if parameters[0] else self.second).apply(array, parameters[1])

    def describe(self, parameters: tuple[bool, Any]) -> str:
        """See `Transform`."""
        return (self.first if parameters[0] else self.second).describe(parameters[1])
