"""A progress bar on stderr for whatever is walked through, and nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from hubbub.formatting import printable

if TYPE_CHECKING:
    from hubbub.train.callbacks import BatchEnd

Item = TypeVar("Item")
_MANY = 8  # files that take more than a moment


def track(what: str) -> Callable[[Iterable[Item]], Iterator[Item]]:
    """A wrapper that shows how far a walk through a sequence has come; it draws only on a terminal."""

    def walk(items: Iterable[Item]) -> Iterator[Item]:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        total = len(items) if isinstance(items, Sequence) else None
        screen = sys.stdout.isatty()  # else what is printed meanwhile would go to stderr with the bar
        hidden = not console.is_interactive
        with Progress(console=console, transient=True, disable=hidden, redirect_stdout=screen) as progress:
            yield from progress.track(items, total, description=what)

    return walk


class Lines:
    """A bar on stderr below lines that are printed meanwhile, while in a `with` block: on a terminal only.

    Args:
        what: is being done.
        total: how many things there are; a few get no bar.
    """

    def __init__(self, what: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        hidden = not console.is_interactive or total < _MANY
        self._bar = Progress(console=console, transient=True, auto_refresh=False, disable=hidden, redirect_stdout=False)
        self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> "Lines":
        self._bar.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._bar.stop()

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Away with the bar for the lines of one thing, which is done then."""
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()
            self._bar.advance(self._task)
            self._bar.refresh()


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
        self._bar = Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_interactive)
        self._task: Any = None
        self._stage = 0

    def __enter__(self) -> "Training":
        return self  # the bar starts with the first batch, so that steps before it can have bars of their own

    def __exit__(self, *ended: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """A line on stderr: above the bar on a terminal, plain elsewhere; what is not printable becomes an escape."""
        if self._bar.disable:
            print(printable(line), file=sys.stderr, flush=True)
        else:
            self._bar.console.print(printable(line), markup=False, highlight=False)

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
