"""What it costs to begin: importing hubbub, `hubbub --help`, the first answer, the installed size. Prints a table.

    python benchmarks/startup.py          in the environment to be measured
    python benchmarks/startup.py --clone  also `make demo` in a fresh clone of this source tree, until it has ended

Each row is the median of five processes, with its ratio to `python -c pass`; the clone is one run.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HUBBUB = str(Path(sys.executable).with_name("hubbub"))
ANSWER = "import hubbub, numpy; hubbub.classify(numpy.random.default_rng(0).normal(0, 0.1, 160000), rate=32000)"
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import hubbub": [sys.executable, "-c", "import hubbub"],
    "hubbub --help": [HUBBUB, "--help"],
    "first answer in Python": [sys.executable, "-c", ANSWER],
}


def median_seconds(command: list[str], runs: int = 5) -> float:
    """Of whole processes, after one that is not counted."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def clone_and_demo() -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), f"{folder}/hubbub"], check=True)
        subprocess.run(["make", "demo"], cwd=f"{folder}/hubbub", check=True, stdout=subprocess.DEVNULL)
        elapsed = time.perf_counter() - started
        used = subprocess.run(["du", "-sm", f"{folder}/hubbub/.venv"], check=True, capture_output=True, text=True)
        size = used.stdout.split()[0]
        print(f"| clone and `make demo`, to its end | {elapsed:.1f} | |")
        print(f"| its environment with the extra `plot`, MB | {size} | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clone", action="store_true")
    args = parser.parse_args()
    print("| what | seconds | ratio |\n|---|--:|--:|")
    base = 0.0
    for name, command in COMMANDS.items():
        seconds = median_seconds(command)
        base = base or seconds
        print(f"| {name} | {seconds:.3f} | {seconds / base:.1f} |")
    if args.clone:
        clone_and_demo()


if __name__ == "__main__":
    main()
