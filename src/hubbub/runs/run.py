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

import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hubbub.errors import DataError, RefusedError
from hubbub.runs.predictions import Predictions
from hubbub.storage import TableRow, read_csv, read_json, write_json, write_text


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
    def clips(self) -> list[TableRow]:
        """The rows of clips.csv."""
        return read_csv(self.folder / "clips.csv", remedy="run it again")

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures."""
        return _facts(self.folder / "metrics.json")

    def child(self, name: str) -> "Run":
        """A run inside this one, such as `fold1`; it may not exist yet."""
        return Run(self.folder / name)


def _facts(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} is damaged (no mapping of names to values): run it again")
    return content


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
        command = ["git", "-C", str(Path(__file__).parent.parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git(
            "ls-files", "--error-unmatch", "/".join(Path(__file__).parts[-2:])
        )  # an environment may lie in a tree that is not ours
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
