"""A progress bar on stderr for whatever is walked through, and nothing where nobody looks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

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
