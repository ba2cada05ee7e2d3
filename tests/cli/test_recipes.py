import json
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hubbub.cli import recipes, show
from hubbub.storage import write_json
from hubbub.train import recipe_file as known

Run = Callable[..., tuple[int, str, str]]
WHY = "the weights cannot be downloaded on the machines that build this, which no one has seen"


def row(name: str, protocol: str, accuracy: float, seconds: float = 1260.0) -> dict[str, Any]:
    return {
        "row": name,
        "dataset": "esc50",
        "protocol": protocol,
        "accuracy": accuracy,
        "interval": [accuracy - 0.01, accuracy + 0.01],
        "parameters": 11_194_000,
        "budget": "22–31 of 40 + 16 + 2 epochs",
        "seconds": seconds,
        "machine": "a machine with a long name",
    }


RESULTS = {
    "cnn": {"rows": [row("cnn", "official folds 1 2 3 4 5", 0.71)]},
    "resnet34-classaware": {"rows": [row("classaware", "filename-regex", 0.705, 36000.0)]},
    "resnet18": {
        "rows": [
            row("resnet18", "official-fold1", 0.68),
            row("LEAKY pooled", "LEAKY random-expanded fold 1", 0.98),
        ]
    },
    "scratch": {"rows": [row("LEAKY scratch", "LEAKY random folds 1 2", 0.99)]},
    "resnet50-imagenet": {"rows": [], "empty": WHY},
}


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These results, instead of those that the package carries."""
    write_json(tmp_path / "recipes" / "results.json", RESULTS)
    monkeypatch.setattr(recipes, "files", lambda package: tmp_path)


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A terminal of so many columns."""
    return lambda width: monkeypatch.setattr(show, "console", lambda: Console(width=width, highlight=False))


def listing(out: str) -> dict[str, list[str]]:
    """What stands behind each name, in order; a row without a name, or under it, belongs to the name above."""
    rows: dict[str, list[str]] = {}
    name = ""
    for line in filter(str.strip, out.splitlines()):
        name = name if line.startswith("  ") else line[:21].strip()
        rows.setdefault(name, []).append(" ".join(line[21:].split()))
    return rows


@pytest.mark.usefixtures("carried")
def test_recipes_are_listed_with_what_they_gave(hubbub: Run) -> None:
    code, out, err = hubbub("recipes")
    assert (code, err) == (0, "")
    listed = listing(out)
    assert list(listed)[:5] == ["recipe", "cnn", "resnet34-classaware", "resnet18", "scratch"]
    assert set(listed) >= set(known.names())
    assert listed["cnn"] == ["71.00 % 70.0–72.0 11.19 M 21 min five folds"]
    assert listed["resnet34-classaware"] == ["70.50 % 69.5–71.5 11.19 M 10.0 h filename-regex"]
    assert listed["resnet18"] == [
        "68.00 % 67.0–69.0 11.19 M 21 min fold 1",
        "98.00 % 97.0–99.0 11.19 M 21 min LEAKY random-expanded fold 1",
    ]
    assert "\n  LEAKY pooled  " in out
    assert listed["scratch"] == ["99.00 % 98.0–100.0 11.19 M 21 min LEAKY random folds 1 2"]
    assert listed["resnet50-imagenet"] == [WHY] and listed["probe"] == ["no run of it is published"]


@pytest.mark.usefixtures("carried")
@pytest.mark.parametrize("width", [80, 120])
def test_the_list_fits_a_terminal(hubbub: Run, columns: Callable[[int], None], width: int) -> None:
    columns(width)
    out = hubbub("recipes")[1]
    assert max(map(len, out.splitlines())) <= width and "…" not in out
    listed = listing(out)
    assert listed["cnn"] == ["71.00 % 70.0–72.0 11.19 M 21 min five folds"]
    assert " ".join(listed["resnet50-imagenet"]) == WHY
    assert " ".join(listed["resnet18"]).endswith("LEAKY random-expanded fold 1")


@pytest.mark.usefixtures("carried")
def test_json_has_all_that_is_carried(hubbub: Run) -> None:
    code, out, err = hubbub("recipes", "--json")
    listed = json.loads(out)
    assert (code, err, sorted(listed)) == (0, "", known.names())
    assert listed["resnet18"]["rows"] == RESULTS["resnet18"]["rows"]
    assert listed["resnet50-imagenet"]["empty"] == WHY
    assert listed["probe"] == {"about": known.load("probe").about, "rows": []}


def test_all_measured_leaves_nothing_to_excuse(hubbub: Run, carried: None, tmp_path: Path) -> None:
    rows = {name: {"rows": [row(name, "official-fold1", 0.5)]} for name in known.names()}
    write_json(tmp_path / "recipes" / "results.json", rows)
    out = hubbub("recipes")[1]
    assert "not measured" not in out and len(out.splitlines()) == 1 + len(rows)


def test_what_the_package_carries_is_of_recipes_that_it_has(hubbub: Run) -> None:
    carried = json.loads((files("hubbub") / "recipes" / "results.json").read_text(encoding="utf-8"))
    listed = json.loads(hubbub("recipes", "--json")[1])
    assert set(carried) <= set(listed) and carried["finetune"]["rows"] == listed["finetune"]["rows"]


@pytest.mark.usefixtures("carried")
def test_a_recipe_is_printed_as_resolved_with_what_it_gave(hubbub: Run, tmp_path: Path) -> None:
    code, out, err = hubbub("recipes", "resnet18")
    assert (code, err) == (0, "") and out.startswith("name: resnet18\n")
    (tmp_path / "mine.yaml").write_text(out, encoding="utf-8")
    assert known.load(str(tmp_path / "mine.yaml")) == known.load("resnet18")
    assert [line for line in out.splitlines() if line.startswith("#")] == [
        "# resnet18: 68.00 % (67.0–69.0), fold 1, 22–31 of 40 + 16 + 2 epochs, 11.19 M parameters, "
        "21 min on a machine with a long name",
        "# LEAKY pooled: 98.00 % (97.0–99.0), LEAKY random-expanded fold 1, 22–31 of 40 + 16 + 2 epochs, "
        "11.19 M parameters, 21 min on a machine with a long name",
    ]
    assert hubbub("recipes", "resnet50-imagenet")[1].endswith(f"\n# not measured: {WHY}\n")
    assert "#" not in hubbub("recipes", tmp_path / "mine.yaml")[1]


@pytest.mark.usefixtures("carried")
def test_a_recipe_as_json(hubbub: Run) -> None:
    (printed,) = json.loads(hubbub("recipes", "cnn", "--json")[1]).values()
    assert printed["rows"] == RESULTS["cnn"]["rows"]
    assert known.parse(printed["recipe"]) == known.load("cnn")


def test_an_unknown_recipe(hubbub: Run) -> None:
    code, out, err = hubbub("recipes", "resnet81")
    assert (code, out) == (2, "") and "unknown recipe 'resnet81'" in err


def test_what_readers_are_told_to_train_is_the_main_row() -> None:
    """Without copies, which are another command."""
    carried = json.loads((files("hubbub") / "recipes" / "results.json").read_text(encoding="utf-8"))
    assert all(recipe["rows"][0]["dataset"] == "esc50" for recipe in carried.values() if recipe["rows"])


def test_recipes_need_no_learning_stack() -> None:
    code = (
        "import sys; sys.modules |= dict.fromkeys(('torch', 'pytorch_lightning', 'onnx', 'sklearn', 'transformers'))\n"
        "sys.argv = ['hubbub', 'recipes', 'cnn']\n"
        "from hubbub.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("name: cnn\n"), done.stderr
