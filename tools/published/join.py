"""A row of all five folds from rows of single folds, where one recipe was trained in several sittings."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import RefusedError, UsageError
from hubbub.runs.predictions import Predictions
from hubbub.runs.predictions import join as join_predictions
from published import rows
from published.rows import FIVE_FOLDS, FOLDER, Row

_FOLDS = [1, 2, 3, 4, 5]
_SAME = ("recipe", "dataset", "seed", "parameters")  #: what must be equal in all folds, beside budget and labels
_BUDGET = re.compile(r"(?:(\d+)(?:–(\d+))? of )?((?:\d+ \+ )*\d+ epochs)")


def join(root: Path, names: Sequence[str], name: str | None = None, machine: str | None = None) -> str:
    """Publish a five-fold row from the rows `names` of single folds, and remove those.

    As after `hubbub cv`: predictions are joined, training and validation figures averaged over the folds, seconds
    summed. Runs, machines, commits and versions are listed where they differ.

    Args:
        root: the source tree.
        names: of the rows, one for each official fold.
        name: of the new row; what the names have in common before "-fold1" if left out.
        machine: what the folds ran on; as the rows say if left out.

    Returns:
        The name of the new row.

    Raises:
        UsageError: no such row, or no name for the new one.
        RefusedError: a fold is missing or double, or recipe, dataset, budget, seed, parameters or labels differ.
    """
    for part in names:
        if not (root / FOLDER / f"{part}.csv").is_file():
            raise UsageError(f"there is no row {part!r} in {root / FOLDER}: give rows of single folds")
    name = name or _common_name(names)
    rows.require_name(name)
    parts = sorted((rows.read(root, part) for part in names), key=lambda row: list(row.folds))
    predictions = [Predictions.read(root / FOLDER / f"{row.name}.csv") for row in parts]
    _require_one_cross_validation(parts, predictions)
    about = [row.about for row in parts]
    content = {
        **about[0],
        "run": _listed(part.get("run") for part in about),
        "protocol": FIVE_FOLDS,
        "budget": _joined_budget([part["budget"] for part in about]),
        "train": _mean([part["train"] for part in about]),
        "validation": _mean([part["validation"] for part in about]),
        "seconds": round(sum(part["seconds"] for part in about), 1),
        "machine": machine or _listed(part["machine"] for part in about),
        "commit": _listed(part["commit"] for part in about),
        "versions": _joined_versions([part.get("versions", {}) for part in about]),
    }
    rows.write(root, name, join_predictions(predictions), content)
    for row in parts:
        if row.name != name:
            (root / FOLDER / f"{row.name}.csv").unlink()
            (root / FOLDER / f"{row.name}.json").unlink()
    return name


def _common_name(names: Sequence[str]) -> str:
    stems = {re.sub(r"-fold\d+$", "", name) for name in names}
    if len(stems) > 1:
        raise UsageError(f"the rows are of several names ({', '.join(sorted(stems))}): name the new one with --row")
    return stems.pop()


def _require_one_cross_validation(parts: Sequence[Row], predictions: Sequence[Predictions]) -> None:
    """Raises RefusedError unless the rows are of single folds, each once, and of one thing."""
    for row in parts:
        if len(row.folds) != 1 or row.about["protocol"] != f"official-fold{next(iter(row.folds))}":
            raise RefusedError(
                f"{row.name} is of {row.about['protocol']}: only rows of single official folds are joined"
            )
    folds = [fold for row in parts for fold in row.folds]
    if missing := [fold for fold in _FOLDS if fold not in folds]:
        raise RefusedError(f"there is no row of fold {', '.join(map(str, missing))}: publish it first")
    if double := sorted({fold for fold in folds if folds.count(fold) > 1}):
        raise RefusedError(f"there are several rows of fold {', '.join(map(str, double))}: give one of each fold")
    for key in _SAME:
        if len({row.about.get(key) for row in parts}) > 1:
            values = ", ".join(f"{row.about.get(key)} in {row.name}" for row in parts)
            raise RefusedError(f"these are not folds of one cross-validation: {key} is {values}")
    if len({part.classes for part in predictions}) > 1:
        raise RefusedError("these are not folds of one cross-validation: their labels differ")


def _joined_budget(budgets: list[str]) -> str:
    """Of "28 of 50 epochs" and "50 epochs": "28–50 of 50 epochs". Raises RefusedError if they had different plans."""
    if len(set(budgets)) == 1:
        return budgets[0]
    matches = [_BUDGET.fullmatch(budget) for budget in budgets]
    planned = {match[3] for match in matches if match}
    if None in matches or len(planned) > 1:
        raise RefusedError(f"these are not folds of one cross-validation: budget is {', '.join(budgets)}")
    whole = planned.pop()
    total = sum(int(number) for number in re.findall(r"\d+", whole))
    trained = [int(match[end] or match[1] or total) for match in matches if match for end in (1, 2)]
    return f"{rows.span(min(trained), max(trained))} of {whole}"


def _mean(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over folds, clips rounded; none at all where a fold has no such clips."""
    if not all(part["clips"] for part in parts):
        return {"clips": 0, "accuracy": None, "loss": None}
    accuracy, loss, clips = (float(np.mean([part[key] for part in parts])) for key in ("accuracy", "loss", "clips"))
    return {"clips": round(clips), "accuracy": accuracy, "loss": loss}


def _listed(values: Iterable[Any]) -> str:
    """Each different value once, in order of the folds."""
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _joined_versions(versions: list[dict[str, str]]) -> dict[str, str]:
    packages = dict.fromkeys(package for fold in versions for package in fold)
    return {package: _listed(fold[package] for fold in versions if package in fold) for package in packages}
