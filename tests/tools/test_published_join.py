from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinyruns
from hubbub.errors import RefusedError, UsageError
from hubbub.storage import read_json, write_json
from published import rows
from published.join import join

KEPT = Path("docs", "results")
NAMES = [f"tiny-fold{fold}" for fold in range(1, 6)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with a row of each fold; figures, commits and budgets differ."""
    for fold, name in enumerate(NAMES, 1):
        run = tinyruns.write(tmp_path / "runs" / name, f"official-fold{fold}", epochs={"": 3 if fold == 2 else 5})
        rows.publish(run, tmp_path, name, "a machine")
    change(tmp_path, NAMES[0], train={"clips": 20, "accuracy": 0.8, "loss": 0.2}, commit="abc")
    change(tmp_path, NAMES[4], train={"clips": 27, "accuracy": 1.0, "loss": 0.05}, commit="def", machine="another")
    change(tmp_path, NAMES[4], versions={"numpy": "2.1"}, seconds=100.5)
    return tmp_path


def change(tree: Path, name: str, **about: Any) -> None:
    path = tree / KEPT / f"{name}.json"
    write_json(path, read_json(path) | about)


def test_predictions_are_joined_and_the_rest_averaged_summed_or_listed(tree: Path) -> None:
    assert join(tree, NAMES[::-1]) == "tiny"
    tinyruns.predictions().write(tree / "whole.csv")
    assert (tree / KEPT / "tiny.csv").read_bytes() == (tree / "whole.csv").read_bytes()
    about = read_json(tree / KEPT / "tiny.json")
    assert about.pop("train") == {
        "clips": 24,  # (20 + 3 * 24 + 27) / 5 = 23.8
        "accuracy": pytest.approx((0.8 + 3 * 0.9 + 1.0) / 5),
        "loss": pytest.approx((0.2 + 3 * 0.1 + 0.05) / 5),
    }
    assert about == {
        "run": ", ".join(NAMES),
        "recipe": "tiny",
        "dataset": "esc50",
        "protocol": "official folds 1 2 3 4 5",
        "seed": 0,
        "budget": "3–5 of 3 + 2 epochs",
        "parameters": 1234,
        "validation": {"clips": 0, "accuracy": None, "loss": None},
        "seconds": 460.5,
        "machine": "a machine, another",
        "commit": "abc, def",
        "versions": {"numpy": "2.0, 2.1"},
    }
    assert sorted(path.name for path in (tree / KEPT).iterdir()) == ["tiny.csv", "tiny.json"]
    (row,) = rows.read_all(tree)
    assert row.five_folds and list(row.folds) == [1, 2, 3, 4, 5]


def test_the_new_row_may_be_named(tree: Path) -> None:
    assert join(tree, NAMES, "mine", "one machine") == "mine"
    assert read_json(tree / KEPT / "mine.json")["machine"] == "one machine"


def other_labels(tree: Path) -> None:
    path = tree / KEPT / f"{NAMES[1]}.csv"
    path.write_text(path.read_text().replace("siren", "horn"))


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda tree: change(tree, NAMES[1], recipe="other"), "recipe is tiny in tiny-fold1, other in tiny-fold2, "),
        (lambda tree: change(tree, NAMES[1], dataset="esc50+90"), "dataset is "),
        (lambda tree: change(tree, NAMES[1], seed=1), "seed is "),
        (lambda tree: change(tree, NAMES[1], parameters=9), "parameters is "),
        (lambda tree: change(tree, NAMES[1], budget="4 of 9 epochs"), "budget is "),
        (lambda tree: change(tree, NAMES[1], budget="6 values of C"), "budget is "),
        (other_labels, "their labels differ"),
        (lambda tree: change(tree, NAMES[1], protocol="LEAKY random fold 2"), "only rows of single official folds"),
    ],
)
def test_folds_of_different_things_are_refused(tree: Path, tamper: Callable[[Path], None], message: str) -> None:
    tamper(tree)
    before = sorted((tree / KEPT).iterdir())
    with pytest.raises(RefusedError, match=message):
        join(tree, NAMES)
    assert sorted((tree / KEPT).iterdir()) == before


def test_a_fold_that_is_missing_or_double_is_refused(tree: Path) -> None:
    with pytest.raises(RefusedError, match="there is no row of fold 2, 5"):
        join(tree, [NAMES[0], *NAMES[2:4]])
    with pytest.raises(RefusedError, match="there are several rows of fold 1"):
        join(tree, [NAMES[0], *NAMES])


def test_rows_of_several_names_need_a_new_one(tree: Path) -> None:
    rows.publish(tinyruns.write(tree / "runs" / "x", "official-fold1"), tree, "other-fold1", None)
    with pytest.raises(UsageError, match=r"of several names \(other, tiny\): name the new one with --row"):
        join(tree, ["other-fold1", *NAMES[1:]])
    with pytest.raises(UsageError, match="there is no row 'none'"):
        join(tree, ["none"])
