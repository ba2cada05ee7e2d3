"""Runs from before `about.json` had a format version: the one place that reads what ran out of names."""

import re
from collections.abc import Mapping
from typing import Any

from hubbub.runs.record import DatasetRecord, RunRecord, SplitRecord

_LEAKY = "LEAKY "
_COPIES = re.compile(r"(.+)\+(\d+)")
_FOLDS = re.compile(r"(.+?) folds ([\d ]+)")
_FOLD = re.compile(r"(.+?)(?:-| )fold ?(\d+)")
_FIXED = {"dataset", "split", "labels", "seed", "model", "kind", "command", "environment", "finished"}

#: Keys of recipe.yaml that had other names, by the part of the recipe that holds them.
_RECIPE_KEYS: dict[str, dict[str, str]] = {
    "": {"batch": "batch_size", "workers": "num_workers", "weight_average": "ema_decay"},
    "frontend": {
        "rate": "sample_rate",
        "fft": "n_fft",
        "window": "win_length",
        "hop": "hop_length",
        "mels": "n_mels",
        "low": "fmin",
        "high": "fmax",
    },
    "stages": {"train_from": "first_trainable_block"},
}
#: Keys that came later, with what was done before there was a choice.
_LATER = {"crop": "first"}


def record(about: Mapping[str, Any], recipe: Mapping[str, Any]) -> RunRecord:
    """The record of a run of the old form.

    Args:
        about: what its about.json holds.
        recipe: what its recipe.yaml holds.

    Raises ValueError if the dataset or the split is missing or no text.
    """
    split, dataset = about.get("split", ""), about.get("dataset", "")
    if not isinstance(split, str) or not isinstance(dataset, str):
        raise ValueError("dataset and split must be texts")
    copies = _COPIES.fullmatch(dataset)
    name, count = (copies[1], int(copies[2])) if copies else (dataset, 0)
    evaluation = about.get("kind") == "evaluation"
    parsed = SplitRecord(split) if evaluation else _split(split)
    return RunRecord(
        kind="evaluation" if evaluation else "cross-validation" if parsed.folds else "training",
        dataset=DatasetRecord(name, name, count),
        split=parsed,
        labels=tuple(about.get("labels", ())),
        recipe="" if evaluation else str(recipe.get("name", "")),
        command=str(about.get("command") or ""),
        seed=about.get("seed"),
        model=about.get("model"),
        environment=about.get("environment", {}),
        outcome={key: value for key, value in about.items() if key not in _FIXED},
        finished=bool(about.get("finished")),
    )


def _split(text: str) -> SplitRecord:
    leaky = text.startswith(_LEAKY)
    kind = text.removeprefix(_LEAKY)
    if several := _FOLDS.fullmatch(kind):
        return SplitRecord(several[1], None, tuple(map(int, several[2].split())), leaky)
    if single := _FOLD.fullmatch(kind):
        return SplitRecord(single[1], int(single[2]), (), leaky)
    return SplitRecord(kind, leaky=leaky)


def recipe(values: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe of an older form with today's keys.

    >>> recipe({"batch": 8, "frontend": {"rate": 8000}, "stages": [{"train_from": 0}]})
    {'batch_size': 8, 'frontend': {'sample_rate': 8000}, 'stages': [{'first_trainable_block': 0}]}
    """
    renamed = _renamed(values, "")
    if isinstance(renamed.get("frontend"), dict):
        renamed["frontend"] = _renamed(renamed["frontend"], "frontend")
    if isinstance(renamed.get("stages"), list):
        renamed["stages"] = [_renamed(stage, "stages") for stage in renamed["stages"]]
    return renamed | {key: value for key, value in _LATER.items() if "seconds" in renamed and key not in renamed}


def _renamed(values: Mapping[str, Any], part: str) -> dict[str, Any]:
    return {_RECIPE_KEYS[part].get(key, key): value for key, value in values.items()}
