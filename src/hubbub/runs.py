"""The run folder: what a training or an evaluation leaves behind, and the only source of published figures.

    recipe.yaml       the recipe as resolved
    about.json        what ran: dataset, split, seed, versions, machine, commit, seconds; `finished` once it is whole
    clips.csv         clip, part (train, validation, test), fold, label, recording, digest of its samples
    epochs.csv        figures of each epoch
    predictions.csv   every test clip's prediction, with a probability for each class
    validation.csv    the same for validation clips
    metrics.json      the figures
    model.pt          the chosen checkpoint

A cross-validation is a run whose folder holds the runs of its folds (`fold1` ...) and of the final model (`final`).
"""

import csv
import io
import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import DataError, RefusedError
from hubbub.storage import write_json, write_text

_FIXED = ("clip", "fold", "label", "prediction")


@dataclass(frozen=True)
class Predictions:
    """Predictions of clips, as kept in a CSV file: columns clip, fold, label, prediction, then one a class.

    `folds` is 0 for a clip without a fold; `probabilities` has shape (clips, classes) and six significant digits.
    """

    classes: tuple[str, ...]
    clips: tuple[str, ...]
    folds: NDArray[np.int64]
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The likeliest class of each clip, shape (clips,)."""
        return np.asarray(self.probabilities.argmax(1))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each clip was named right, shape (clips,)."""
        return np.asarray(self.predicted == self.targets)

    def sorted(self) -> "Predictions":
        """In order of clip names."""
        order = sorted(range(len(self.clips)), key=self.clips.__getitem__)
        return Predictions(
            self.classes,
            tuple(self.clips[i] for i in order),
            self.folds[order],
            self.targets[order],
            self.probabilities[order],
        )

    def write(self, path: Path) -> None:
        """Write the CSV file, whole or not at all."""
        predicted = self.predicted
        rows = (
            [
                self.clips[i],
                self.folds[i],
                self.classes[self.targets[i]],
                self.classes[predicted[i]],
                *(f"{value:.6g}" for value in self.probabilities[i]),
            ]
            for i in range(len(self.clips))
        )
        write_csv(path, [*_FIXED, *self.classes], rows)

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read the CSV file. Raises DataError if it is not one of predictions."""
        try:
            with path.open(newline="", encoding="utf-8") as handle:
                header, *rows = csv.reader(handle)
            if tuple(header[: len(_FIXED)]) != _FIXED:
                raise ValueError(f"its columns are not {', '.join(_FIXED)} and the classes")
            classes = tuple(header[len(_FIXED) :])
            index = {label: position for position, label in enumerate(classes)}
            values = [[float(value) for value in row[len(_FIXED) :]] for row in rows]
            return cls(
                classes,
                tuple(row[0] for row in rows),
                np.array([int(row[1]) for row in rows], dtype=np.int64),
                np.array([index[row[2]] for row in rows], dtype=np.int64),
                np.array(values, dtype=np.float64).reshape(len(rows), len(classes)),
            )
        except (ValueError, IndexError, KeyError, OSError, csv.Error) as error:
            raise DataError(f"{path} is not a table of predictions ({error}): run the evaluation again") from error


def join(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of several folds as one, in order of clip names. Raises DataError if their classes differ."""
    if any(part.classes != parts[0].classes for part in parts):
        raise DataError("predictions of different classes cannot be joined: run the folds with one dataset")
    return Predictions(
        parts[0].classes,
        tuple(clip for part in parts for clip in part.clips),
        np.concatenate([part.folds for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    ).sorted()


@dataclass(frozen=True)
class Run:
    """A run folder."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """The finished run at `folder`. Raises RefusedError if there is none or it is not finished."""
        run = cls(folder)
        if not (folder / "about.json").is_file():
            raise RefusedError(f"no run at {folder}: `hubbub train` and `hubbub cv` print the folder that they write")
        if not run.finished:
            raise RefusedError(f"the run at {folder} is not finished: start the same command again to resume it")
        return run

    @property
    def about(self) -> dict[str, Any]:
        """What ran; empty for a folder that holds no run yet."""
        return _facts(self.folder / "about.json") if (self.folder / "about.json").is_file() else {}

    @property
    def finished(self) -> bool:
        """Whether the run is whole."""
        return bool(self.about.get("finished"))

    def finish(self, **facts: Any) -> None:
        """Add `facts` to what ran, and call the run whole."""
        write_json(self.folder / "about.json", self.about | facts | {"finished": True})

    def begin(self, recipe: str, **facts: Any) -> None:
        """Start the run, or take up one that was interrupted.

        `facts` must be JSON values. Raises RefusedError if the folder holds a run of something else.
        """
        path = self.folder / "recipe.yaml"
        before = self.about
        differs = [key for key, value in facts.items() if before and before.get(key) != value]
        if path.is_file() and path.read_text(encoding="utf-8") != recipe:
            differs.append("recipe")
        if differs:
            raise RefusedError(
                f"{self.folder} holds a run with another {' and '.join(differs)}: give --name, or remove the folder"
            )
        if not before:
            write_text(path, recipe)
            write_json(self.folder / "about.json", facts | {"environment": environment()})

    @property
    def predictions(self) -> Predictions:
        """Of the test clips."""
        return Predictions.read(self.folder / "predictions.csv")

    @property
    def clips(self) -> list[dict[str, str]]:
        """The rows of clips.csv."""
        return read_csv(self.folder / "clips.csv")

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures."""
        return _facts(self.folder / "metrics.json")

    def child(self, name: str) -> "Run":
        """A run inside this one, such as `fold1`; it may not exist yet."""
        return Run(self.folder / name)


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is missing or damaged ({error}): run it again") from error


def _facts(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} is damaged (no mapping of names to values): run it again")
    return content


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file. Raises DataError if it is missing or damaged."""
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            header, *rows = csv.reader(handle)
        return [dict(zip(header, row, strict=True)) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} is missing or damaged ({error}): run it again") from error


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a CSV file with Unix line ends, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def environment() -> dict[str, Any]:
    """Versions, machine and commit: what is needed to make a figure again."""
    packages = ("hubbub", "numpy", "scipy", "scikit-learn", "torch", "pytorch-lightning", "onnxruntime", "soxr")
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {name: found for name in packages if (found := _version(name))},
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the source tree that this module lies in, with `+` if files differ from it; None elsewhere."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # an environment may lie in a tree that is not ours
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
