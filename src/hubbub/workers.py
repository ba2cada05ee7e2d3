"""Work on many things in several processes: the results in order, and nothing left running."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from hubbub.errors import RefusedError

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 8  # items that a process is given at once


def cores() -> int:
    """How many processes are worth starting here."""
    return os.cpu_count() or 1


def mapped(work: Callable[[Item], Result], items: Sequence[Item], jobs: int = 1) -> Generator[Result, None, None]:
    """`work` of each item, in order; what has not begun when the caller stops, or one fails, is left undone.

    Args:
        work: a function of a module, or a `partial` of one.
        items: what it is done to.
        jobs: processes; with one, or for one item, it is done here.

    Raises what `work` raises, and RefusedError if a process was killed.
    """
    jobs = min(jobs, len(items))
    if jobs < 2:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_leave_interrupts) as pool:
        try:
            yield from pool.map(work, items, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise RefusedError(
                "a process was killed, perhaps for want of memory: the same command goes on; some take --jobs 1"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
