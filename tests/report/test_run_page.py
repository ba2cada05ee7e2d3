from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinypages
import tinyruns
from hubbub.data.dataset import Dataset
from hubbub.data.esc50 import MissingDatasetError
from hubbub.errors import DataError, UsageError
from hubbub.formatting import with_interval
from hubbub.report import playlist, run_page
from hubbub.runs import analysis
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_text

LABELS = ("siren", "dog", "rain", "cow")  # neither in alphabetical order nor in ESC-50's
PLANTED = {("rain", "siren"): 1, ("rain", "cow"): 2, ("cow", "dog"): 3}
EPOCHS = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[[Dataset | None], list[str]]:
    """Puts a dataset on this machine, or none; returns the names under which it will have been asked for."""

    def put(dataset: Dataset | None) -> list[str]:
        asked: list[str] = []

        def open_dataset(name: str) -> Dataset:
            asked.append(name)
            if dataset is None:
                raise MissingDatasetError("no ESC-50 at /a/place: get it")
            return dataset

        monkeypatch.setattr(playlist, "open_dataset", open_dataset)
        return asked

    put(None)
    return put


def clips_of(run: Run) -> dict[str, str]:
    """A run's clips and their labels."""
    return {row["clip"]: row["label"] for row in run.clips}


# --- what is taken for what -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_a_planted_confusion_lands_in_its_cell(tmp_path: Path) -> None:
    run_page.write(tmp_path / "page.html", tinyruns.planted(tmp_path / "run", LABELS, PLANTED))
    data = tinypages.kept(tmp_path / "page.html", "data")
    labels, counts, clips = data["matrix"]["labels"], data["matrix"]["counts"], data["clips"]
    for is_, row in zip(labels, counts, strict=True):
        for named, count in zip(labels, row, strict=True):
            right = 6 - sum(n for (true, _), n in PLANTED.items() if true == is_)
            assert count == (right if is_ == named else PLANTED.get((is_, named), 0))
            inside = [
                clip
                for clip, a, b in zip(clips["id"], clips["is"], clips["named"], strict=True)
                if (labels[a], labels[b]) == (is_, named)
            ]
            assert len(inside) == count and all(clip.startswith(is_) for clip in inside)
    place = clips["id"].index("rain-00.wav")
    assert [clips[key][place] for key in ("p", "q")] == [0.8, 0.15] and labels[clips["named"][place]] == "siren"
    assert [sorted(order["order"]) for order in data["matrix"]["orders"]] == [[0, 1, 2, 3]] * 5
    assert [data["matrix"]["categories"][i] for i in data["matrix"]["category"]] == [
        "urban",
        "animals",
        "natural",
        "animals",
    ]


@pytest.mark.usefixtures("here")
def test_pairs_are_told_in_the_way_that_is_more_frequent(tmp_path: Path) -> None:
    planted = {("rain", "siren"): 1, ("siren", "rain"): 2, ("cow", "dog"): 4}
    found = analysis.RunAnalysis.of(tinyruns.planted(tmp_path / "run", LABELS, planted))
    assert [(pair["labels"], pair["counts"]) for pair in run_page.pairs(found)] == [
        (("cow", "dog"), (4, 0)),
        (("siren", "rain"), (2, 1)),
    ]
    run_page.write(tmp_path / "page.html", found.run)
    assert 'data-true="0" data-predicted="2">2</button>' in tinypages.body(tmp_path / "page.html")


@pytest.mark.usefixtures("here")
def test_the_headline_is_what_the_terminal_says(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "run")
    run_page.write(tmp_path / "page.html", run)
    text, test = tinypages.body(tmp_path / "page.html"), run.metrics["test"]
    figure, interval = with_interval(test["accuracy"], test["interval"]).rstrip(")").split(" (95 % interval ")
    assert f'<p class="headline">{figure}</p>' in text and f"95 % interval {interval}" in text
    assert f"{round(30 * test['accuracy'])} of 30 test clips right" in text
    assert "esc50 · official folds 1 2 3 4 5 · seed 0" in text and "LEAKY" not in text


@pytest.mark.usefixtures("here")
def test_a_page_lists_no_more_clips_than_it_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (analysis, run_page):
        monkeypatch.setattr(module, "MOST_LISTED", 7)
    run = tinyruns.planted(tmp_path / "run", LABELS, PLANTED)
    run_page.write(tmp_path / "page.html", run)
    data = tinypages.kept(tmp_path / "page.html", "data")
    assert len(data["clips"]["id"]) == 7 and sum(map(sum, data["matrix"]["counts"])) == 24
    assert [a != b for a, b in zip(data["clips"]["is"], data["clips"]["named"], strict=True)] == [True] * 6 + [False]
    found = analysis.RunAnalysis.of(run)
    shelf = playlist.LocalClips("x", tinypages_clips(tmp_path, run))
    assert "Of 24 tested clips 7 are listed; all of them are counted." in run_page.notes(
        found, shelf, run_page.Sounds()
    )


def tinypages_clips(folder: Path, run: Run) -> dict[str, Any]:
    return {clip.id: clip for clip in tinypages.sounding(folder / "sounds", clips_of(run)).clips}


# --- sections ---------------------------------------------------------------------------------------------------------


def headings(path: Path) -> list[str]:
    """Ids of a page's sections."""
    return [part.partition('"')[0] for part in tinypages.body(path).split('<h2 id="')[1:]]


TESTED = ["classes", "matrix", "mistakes", "reliability"]


@pytest.mark.usefixtures("here")
def test_an_evaluation_has_no_curves_and_a_run_without_a_test_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run_page.write(page, tinyruns.planted(tmp_path / "evaluation", LABELS, PLANTED))
    assert headings(page) == [*TESTED, "origin"]
    assert "an unknown sound" not in tinypages.body(page)
    run = tinyruns.write(tmp_path / "final", "all", epochs={"": 0})
    (tmp_path / "final" / "predictions.csv").write_text("clip,fold,label,prediction,dog,rain,siren\n")
    write_csv(run.folder / "epochs.csv", EPOCHS, [[1, 1, 2, 1, 0.5]])
    run_page.write(page, run)
    assert headings(page) == ["curves", "origin"] and "it was tested on nothing" in tinypages.body(page)


@pytest.mark.usefixtures("here")
def test_an_evaluation_says_what_was_left_out_and_what_is_unknown(tmp_path: Path) -> None:
    about = {
        "kind": "evaluation",
        "model": "mine 1",
        "command": "hubbub evaluate mine.onnx 'my sounds'",
        "outcome": {"listened": 90, "heard": 1200, "unreadable": {"a.wav": "no sound"}},
    }
    run = tinyruns.planted(tmp_path / "run", LABELS, PLANTED, **about)
    unknown = {"clips": 3, "share": 0.125, "accuracy": 0.75, "interval": [0.5, 1.0], "spared": 1 / 3}
    run = tinyruns.with_metrics(run, run.metrics | {"unknown": unknown})
    write_text(run.folder / "recipe.yaml", "name: evaluation of mine 1\n")
    run_page.write(tmp_path / "page.html", run)
    text = tinypages.body(tmp_path / "page.html")
    assert (
        "3 clips (12.5 %) an unknown sound, of which it would have predicted 33.3 % wrong; accuracy of the rest 75.00 %"
        in text
    )
    for words in ("What was evaluated", "mine 1", "1,200 clips", "1.5 min", "What the model file says of itself"):
        assert words in text
    assert "hubbub evaluate mine.onnx &#39;my sounds&#39;" in text and "as <code>recipe.yaml" not in text


@pytest.mark.usefixtures("here")
def test_a_run_without_a_mistake(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run_page.write(page, tinyruns.planted(tmp_path / "run", LABELS, {}))
    text = tinypages.body(page)
    assert "No clip was misclassified." in text and "data-mistakes" not in text and "Most confused" not in text


@pytest.mark.usefixtures("here")
def test_a_cross_validation_shows_its_folds_and_their_curves(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "cv")
    for name in ("fold1", "fold2", "final"):
        inner = tinyruns.write(tmp_path / "cv" / name, "official-fold1")
        write_csv(inner.folder / "epochs.csv", EPOCHS, [[1, 1, 2.0, "nan", 0.25], [1, 2, 1.0, 0.123456789, 0.5]])
        write_csv(inner.folder / "strengths.csv", ["epoch", "sea_waves"], [[1, 1.0], [2, 0.5]])
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.75}})
    page = tmp_path / "page.html"
    run_page.write(page, run)
    data, text = tinypages.kept(page, "data"), tinypages.body(page)
    assert [part["name"] for part in data["curves"]] == ["fold1", "fold2", "final"]
    assert data["curves"][0]["val_loss"] == [None, 0.12346] and data["curves"][0]["chosen"] == 1
    assert data["strengths"][2] == {"name": "final", "labels": ["sea waves"], "values": [[1.0, 0.5]]}
    assert headings(page) == [*TESTED, "curves", "strengths", "origin"]
    assert "<code>recipe.yaml</code>, hubbub" in text
    assert "fold 2" in text and "75.00 %" in text and "hubbub cv recipe.yaml --dataset esc50 --seed 0" in text
    assert "Each clip was predicted by the model of the fold that tests it." in text


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("split", ["LEAKY random fold 1", "LEAKY random-expanded folds 1 2"])
def test_a_leak_is_shouted(tmp_path: Path, split: str) -> None:
    run_page.write(tmp_path / "page.html", tinyruns.write(tmp_path / "run", split))
    assert "<strong>LEAKY SPLIT</strong>" in tinypages.body(tmp_path / "page.html")


@pytest.mark.usefixtures("here")
def test_calibration_is_on_the_page(tmp_path: Path) -> None:
    run = tinyruns.planted(tmp_path / "run", LABELS, {("rain", "cow"): 4})
    run_page.write(tmp_path / "page.html", run)
    # 20 clips that claim 90 % and are right, 4 that claim 80 % and are wrong
    bins = tinypages.kept(tmp_path / "page.html", "data")["reliability"]
    assert [(one["clips"], one["confidence"], one["accuracy"]) for one in bins] == [(4, 0.8, 0.0), (20, 0.9, 1.0)]
    assert "Expected calibration error 21.67 %" in tinypages.body(tmp_path / "page.html")  # (4 * 0.8 + 20 * 0.1) / 24


# --- sounds -----------------------------------------------------------------------------------------------------------


def test_warnings_of_training_are_on_the_page(tmp_path: Path) -> None:
    outcome = {"seconds": 9.0, "warnings": ["the <b>checkpoint</b> is no better than chance"]}
    run = tinyruns.planted(tmp_path / "run", LABELS, PLANTED, outcome=outcome)
    run_page.write(tmp_path / "page.html", run)
    assert "the &lt;b&gt;checkpoint&lt;/b&gt; is no better than chance" in tinypages.body(tmp_path / "page.html")


def test_mistakes_come_with_their_sounds_and_some_right_ones_after_them(tmp_path: Path, here: Callable) -> None:
    run = tinyruns.planted(tmp_path / "run", LABELS, PLANTED, dataset="esc50+60")
    asked = here(tinypages.sounding(tmp_path / "sounds", clips_of(run)))
    walked: list[str] = []
    written = run_page.write(
        tmp_path / "page.html", run, jobs=2, progress=lambda what: lambda items: walked.append(what) or items
    )
    sounds = list(tinypages.kept(tmp_path / "page.html", "sounds"))
    wrong = {f"{is_}-{n:02d}.wav" for is_, count in {"rain": 3, "cow": 3}.items() for n in range(count)}
    assert set(sounds[:6]) == wrong and not wrong & set(sounds[6:])
    rest = [clip.partition("-")[0] for clip in sounds[6:]]
    assert sorted(rest[:4]) == sorted(LABELS) and {label: rest.count(label) for label in LABELS} == {
        "siren": 6,
        "dog": 6,
        "rain": 3,
        "cow": 3,
    }
    assert asked == ["esc50"] and walked == ["sounds"]
    assert written == run_page.Written((tmp_path / "page.html").stat().st_size, 24, "")
    assert set(tinypages.kept(tmp_path / "page.html", "data")["pictures"]) == wrong
    assert 'class="note' not in tinypages.body(tmp_path / "page.html")


def test_without_the_dataset_the_page_says_so(tmp_path: Path, here: Callable) -> None:
    here(None)
    written = run_page.write(tmp_path / "page.html", tinyruns.planted(tmp_path / "run", LABELS, PLANTED))
    text = tinypages.body(tmp_path / "page.html")
    assert "The dataset esc50 is not on the machine that made this page: there is nothing to hear." in text
    assert written.sounds == 0 and written.problem == "no ESC-50 at /a/place: get it"
    assert "/a/place" not in (tmp_path / "page.html").read_text()  # a page may be given away


def test_clips_that_are_missing_damaged_or_labelled_otherwise_by_now_are_told(tmp_path: Path, here: Callable) -> None:
    run = tinyruns.planted(tmp_path / "run", LABELS, PLANTED)
    labelled = clips_of(run) | {"dog-05.wav": "rain"}
    del labelled["siren-05.wav"], labelled["rain-00.wav"]
    dataset = tinypages.sounding(tmp_path / "sounds", labelled)
    next(clip for clip in dataset.clips if clip.id == "rain-01.wav").path.write_bytes(b"no sound")
    here(dataset)
    run_page.write(tmp_path / "page.html", run)
    text = tinypages.body(tmp_path / "page.html")
    assert "2 of 24 tested clips are not in the dataset esc50" in text
    assert "Tested clips with another label in the dataset by now: 1, such as dog-05.wav." in text
    assert "Misclassified clips that do not decode, or had no room in this page: 1." in text
    assert "rain-01.wav" not in tinypages.kept(tmp_path / "page.html", "sounds")


def test_a_dataset_that_is_given_is_asked_for_as_it_is(tmp_path: Path, here: Callable) -> None:
    run = tinyruns.planted(tmp_path / "run", LABELS, PLANTED, dataset="esc50+60")
    asked = here(tinypages.sounding(tmp_path / "sounds", clips_of(run)))
    run_page.write(tmp_path / "page.html", run, "my+copies")
    assert asked == ["my+copies"]
    here(None)
    with pytest.raises(MissingDatasetError):
        run_page.write(tmp_path / "other.html", run, "my+copies")
    assert not (tmp_path / "other.html").exists()


def test_an_unknown_dataset_that_is_given_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown dataset 'nonsense'"):
        run_page.write(tmp_path / "page.html", tinyruns.write(tmp_path / "run"), "nonsense")


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_names_stay_text(tmp_path: Path) -> None:
    labels = ("<b>bold</b>", "quo\"te'", "🐕", "</script><script>alert(1)</script>")
    run = tinyruns.planted(tmp_path / "<i>run", labels, {(labels[0], labels[3]): 1})
    write_text(run.folder / "recipe.yaml", "name: <u>evil\n")
    run_page.write(tmp_path / "page.html", run)
    page = (tmp_path / "page.html").read_text()
    for raw in ("<b>bold", "<script>alert", "<i>run", "<u>evil", "quo\"te'"):
        assert raw not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page and "&lt;u&gt;evil" in page
    assert tinypages.kept(tmp_path / "page.html", "data")["matrix"]["labels"] == list(labels)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("labels", [("only",), ("a", "b")])
def test_few_classes(tmp_path: Path, labels: tuple[str, ...]) -> None:
    run_page.write(tmp_path / "page.html", tinyruns.planted(tmp_path / "run", labels, {}, each=1))
    assert headings(tmp_path / "page.html") == [*TESTED, "origin"]


@pytest.mark.usefixtures("here")
def test_a_damaged_run_leaves_the_old_page(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "run")
    write_text(tmp_path / "page.html", "old")
    write_text(run.folder / "predictions.csv", "nonsense\n")
    with pytest.raises(DataError, match="is not a table of predictions"):
        run_page.write(tmp_path / "page.html", run)
    assert (tmp_path / "page.html").read_text() == "old"
