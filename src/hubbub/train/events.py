"""What training tells those who watch it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One batch is done: of an epoch of a stage, counted from 1; `val_accuracy` is that of the last validation."""

    stage: int
    stages: int
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    val_accuracy: float | None = None


Watch = Callable[[Step], None]


def unwatched(step: Step) -> None:
    """For when nobody looks."""
