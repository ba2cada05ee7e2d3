from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

import tinyruns
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_json, write_json
from published import rows

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path("docs", "results")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one published row."""
    rows.publish(tinyruns.write(tmp_path / "runs" / "cv"), tmp_path, "row", "a machine")
    return tmp_path


def publish(tree: Path, name: str, split: str = tinyruns.WHOLE, **run: object) -> None:
    rows.publish(tinyruns.write(tree / "runs" / name, split, **run), tree, name, None)


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
    rows.publish(Run(tree / "runs" / "cv"), tree, None, None)
    assert read_json(tree / KEPT / "cv.json")["machine"] == "Linux"


@pytest.mark.parametrize(
    ("recipe", "epochs", "budget"),
    [
        (tinyruns.STAGES, {}, "3 + 2 epochs"),
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
    rows.publish(tinyruns.write(folder, recipe=recipe, epochs=epochs), tmp_path, "row", None)
    assert read_json(tmp_path / KEPT / "row.json")["budget"] == budget


def test_a_name_that_is_no_file_name(tree: Path) -> None:
    with pytest.raises(UsageError, match="a row's name is of letters, digits, dots and dashes, not"):
        rows.publish(Run(tree / "runs" / "cv"), tree, "../row", None)


def test_a_run_on_other_sounds_is_refused(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "cv", dataset="synthetic+9")
    with pytest.raises(RefusedError, match=r"cv is a run on synthetic\+9: rows are of runs on esc50"):
        rows.publish(run, tmp_path, "row", None)
    assert not (tmp_path / "docs").exists()


def test_an_evaluation_is_no_row(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "scored")
    run = tinyruns.changed(run, kind="evaluation")
    with pytest.raises(RefusedError, match="scored is an evaluation of a model file: publish the run that made"):
        rows.publish(run, tmp_path, "row", None)
    assert not (tmp_path / "docs").exists()


def test_a_run_that_tested_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="final was tested on nothing"):
        rows.publish(tinyruns.write(tmp_path / "final", "all-fold9"), tmp_path, "row", None)
    assert not (tmp_path / "docs").exists()


# --- rows -------------------------------------------------------------------------------------------------------------


def test_figures_come_from_the_predictions(tree: Path) -> None:
    (row,) = rows.read_all(tree)
    predictions = Predictions.read(tree / KEPT / "row.csv")
    assert row.test["accuracy"] == pytest.approx(accuracy_score(predictions.targets, predictions.predicted))
    assert row.test["macro_f1"] == pytest.approx(f1_score(predictions.targets, predictions.predicted, average="macro"))
    loss = -np.log(
        [shares[target] for shares, target in zip(predictions.probabilities, predictions.targets, strict=True)]
    ).mean()
    assert row.test["loss"] == pytest.approx(loss)
    assert row.test["interval"][0] < row.test["accuracy"] < row.test["interval"][1]
    assert row.folds == {
        fold: pytest.approx(predictions.right[predictions.folds == fold].mean()) for fold in range(1, 6)
    }


@pytest.mark.parametrize(
    ("split", "title", "five_folds"),
    [
        ("official folds 1 2 3 4 5", "row", True),
        ("official-fold3", "row", False),
        ("grouped folds 1 2 3 4 5", "row", False),
        ("LEAKY random folds 1 2 3 4 5", "LEAKY row", False),
    ],
)
def test_only_all_official_folds_are_whole_and_a_leak_is_marked(
    tmp_path: Path, split: str, title: str, five_folds: bool
) -> None:
    publish(tmp_path, "row", split)
    (row,) = rows.read_all(tmp_path)
    assert (row.title, row.five_folds, row.recipe) == (title, five_folds, "tiny")
    assert list(row.folds) == ([3] if split.endswith("3") else [1, 2, 3, 4, 5])


def test_a_row_from_before_recipes_were_kept_is_of_the_recipe_of_its_name(tree: Path) -> None:
    about = read_json(tree / KEPT / "row.json")
    del about["recipe"]
    write_json(tree / KEPT / "row.json", about)
    assert rows.read_all(tree)[0].recipe == "row"


def test_honest_rows_come_first_then_whole_ones_then_good_ones(tmp_path: Path) -> None:
    right = dict(zip("abcd", (0.3, 0.9, 0.5, 1.0), strict=True))
    splits = dict(zip("abcd", (tinyruns.WHOLE, tinyruns.WHOLE, "official-fold1", "LEAKY random fold 1"), strict=True))
    for name, split in splits.items():
        publish(tmp_path, name, split)
        predictions = Predictions.read(tmp_path / KEPT / f"{name}.csv")
        wrong = np.arange(len(predictions.clips)) >= right[name] * len(predictions.clips)
        replace(predictions, probabilities=np.eye(3)[(predictions.targets + wrong) % 3]).write(
            tmp_path / KEPT / f"{name}.csv"
        )
    published = rows.read_all(tmp_path)
    assert [row.test["accuracy"] for row in published] == [0.9, 0.3, 0.5, 1.0]
    assert [row.title for row in published] == ["b", "a", "c", "LEAKY d"]


def test_a_row_that_lacks_a_fact(tree: Path) -> None:
    write_json(tree / KEPT / "row.json", {"parameters": 1})
    with pytest.raises(DataError, match=r"row.json lacks budget, commit, .*publish its run again"):
        rows.read_all(tree)


def test_predictions_without_what_ran(tree: Path) -> None:
    (tree / KEPT / "row.json").unlink()
    with pytest.raises(DataError, match=r"row.json is missing"):
        rows.read_all(tree)


def test_what_could_not_be_measured_says_why(tree: Path) -> None:
    assert rows.unmeasured(tree) == {}
    write_json(tree / KEPT / "other.json", {"recipe": "big", "empty": "no machine is big enough"})
    write_json(tree / KEPT / "huge.json", {"empty": "nor for this"})
    assert rows.unmeasured(tree) == {"big": "no machine is big enough", "huge": "nor for this"}
    assert [row.name for row in rows.read_all(tree)] == ["row"]


def test_a_row_whose_predictions_were_lost(tree: Path) -> None:
    (tree / KEPT / "row.csv").unlink()
    with pytest.raises(DataError, match=r"row.json has no row.csv beside it"):
        rows.unmeasured(tree)


def test_a_clip_that_is_not_of_esc50() -> None:
    with pytest.raises(DataError, match=r"'siren-000.wav' is not the name of an ESC-50 clip"):
        rows.recording("siren-000.wav")


# --- those of this source tree ----------------------------------------------------------------------------------------


def test_published_predictions_are_of_each_clip_once() -> None:
    published = rows.read_all(ROOT)
    assert any(row.five_folds for row in published)
    for row in published:
        predictions = Predictions.read(ROOT / KEPT / f"{row.name}.csv")
        assert len(set(predictions.clips)) == len(predictions.clips) == row.test["clips"]
        np.testing.assert_allclose(predictions.probabilities.sum(1), 1, atol=1e-4)
        if not row.leaky:  # what leaks may test on copies, and on folds of its own
            assert np.bincount(predictions.targets).tolist() == [8 * len(row.folds)] * 50
            assert [int(clip[0]) for clip in predictions.clips] == predictions.folds.tolist()
            assert [int(clip.split("-")[3][:-4]) for clip in predictions.clips] == predictions.targets.tolist()
        if row.five_folds:
            assert len(predictions.clips) == 2000
