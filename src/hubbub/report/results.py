"""Published rows: the predictions that are kept in docs/results, and the figures that follow from them.

A row is two files: `<row>.csv`, every test clip's prediction, and `<row>.json`, what ran and its training and
validation figures. Accuracy, interval and loss of the test clips are computed from the CSV each time. A recipe that
could not be measured has a JSON file alone, which says why: ``{"recipe": ..., "empty": "..."}``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubbub.errors import DataError, RefusedError, UsageError, missing_extra
from hubbub.evaluate import summary
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_csv, read_json, write_json

LEAKY = "LEAKY "
FOLDER = Path("docs", "results")
WHOLE = "official folds 1 2 3 4 5"  #: the protocol whose figure may be compared with published ones
_FACTS = {"parameters", "protocol", "train", "validation", "budget", "seconds", "machine", "commit"}


@dataclass(frozen=True)
class Row:
    """One published row: its name, what ran, the figures of its test clips, and their accuracy by official fold."""

    name: str
    facts: dict[str, Any]
    test: dict[str, Any]
    folds: dict[int, float]

    @property
    def recipe(self) -> str:
        """The recipe that it is a result of."""
        return str(self.facts.get("recipe", self.name))

    @property
    def whole(self) -> bool:
        """Whether every official fold was tested."""
        return bool(self.facts["protocol"] == WHOLE)

    @property
    def leaky(self) -> bool:
        """Whether its test was not honest."""
        return str(self.facts["protocol"]).startswith(LEAKY)

    @property
    def title(self) -> str:
        """Its name, marked if its test was not honest."""
        return f"{LEAKY}{self.name}" if self.leaky else self.name


def publish(run: Run, root: Path, name: str | None, machine: str | None) -> None:
    """Keep the predictions and facts of a cross-validation, or of one training, as the row `name`.

    Raises UsageError if the name makes no file name, RefusedError if the run is not one on ESC-50, tested
    nothing, or is an evaluation.
    """
    name = name or run.folder.name
    if not name.replace("-", "").replace(".", "").isalnum():
        raise UsageError(f"a row's name is of letters, digits, dots and dashes, not {name!r}")
    metrics, record, predictions = run.metrics, run.record, run.predictions
    if record.dataset.name != "esc50":
        raise RefusedError(f"{run.folder} is a run on {record.dataset}: rows are of runs on esc50")
    if record.kind == "evaluation":  # no recipe gave it, and its clips are whatever its model had not heard
        raise RefusedError(f"{run.folder} is an evaluation of a model file: publish the run that made the model")
    if not predictions.clips:
        raise RefusedError(f"{run.folder} was tested on nothing: publish the cross-validation that it belongs to")
    environment = record.environment
    recipe = _recipe(run)
    facts = {
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
    predictions.write(root / FOLDER / f"{name}.csv")
    write_json(root / FOLDER / f"{name}.json", facts)


def rows(root: Path) -> list[Row]:
    """All published rows: honest ones first, of those the ones of all five folds, of those the best.

    Raises DataError for a CSV without its JSON.
    """
    found = [_row(path) for path in sorted((root / FOLDER).glob("*.csv"))]
    return sorted(found, key=lambda row: (row.leaky, not row.whole, -row.test["accuracy"], row.name))


def empty(root: Path) -> dict[str, str]:
    """Recipes that could not be measured, and why. Raises DataError for a JSON that has no CSV and says no reason."""
    found = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        if path.with_suffix(".csv").is_file():
            continue
        facts = read_json(path)
        if "empty" not in facts:
            raise DataError(f"{path} has no {path.stem}.csv beside it: publish its run again, or say why it is empty")
        found[facts.get("recipe", path.stem)] = facts["empty"]
    return found


def recording(clip: str) -> str:
    """The source recording in the name of an ESC-50 clip, or of a copy of one.

    >>> recording("1-100032-A-0.wav"), recording("1-100032-A-0.wav-copy2.flac")
    ('100032', '100032')
    """
    parts = clip.partition(".")[0].split("-")
    if len(parts) != 4:
        raise DataError(f"{clip!r} is not the name of an ESC-50 clip")
    return parts[1]


def _recipe(run: Run) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise missing_extra("train", "publishing a run") from error
    return dict(yaml.safe_load((run.folder / "recipe.yaml").read_text(encoding="utf-8")))


def _budget(run: Run, recipe: dict[str, Any]) -> str:
    """How much training each fold had, for people: "40 + 2 epochs", or "12–31 of 50 epochs" if it was stopped early."""
    if recipe["kind"] == "probe":
        return f"{len(recipe['c_grid'])} values of C"
    allowed = " + ".join(str(stage["epochs"]) for stage in recipe["stages"])
    tables = [*run.folder.glob("epochs.csv"), *run.folder.glob("fold*/epochs.csv")]
    trained = sorted(len(read_csv(path)) for path in tables)
    if not trained or trained[0] == sum(stage["epochs"] for stage in recipe["stages"]):
        return f"{allowed} epochs"
    span = f"{trained[0]}" if trained[0] == trained[-1] else f"{trained[0]}–{trained[-1]}"
    return f"{span} of {allowed} epochs"


def _row(path: Path) -> Row:
    kept = Predictions.read(path)
    facts = read_json(path.with_suffix(".json"))
    if missing := _FACTS - facts.keys():
        raise DataError(f"{path.with_suffix('.json')} lacks {', '.join(sorted(missing))}: publish its run again")
    groups = [recording(clip) for clip in kept.clips]
    folds = {int(fold): float(kept.right[kept.folds == fold].mean()) for fold in sorted(set(kept.folds.tolist()))}
    return Row(path.stem, facts, summary.full(kept.targets, kept.probabilities, groups, kept.classes), folds)
