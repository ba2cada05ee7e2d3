"""Published rows: the predictions that are kept in docs/results, and the figures that follow from them.

A row is two files: `<row>.csv`, every test clip's prediction, and `<row>.json`, what ran and its training and
validation figures. Accuracy, interval and loss of the test clips are computed from the CSV each time. A recipe that
could not be measured has a JSON file alone, which says why: ``{"recipe": ..., "empty": "..."}``.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.evaluate import summary
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_csv, read_json, write_json

LEAKY = "LEAKY "
FOLDER = Path("docs", "results")
FIVE_FOLDS = "official folds 1 2 3 4 5"  #: the protocol whose figure may be compared with published ones
_REQUIRED = {"dataset", "parameters", "protocol", "train", "validation", "budget", "seconds", "machine", "commit"}


@dataclass(frozen=True)
class Row:
    """One published row.

    Attributes:
        name: of its two files.
        about: what ran, and its training and validation figures.
        test: the figures of its test clips.
        folds: their accuracy by official fold.
    """

    name: str
    about: dict[str, Any]
    test: dict[str, Any]
    folds: dict[int, float]

    @property
    def recipe(self) -> str:
        """The recipe that it is a result of."""
        return str(self.about.get("recipe", self.name))

    @property
    def five_folds(self) -> bool:
        """Whether every official fold was tested."""
        return bool(self.about["protocol"] == FIVE_FOLDS)

    @property
    def leaky(self) -> bool:
        """Whether its test was not honest."""
        return str(self.about["protocol"]).startswith(LEAKY)

    @property
    def with_copies(self) -> bool:
        """Whether it also trained on copies made by `hubbub augment`: its dataset is then called as "esc50+6143"."""
        return "+" in str(self.about["dataset"])

    @property
    def unchanged(self) -> bool:
        """Whether its name says that the recipe's keys are as the recipe has them: "cnn" or "cnn-fold1"."""
        return re.sub(r"-fold\d+$", "", self.name) == self.recipe

    @property
    def title(self) -> str:
        """Its name, marked if its test was not honest."""
        return f"{LEAKY}{self.name}" if self.leaky else self.name


def publish(run: Run, root: Path, name: str | None, machine: str | None) -> None:
    """Keep the predictions of a cross-validation, or of one training, and what ran, as the row `name`.

    Raises UsageError if the name makes no file name, RefusedError if the run is not one on ESC-50, tested
    nothing, or is an evaluation.
    """
    name = name or run.folder.name
    require_name(name)
    metrics, record, predictions = run.metrics, run.record, run.predictions
    if record.dataset.name != "esc50":
        raise RefusedError(f"{run.folder} is a run on {record.dataset}: rows are of runs on esc50")
    if record.kind == "evaluation":  # no recipe gave it, and its clips are whatever its model had not heard
        raise RefusedError(f"{run.folder} is an evaluation of a model file: publish the run that made the model")
    if not predictions.clips:
        raise RefusedError(f"{run.folder} was tested on nothing: publish the cross-validation that it belongs to")
    environment, recipe = record.environment, run.recipe
    content = {
        "run": run.folder.name,
        "recipe": recipe.get("name", name),
        "dataset": str(record.dataset),
        "protocol": str(record.split),
        "seed": record.seed,
        "budget": _budget(run, recipe),
        "parameters": metrics["parameters"],
        "train": metrics["train"],
        "validation": metrics["validation"],
        "seconds": record.outcome["seconds"],
        "machine": machine or environment["machine"],
        "commit": environment["commit"],
        "versions": environment["versions"],
    }
    write(root, name, predictions, content)


def write(root: Path, name: str, predictions: Predictions, about: dict[str, Any]) -> None:
    """Write the two files of a row."""
    predictions.write(root / FOLDER / f"{name}.csv")
    write_json(root / FOLDER / f"{name}.json", about)


def require_name(name: str) -> None:
    """Raises UsageError if a row cannot be called so."""
    if not name.replace("-", "").replace(".", "").isalnum():
        raise UsageError(f"a row's name is of letters, digits, dots and dashes, not {name!r}")


def read_all(root: Path) -> list[Row]:
    """All published rows: honest ones first, of those the ones of all five folds, of those the best.

    Raises DataError for a CSV without its JSON.
    """
    rows = [read(root, path.stem) for path in sorted((root / FOLDER).glob("*.csv"))]
    return sorted(rows, key=lambda row: (row.leaky, not row.five_folds, -row.test["accuracy"], row.name))


def read(root: Path, name: str) -> Row:
    """One published row. Raises DataError if a file of it is missing or damaged."""
    path = root / FOLDER / f"{name}.csv"
    predictions = Predictions.read(path)
    about = read_json(path.with_suffix(".json"))
    if missing := _REQUIRED - about.keys():
        raise DataError(f"{path.with_suffix('.json')} lacks {', '.join(sorted(missing))}: publish its run again")
    recordings = [recording(clip) for clip in predictions.clips]
    figures = summary.full(predictions.targets, predictions.probabilities, recordings, predictions.classes)
    numbers = sorted(set(predictions.folds.tolist()))
    folds = {fold: float(predictions.right[predictions.folds == fold].mean()) for fold in numbers}
    return Row(name, about, figures, folds)


def unmeasured(root: Path) -> dict[str, str]:
    """Recipes that could not be measured, and why. Raises DataError for a JSON that has no CSV and says no reason."""
    reasons = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        if path.with_suffix(".csv").is_file():
            continue
        about = read_json(path)
        if "empty" not in about:
            raise DataError(f"{path} has no {path.stem}.csv beside it: publish its run again, or say why it is empty")
        reasons[about.get("recipe", path.stem)] = about["empty"]
    return reasons


def recording(clip: str) -> str:
    """The source recording in the name of an ESC-50 clip, or of a copy of one.

    >>> recording("1-100032-A-0.wav"), recording("1-100032-A-0.wav-copy2.flac")
    ('100032', '100032')
    """
    parts = clip.partition(".")[0].split("-")
    if len(parts) != 4:
        raise DataError(f"{clip!r} is not the name of an ESC-50 clip")
    return parts[1]


def _budget(run: Run, recipe: dict[str, Any]) -> str:
    """How much training each fold had, for people: "40 + 2 epochs", or "12–31 of 50 epochs" if it was stopped early."""
    if recipe["kind"] == "probe":
        return f"{len(recipe['c_grid'])} values of C"
    planned = " + ".join(str(stage["epochs"]) for stage in recipe["stages"])
    tables = [*run.folder.glob("epochs.csv"), *run.folder.glob("fold*/epochs.csv")]
    trained = sorted(len(read_csv(path)) for path in tables)
    if not trained or trained[0] == sum(stage["epochs"] for stage in recipe["stages"]):
        return f"{planned} epochs"
    return f"{span(trained[0], trained[-1])} of {planned} epochs"


def span(least: int, most: int) -> str:
    """A range of numbers of epochs, for people.

    >>> span(12, 31), span(12, 12)
    ('12–31', '12')
    """
    return f"{least}" if least == most else f"{least}–{most}"
