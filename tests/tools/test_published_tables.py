import json
from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.errors import UsageError
from hubbub.runs.predictions import Predictions
from hubbub.storage import read_json, write_json, write_text
from published import rows, tables

ROOT = Path(__file__).resolve().parents[2]
README = "# Title\n\nbefore\n<!-- results:start -->\nOUTDATED\n<!-- results:end -->\nafter\n"
RESULTS = README.replace("after", "between\n<!-- part:start -->\nOUTDATED\n<!-- part:end -->\nafter")
PAGES = [tables.README, tables.RESULTS, tables.CARRIED]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with its two pages and one published row."""
    write_text(tmp_path / tables.README, README)
    write_text(tmp_path / tables.RESULTS, RESULTS)
    publish(tmp_path, "row")
    return tmp_path


def publish(tree: Path, name: str, split: str = tinyruns.WHOLE, seed: int = 0, recipe: str = tinyruns.STAGES) -> None:
    rows.publish(tinyruns.write(tree / "runs" / name, split, recipe=recipe, seed=seed), tree, name, "a machine")


def part(page: Path, name: str) -> list[str]:
    """The lines between the marks of that name."""
    lines = page.read_text().splitlines()
    return lines[lines.index(f"<!-- {name}:start -->") + 1 : lines.index(f"<!-- {name}:end -->")]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


# --- pages ------------------------------------------------------------------------------------------------------------


def test_tables_are_written_between_the_marks_and_then_up_to_date(tree: Path) -> None:
    assert tables.refresh(tree, write=False) == PAGES
    assert (tree / "README.md").read_text() == README and not (tree / tables.CARRIED).exists()
    assert tables.refresh(tree) == PAGES
    text = (tree / "README.md").read_text()
    assert text.startswith("# Title\n\nbefore\n<!--") and text.endswith("-->\nafter\n") and "OUTDATED" not in text
    text = (tree / "docs" / "results.md").read_text()
    assert "-->\nbetween\n<!--" in text and text.endswith("-->\nafter\n") and "OUTDATED" not in text
    assert tables.refresh(tree) == tables.refresh(tree, write=False) == []


def test_a_row_says_all_that_is_known_of_it(tree: Path) -> None:
    tables.refresh(tree)
    predictions = Predictions.read(tree / "docs" / "results" / "row.csv")
    (row,) = rows.read_all(tree)
    share = f"{100 * predictions.right.mean():.2f} %"
    span = "–".join(f"{100 * end:.1f}" for end in row.test["interval"])
    assert cells(part(tree / "README.md", "results")[2]) == ["`row`", "1,234", share, span]
    head, rule, line = part(tree / tables.RESULTS, "results")
    by_column = dict(zip(cells(head), cells(line), strict=True))
    assert len(cells(rule)) == len(by_column) == 14
    loss = -np.log(predictions.probabilities[np.arange(30), predictions.targets]).mean()
    folds = [100 * predictions.right[predictions.folds == fold].mean() for fold in range(1, 6)]
    assert by_column == {
        "row": "[`row`](results/row.csv)",
        "protocol": "official folds 1 2 3 4 5",
        "parameters": "1,234",
        "accuracy": share,
        "95 % interval": span,
        "folds": " ".join(f"{value:.2f}" for value in folds),
        "macro F1": f"{100 * row.test['macro_f1']:.2f}",
        "training": "24 clips, 90.00 %, loss 0.100",
        "validation": "none",
        "test": f"30 clips, {share}, loss {loss:.3f}",
        "budget": "3 + 2 epochs",
        "time": "2 min",
        "machine": "a machine",
        "run at commit": "`abc`",
    }


def test_rows_of_less_than_five_folds_stand_apart_and_leaks_are_marked(tree: Path) -> None:
    tables.refresh(tree)
    assert part(tree / tables.RESULTS, "part") == []
    publish(tree, "single", "official-fold1")
    publish(tree, "leak", "LEAKY random folds 1 2 3 4 5")
    assert tables.refresh(tree) == [tables.RESULTS, tables.CARRIED]
    assert [cells(line)[0] for line in part(tree / tables.RESULTS, "results")[2:]] == ["[`row`](results/row.csv)"]
    assert [cells(line)[:2] for line in part(tree / tables.RESULTS, "part")[2:]] == [
        ["[`single`](results/single.csv)", "official-fold1"],
        ["[`LEAKY leak`](results/leak.csv)", "LEAKY random folds 1 2 3 4 5"],
    ]
    assert "leak" not in (tree / tables.README).read_text()


def test_when_its_last_row_goes_a_table_goes(tree: Path) -> None:
    publish(tree, "single", "official-fold1")
    tables.refresh(tree)
    for suffix in (".csv", ".json"):
        (tree / "docs" / "results" / f"single{suffix}").unlink()
    assert tables.refresh(tree) == [tables.RESULTS, tables.CARRIED]
    assert part(tree / tables.RESULTS, "part") == []


def test_a_changed_prediction_makes_every_page_stale(tree: Path) -> None:
    tables.refresh(tree)
    path = tree / "docs" / "results" / "row.csv"
    predictions = Predictions.read(path)
    worse = np.roll(np.eye(3)[predictions.targets], 1, axis=1)
    Predictions(predictions.classes, predictions.clips, predictions.folds, predictions.targets, worse).write(path)
    assert tables.refresh(tree, write=False) == PAGES


@pytest.mark.parametrize(
    ("page", "text", "missing"),
    [
        (tables.README, "# no marks", "README.md has no place .*: put <!-- results:start --> and <!-- results:end -->"),
        (tables.RESULTS, README, "results.md has no place .*: put <!-- part:start --> and <!-- part:end -->"),
    ],
)
def test_a_page_without_a_place(tree: Path, page: Path, text: str, missing: str) -> None:
    write_text(tree / page, text)
    with pytest.raises(UsageError, match=missing):
        tables.require_pages(tree)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=missing):
        tables.refresh(tree)
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_a_tree_without_pages_or_results(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no README.md under .*: run this in hubbub's source tree, or give --root"):
        tables.refresh(tree / "runs")
    (tree / "docs" / "results").rename(tree / "elsewhere")
    with pytest.raises(UsageError, match=r"no docs.results under .*: publish a run"):
        tables.refresh(tree)


# --- what the package carries -----------------------------------------------------------------------------------------


def test_the_package_carries_the_rows_of_each_recipe_and_why_others_have_none(tree: Path) -> None:
    publish(tree, "single", "LEAKY random fold 1", recipe=tinyruns.PROBE)
    publish(tree, "again", seed=1)
    write_json(tree / "docs" / "results" / "big.json", {"recipe": "big", "empty": "no machine is big enough"})
    tables.refresh(tree)
    recipes = read_json(tree / tables.CARRIED)
    assert set(recipes) == {"tiny", "tiny-probe", "big"}
    assert recipes["big"] == {"rows": [], "empty": "no machine is big enough"}
    assert [row["row"] for row in recipes["tiny-probe"]["rows"]] == ["LEAKY single"]
    assert {row["row"] for row in recipes["tiny"]["rows"]} == {"row", "again"}
    (carried,) = (row for row in recipes["tiny"]["rows"] if row["row"] == "row")
    predictions = tinyruns.predictions()
    assert carried["accuracy"] == round(float(predictions.right.mean()), 6)
    low, high = carried.pop("interval")
    assert low < carried.pop("accuracy") < high
    assert carried == {
        "row": "row",
        "dataset": "esc50",
        "protocol": "official folds 1 2 3 4 5",
        "parameters": 1234,
        "budget": "3 + 2 epochs",
        "seconds": 90.0,
        "machine": "a machine",
    }


def test_the_main_row_of_a_recipe_is_without_copies_of_most_folds_and_of_unchanged_keys(tmp_path: Path) -> None:
    """Whatever their accuracies are, which differ with the seed."""
    splits = {"tiny-fold1": "official-fold1", "tiny": tinyruns.WHOLE, "tiny-wider": tinyruns.WHOLE}
    for seed, (name, split) in enumerate({**splits, "tiny-leaky": "LEAKY random folds 1 2 3 4 5"}.items()):
        publish(tmp_path, name, split, seed)
    run = tinyruns.write(tmp_path / "runs" / "copies", dataset="esc50+90", seed=7)
    rows.publish(run, tmp_path, "tiny-copies", None)
    (recipe,) = tables.by_recipe(rows.read_all(tmp_path), {}).values()
    names = [row["row"] for row in recipe["rows"]]
    assert names == ["tiny", "tiny-wider", "tiny-fold1", "tiny-copies", "LEAKY tiny-leaky"]


def test_a_row_counts_more_than_why_there_was_none(tree: Path) -> None:
    recipes = tables.by_recipe(rows.read_all(tree), {"tiny": "too big", "other": "too small"})
    assert "empty" not in recipes["tiny"] and recipes["other"] == {"rows": [], "empty": "too small"}


# --- those of this source tree ----------------------------------------------------------------------------------------


def test_published_tables_are_up_to_date() -> None:
    assert tables.refresh(ROOT, write=False) == []


def test_the_carried_figures_are_those_of_the_kept_predictions() -> None:
    carried = json.loads((ROOT / tables.CARRIED).read_text())
    accuracies = {row["row"]: row["accuracy"] for recipe in carried.values() for row in recipe["rows"]}
    assert accuracies
    for name, accuracy in accuracies.items():
        predictions = Predictions.read(ROOT / "docs" / "results" / f"{name.removeprefix('LEAKY ')}.csv")
        assert accuracy == pytest.approx(predictions.right.mean(), abs=5e-5)
