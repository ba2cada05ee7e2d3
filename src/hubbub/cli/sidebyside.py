"""Folds of a cross-validation in processes of their own, a few at a time."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from hubbub.cli.options import Words, say
from hubbub.errors import RefusedError
from hubbub.runs.run import Run


def train_folds(words: Words, folds: Sequence[int], run: Path, jobs: int) -> None:
    """Run `hubbub train` for every fold that is not finished, `jobs` at a time, into the run's folder.

    The cores are shared out. If one fails, the others are ended, what they finished is kept, and RefusedError says
    which it was.
    """
    todo = [fold for fold in folds if not Run(run / f"fold{fold}").finished]
    running: list[subprocess.Popen[str]] = []
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}

    def one(fold: int) -> int:
        command = [sys.executable, "-m", "hubbub", *_command(words, fold, run)]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            running.append(process)
            assert process.stderr is not None
            _relay(process.stderr, fold)
        return process.returncode

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for fold, code in zip(todo, pool.map(one, todo), strict=True):
                if code:
                    raise RefusedError(f"fold {fold} failed (exit code {code}); its last lines say why")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise


_SPEAK = threading.Lock()


def _relay(lines: IO[str], fold: int) -> None:
    for line in lines:
        with _SPEAK:
            say(f"fold {fold}: {line.rstrip()}")


def _command(words: Words, fold: int, run: Path) -> list[str]:
    """The words of `hubbub train` for one fold."""
    options = {
        "--fold": fold,
        "--dataset": words.data,
        "--budget": words.budget,
        "--split": words.split,
        "--runs": run,
        "--name": f"fold{fold}",
        "--seed": words.seed,
        "--weights": words.weights,
        "--pictures": words.pictures,
    }
    given = [part for key, value in options.items() if value is not None for part in (key, str(value))]
    sets = [part for item in words.sets for part in ("--set", item)]
    return ["train", words.recipe, *given, *sets, *(["--i-know-it-leaks"] if words.leaks else [])]
