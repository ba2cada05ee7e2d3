from pathlib import Path

import numpy as np
import pytest

import tinymodel
import tinypages
import tinyruns
from hubbub import audio, modelfile
from hubbub.data.dataset import Clip
from hubbub.errors import ModelFileError, UsageError
from hubbub.listen.classifier import Classifier
from hubbub.modelfile import TrainingRecord
from hubbub.report import playlist, run_page, why
from hubbub.report.playlist import Shelf
from hubbub.runs.analysis import Evidence
from hubbub.runs.run import Run

#: Of the tiny model, which names a sound after the third of the mel axis that is loudest.
HERTZ = {"low": 300, "middle": 1200, "high": 3000}
LABELS = tuple(HERTZ)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """It named a low sound high, and two middle ones low, less surely."""
    return tinyruns.planted(tmp_path / "run", LABELS, {("low", "high"): 1, ("middle", "low"): 2}, each=3)


@pytest.fixture
def shelf(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Its clips, as tones that begin after a second of silence; high-02.wav does not decode."""
    rng, clips = np.random.default_rng(0), {}
    for row in run.clips:
        path = tmp_path / "sounds" / row["clip"]
        tone = np.sin(2 * np.pi * HERTZ[row["label"]] * np.arange(8000) / 8000) / 4
        audio.write_wav(path, np.concatenate([np.zeros(8000), tone]) + 1e-4 * rng.standard_normal(16_000), 8000)
        clips[row["clip"]] = Clip(row["clip"], path, row["label"], row["recording"])
    clips["high-02.wav"].path.write_bytes(b"no sound")
    monkeypatch.setattr(Shelf, "find", lambda *_: Shelf("tiny", clips))
    return Shelf("tiny", clips)


def model(path: Path, **heard: list[str]) -> Path:
    """A model file that has heard those clips and recordings."""
    record = TrainingRecord.of("esc50", heard.get("clips", []), heard.get("recordings", []), [])
    modelfile.write(path, tinymodel.graph(), tinymodel.meta(training=record))
    return path


def ids(clips: list[Clip]) -> list[str]:
    return [clip.id for clip in clips]


def test_the_most_confident_mistakes_are_explained_unless_others_are_chosen(run: Run, shelf: Shelf) -> None:
    found = Evidence.of(run)
    mistakes = [found.predictions.clips[row] for row in found.ranked[:3]]
    assert ids(why.chosen(found, shelf, [])) == mistakes and sorted(mistakes)[0] == "low-00.wav"
    assert ids(why.chosen(found, shelf, ["high-01.wav", "low-02.wav"])) == ["high-01.wav", "low-02.wav"]
    some = Shelf("tiny", {mistakes[2]: shelf.clips[mistakes[2]]})
    assert ids(why.chosen(found, some, [])) == [mistakes[2]]
    with pytest.raises(UsageError, match=r"'low-99.wav' cannot be explained: tiny has no such clip; give the id"):
        why.chosen(found, shelf, ["low-02.wav", "low-99.wav"])
    with pytest.raises(UsageError, match="tiny is not on this machine"):
        why.chosen(found, Shelf("tiny", problem="gone"), ["low-02.wav"])


def test_what_a_model_says_of_clips_and_whether_it_has_heard_them(tmp_path: Path, run: Run, shelf: Shelf) -> None:
    recording = shelf.clips["middle-02.wav"].group
    asked = Classifier(model(tmp_path / "m.onnx", clips=["low-00.wav"], recordings=[recording]))
    names = ["low-00.wav", "middle-02.wav", "high-00.wav", "high-02.wav"]
    first, second, third = why.explain(asked, Evidence.of(run), [shelf.clips[name] for name in names])
    assert [first["clip"], first["is"], first["named"], first["at"]] == ["low-00.wav", "low", "high", 0.8]
    assert [one["heard"] for one in (first, second, third)] == ["clip id", "source recording", ""]
    assert [one["label"] for one in first["maps"]] == ["low", "high"]  # the model's, which is right, and the run's
    assert [one["label"] for one in second["maps"]] == ["middle"]
    assert all(one["maps"][0]["over"].startswith("data:image/png;base64,") for one in (first, second, third))
    begins, ends = (float(word) for word in third["maps"][0]["seconds"].removesuffix(" s").split(" to "))
    assert ends > 1 and begins < 2  # where the tone is
    assert third["maps"][0]["without"] < third["maps"][0]["score"]


def test_a_clip_that_the_run_did_not_test_is_explained_without_it(tmp_path: Path, run: Run, shelf: Shelf) -> None:
    strange = Clip("new.wav", shelf.clips["low-01.wav"].path, "thunder", "new")
    (found,) = why.explain(Classifier(model(tmp_path / "m.onnx")), Evidence.of(run), [strange])
    assert [found["is"], found["named"], found["at"]] == ["thunder", None, None]
    assert [one["label"] for one in found["maps"]] == ["low"]  # the model does not know thunder


# --- on the page ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shelf")
def test_a_model_in_the_runs_folder_is_asked(tmp_path: Path, run: Run) -> None:
    page = tmp_path / "page.html"
    run_page.write(page, run)
    assert 'id="why"' not in tinypages.body(page)
    model(run.folder / "model.onnx", clips=["low-00.wav"])
    run_page.write(page, run)
    text = tinypages.body(page)
    assert "What <b>tiny 1</b> goes by in the most confident mistakes." in text and text.count("<article") == 3
    assert text.count("It has heard this clip") == 1 and "does not say what" not in text
    assert "The run named it high at 80 %; this model names it low at" in text


@pytest.mark.usefixtures("shelf")
def test_chosen_clips_are_heard_even_if_they_are_right(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlist, "RIGHT_ONES", 0)
    page = tmp_path / "page.html"
    run_page.write(page, run, model=model(tmp_path / "other.onnx"), explained=["high-01.wav"])
    assert next(iter(tinypages.kept(page, "sounds"))) == "high-01.wav"
    text = tinypages.body(page)
    assert "goes by in the chosen clips" in text and "The model file does not say what the model has heard." in text


@pytest.mark.usefixtures("shelf")
def test_what_cannot_be_asked(tmp_path: Path, run: Run) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(UsageError, match="only a model file can be asked why: give --model"):
        run_page.write(page, run, explained=["low-00.wav"])
    with pytest.raises(ModelFileError, match="no model file at"):
        run_page.write(page, run, model=tmp_path / "none.onnx")
    assert not page.exists()
