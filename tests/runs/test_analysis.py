from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics

import tinyruns
from hubbub.errors import DataError
from hubbub.runs.analysis import RunAnalysis, similarity_order
from hubbub.runs.run import Run
from hubbub.storage import write_csv

LABELS = ("siren", "dog", "rain", "cow")  # neither in alphabetical order nor in ESC-50's


def test_classes_agree_with_sklearn(tmp_path: Path) -> None:
    found = RunAnalysis.of(tinyruns.write(tmp_path))
    kept = found.predictions
    precision, recall, _, clips = sklearn.metrics.precision_recall_fscore_support(kept.targets, kept.predicted)
    assert [row.recall for row in found.classes] == pytest.approx(recall)
    assert [row.precision for row in found.classes] == pytest.approx(precision)
    assert [row.clips for row in found.classes] == clips.tolist()
    assert [row.named for row in found.classes] == np.bincount(kept.predicted).tolist()
    assert not np.allclose(precision, recall)  # else a mix-up would not be seen


def test_what_a_class_is_taken_for(tmp_path: Path) -> None:
    run = tinyruns.planted(tmp_path, LABELS, {("rain", "siren"): 1, ("rain", "cow"): 2})
    rows = {row.label: row for row in RunAnalysis.of(run).classes}
    assert rows["rain"].mistaken == ("cow", 2) and rows["rain"].recall == 0.5 and rows["rain"].precision == 1
    assert rows["cow"].mistaken is None and rows["cow"].precision == pytest.approx(6 / 8)
    assert {label: row.category for label, row in rows.items()} == {
        "siren": "urban",
        "dog": "animals",
        "rain": "natural",
        "cow": "animals",
    }


def test_a_class_without_clips_has_no_recall_and_one_that_was_never_named_no_precision(tmp_path: Path) -> None:
    run = tinyruns.planted(tmp_path, ("a", "b"), {("a", "b"): 6})
    a, b = RunAnalysis.of(run).classes
    assert (a.recall, a.precision, b.recall, b.precision) == (0, None, 1, 0.5)
    rows = [line for line in (tmp_path / "predictions.csv").read_text().splitlines() if ",b," not in line[:20]]
    (tmp_path / "predictions.csv").write_text("\n".join([*rows, ""]))
    assert RunAnalysis.of(Run(tmp_path)).classes[1].recall is None and a.category is None


def test_mistakes_come_first_and_what_misleads_most_ahead(tmp_path: Path) -> None:
    found = RunAnalysis.of(tinyruns.write(tmp_path))
    data = found.clip_data()
    wrong = [a != b for a, b in zip(data["is"], data["named"], strict=True)]
    assert wrong == sorted(wrong, reverse=True) and sum(wrong) == found.wrong > 1
    assert sorted(data["id"]) == sorted(found.predictions.clips)
    split = found.wrong
    assert data["p"][:split] == sorted(data["p"][:split], reverse=True)
    assert data["p"][split:] == sorted(data["p"][split:])
    assert all(q < p for p, q in zip(data["p"][:split], data["q"][:split], strict=True))


def test_figures_are_those_of_the_predictions(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    kept = run.metrics["test"]
    assert RunAnalysis.of(run).test == kept | {"loss": pytest.approx(kept["loss"], rel=1e-5)}  # of six kept digits
    nothing = tinyruns.write(tmp_path / "nothing", "official-fold9")
    assert RunAnalysis.of(nothing).test is None and RunAnalysis.of(nothing).wrong == 0


def test_a_clip_that_the_run_knows_nothing_of(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    write_csv(tmp_path / "clips.csv", ["clip", "part", "label", "recording", "samples"], [])
    with pytest.raises(DataError, match=r"clips.csv lacks the clip '1-1000-A-0.wav': run it again"):
        _ = RunAnalysis.of(run).recordings


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outer", "inner"), [("LEAKY random folds 1 2", "x-fold1"), ("official", "LEAKY random fold 1")]
)
def test_a_leak_is_known_from_the_run_and_from_the_one_around_it(tmp_path: Path, outer: str, inner: str) -> None:
    tinyruns.write(tmp_path / "cv", outer)
    fold = RunAnalysis.of(tinyruns.write(tmp_path / "cv" / "fold1", inner))
    assert fold.leaky and fold.name == "cv, fold1"
    honest = RunAnalysis.of(tinyruns.write(tmp_path / "alone"))
    assert not honest.leaky and honest.name == "alone"


# --- orders -----------------------------------------------------------------------------------------------------------


def orders(found: RunAnalysis) -> dict[str, list[str]]:
    return {item["name"]: [found.labels[i] for i in item["order"]] for item in found.matrix_data()["orders"]}


def test_orders_of_classes(tmp_path: Path) -> None:
    run = tinyruns.planted(tmp_path, LABELS, {("rain", "cow"): 3, ("dog", "siren"): 1})
    found = orders(RunAnalysis.of(run))
    assert next(iter(found)) == "by category"  # what the page shows at first
    assert found["by category"] == ["dog", "cow", "rain", "siren"]
    assert found["by name"] == ["cow", "dog", "rain", "siren"]
    assert found["by recall, lowest first"] == ["rain", "dog", "cow", "siren"]
    assert found["as in the dataset"] == list(LABELS)
    similar = found["by similarity"]
    assert sorted(similar) == sorted(LABELS)
    assert abs(similar.index("rain") - similar.index("cow")) == 1


def test_classes_that_are_not_esc50s_have_no_categories(tmp_path: Path) -> None:
    found = RunAnalysis.of(tinyruns.planted(tmp_path, ("dog", "robot"), {}))
    assert found.categories == () and next(iter(orders(found))) == "by name"
    assert found.matrix_data()["categories"] == found.matrix_data()["category"] == []


def test_what_is_taken_for_each_other_stands_side_by_side() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.permutation(20).reshape(10, 2)
    counts = 30 * np.eye(20, dtype=int)
    for one, two in pairs:
        counts[one, two] = 9
    place = {number: index for index, number in enumerate(similarity_order(counts))}
    assert sorted(place) == list(range(20))
    assert all(abs(place[one] - place[two]) == 1 for one, two in pairs)


@pytest.mark.parametrize("classes", [0, 1, 2])
def test_few_classes_have_one_order(classes: int) -> None:
    assert similarity_order(np.eye(classes, dtype=int)) == list(range(classes))


def test_clips_of_a_run_are_its_own_or_those_of_its_folds(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    known = RunAnalysis.of(run).recordings
    (tmp_path / "fold1").mkdir()
    (tmp_path / "clips.csv").rename(tmp_path / "fold1" / "clips.csv")
    with pytest.raises(DataError, match=r"clips.csv cannot be read"):
        _ = RunAnalysis.of(Run(tmp_path)).recordings
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5}})
    assert RunAnalysis.of(run).recordings == known
