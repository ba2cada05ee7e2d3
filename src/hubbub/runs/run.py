"""The run folder: what a training or an evaluation leaves behind, and the only source of published figures.

    recipe.yaml       the recipe as resolved
    about.json        what ran, see `hubbub.runs.record`
    clips.csv         clip, part (train, validation, test), fold, label, recording, digest of its samples
    epochs.csv        figures of each epoch
    predictions.csv   every test clip's prediction, with a probability for each class
    validation.csv    the same for validation clips
    embeddings.npz    the embedding of every clip, in half precision
    metrics.json      the figures
    model.pt          the chosen checkpoint

A cross-validation is a run whose folder holds the runs of its folds (`fold1` ...) and of the final model (`final`).
"""

import platform
import subprocess
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import rmtree
from typing import Any

import yaml

from hubbub import yamlfile
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.formatting import listing, printable
from hubbub.runs import format1
from hubbub.runs.metrics import Metrics
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import RunRecord
from hubbub.storage import TableRow, read_csv, read_json, write_json, write_text
from hubbub.validation import from_json, one_line

_NAMED = 3  # keys of a recipe that a message names
_SHOWN = 60  # characters of a key's value


@dataclass(frozen=True)
class Run:
    """A run folder. What is read of it is read once; `begin` and `finish` start afresh."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """The finished run at `folder`. Raises RefusedError if there is none or it is not finished."""
        run = cls(folder)
        if not run.exists:
            raise RefusedError(f"no run at {folder}: `hubbub train` and `hubbub cv` print the folder that they write")
        if not run.finished:
            raise RefusedError(f"the run at {folder} is not finished: start the same command again to resume it")
        return run

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run, finished or not."""
        return (self.folder / "about.json").is_file()

    @cached_property
    def record(self) -> RunRecord:
        """What ran. Raises DataError if there is no run, or its about.json is damaged."""
        about = self._read_json("about.json", dict[str, Any])
        try:
            if "format_version" not in about:
                about = format1.record(about, self.recipe).to_dict()
            return RunRecord.from_dict(about)
        except (ValueError, TypeError, AttributeError) as error:
            path = self.folder / "about.json"
            raise DataError(f"{path} is damaged ({one_line(error)}): run it again") from error

    @property
    def finished(self) -> bool:
        """Whether the run is whole."""
        return self.exists and self.record.finished

    def begin(self, recipe: str, record: RunRecord) -> None:
        """Start the run, or take up one that was interrupted.

        Args:
            recipe: the text of recipe.yaml.
            record: what runs.

        Raises RefusedError if the folder holds a run of something else, or a half-finished one of an older version.
        """
        if self.exists and not self.finished and "format_version" not in read_json(self.folder / "about.json"):
            raise RefusedError(f"{self.folder} was begun by an older hubbub, and cannot be resumed: {_remedy(record)}")
        differences = self.record.differences(record) if self.exists else []
        if self.exists and (keys := _changed_keys(self.recipe, yaml.safe_load(recipe))):
            differences.append(f"recipe ({'; '.join(keys[:_NAMED])}{'; ...' if len(keys) > _NAMED else ''})")
        if differences:
            raise RefusedError(f"{self.folder} holds a run that differs in {listing(differences)}: {_remedy(record)}")
        if not self.exists:
            write_text(self.folder / "recipe.yaml", recipe)
            self._write(replace(record, environment=environment()))

    def remove(self) -> None:
        """Remove the folder and all that it holds, for a start afresh; nothing if it is not there, or empty.

        Raises RefusedError if the folder holds something else than a run.
        """
        if self.exists:
            rmtree(self.folder)
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise RefusedError(f"{self.folder} is not the folder of a run, and is left as it is: give another --name")
        self._forget()

    def finish(self, **outcome: Any) -> None:
        """Add what is known at the end, JSON values, to the record, and call the run whole."""
        self._write(replace(self.record, outcome=self.record.outcome | outcome, finished=True))

    def _write(self, record: RunRecord) -> None:
        write_json(self.folder / "about.json", record.to_dict())
        self._forget()

    def _forget(self) -> None:
        for name in ("record", "recipe", "predictions", "clips", "metrics"):
            self.__dict__.pop(name, None)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe as resolved, with today's keys; empty for a run without one. Raises DataError if it is damaged."""
        path = self.folder / "recipe.yaml"
        if not path.is_file():
            return {}
        try:
            return format1.recipe(yamlfile.read(path.read_bytes()))
        except (OSError, ValueError, AttributeError) as error:
            raise DataError(f"{path} is damaged ({one_line(error)}): run it again") from error

    @cached_property
    def predictions(self) -> Predictions:
        """Of the test clips."""
        return Predictions.read(self.folder / "predictions.csv")

    @cached_property
    def clips(self) -> list[TableRow]:
        """The rows of clips.csv; of a cross-validation those of its folds, one after the other."""
        if (self.folder / "clips.csv").is_file() or not self.folds:
            columns = ("clip", "part", "label", "recording", "samples")
            return read_csv(self.folder / "clips.csv", columns, remedy="run it again")
        return [row for fold in self.folds for row in fold.clips]

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The figures, see `hubbub.runs.metrics`. Raises DataError if they are missing or damaged."""
        return self._read_json("metrics.json", Metrics)

    def _read_json(self, name: str, kind: type) -> dict[str, Any]:
        """The mapping in a JSON file that is of a `kind`, so that whoever reads it need not ask."""
        path = self.folder / name
        try:
            content = path.read_bytes()
            from_json(kind, content)
            return from_json(dict[str, Any], content)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is missing or damaged ({one_line(error)}): run it again") from error

    def child(self, name: str) -> "Run":
        """A run inside this one, such as `fold1`; it may not exist yet."""
        return Run(self.folder / name)

    @property
    def folds(self) -> list["Run"]:
        """Of a cross-validation that is finished, the runs of its folds."""
        known = (self.folder / "metrics.json").is_file()
        return [self.child(name) for name in self.metrics.get("folds", ())] if known else []

    @property
    def outer(self) -> "Run | None":
        """The run that this one lies in, as a fold in its cross-validation; None if there is none."""
        outer = Run(self.folder.resolve().parent)
        return outer if outer.exists else None

    @property
    def name(self) -> str:
        """The folder's name; of a run inside another one, both names."""
        own = self.folder.resolve().name
        return f"{self.outer.folder.name}, {own}" if self.outer else own

    @property
    def leaky(self) -> bool:
        """Whether its test, or that of the run around it, was not honest."""
        return self.record.split.leaky or bool(self.outer and self.outer.record.split.leaky)


def _remedy(record: RunRecord) -> str:
    return "give --name, or remove it" if record.kind == "evaluation" else "--fresh starts over, --name keeps both"


def _changed_keys(before: Any, now: Any, key: str = "") -> list[str]:
    """Keys of a recipe whose values differ, each with both values."""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if isinstance(before, dict) and isinstance(now, dict):
        names = dict.fromkeys([*before, *now])
        parts = (
            _changed_keys(before.get(name), now.get(name), f"{key}.{name}" if key else str(name)) for name in names
        )
        return [line for part in parts for line in part]
    return [] if before == now else [printable(f"{key}: {str(before)[:_SHOWN]}, now {str(now)[:_SHOWN]}")]


def require_folder_name(name: str | None) -> None:
    """Raises UsageError if a name that was given would lead out of the folder of runs."""
    if name is not None and (name in ("", "..") or Path(name).name != name):
        raise UsageError(f"--name {name!r} is not a folder name: leave out slashes, and give --runs for the place")


def environment() -> dict[str, Any]:
    """Versions, machine and commit: what is needed to make a figure again."""
    packages = ("hubbub", "numpy", "scipy", "scikit-learn", "torch", "pytorch-lightning", "onnxruntime", "soxr")
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {name: installed for name in packages if (installed := _version(name))},
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
        # an environment may lie in a tree that is not ours
        git("ls-files", "--error-unmatch", "/".join(Path(__file__).parts[-2:]))
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
