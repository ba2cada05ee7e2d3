import dataclasses
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubbub.errors import UsageError
from hubbub.logmel import LogMelSpec
from hubbub.train import recipe as recipes
from hubbub.train.settings import Augment, Network, Recipe, Stage

STAGE = {"train_from": 17, "epochs": 2, "lr": 0.01}
PROBE = {"name": "x", "about": "y", "kind": "probe"}
FINETUNE = {"name": "x", "about": "y", "kind": "finetune", "stages": [STAGE]}


def with_(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy of `values` with a dotted key set; numbers in it are places in a list."""
    first, _, rest = key.partition(".")
    if isinstance(values, list):
        return [with_(item, rest, value) if str(i) == first else item for i, item in enumerate(values)]
    return values | {first: with_(values.get(first, {}), rest, value) if rest else value}


# --- the recipes that come with hubbub --------------------------------------------------------------------------------


def test_there_are_recipes() -> None:
    assert {"probe", "finetune"} <= set(recipes.names())


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_survives_its_resolved_form(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name and recipe.about.strip()
    text = recipes.to_yaml(recipe)
    (tmp_path / "resolved.yaml").write_text(text, encoding="utf-8")
    assert recipes.load(str(tmp_path / "resolved.yaml")) == recipe
    assert recipes.to_yaml(recipes.load(str(tmp_path / "resolved.yaml"))) == text


@pytest.mark.parametrize("name", recipes.names())
def test_the_resolved_form_writes_every_key_out(name: str) -> None:
    values = yaml.safe_load(recipes.to_yaml(recipes.load(name)))
    assert list(values) == [field.name for field in dataclasses.fields(Recipe)]
    for key, kind in {"network": Network, "augment": Augment, "frontend": LogMelSpec}.items():
        assert set(values[key]) == {field.name for field in dataclasses.fields(kind)}
    for stage in values["stages"]:
        assert set(stage) == {field.name for field in dataclasses.fields(Stage)}


def test_text_of_any_language_survives(tmp_path: Path) -> None:
    recipe = recipes.parse(PROBE | {"about": "größe: [1]\n# δ"})
    (tmp_path / "x.yml").write_text(recipes.to_yaml(recipe), encoding="utf-8")
    assert recipes.load(str(tmp_path / "x.yml")) == recipe


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_recipe_by_hand() -> None:
    values = FINETUNE | {
        "frontend": {"rate": 16_000, "high": 8000},
        "network": {"hidden": 5},
        "seconds": 2,
        "augment": {"roll": False},
        "stages": [STAGE | {"variants": 3}, STAGE | {"train_from": 0}],
        "c_grid": [1, 2.5],
    }
    assert recipes.parse(values) == Recipe(
        "x",
        "y",
        "finetune",
        frontend=LogMelSpec(rate=16_000, high=8000.0),
        seconds=2.0,
        network=Network(hidden=5),
        augment=Augment(roll=False),
        stages=(Stage(17, 2, 0.01, variants=3), Stage(0, 2, 0.01)),
        c_grid=(1.0, 2.5),
    )


def test_overrides_reach_into_a_recipe() -> None:
    found = recipes.load("probe", {"network.dropout": 0.3, "seconds": 2, "frontend.mels": 64})
    assert (found.network.dropout, found.seconds, found.frontend.mels) == (0.3, 2.0, 64)
    assert found.network.pool_from == recipes.load("probe").network.pool_from  # what stands beside it stays
    assert recipes.load("probe").network.dropout == 0.0


def test_numbers_as_yaml_reads_them() -> None:
    """YAML takes 5e-4 for a text; a recipe takes it for the number that was meant."""
    values = yaml.safe_load("{train_from: 17, epochs: 1, lr: 5e-4}")
    assert values["lr"] == "5e-4"
    assert recipes.parse(FINETUNE | {"stages": [values]}).stages[0].lr == 5e-4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network.dropout", 0),
        ("network.pool_from", 0),
        ("network.pool_from", 16),
        ("augment.repeat_over_silence", 1),
        ("validation", 0),
        ("batch", 1),
        ("mixup", 0),
    ],
)
def test_ends_of_ranges_that_are_allowed(key: str, value: float) -> None:
    recipes.parse(with_(PROBE, key, value))


# --- errors name the key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("colour", "blue", r"unknown key colour; allowed are name, about, kind, frontend, seconds, "),
        ("network.colour", 1, r"unknown key network\.colour; allowed are weights, width, pool_from, hidden, dropout$"),
        ("augment.colour", 1, r"unknown key augment\.colour; allowed are roll, gain_db, "),
        ("frontend.colour", 1, r"unknown key frontend\.colour; allowed are rate, fft, "),
        ("stages.0.colour", 1, r"unknown key stages\.0\.colour; allowed are train_from, epochs, lr, "),
        ("kind", "guess", r"kind: .*'probe' or 'finetune', got 'guess'"),
        ("name", 3, r"name: .*valid string, got 3"),
        ("seconds", "long", r"seconds: .*number.*, got 'long'"),
        ("seconds", None, r"seconds: .*number.*, got None"),
        ("batch", 2.5, r"batch: .*integer.*, got 2.5"),
        ("augment.roll", "perhaps", r"augment\.roll: .*boolean.*, got 'perhaps'"),
        ("network", 3, r"network: .*, got 3"),
        ("stages", {"lr": 1}, r"stages.*: .*"),
        ("stages.0.lr", "fast", r"stages\.0\.lr: .*number.*, got 'fast'"),
        ("seconds", 0, r"seconds: .*greater than 0, got 0"),
        ("network.width", -1, r"network\.width: .*greater than 0, got -1"),
        ("network.pool_from", 17, r"network\.pool_from: .*less than or equal to 16, got 17"),
        ("network.hidden", -1, r"network\.hidden: .*greater than or equal to 0, got -1"),
        ("network.dropout", 1, r"network\.dropout: .*less than 1, got 1"),
        ("augment.gain_db", -1, r"augment\.gain_db: .*greater than or equal to 0, got -1"),
        ("augment.repeat_over_silence", 1.5, r"augment\.repeat_over_silence: .*less than or equal to 1, got 1.5"),
        ("augment.mask_bands", -1, r"augment\.mask_bands: .*greater than or equal to 0"),
        ("validation", 1, r"validation: .*less than 1, got 1"),
        ("batch", 0, r"batch: .*greater than or equal to 1, got 0"),
        ("mixup", -0.1, r"mixup: .*greater than or equal to 0, got -0.1"),
        ("label_smoothing", 1, r"label_smoothing: .*less than 1, got 1"),
        ("weight_average", 1, r"weight_average: .*less than 1, got 1"),
        ("c_grid", [0.1, 0], r"c_grid\.1: .*greater than 0, got 0"),
        ("stages.0.train_from", 18, r"stages\.0\.train_from: .*less than or equal to 17, got 18"),
        ("stages.0.epochs", 0, r"stages\.0\.epochs: .*greater than or equal to 1, got 0"),
        ("stages.0.lr", 0, r"stages\.0\.lr: .*greater than 0, got 0"),
        ("stages.0.variants", 0, r"stages\.0\.variants: .*greater than or equal to 1, got 0"),
        ("frontend.hop", 0, r"frontend: .*hop and mels must be at least 1"),
        ("frontend.mels", "many", r"frontend\.mels: .*integer.*, got 'many'"),
        ("seconds", math.nan, r"seconds: "),
        ("stages.0.lr", math.inf, r"stages\.0\.lr: .*finite"),
    ],
)
def test_what_is_wrong_is_named(key: str, value: Any, match: str) -> None:
    with pytest.raises(UsageError, match="recipe mine: " + match) as caught:
        recipes.parse(with_(FINETUNE, key, value), "mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["name", "about", "kind"])
def test_a_key_that_is_missing_is_named(key: str) -> None:
    with pytest.raises(UsageError, match=f"recipe mine: {key}: "):
        recipes.parse({k: v for k, v in PROBE.items() if k != key}, "mine")


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(UsageError, match=r"unknown key colour.*; batch: .*|batch: .*; unknown key colour"):
        recipes.parse(PROBE | {"colour": 1, "batch": 0}, "mine")


def test_a_finetune_needs_stages() -> None:
    with pytest.raises(UsageError, match="recipe mine: stages must hold at least one stage"):
        recipes.parse(FINETUNE | {"stages": []}, "mine")


def test_a_probe_needs_something_to_choose_from() -> None:
    with pytest.raises(UsageError, match="recipe mine: c_grid must hold at least one value"):
        recipes.parse(PROBE | {"c_grid": []}, "mine")


@pytest.mark.parametrize(("train_from", "fits"), [(0, True), (12, True), (13, False), (16, False), (17, True)])
def test_what_is_pooled_cannot_be_frozen_in_part(train_from: int, fits: bool) -> None:
    values = FINETUNE | {"network": {"pool_from": 12}, "stages": [STAGE, STAGE | {"train_from": train_from}]}
    if fits:
        assert recipes.parse(values).stages[1].train_from == train_from
        return
    with pytest.raises(UsageError, match=r"stages\.1\.train_from must be 17 or at most network\.pool_from \(12\)"):
        recipes.parse(values, "mine")


def test_an_unknown_recipe() -> None:
    with pytest.raises(
        UsageError, match=r"unknown recipe 'prob': there are .*finetune, .*probe.*, or give a YAML file"
    ):
        recipes.load("prob")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no recipe at .*gone\.yaml: check the path"):
        recipes.load(str(tmp_path / "gone.yaml"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"a: [1", "is not YAML: "),
        (b"a: b: c", "is not YAML: "),
        (b"\x00\x01", "is not YAML: "),
        (b"name: gr\xf6\xdfe", "is not YAML: "),
        (b"!!python/object/apply:os.getcwd []", "is not YAML: "),
        (b"", "must be a mapping of keys to values"),
        (b"- a\n- b", "must be a mapping of keys to values"),
        (b"7", "must be a mapping of keys to values"),
        (b"1: 2", "recipe .*: .*"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(UsageError, match=match) as caught:
        recipes.load(str(tmp_path / "x.yaml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("colour", "unknown key colour"),
        ("network.colour", r"unknown key network\.colour"),
        ("", "unknown key"),
        ("seconds.long", r"cannot set seconds\.long: seconds is not a mapping"),
        ("stages.0.lr", r"cannot set stages\.0\.lr: stages is not a mapping"),
    ],
)
def test_overrides_that_reach_nothing(key: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        recipes.load("finetune", {"seconds": 5, key: 1})


# --- settings ---------------------------------------------------------------------------------------------------------


def test_training_needs_neither_pydantic_nor_yaml_nor_sound_libraries() -> None:
    code = (
        "import sys, hubbub.train.settings, hubbub.train.material, hubbub.train.frontend\n"
        "heavy = {'pydantic', 'yaml', 'soundfile', 'soxr', 'onnxruntime'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_recipe_can_be_made_by_hand_and_not_changed() -> None:
    recipe = Recipe("x", "y", "probe")
    assert recipe == recipes.parse(PROBE)
    with pytest.raises(dataclasses.FrozenInstanceError, match="batch"):
        recipe.batch = 3  # type: ignore[misc]
