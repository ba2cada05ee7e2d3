from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.evaluate.calibration import softmax
from hubbub.report import results
from hubbub.runs import Predictions, Run
from hubbub.storage import write_json, write_text

ROOT = Path(__file__).resolve().parents[2]
PAGE = "# Title\n\nbefore\n<!-- results:start -->\nOUTDATED\n<!-- results:end -->\nafter\n"
LABELS = ("dog", "rain", "siren")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with two pages and one published row."""
    write_text(tmp_path / "README.md", PAGE)
    write_text(tmp_path / "docs" / "results.md", PAGE)
    results.publish(Run.open(cross_validation(tmp_path / "runs" / "cv")), tmp_path, "row", "a machine")
    return tmp_path


def cross_validation(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    targets = np.arange(30) % 3
    probabilities = softmax(rng.normal(size=(30, 3)) + 2 * np.eye(3)[targets])
    clips = tuple(f"{row % 5 + 1}-{1000 + row // 2}-A-{target}.wav" for row, target in enumerate(targets))
    Predictions(LABELS, clips, np.arange(30) % 5 + 1, targets, probabilities).sorted().write(folder / "predictions.csv")
    part = {"clips": 24, "accuracy": 0.9, "loss": 0.1}
    none = {"clips": 0, "accuracy": None, "loss": None}
    write_json(
        folder / "metrics.json", {"train": part, "validation": none, "folds": {"fold1": 1.0}, "parameters": 1234}
    )
    facts = {"dataset": "esc50", "split": "official folds 1 2 3 4 5", "seed": 0, "seconds": 90.0, "finished": True}
    environment = {"machine": "Linux", "commit": "abc", "versions": {}}
    write_json(folder / "about.json", facts | {"environment": environment})
    stages = "[{epochs: 3}, {epochs: 2}]"
    write_text(folder / "recipe.yaml", f"kind: finetune\nstages: {stages}\n")
    return folder


def test_figures_come_from_the_predictions(tree: Path) -> None:
    (row,) = results.rows(tree)
    kept = Predictions.read(tree / "docs" / "results" / "row.csv")
    assert row.test["accuracy"] == pytest.approx(accuracy_score(kept.targets, kept.predicted))
    assert row.test["macro_f1"] == pytest.approx(f1_score(kept.targets, kept.predicted, average="macro"))
    loss = -np.log([shares[target] for shares, target in zip(kept.probabilities, kept.targets, strict=True)]).mean()
    assert row.test["loss"] == pytest.approx(loss)
    assert row.test["interval"][0] < row.test["accuracy"] < row.test["interval"][1]
    assert row.folds[2] == pytest.approx(kept.right[kept.folds == 2].mean())


def test_tables_are_written_between_the_marks_and_then_up_to_date(tree: Path) -> None:
    assert results.refresh(tree, write=False) == [Path("README.md"), Path("docs/results.md")]
    assert "OUTDATED" in (tree / "README.md").read_text()
    assert results.refresh(tree) == [Path("README.md"), Path("docs/results.md")]
    readme = (tree / "README.md").read_text()
    assert readme.startswith("# Title\n\nbefore\n") and readme.endswith("\nafter\n") and "OUTDATED" not in readme
    assert "| `row` | 1,234 |" in readme
    assert "24 clips, 90.00 %, loss 0.100 | none | 30 clips" in (tree / "docs" / "results.md").read_text()
    assert "| 3 + 2 epochs | 2 min | a machine | `abc` |" in (tree / "docs" / "results.md").read_text()
    assert results.refresh(tree) == []


def test_a_changed_prediction_makes_the_tables_stale(tree: Path) -> None:
    results.refresh(tree)
    path = tree / "docs" / "results" / "row.csv"
    kept = Predictions.read(path)
    worse = np.roll(np.eye(3)[kept.targets], 1, axis=1)
    Predictions(kept.classes, kept.clips, kept.folds, kept.targets, worse).write(path)
    assert results.refresh(tree, write=False)


def test_a_leaky_row_is_marked(tree: Path) -> None:
    results.publish(Run.open(tree / "runs" / "cv"), tree, "row-leak", None)
    results.refresh(tree)
    assert "LEAKY row-leak" in (tree / "README.md").read_text()


def test_a_row_that_lacks_a_fact(tree: Path) -> None:
    write_json(tree / "docs" / "results" / "row.json", {"parameters": 1})
    with pytest.raises(DataError, match=r"lacks budget, commit, .*publish its run again"):
        results.refresh(tree)


def test_what_cannot_be_published(tree: Path) -> None:
    with pytest.raises(UsageError, match="row's name"):
        results.publish(Run.open(tree / "runs" / "cv"), tree, "../row", None)
    write_json(tree / "runs" / "cv" / "metrics.json", {"train": {}})
    with pytest.raises(RefusedError, match="not a cross-validation"):
        results.publish(Run.open(tree / "runs" / "cv"), tree, "row", None)


def test_a_page_without_a_place_and_a_tree_without_results(tree: Path, tmp_path: Path) -> None:
    write_text(tree / "README.md", "# no marks")
    with pytest.raises(DataError, match="no place for its table"):
        results.refresh(tree)
    with pytest.raises(UsageError, match="source tree"):
        results.refresh(tree / "runs")


def test_published_tables_are_up_to_date() -> None:
    assert results.refresh(ROOT, write=False) == []


def test_published_predictions_are_of_all_clips_once() -> None:
    published = results.rows(ROOT)
    assert published
    for row in published:
        kept = Predictions.read(ROOT / "docs" / "results" / f"{row.name}.csv")
        assert len(set(kept.clips)) == len(kept.clips) == 2000
        assert np.bincount(kept.targets).tolist() == [40] * 50
        np.testing.assert_allclose(kept.probabilities.sum(1), 1, atol=1e-4)
        assert [int(clip[0]) for clip in kept.clips] == kept.folds.tolist()
        assert [int(clip.split("-")[3][:-4]) for clip in kept.clips] == kept.targets.tolist()
