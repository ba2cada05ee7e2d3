"""What threads do for one sound: the built-in model on 5 s of noise, by the number of its threads. Prints a table.

    python benchmarks/threads.py [--sounds 40]

Each row is a process of its own. Wall-clock time and CPU time (of all threads) of a sound are medians; the ratio is of
CPU times, to one thread. 0 threads leave the choice to onnxruntime, which takes all cores and lets them spin.
"""

import argparse
import statistics
import subprocess
import sys

MEASURE = """
import sys, time
import numpy as np
from hubbub.listen.classifier import Classifier
threads, count = map(int, sys.argv[1:])
classifier = Classifier(threads=threads)
sound = np.random.default_rng(0).normal(0, 0.1, 5 * 32_000).astype(np.float32)
classifier.classify(sound, 32_000)
for _ in range(count):
    wall, cpu = time.perf_counter(), time.process_time()
    classifier.classify(sound, 32_000)
    print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def measure(threads: int, count: int) -> tuple[float, float]:
    """Milliseconds a sound: wall clock and CPU, medians."""
    command = [sys.executable, "-c", MEASURE, str(threads), str(count)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    walls, cpus = zip(*(map(float, line.split()) for line in lines), strict=True)
    return 1000 * statistics.median(walls), 1000 * statistics.median(cpus)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sounds", type=int, default=40)
    count = parser.parse_args().sounds
    print("| threads | wall clock, ms | CPU, ms | ratio |")
    print("|--:|--:|--:|--:|")
    first = 0.0
    for threads in (1, 2, 4, 0):
        wall, cpu = measure(threads, count)
        first = first or cpu
        print(f"| {threads} | {wall:.1f} | {cpu:.1f} | {cpu / first:.2f} |")


if __name__ == "__main__":
    main()
