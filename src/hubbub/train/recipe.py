"""Recipes: one YAML file each, validated on load; an error names the key and what is allowed."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from hubbub.errors import UsageError
from hubbub.logmel import LogMelSpec
from hubbub.train.settings import Augment, Network, Recipe, Stage


def to_yaml(recipe: Recipe) -> str:
    """The recipe as resolved, every key written out."""
    return yaml.safe_dump(_plain(asdict(recipe)), sort_keys=False, allow_unicode=True)


def names() -> list[str]:
    """The recipes that come with hubbub."""
    return sorted(Path(entry.name).stem for entry in _home().iterdir() if entry.name.endswith(".yaml"))


def load(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe by name, or from a YAML file.

    Args:
        name: of a recipe that comes with hubbub, or the path of a YAML file.
        overrides: dotted keys and their values, such as ``{"network.dropout": 0.3}``.

    Raises:
        UsageError: no such recipe, or a key that is unknown, of the wrong type or out of range; it names the key.
    """
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
        values = yaml.safe_load(raw.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"recipe {name} must be a mapping of keys to values")
    for key, value in (overrides or {}).items():
        _override(values, key, value)
    return parse(values, name)


def parse(values: Mapping[str, Any], name: str = "") -> Recipe:
    """A recipe from plain values. Raises UsageError as `load` does."""
    try:
        recipe = TypeAdapter(Recipe).validate_python(values)
    except ValidationError as error:
        raise UsageError(f"recipe {name}: " + "; ".join(_explain(item) for item in error.errors())) from error
    if recipe.kind == "probe" and not recipe.c_grid:
        raise UsageError(f"recipe {name}: c_grid must hold at least one value")
    if recipe.kind == "finetune" and not recipe.stages:
        raise UsageError(f"recipe {name}: stages must hold at least one stage")
    if recipe.kind == "finetune" and not recipe.validation:
        raise UsageError(f"recipe {name}: validation must be above 0, since fine-tuning chooses its checkpoint by it")
    if recipe.kind == "probe" and recipe.network.hidden:
        raise UsageError(f"recipe {name}: network.hidden must be 0, since a probe's head is linear")
    for index, stage in enumerate(recipe.stages):
        if recipe.network.pool_from < stage.train_from < 17:
            raise UsageError(
                f"recipe {name}: stages.{index}.train_from must be 17 or at most network.pool_from"
                f" ({recipe.network.pool_from})"
            )
    return recipe


def _explain(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "recipe"
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        owner: Any = {"network": Network, "augment": Augment, "stages": Stage, "frontend": LogMelSpec}.get(
            str(item["loc"][0]) if len(item["loc"]) > 1 else "", Recipe
        )
        return f"unknown key {key}; allowed are {', '.join(part.name for part in fields(owner))}"
    return f"{key}: {item['msg'][0].lower()}{item['msg'][1:]}" + (
        f", got {item['input']!r}" if item["type"] != "missing" else ""
    )


def _override(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise UsageError(f"cannot set {key}: {parent} is not a mapping")
    values[last] = value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _home() -> Any:
    return files("hubbub") / "recipes"
