import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

import tinyruns
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.report import results
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_json, write_json

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path("docs", "results")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one published row."""
    results.publish(tinyruns.write(tmp_path / "runs" / "cv"), tmp_path, "row", "a machine")
    return tmp_path


def publish(tree: Path, name: str, split: str = tinyruns.WHOLE, **run: object) -> None:
    results.publish(tinyruns.write(tree / "runs" / name, split, **run), tree, name, None)


# --- publishing -------------------------------------------------------------------------------------------------------


def test_a_row_is_the_predictions_and_what_ran(tree: Path) -> None:
    run = Run(tree / "runs" / "cv")
    assert (tree / KEPT / "row.csv").read_bytes() == (run.folder / "predictions.csv").read_bytes()
    assert read_json(tree / KEPT / "row.json") == {
        "run": "cv",
        "recipe": "tiny",
        "dataset": "esc50",
        "protocol": "official folds 1 2 3 4 5",
        "seed": 0,
        "budget": "3 + 2 epochs",
        "parameters": 1234,
        "train": {"clips": 24, "accuracy": 0.9, "loss": 0.1},
        "validation": {"clips": 0, "accuracy": None, "loss": None},
        "seconds": 90.0,
        "machine": "a machine",
        "commit": "abc",
        "versions": {"numpy": "2.0"},
    }


def test_without_name_and_machine_they_are_those_of_the_run(tree: Path) -> None:
    results.publish(Run(tree / "runs" / "cv"), tree, None, None)
    assert read_json(tree / KEPT / "cv.json")["machine"] == "Linux"


@pytest.mark.parametrize(
    ("recipe", "epochs", "budget"),
    [
        (tinyruns.STAGES, {}, "3 + 2 epochs"),
        (tinyruns.STAGES, {"fold1": 5, "fold2": 5}, "3 + 2 epochs"),
        (tinyruns.STAGES, {"fold1": 4, "fold2": 4}, "4 of 3 + 2 epochs"),
        (tinyruns.STAGES, {"fold1": 5, "fold2": 3}, "3–5 of 3 + 2 epochs"),
        (tinyruns.STAGES, {"fold1": 5, "final": 4}, "3 + 2 epochs"),
        (tinyruns.STAGES, {"": 2}, "2 of 3 + 2 epochs"),
        (tinyruns.PROBE, {}, "2 values of C"),
    ],
)
def test_the_budget_is_what_the_folds_made_of_it(
    tmp_path: Path, recipe: str, epochs: dict[str, int], budget: str
) -> None:
    folder = tmp_path / "final" / "cv"  # a name that means something inside a run only
    results.publish(tinyruns.write(folder, recipe=recipe, epochs=epochs), tmp_path, "row", None)
    assert read_json(tmp_path / KEPT / "row.json")["budget"] == budget


@pytest.mark.parametrize("name", ["../row", "a b", ".."])
def test_a_name_that_is_no_file_name(tree: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a row's name is of letters, digits, dots and dashes, not"):
        results.publish(Run(tree / "runs" / "cv"), tree, name, None)


@pytest.mark.parametrize("dataset", ["esc10", "synthetic+9"])
def test_a_run_on_other_sounds_is_refused(tmp_path: Path, dataset: str) -> None:
    run = tinyruns.write(tmp_path / "cv", dataset=dataset)
    with pytest.raises(RefusedError, match=rf"cv is a run on {dataset.replace('+', '.')}: rows are of runs on esc50"):
        results.publish(run, tmp_path, "row", None)
    assert not (tmp_path / "docs").exists()


def test_an_evaluation_is_no_row(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "scored")
    run = tinyruns.changed(run, kind="evaluation")
    with pytest.raises(RefusedError, match="scored is an evaluation of a model file: publish the run that made"):
        results.publish(run, tmp_path, "row", None)
    assert not (tmp_path / "docs").exists()


def test_a_run_that_tested_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="final was tested on nothing"):
        results.publish(tinyruns.write(tmp_path / "final", "all-fold9"), tmp_path, "row", None)
    assert not (tmp_path / "docs").exists()


def test_without_the_library_that_reads_its_recipe(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(RefusedError, match="needs the extra 'train'"):
        results.publish(Run(tree / "runs" / "cv"), tree, "other", None)


# --- rows -------------------------------------------------------------------------------------------------------------


def test_figures_come_from_the_predictions(tree: Path) -> None:
    (row,) = results.rows(tree)
    kept = Predictions.read(tree / KEPT / "row.csv")
    assert row.test["accuracy"] == pytest.approx(accuracy_score(kept.targets, kept.predicted))
    assert row.test["macro_f1"] == pytest.approx(f1_score(kept.targets, kept.predicted, average="macro"))
    loss = -np.log([shares[target] for shares, target in zip(kept.probabilities, kept.targets, strict=True)]).mean()
    assert row.test["loss"] == pytest.approx(loss)
    assert row.test["interval"][0] < row.test["accuracy"] < row.test["interval"][1]
    assert row.folds == {fold: pytest.approx(kept.right[kept.folds == fold].mean()) for fold in range(1, 6)}


@pytest.mark.parametrize(
    ("split", "title", "whole"),
    [
        ("official folds 1 2 3 4 5", "row", True),
        ("official folds 1 2", "row", False),
        ("official-fold3", "row", False),
        ("grouped folds 1 2 3 4 5", "row", False),
        ("LEAKY random folds 1 2 3 4 5", "LEAKY row", False),
        ("LEAKY random fold 3", "LEAKY row", False),
    ],
)
def test_only_all_official_folds_are_whole_and_a_leak_is_marked(
    tmp_path: Path, split: str, title: str, whole: bool
) -> None:
    publish(tmp_path, "row", split)
    (row,) = results.rows(tmp_path)
    assert (row.title, row.whole, row.recipe) == (title, whole, "tiny")
    assert list(row.folds) == ([3] if split.endswith("3") else [1, 2, 3, 4, 5])


def test_a_row_from_before_recipes_were_kept_is_of_the_recipe_of_its_name(tree: Path) -> None:
    facts = read_json(tree / KEPT / "row.json")
    del facts["recipe"]
    write_json(tree / KEPT / "row.json", facts)
    assert results.rows(tree)[0].recipe == "row"


def test_honest_rows_come_first_then_whole_ones_then_good_ones(tmp_path: Path) -> None:
    right = dict(zip("abcd", (0.3, 0.9, 0.5, 1.0), strict=True))
    splits = dict(zip("abcd", (tinyruns.WHOLE, tinyruns.WHOLE, "official-fold1", "LEAKY random fold 1"), strict=True))
    for name, split in splits.items():
        publish(tmp_path, name, split)
        kept = Predictions.read(tmp_path / KEPT / f"{name}.csv")
        wrong = np.arange(len(kept.clips)) >= right[name] * len(kept.clips)
        replace(kept, probabilities=np.eye(3)[(kept.targets + wrong) % 3]).write(tmp_path / KEPT / f"{name}.csv")
    found = results.rows(tmp_path)
    assert [row.test["accuracy"] for row in found] == [0.9, 0.3, 0.5, 1.0]
    assert [row.title for row in found] == ["b", "a", "c", "LEAKY d"]


def test_a_row_that_lacks_a_fact(tree: Path) -> None:
    write_json(tree / KEPT / "row.json", {"parameters": 1})
    with pytest.raises(DataError, match=r"row.json lacks budget, commit, .*publish its run again"):
        results.rows(tree)


def test_predictions_without_what_ran(tree: Path) -> None:
    (tree / KEPT / "row.json").unlink()
    with pytest.raises(DataError, match=r"row.json is missing"):
        results.rows(tree)


def test_what_could_not_be_measured_says_why(tree: Path) -> None:
    assert results.empty(tree) == {}
    write_json(tree / KEPT / "other.json", {"recipe": "big", "empty": "no machine is big enough"})
    write_json(tree / KEPT / "huge.json", {"empty": "nor for this"})
    assert results.empty(tree) == {"big": "no machine is big enough", "huge": "nor for this"}
    assert [row.name for row in results.rows(tree)] == ["row"]


def test_a_row_whose_predictions_were_lost(tree: Path) -> None:
    (tree / KEPT / "row.csv").unlink()
    with pytest.raises(DataError, match=r"row.json has no row.csv beside it"):
        results.empty(tree)


@pytest.mark.parametrize("clip", ["siren-000.wav", "1-100-A-0-1.wav", "rain.wav"])
def test_a_clip_that_is_not_of_esc50(clip: str) -> None:
    with pytest.raises(DataError, match=f"'{clip}' is not the name of an ESC-50 clip"):
        results.recording(clip)


# --- those of this source tree ----------------------------------------------------------------------------------------


def test_published_predictions_are_of_each_clip_once() -> None:
    published = results.rows(ROOT)
    assert any(row.whole for row in published)
    for row in published:
        kept = Predictions.read(ROOT / KEPT / f"{row.name}.csv")
        assert len(set(kept.clips)) == len(kept.clips) == row.test["clips"]
        np.testing.assert_allclose(kept.probabilities.sum(1), 1, atol=1e-4)
        if not row.leaky:  # what leaks may test on copies, and on folds of its own
            assert np.bincount(kept.targets).tolist() == [8 * len(row.folds)] * 50
            assert [int(clip[0]) for clip in kept.clips] == kept.folds.tolist()
            assert [int(clip.split("-")[3][:-4]) for clip in kept.clips] == kept.targets.tolist()
        if row.whole:
            assert len(kept.clips) == 2000
