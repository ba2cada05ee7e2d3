"""Recipes: one YAML file each, validated on load; an error names the key and what is allowed.

Beside the keys of `Recipe`, a file may have `base`, a recipe whose keys it changes, and `budgets`, named sets of
changes for less time: ``budgets: {quick: {stages.0.epochs: 1}}``.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from hubbub import yamlfile
from hubbub.augment.plan import Augment
from hubbub.augment.steps import Step
from hubbub.data.splits import Plan
from hubbub.errors import UsageError
from hubbub.formatting import printable
from hubbub.logmel import LogMelSpec
from hubbub.train.config import Network, Recipe, Stage

_SHOWN = 10  # mistakes that a message names


def to_yaml(recipe: Recipe) -> str:
    """The recipe as resolved, every key written out."""
    return yaml.safe_dump(_plain(asdict(recipe)), sort_keys=False, allow_unicode=True)


def names() -> list[str]:
    """The recipes that come with hubbub."""
    return sorted(Path(entry.name).stem for entry in _home().iterdir() if entry.name.endswith(".yaml"))


def load(name: str, overrides: Mapping[str, Any] | None = None, budget: str | None = None) -> Recipe:
    """A recipe by name, or from a YAML file.

    Args:
        name: of a recipe that comes with hubbub, or the path of a YAML file.
        overrides: dotted keys and their values, such as ``{"network.dropout": 0.3, "stages.0.epochs": 5}``.
        budget: one of the recipe's budgets, whose changes come before `overrides`.

    Raises:
        UsageError: no such recipe or budget, or a key that is unknown, of the wrong type or out of range; it names the
            key.
    """
    values = _values(name)
    budgets = values.pop("budgets", {})
    if not isinstance(budgets, dict) or not all(isinstance(changes, dict) for changes in budgets.values()):
        raise UsageError(f"recipe {name}: budgets must map names to changes")
    if budget is not None and budget not in budgets:
        raise UsageError(f"recipe {name} has no budget {budget!r}; it has: {', '.join(budgets) or 'none'}")
    changes = budgets[budget] if budget is not None else {}
    for key, value in {**changes, **(overrides or {})}.items():
        _override(values, key, value)
    return parse(values, name)


def _values(name: str) -> dict[str, Any]:
    """The keys of a recipe file over those of its base."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no recipe at {name}: check the path")
        raw = path.read_bytes()
    elif name in names():
        raw = (_home() / f"{name}.yaml").read_bytes()
    else:
        raise UsageError(f"unknown recipe {name!r}: there are {', '.join(names())}, or give a YAML file")
    try:
        values = yamlfile.read(raw)
    except ValueError as error:
        raise UsageError(f"recipe {name} is not YAML that can be read: {error}") from error
    base = values.pop("base", None)
    if base is None:
        return values
    if base not in names():
        raise UsageError(f"recipe {name}: base must be a recipe that comes with hubbub, got {base!r:.80}")
    return _merged(_values(base), values)


def _merged(base: Any, changes: Any) -> Any:
    """Mappings are merged key by key; anything else is replaced."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {key: _merged(base.get(key), value) for key, value in changes.items()}


def parse(values: Mapping[str, Any], name: str = "") -> Recipe:
    """A recipe from plain values. Raises UsageError as `load` does."""
    try:
        recipe = TypeAdapter(Recipe).validate_python(values)
    except ValidationError as error:
        problems = [_explain(item) for item in error.errors()]
        more = f"; and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
        raise UsageError(f"recipe {name}: {'; '.join(problems[:_SHOWN])}{more}") from error
    for problem in (*_of_kind(recipe), *_of_stages(recipe), *_of_input(recipe)):  # what makes no sense together
        raise UsageError(f"recipe {name}: {problem}")
    return recipe


def _of_kind(recipe: Recipe) -> list[str]:
    problems = []
    if recipe.kind == "probe" and not recipe.c_grid:
        problems.append("c_grid must hold at least one value")
    if recipe.kind == "probe" and recipe.network.hidden:
        problems.append("network.hidden must be 0, since a probe's head is linear")
    if recipe.kind == "gradient" and not recipe.stages:
        problems.append("stages must hold at least one stage")
    if recipe.kind == "gradient" and not recipe.validation and recipe.split.kind != "filename-regex":
        problems.append("validation must be above 0, since training by gradient chooses its checkpoint by it")
    return problems


def _of_stages(recipe: Recipe) -> list[str]:
    network, problems = recipe.network, []
    for index, stage in enumerate(recipe.stages):
        last = network.blocks - 1 if network.pool_from is None else network.pool_from
        if last < stage.first_trainable_block != network.blocks:
            problems.append(
                f"stages.{index}.first_trainable_block must be {network.blocks} (the head alone) or at most {last}"
            )
        if stage.variants and not stage.first_trainable_block:
            problems.append(f"stages.{index}.variants must be 0 where no block is frozen")
        if stage.variants and recipe.mixes_waveforms:
            problems.append(f"stages.{index}.variants must be 0 for mixup_of waveform, which mixes anew each epoch")
        if stage.variants and recipe.augment.class_aware:
            problems.append(f"stages.{index}.variants must be 0 for augment.class_aware, which changes each epoch")
    return problems


def _of_input(recipe: Recipe) -> list[str]:
    spec, plan, problems = recipe.frontend, recipe.augment, []
    if not spec.absolute and (plan.gain_db or plan.tilt_db or plan.repeat_over_silence):
        problems.append(
            "augment.gain_db, tilt_db and repeat_over_silence need a front end that keeps absolute power:"
            " frontend.normalise fixed, range_db, height and width 0"
        )
    if recipe.network.kind == "mobilenet" and spec.channels != 1:
        problems.append("frontend.channels must be 1 for a mobilenet")
    return problems


def _explain(item: Any) -> str:
    key = printable(".".join(str(part) for part in item["loc"]))[:80] or "recipe"
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"unknown key {key}; allowed are {', '.join(part.name for part in fields(_owner(item['loc'])))}"
    expected = "input should be a list" if item["type"] == "tuple_type" else item["msg"][0].lower() + item["msg"][1:]
    return f"{key}: {expected}" + (
        f", got {item['input']!r:.80}" if item["type"] not in ("missing", "value_error") else ""
    )


def _owner(location: tuple[Any, ...]) -> Any:
    """The dataclass whose key is at `location`, such as ("stages", 0, "lr")."""
    owners = {"network": Network, "augment": Augment, "stages": Stage, "frontend": LogMelSpec, "split": Plan}
    if location[:2] == ("augment", "waveform") and len(location) > 2:
        return Step
    return owners.get(str(location[0]), Recipe) if len(location) > 1 else Recipe


def _override(values: Any, key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values[_index(values, parent, key)] if isinstance(values, list) else values.setdefault(parent, {})
        if not isinstance(values, dict | list):
            raise UsageError(f"cannot set {key}: {parent} is not a mapping")
    values[_index(values, last, key) if isinstance(values, list) else last] = value


def _index(values: list[Any], text: str, key: str) -> int:
    if not text.isdecimal() or int(text) >= len(values):
        raise UsageError(f"cannot set {key}: {text!r} is not a number from 0 to {len(values) - 1}")
    return int(text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _home() -> Any:
    return files("hubbub") / "recipes"
