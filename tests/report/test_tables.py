import json
from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.errors import UsageError
from hubbub.report import results, tables
from hubbub.runs.predictions import Predictions
from hubbub.storage import read_json, write_json, write_text

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
    results.publish(tinyruns.write(tree / "runs" / name, split, recipe=recipe, seed=seed), tree, name, "a machine")


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
    kept = Predictions.read(tree / "docs" / "results" / "row.csv")
    (row,) = results.rows(tree)
    share = f"{100 * kept.right.mean():.2f} %"
    span = "–".join(f"{100 * end:.1f}" for end in row.test["interval"])
    assert cells(part(tree / "README.md", "results")[2]) == ["`row`", "1,234", share, span]
    head, rule, line = part(tree / tables.RESULTS, "results")
    told = dict(zip(cells(head), cells(line), strict=True))
    assert len(cells(rule)) == len(told) == 14
    loss = -np.log(kept.probabilities[np.arange(30), kept.targets]).mean()
    folds = [100 * kept.right[kept.folds == fold].mean() for fold in range(1, 6)]
    assert told == {
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
    kept = Predictions.read(path)
    worse = np.roll(np.eye(3)[kept.targets], 1, axis=1)
    Predictions(kept.classes, kept.clips, kept.folds, kept.targets, worse).write(path)
    assert tables.refresh(tree, write=False) == PAGES


@pytest.mark.parametrize(
    ("page", "text", "missing"),
    [
        (tables.README, "# no marks", "README.md has no place .*: put <!-- results:start --> and <!-- results:end -->"),
        (tables.README, "<!-- results:end --> <!-- results:start -->", "README.md has no place"),
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


def test_filling_leaves_the_page_as_it_is(tree: Path) -> None:
    text = tables.filled(tree / tables.RESULTS, part="| new |")
    assert "<!-- part:start -->\n| new |\n<!-- part:end -->" in text and "OUTDATED" in text
    assert (tree / tables.RESULTS).read_text() == RESULTS
    with pytest.raises(UsageError, match=r"nowhere.md has no place for its table"):
        tables.filled(tree / "nowhere.md", part="")


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
    found = read_json(tree / tables.CARRIED)
    assert set(found) == {"tiny", "tiny-probe", "big"}
    assert found["big"] == {"rows": [], "empty": "no machine is big enough"}
    assert [row["row"] for row in found["tiny-probe"]["rows"]] == ["LEAKY single"]
    assert {row["row"] for row in found["tiny"]["rows"]} == {"row", "again"}
    (told,) = (row for row in found["tiny"]["rows"] if row["row"] == "row")
    kept = tinyruns.predictions()
    assert told["accuracy"] == round(float(kept.right.mean()), 6)
    low, high = told.pop("interval")
    assert low < told.pop("accuracy") < high
    assert told == {
        "row": "row",
        "protocol": "official folds 1 2 3 4 5",
        "parameters": 1234,
        "budget": "3 + 2 epochs",
        "seconds": 90.0,
        "machine": "a machine",
    }


def test_a_row_counts_more_than_why_there_was_none(tree: Path) -> None:
    found = tables.carried(results.rows(tree), {"tiny": "too big", "other": "too small"})
    assert "empty" not in found["tiny"] and found["other"] == {"rows": [], "empty": "too small"}


# --- those of this source tree ----------------------------------------------------------------------------------------


def test_published_tables_are_up_to_date() -> None:
    assert tables.refresh(ROOT, write=False) == []


def test_the_carried_figures_are_those_of_the_kept_predictions() -> None:
    carried = json.loads((ROOT / tables.CARRIED).read_text())
    told = {row["row"]: row["accuracy"] for recipe in carried.values() for row in recipe["rows"]}
    assert told
    for name, accuracy in told.items():
        kept = Predictions.read(ROOT / "docs" / "results" / f"{name.removeprefix('LEAKY ')}.csv")
        assert accuracy == pytest.approx(kept.right.mean(), abs=5e-5)
