import dataclasses
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hubbub.augment.plan import Augment
from hubbub.augment.steps import Step
from hubbub.data.splits import Plan
from hubbub.errors import UsageError
from hubbub.logmel import LogMelSpec
from hubbub.train import recipe_file as recipes
from hubbub.train.config import Network, Recipe, Stage
from hubbub.train.networks import build

STAGE = {"first_trainable_block": 17, "epochs": 2, "lr": 0.01}
PROBE = {"name": "x", "about": "y", "kind": "probe"}
FINETUNE = {"name": "x", "about": "y", "kind": "gradient", "stages": [STAGE]}
GAIN = {"kind": "gain", "low": 0.5, "high": 1.5}


def with_(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy of `values` with a dotted key set; numbers in it are places in a list."""
    first, _, rest = key.partition(".")
    if isinstance(values, list):
        return [with_(item, rest, value) if str(i) == first else item for i, item in enumerate(values)]
    return values | {first: with_(values.get(first, {}), rest, value) if rest else value}


# --- the recipes that come with hubbub --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_survives_its_resolved_form(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name and recipe.about.strip()
    text = recipes.to_yaml(recipe)
    (tmp_path / "resolved.yaml").write_text(text, encoding="utf-8")
    assert recipes.load(str(tmp_path / "resolved.yaml")) == recipe
    assert recipes.to_yaml(recipes.load(str(tmp_path / "resolved.yaml"))) == text


def test_the_resolved_form_writes_every_key_out() -> None:
    values = yaml.safe_load(recipes.to_yaml(recipes.load("finetune")))
    assert list(values) == [field.name for field in dataclasses.fields(Recipe)]
    owners = {"network": Network, "augment": Augment, "frontend": LogMelSpec, "split": Plan}
    for key, owner in owners.items():
        assert set(values[key]) == {field.name for field in dataclasses.fields(owner)}
    for stage in values["stages"]:
        assert set(stage) == {field.name for field in dataclasses.fields(Stage)}


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_loads_in_every_budget(name: str) -> None:
    budgets = recipes._values(name)["budgets"]
    assert "quick" in budgets
    for budget in budgets:
        quick, whole = recipes.load(name, budget=budget), recipes.load(name)
        assert quick != whole and quick.name == name and quick.kind == whole.kind
        if quick.kind == "gradient":
            assert sum(s.epochs for s in quick.stages) < sum(s.epochs for s in whole.stages)
        assert quick.network.weights is None or budget != "quick"  # for which nothing has to be fetched


def test_text_of_any_language_survives(tmp_path: Path) -> None:
    recipe = recipes.parse(PROBE | {"about": "größe: [1]\n# δ"})
    (tmp_path / "x.yml").write_text(recipes.to_yaml(recipe), encoding="utf-8")
    assert recipes.load(str(tmp_path / "x.yml")) == recipe


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_recipe_by_hand() -> None:
    values = FINETUNE | {
        "frontend": {"sample_rate": 16_000, "fmax": 8000},
        "network": {"hidden": 5},
        "seconds": 2,
        "augment": {"roll": False},
        "stages": [STAGE | {"variants": 3}, STAGE | {"first_trainable_block": 0}],
        "c_grid": [1, 2.5],
    }
    assert recipes.parse(values) == Recipe(
        "x",
        "y",
        "gradient",
        frontend=LogMelSpec(sample_rate=16_000, fmax=8000.0),
        seconds=2.0,
        network=Network(hidden=5),
        augment=Augment(roll=False),
        stages=(Stage(17, 2, 0.01, variants=3), Stage(0, 2, 0.01)),
        c_grid=(1.0, 2.5),
    )


def test_overrides_reach_into_a_recipe() -> None:
    recipe = recipes.load("probe", {"network.dropout": 0.3, "seconds": 2, "frontend.n_mels": 64})
    assert (recipe.network.dropout, recipe.seconds, recipe.frontend.n_mels) == (0.3, 2.0, 64)
    assert recipe.network.pool_from == recipes.load("probe").network.pool_from  # what stands beside it stays
    assert recipes.load("probe").network.dropout == 0.0


def test_numbers_as_yaml_reads_them() -> None:
    """YAML takes 5e-4 for a text; a recipe takes it for the number that was meant."""
    values = yaml.safe_load("{first_trainable_block: 17, epochs: 1, lr: 5e-4}")
    assert values["lr"] == "5e-4"
    assert recipes.parse(FINETUNE | {"stages": [values]}).stages[0].lr == 5e-4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network.dropout", 0),
        ("network.pool_from", 16),
        ("augment.repeat_over_silence", 1),
        ("validation", 0),
        ("batch_size", 1),
        ("mixup", 0),
    ],
)
def test_ends_of_ranges_that_are_allowed(key: str, value: float) -> None:
    recipes.parse(with_(PROBE, key, value))


# --- errors name the key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        # unknown keys, with the keys of their owner
        ("colour", "blue", r"unknown key colour; allowed are name, about, kind, frontend, seconds, "),
        ("network.colour", 1, r"unknown key network\.colour; allowed are kind, weights, .*, hidden, dropout$"),
        (
            "augment.colour",
            1,
            r"unknown key augment\.colour; allowed are background_clip, background_snr_db, waveform, rules, ",
        ),
        (
            "augment.waveform.0.colour",
            1,
            r"unknown key augment\.waveform\.0\.colour; allowed are kind, low, high, prob",
        ),
        ("split.colour", 1, r"unknown key split\.colour; allowed are kind, folds, patterns$"),
        ("frontend.colour", 1, r"unknown key frontend\.colour; allowed are sample_rate, n_fft, "),
        ("stages.0.colour", 1, r"unknown key stages\.0\.colour; allowed are first_trainable_block, epochs, lr, "),
        # choices
        ("kind", "guess", r"kind: .*'probe' or 'gradient', got 'guess'"),
        ("network.depth", 19, r"network\.depth: .*18, 34 or 50, got 19"),
        ("augment.waveform.0.kind", "echo", r"augment\.waveform\.0\.kind: .*'stretch', .*, got 'echo'"),
        # types
        ("name", 3, r"name: .*valid string, got 3"),
        ("seconds", "long", r"seconds: .*number.*, got 'long'"),
        ("seconds", None, r"seconds: .*number.*, got None"),
        ("batch_size", 2.5, r"batch_size: .*integer.*, got 2.5"),
        ("augment.roll", "perhaps", r"augment\.roll: .*boolean.*, got 'perhaps'"),
        ("network", 3, r"network: .*, got 3"),
        ("stages", {"lr": 1}, r"stages.*: .*"),
        # ranges, one of each kind of limit
        ("seconds", 0, r"seconds: .*greater than 0, got 0"),
        ("mixup", -0.1, r"mixup: .*greater than or equal to 0, got -0.1"),
        ("validation", 1, r"validation: .*less than 1, got 1"),
        ("batch_size", 0, r"batch_size: .*greater than or equal to 1, got 0"),
        ("network.hidden", -1, r"network\.hidden: .*greater than or equal to 0, got -1"),
        ("network.pool_from", 17, r"network\.pool_from: .*less than or equal to 16, got 17"),
        ("augment.most_strength", 3, r"augment\.most_strength: .*less than or equal to 2, got 3"),
        ("augment.waveform.0.probability", 2, r"augment\.waveform\.0\.probability: .*less than or equal to 1, got 2"),
        ("stages.0.step_factor", 1.1, r"stages\.0\.step_factor: .*less than or equal to 1, got 1.1"),
        ("c_grid", [0.1, 0], r"c_grid\.1: .*greater than 0, got 0"),
        ("stages.0.lr", math.inf, r"stages\.0\.lr: .*finite"),
        ("augment.gain_db", math.nan, r"augment\.gain_db: .*finite"),
        # what an owner says itself
        ("augment.waveform.0.low", 3, r"augment\.waveform\.0: .*low must not be above high"),
        ("augment.class_aware", True, r"augment: .*set rules to acoustic or balanced"),
        ("augment.least_strength", 1.8, r"augment: .*least_strength must not be above most_strength"),
        ("split.kind", "filename-regex", r"split: .*filename-regex and patterns.*go together"),
        ("frontend.channels", 2, r"frontend: .*channels 1 or 3"),
    ],
)
def test_what_is_wrong_is_named(key: str, value: Any, match: str) -> None:
    with pytest.raises(UsageError, match="recipe mine: " + match) as caught:
        recipes.parse(with_(FINETUNE | {"augment": {"waveform": [GAIN]}}, key, value), "mine")
    assert "\n" not in str(caught.value)


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="recipe mine: about: "):
        recipes.parse({"name": "x", "kind": "probe"}, "mine")


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(UsageError, match=r"unknown key colour.*; batch_size: .*|batch_size: .*; unknown key colour"):
        recipes.parse(PROBE | {"colour": 1, "batch_size": 0}, "mine")


def test_training_by_gradient_needs_stages() -> None:
    with pytest.raises(UsageError, match="recipe mine: stages must hold at least one stage"):
        recipes.parse(FINETUNE | {"stages": []}, "mine")


def test_a_probe_needs_something_to_choose_from() -> None:
    with pytest.raises(UsageError, match="recipe mine: c_grid must hold at least one value"):
        recipes.parse(PROBE | {"c_grid": []}, "mine")


@pytest.mark.parametrize(("first_trainable_block", "fits"), [(12, True), (13, False), (17, True)])
def test_what_is_pooled_cannot_be_frozen_in_part(first_trainable_block: int, fits: bool) -> None:
    values = FINETUNE | {
        "network": {"pool_from": 12},
        "stages": [STAGE, STAGE | {"first_trainable_block": first_trainable_block}],
    }
    if fits:
        assert recipes.parse(values).stages[1].first_trainable_block == first_trainable_block
        return
    with pytest.raises(
        UsageError, match=r"stages\.1\.first_trainable_block must be 17 \(the head alone\) or at most 12"
    ):
        recipes.parse(values, "mine")


SCRATCH = FINETUNE | {"network": {"kind": "cnn"}, "stages": [STAGE | {"first_trainable_block": 0}]}
CLIP = {"normalise": "clip"}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"stages.0.first_trainable_block": 5, "stages.0.variants": 0}, None),
        (
            {"stages.0.first_trainable_block": 6},
            r"stages\.0\.first_trainable_block must be 5 \(the head alone\) or at most 4",
        ),
        ({"network": {"pool": "attention"}, "stages.0.first_trainable_block": 18}, None),
        (
            {"network": {"pool": "attention"}, "stages.0.first_trainable_block": 19},
            r"stages\.0\.first_trainable_block must be 18 .* or at most 17",
        ),
        ({"stages.0.variants": 1}, r"stages\.0\.variants must be 0 where no block is frozen"),
        ({"stages.0.first_trainable_block": 2, "stages.0.variants": 1}, None),
        (
            {
                "stages": [STAGE | {"first_trainable_block": 2, "variants": 1}],
                "augment": {"rules": "balanced", "class_aware": True},
            },
            r"stages\.0\.variants must be 0 for augment\.class_aware",
        ),
        (
            {"stages": [STAGE | {"first_trainable_block": 2, "variants": 1}], "mixup": 1.0, "mixup_of": "waveform"},
            r"stages\.0\.variants must be 0 for mixup_of waveform",
        ),
        ({"mixup": 1.0, "mixup_of": "waveform"}, None),
        ({"augment": {"rules": "acoustic", "class_aware": True}}, None),
        ({"frontend": CLIP, "augment": {"roll": True, "mask_bands": 3}}, None),
        ({"frontend": CLIP, "augment": {"gain_db": 3}}, r"augment\.gain_db.* need a front end.*frontend\.normalise"),
        ({"frontend": {"range_db": 80}, "augment": {"tilt_db": 3}}, r"augment\..*tilt_db.* need a front end"),
        ({"frontend": {"height": 64}, "augment": {"repeat_over_silence": 1}}, r"augment\..*repeat_over_silence need"),
        ({"frontend": {"channels": 3}}, None),
        ({"frontend": {"channels": 3}, "network": {}}, r"frontend\.channels must be 1 for a mobilenet"),
        ({"network.pool_from": 3}, r"network: .*pool_from is for kind mobilenet with pool mean: leave it out"),
        ({"network": {"pool": "attention", "pool_from": 3}}, r"network: .*pool_from is for kind mobilenet"),
        ({"validation": 0}, "validation must be above 0, since training by gradient chooses its checkpoint by it"),
        ({"validation": 0, "split": {"kind": "filename-regex", "patterns": ["a", "b", "c"]}}, None),
        ({"kind": "probe", "network": {"hidden": 3}, "stages": []}, r"network\.hidden must be 0"),
    ],
)
def test_what_contradicts_itself_is_named(changes: dict[str, Any], match: str | None) -> None:
    values: Any = SCRATCH
    for key, value in changes.items():
        values = with_(values, key, value)
    if match is None:
        recipes.parse(values, "mine")
        return
    with pytest.raises(UsageError, match=f"recipe mine: {match}") as caught:
        recipes.parse(values, "mine")
    assert "\n" not in str(caught.value)


# --- a base, budgets, overrides ---------------------------------------------------------------------------------------


def write(folder: Path, **values: Any) -> str:
    (folder / "mine.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(folder / "mine.yaml")


def test_a_recipe_changes_its_base_key_by_key(tmp_path: Path) -> None:
    stages = [{"first_trainable_block": 0, "epochs": 7, "lr": 0.5}]
    mine = recipes.load(write(tmp_path, base="cnn", name="mine", network={"dropout": 0.1}, stages=stages))
    base = recipes.load("cnn")
    network = dataclasses.replace(base.network, dropout=0.1)
    assert mine == dataclasses.replace(base, name="mine", network=network, stages=(Stage(0, 7, 0.5),))


def test_a_base_has_a_base_and_its_budgets_are_merged(tmp_path: Path) -> None:
    base = recipes.load("resnet34-acoustic")
    values = {
        "base": "resnet34-acoustic",
        "name": "mine",
        "budgets": {"quick": {"batch_size": 3}, "half": {"batch_size": 4}},
    }
    path = write(tmp_path, **values)
    assert recipes.load(path) == dataclasses.replace(base, name="mine")
    quick = recipes.load("resnet34-acoustic", budget="quick")
    assert recipes.load(path, budget="quick") == dataclasses.replace(quick, name="mine", batch_size=3)
    assert recipes.load(path, budget="half") == dataclasses.replace(base, name="mine", batch_size=4)


@pytest.mark.parametrize("base", ["nobody", 3])
def test_a_base_that_is_not_there(tmp_path: Path, base: Any) -> None:
    with pytest.raises(UsageError, match="base must be a recipe that comes with hubbub, got "):
        recipes.load(write(tmp_path, base=base, name="mine"))


def test_a_budget_comes_before_overrides() -> None:
    budget = recipes._values("cnn")["budgets"]["quick"]
    assert budget["network.width"] == 0.25
    recipe = recipes.load("cnn", {"network.width": 0.75}, "quick")
    assert recipe.network.width == 0.75 and recipe.stages[0].epochs == budget["stages.0.epochs"]


def test_an_unknown_budget(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="recipe cnn has no budget 'cheap'; it has: quick"):
        recipes.load("cnn", budget="cheap")
    with pytest.raises(UsageError, match="has no budget 'quick'; it has: none"):
        recipes.load(write(tmp_path, **PROBE), budget="quick")


@pytest.mark.parametrize("budgets", [3, {"quick": None}, None])
def test_budgets_that_are_none(tmp_path: Path, budgets: Any) -> None:
    with pytest.raises(UsageError, match="budgets must map names to changes"):
        recipes.load(write(tmp_path, **PROBE, budgets=budgets))


def test_overrides_reach_into_lists() -> None:
    whole = recipes.load("finetune")
    recipe = recipes.load("finetune", {"stages.1.epochs": 3, "stages.2": STAGE, "augment.waveform": [GAIN]})
    assert recipe.stages[0] == whole.stages[0] and recipe.stages[2] == Stage(17, 2, 0.01)
    assert recipe.stages[1] == dataclasses.replace(whole.stages[1], epochs=3)
    assert recipe.augment.waveform == (Step("gain", 0.5, 1.5),)


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("stages.3.lr", "cannot set stages.3.lr: '3' is not a number from 0 to 2"),
        ("stages.-1.lr", "cannot set stages.-1.lr: '-1' is not a number from 0 to 2"),
        ("stages.0.lr.high", "cannot set stages.0.lr.high: lr is not a mapping"),
    ],
)
def test_places_in_lists_that_are_not_there(key: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        recipes.load("finetune", {key: 1})


# --- blocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", ["mean", "attention", "transformer"])
@pytest.mark.parametrize(
    "network",
    [
        Network("mobilenet", width=0.1),
        Network("resnet", depth=18),
        Network("resnet", depth=50),
        Network("cnn", width=0.1),
        Network("efficientnet-lite0"),
    ],
)
def test_a_network_has_as_many_blocks_as_it_says(network: Network, pool: Any) -> None:
    import torch

    with torch.device("meta"):  # shapes without numbers
        trunk = build.trunk(dataclasses.replace(network, pool=pool), 1)
    assert len(trunk.blocks) == dataclasses.replace(network, pool=pool).blocks


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
        (b"a: [1", "is not YAML that can be read: "),
        (b"name: gr\xf6\xdfe", "is not YAML that can be read: "),
        (b"!!python/object/apply:os.getcwd []", "is not YAML that can be read: "),
        (b"", "must be a mapping of keys to values"),
        (b"- a\n- b", "must be a mapping of keys to values"),
        (b"1: 2", "line 1: a key is no text"),
        (b"2024-01-01", "must be a mapping of keys to values"),
        (b"2024-99-99: 1\nseconds: 2024-99-99", r"seconds: .*, got '2024-99-99'; unknown key 2024-99-99"),
        (b"seconds: " + b"9" * 10_000, "a number of 10,000 digits"),
        (b"seconds: 1" + b":59" * 10_000, "a number of 30,001 digits"),
        (b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]", "aliases are not read: write the value out"),
        (b"name: x\nname: y", "the key 'name' stands twice"),
        (b"a: " + b"[" * 50_000, "is not YAML that can be read: "),
        (b"a: !!int ''", "is not YAML that can be read: "),
        (b"a: !!set {b}", "is not YAML that can be read: "),
        (b"a: 1\n" * 50_000, "it has more than 200,000 bytes"),
        (b"".join(b"key%d: 1\n" % n for n in range(999)), "; and 9[0-9][0-9] more$"),
        (b"name: [" + b"x, " * 9999 + b"]", r"name: .*, got \['x', "),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(UsageError, match=match) as caught:
        recipes.load(str(tmp_path / "x.yaml"))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 6000


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("network.colour", r"unknown key network\.colour"),
        ("", "unknown key"),
        ("seconds.long", r"cannot set seconds\.long: seconds is not a mapping"),
    ],
)
def test_overrides_that_reach_nothing(key: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        recipes.load("finetune", {"seconds": 5, key: 1})


# --- settings ---------------------------------------------------------------------------------------------------------


def test_recipes_are_read_without_torch_and_trained_without_sound_libraries() -> None:
    code = (
        "import sys, hubbub.train.recipe_file; assert 'torch' not in sys.modules\n"
        "import hubbub.train.arrays, hubbub.train.frontend\n"
        "heavy = {'soundfile', 'soxr', 'onnxruntime'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_recipe_can_be_made_by_hand_and_not_changed() -> None:
    recipe = Recipe("x", "y", "probe")
    assert recipe == recipes.parse(PROBE)
    with pytest.raises(dataclasses.FrozenInstanceError, match="batch_size"):
        recipe.batch_size = 3  # type: ignore[misc]


def test_a_value_in_place_of_a_list_is_told_so_in_yaml_words() -> None:
    with pytest.raises(UsageError, match="stages: input should be a list, got 3"):
        recipes.parse({"name": "mine", "kind": "gradient", "stages": 3})
