"""A progress bar on stderr for whatever is walked through, and nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from hubbub.train.callbacks import BatchEnd

Item = TypeVar("Item")


def track(what: str) -> Callable[[Iterable[Item]], Iterator[Item]]:
    """A wrapper that shows how far a walk through a sequence has come; it draws only on a terminal."""

    def walk(items: Iterable[Item]) -> Iterator[Item]:
        from rich.console import Console
        from rich.progress import track as rich_track

        console = Console(stderr=True)
        total = len(items) if isinstance(items, Sequence) else None
        yield from rich_track(
            items, what, total=total, console=console, disable=not console.is_terminal, transient=True
        )

    return walk


class Training:
    """How far a stage of training has come, on a terminal only, while in a `with` block: an `OnBatchEnd`.

    The bar counts the batches of all epochs that the stage may have; one that is stopped early ends before its end.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_terminal)
        self._task: Any = None
        self._stage = 0

    def __enter__(self) -> "Training":
        return self  # the bar starts with the first batch, so that steps before it can have bars of their own

    def __exit__(self, *ended: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """A line on stderr: above the bar on a terminal, plain elsewhere."""
        if self._bar.disable:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False)

    def __call__(self, step: "BatchEnd") -> None:
        """One batch is done."""
        if self._bar.disable:
            return
        self._bar.start()
        validation = "" if step.val_accuracy is None else f" · validation {step.val_accuracy:.1%}"
        now: dict[str, Any] = {
            "description": f"stage {step.stage}/{step.stages} · epoch {step.epoch}/{step.epochs}",
            "completed": (step.epoch - 1) * step.batches + step.batch,
            "figures": f"loss {step.loss:.3f}{validation}",
        }
        if step.stage == self._stage:
            self._bar.update(self._task, total=step.epochs * step.batches, **now)
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        # a bar that starts where it is: what was done before an interruption does not tell the time that is left
        self._task = self._bar.add_task(total=step.epochs * step.batches, **now)
        self._stage = step.stage
