"""Work on many things in several processes: the results in order, and nothing left running."""

import logging
import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path, PurePosixPath
from typing import TypeVar

from hubbub.errors import RefusedError

Item = TypeVar("Item")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_CHUNK = 8  # items that a process is given at once, at most
_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def cores() -> int:
    """How many processes are worth starting here, at least 1.

    As many as the system lets this process run on at once: its CPU affinity, and the CPU quota of its control groups,
    by which containers and batch systems limit it, rounded up.
    """
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        count = os.process_cpu_count() or 1
    elif hasattr(os, "sched_getaffinity"):  # Linux
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min([count, *map(math.ceil, _quotas())]))


def _quotas() -> Iterator[float]:
    """CPUs that each control group around this process allows; see cgroups(7) and Linux's cgroup-v2.rst."""
    try:
        memberships = _MEMBERSHIP.read_text().splitlines()
    except OSError:
        return
    for line in memberships:  # "4:cpu,cpuacct:/path", or "0::/path" in version 2
        _, controllers, own = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        tree = _CGROUPS / "cpu" if controllers else _CGROUPS
        path = PurePosixPath(own.lstrip("/"))
        for group in (path, *path.parents):  # in a container the path may be the host's: then the root is its own
            if quota := _quota(tree / group):
                yield quota


def _quota(group: Path) -> float | None:
    """CPUs that one control group allows; None if it sets no limit."""
    try:
        if (group / "cpu.max").is_file():
            limit, period = (group / "cpu.max").read_text().split()
        else:
            limit, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(limit) / float(period) if limit != "max" and float(limit) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def mapped(work: Callable[[Item], Result], items: Sequence[Item], jobs: int = 1) -> Generator[Result, None, None]:
    """`work` of each item, in order; what has not begun when the caller stops, or one fails, is left undone.

    Args:
        work: a function of a module, or a `partial` of one.
        items: what it is done to.
        jobs: processes; with one, for one item, or where the system has no semaphores, it is done here.

    Raises what `work` raises, and RefusedError if a process was killed.
    """
    pool = _pool(min(jobs, len(items)))
    if pool is None:
        yield from map(work, items)
        return
    chunk = max(1, min(_CHUNK, len(items) // (4 * jobs)))
    with pool:
        try:
            yield from pool.map(work, items, chunksize=chunk)
        except BrokenProcessPool as error:
            raise RefusedError(
                "a process was killed, perhaps for want of memory: run it again, with --jobs 1 where there is that"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _pool(jobs: int) -> ProcessPoolExecutor | None:
    """Processes that wait for work; None where one is enough, or all that can be had."""
    if jobs < 2:
        return None
    context = multiprocessing.get_context("spawn")
    try:
        return ProcessPoolExecutor(jobs, context, initializer=_ignore_interrupts)
    except (OSError, ImportError, NotImplementedError) as error:  # no semaphores
        reason = getattr(error, "strerror", None) or error
        _log.warning("one process instead of %d: no others can be started (%s); is /dev/shm writable?", jobs, reason)
        return None


def _ignore_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
