from pathlib import Path

import pytest

import tinypages
import tinyruns
from hubbub.data.dataset import Dataset
from hubbub.data.esc50 import MissingDatasetError
from hubbub.errors import DataError, UsageError
from hubbub.report import playlist, runs_page
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.comparison import pair
from hubbub.runs.run import Run
from hubbub.storage import write_csv

LABELS = ("siren", "dog", "rain")


@pytest.fixture(autouse=True)
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No dataset on this machine."""

    def open_dataset(name: str) -> Dataset:
        raise MissingDatasetError("no ESC-50: get it")

    monkeypatch.setattr(playlist, "open_dataset", open_dataset)


def two(tmp_path: Path) -> list[Run]:
    """The baseline takes three dogs for rain, and a siren; the other one two of those dogs, and two sirens for dogs."""
    return [
        tinyruns.planted(tmp_path / "base", LABELS, {("dog", "rain"): 3, ("siren", "rain"): 1}),
        tinyruns.planted(tmp_path / "new", LABELS, {("dog", "siren"): 2, ("siren", "dog"): 2}, seed=7),
    ]


def test_clips_that_only_one_names_right(tmp_path: Path) -> None:
    found = runs_page.differing(pair(*map(RunAnalysis.of, two(tmp_path))))
    assert found["counts"] == {"only_second": 1, "only_first": 1, "neither": 3, "both": 13}
    assert found["only_second"] == [["dog-02.wav", 1, 2, 0.8, 1, 0.9]]  # clip, is, first, its p, second, its p
    assert found["only_first"] == [["siren-01.wav", 0, 0, 0.9, 1, 0.8]]
    assert [[*row[:3], row[4]] for row in found["neither"]] == [
        ["dog-00.wav", 1, 2, 0],
        ["dog-01.wav", 1, 2, 0],
        ["siren-00.wav", 0, 2, 1],
    ]


def test_the_page_of_two_runs(tmp_path: Path) -> None:
    runs, page = two(tmp_path), tmp_path / "page.html"
    runs_page.write(page, runs)
    text, data = tinypages.body(page), tinypages.kept(page, "data")
    change = pair(*map(RunAnalysis.of, runs)).change
    assert "<h1>new against base</h1>" in text
    assert f"{100 * change.value:+.2f}</b> <small>({100 * change.low:+.2f} to {100 * change.high:+.2f})" in text
    assert "no difference shown" in text and "77.78 %" in text  # 14 of 18, both
    assert data["labels"] == list(LABELS) and [run["name"] for run in data["runs"]] == ["base", "new"]
    assert data["pairings"][0]["counts"]["both"] == 13
    assert "<td>seed</td><td><b>0</b></td><td><b>7</b></td>" in text
    assert "<td>split</td><td>official-fold1</td><td>official-fold1</td>" in text
    assert "LEAKY" not in text and "tested on the same" not in text


def test_recall_of_each_class_against_the_first(tmp_path: Path) -> None:
    runs = [*two(tmp_path), tinyruns.planted(tmp_path / "third", LABELS, {})]
    base, *others = map(RunAnalysis.of, runs)
    rows = runs_page.class_rows([pair(base, other) for other in others])
    assert [row["baseline"].recall for row in rows] == pytest.approx([5 / 6, 3 / 6, 1])
    assert [[round(6 * other["change"]) for other in row["others"]] for row in rows] == [[-1, 1], [1, 3], [0, 0]]
    runs_page.write(tmp_path / "page.html", runs)
    text = tinypages.body(tmp_path / "page.html")
    assert "<h1>3 runs side by side</h1>" in text and ">-16.7</span>" in text and ">+50.0</span>" in text


def test_sounds_are_shared_among_the_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, page = two(tmp_path), tmp_path / "page.html"
    dataset = tinypages.sounding(tmp_path / "sounds", {row["clip"]: row["label"] for row in runs[0].clips})
    monkeypatch.setattr(playlist, "open_dataset", lambda name: dataset)
    written = runs_page.write(page, runs)
    sounds = list(tinypages.kept(page, "sounds"))
    assert sounds == ["dog-02.wav", "siren-01.wav", "dog-00.wav", "dog-01.wav", "siren-00.wav"]
    assert written.sounds == 5 and written.problem == ""


def test_what_hinders_a_comparison_is_said(tmp_path: Path) -> None:
    runs, page = two(tmp_path), tmp_path / "page.html"
    runs[1] = tinyruns.changed(runs[1], split="LEAKY random fold 1")
    table = runs[1].folder / "predictions.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(line for line in lines if not line.startswith("rain-05")))
    written = runs_page.write(page, runs)
    text = tinypages.body(page)
    assert "<strong>LEAKY SPLIT: new</strong>" in text and '<b class="down">LEAKY</b>' in text
    assert "new and base were not tested on the same clips: they are compared on the 17 that both tested" in text
    assert "split in different ways: base: official-fold1; new: LEAKY random fold 1" in text
    assert "The dataset esc50 is not on the machine" in text and written.problem == "no ESC-50: get it"


def test_curves_are_those_of_the_folds(tmp_path: Path) -> None:
    runs, page = two(tmp_path), tmp_path / "page.html"
    runs_page.write(page, runs)
    assert 'id="curves"' not in tinypages.body(page)
    columns = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy")
    for name in ("fold1", "final"):
        inner = tinyruns.write(runs[0].folder / name)
        write_csv(inner.folder / "epochs.csv", columns, [[1, 1, 2.0, 1.0, 0.25]])
    runs[0] = tinyruns.with_metrics(runs[0], runs[0].metrics | {"folds": {"fold1": 0.5}})
    write_csv(runs[1].folder / "epochs.csv", columns, [[1, 1, 3.0, 1.0, 0.25]])
    runs_page.write(page, runs)
    found = [[part["name"] for part in run["curves"]] for run in tinypages.kept(page, "data")["runs"]]
    assert found == [["fold1"], ["new"]] and 'id="curves"' in tinypages.body(page)


def test_runs_that_cannot_be_compared(tmp_path: Path) -> None:
    runs, page = two(tmp_path), tmp_path / "page.html"
    other = tinyruns.planted(tmp_path / "other", ("siren", "dog", "wind"), {})
    with pytest.raises(DataError, match="share no test clips with the same labels"):
        runs_page.write(page, [runs[0], other])
    with pytest.raises(UsageError, match="9 runs are too many for one page: give at most 8"):
        runs_page.write(page, [runs[0]] * 9)
    assert not page.exists()


def test_names_stay_text(tmp_path: Path) -> None:
    labels = ("<b>bold</b>", "</script><script>alert(1)</script>")
    runs = [tinyruns.planted(tmp_path / f"<i>run{n}", labels, {(labels[0], labels[1]): n}) for n in (1, 2)]
    runs_page.write(tmp_path / "page.html", runs)
    page = (tmp_path / "page.html").read_text()
    assert not any(raw in page for raw in ("<b>bold", "<script>alert", "<i>run")) and "&lt;i&gt;run1" in page
