"""How fast the built-in model listens: ESC-50 from disk, in one process and in two. Prints a table with ratios.

    python benchmarks/listening.py [--clips 2000]

Needs ESC-50 (`$HUBBUB_ESC50`, or fetched); each process uses one thread. A real-time factor of 100 means that 100 s of
sound are named in 1 s. Memory is the peak of one process (Linux and macOS).
"""

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from hubbub.data import esc50
from hubbub.listen.classifier import Classifier


def listen(paths: list[Path]) -> tuple[float, int]:
    """Seconds of sound that were named, and this process's peak memory in bytes."""
    classifier = Classifier(threads=1)
    seconds = sum(classifier.classify(path).duration for path in paths)
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure(paths: list[Path], processes: int) -> tuple[float, float, int]:
    """Clips per second, real-time factor, peak memory of one process; starting the processes counts."""
    started = time.perf_counter()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        results = list(pool.map(listen, [paths[index::processes] for index in range(processes)]))
    elapsed = time.perf_counter() - started
    return len(paths) / elapsed, sum(seconds for seconds, _ in results) / elapsed, max(peak for _, peak in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2000)
    paths = [clip.path for clip in esc50.load().clips][: parser.parse_args().clips]
    measure(paths[:50], 1)  # so that the files are in the page cache for both
    print(f"{len(paths)} clips of 5 s, from disk to a name\n")
    print("| processes | clips/s | real-time factor | ratio | peak memory, MB |")
    print("|--:|--:|--:|--:|--:|")
    first = 0.0
    for processes in (1, 2):
        rate, factor, peak = measure(paths, processes)
        first = first or rate
        print(f"| {processes} | {rate:.1f} | {factor:.0f} | {rate / first:.2f} | {peak / 1e6:.0f} |")


if __name__ == "__main__":
    main()
