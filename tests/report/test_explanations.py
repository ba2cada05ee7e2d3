import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinymodel
import tinypages
import tinyruns
from hubbub import audio, modelfile
from hubbub.data.dataset import Clip
from hubbub.errors import ModelFileError, UsageError
from hubbub.listen.classifier import Classifier
from hubbub.modelfile import TrainingRecord
from hubbub.report import explanations, playlist, run_page
from hubbub.report.playlist import LocalClips
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.run import Run
from hubbub.studies.occlusion import Occlusion, Patch

#: Of the tiny model, which names a sound after the third of the mel axis that is loudest.
HERTZ = {"low": 300, "middle": 1200, "high": 3000}
LABELS = tuple(HERTZ)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """It named a low sound high, and two middle ones low, less surely."""
    return tinyruns.planted(tmp_path / "run", LABELS, {("low", "high"): 1, ("middle", "low"): 2}, each=3)


@pytest.fixture
def local(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> LocalClips:
    """Its clips, as tones that begin after a second of silence; high-02.wav does not decode."""
    rng, clips = np.random.default_rng(0), {}
    for row in run.clips:
        path = tmp_path / "sounds" / row["clip"]
        tone = np.sin(2 * np.pi * HERTZ[row["label"]] * np.arange(8000) / 8000) / 4
        audio.write_wav(path, np.concatenate([np.zeros(8000), tone]) + 1e-4 * rng.standard_normal(16_000), 8000)
        clips[row["clip"]] = Clip(row["clip"], path, row["label"], row["recording"])
    clips["high-02.wav"].path.write_bytes(b"no sound")
    monkeypatch.setattr(LocalClips, "find", lambda *_: LocalClips("tiny", clips))
    return LocalClips("tiny", clips)


def model(path: Path, **heard: list[str]) -> Path:
    """A model file that has heard those clips and recordings."""
    record = TrainingRecord.of("esc50", heard.get("clips", []), heard.get("recordings", []), [])
    modelfile.write(path, tinymodel.graph(), tinymodel.meta(training=record))
    return path


def ids(clips: list[Clip]) -> list[str]:
    return [clip.id for clip in clips]


def test_the_most_confident_mistakes_are_explained_unless_others_are_chosen(run: Run, local: LocalClips) -> None:
    found = RunAnalysis.of(run)
    mistakes = [found.predictions.clips[row] for row in found.ranked[:3]]
    assert ids(explanations.clips_to_explain(found, local, [])) == mistakes and sorted(mistakes)[0] == "low-00.wav"
    assert ids(explanations.clips_to_explain(found, local, ["high-01.wav", "low-02.wav"])) == [
        "high-01.wav",
        "low-02.wav",
    ]
    some = LocalClips("tiny", {mistakes[2]: local.clips[mistakes[2]]})
    assert ids(explanations.clips_to_explain(found, some, [])) == [mistakes[2]]
    with pytest.raises(UsageError, match=r"'low-99.wav' cannot be explained: tiny has no such clip; give the id"):
        explanations.clips_to_explain(found, local, ["low-02.wav", "low-99.wav"])
    with pytest.raises(UsageError, match="tiny is not on this machine"):
        explanations.clips_to_explain(found, LocalClips("tiny", problem="gone"), ["low-02.wav"])


def test_what_a_model_says_of_clips_and_whether_it_has_heard_them(tmp_path: Path, run: Run, local: LocalClips) -> None:
    recording = local.clips["middle-02.wav"].group
    asked = Classifier(model(tmp_path / "m.onnx", clips=["low-00.wav"], recordings=[recording]))
    names = ["low-00.wav", "middle-02.wav", "high-00.wav", "high-02.wav"]
    first, second, third = explanations.explain(asked, RunAnalysis.of(run), [local.clips[name] for name in names])
    assert [first["clip"], first["true"], first["predicted"], first["confidence"]] == ["low-00.wav", "low", "high", 0.8]
    assert [one["heard"] for one in (first, second, third)] == ["clip id", "source recording", ""]
    assert [one["label"] for one in first["maps"]] == ["low", "high"]  # the model's, which is right, and the run's
    assert [one["label"] for one in second["maps"]] == ["middle"]
    assert all(one["maps"][0]["over"].startswith("data:image/png;base64,") for one in (first, second, third))
    begins, ends = (float(word) for word in third["maps"][0]["seconds"].removesuffix(" s").split(" to "))
    assert ends > 1 and begins < 2  # where the tone is
    assert third["maps"][0]["without"] < third["maps"][0]["score"]


def test_a_clip_that_the_run_did_not_test_is_explained_without_it(tmp_path: Path, run: Run, local: LocalClips) -> None:
    strange = Clip("new.wav", local.clips["low-01.wav"].path, "thunder", "new")
    (found,) = explanations.explain(Classifier(model(tmp_path / "m.onnx")), RunAnalysis.of(run), [strange])
    assert [found["true"], found["predicted"], found["confidence"]] == ["thunder", None, None]
    assert [one["label"] for one in found["maps"]] == ["low"]  # the model does not know thunder


# --- on the page ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("local")
def test_a_model_in_the_runs_folder_is_asked(tmp_path: Path, run: Run) -> None:
    page = tmp_path / "page.html"
    run_page.write(page, run)
    assert 'id="why"' not in tinypages.body(page)
    model(run.folder / "model.onnx", clips=["low-00.wav"])
    run_page.write(page, run)
    text = tinypages.body(page)
    assert "What <b>tiny 1</b> goes by in the most confident mistakes" in text and text.count("<article") == 3
    assert text.count("It has heard this clip") == 1 and "does not say what" not in text
    assert "The run predicted high at 80 %; this model predicts low at" in text


@pytest.mark.usefixtures("local")
def test_chosen_clips_are_heard_even_if_they_are_right(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlist, "RIGHT_ONES", 0)
    page = tmp_path / "page.html"
    run_page.write(page, run, model=model(tmp_path / "other.onnx"), explained=["high-01.wav"])
    assert next(iter(tinypages.kept(page, "sounds"))) == "high-01.wav"
    text = tinypages.body(page)
    assert "goes by in the chosen clips" in text and "The model file does not say what the model has heard." in text


@pytest.mark.usefixtures("local")
def test_what_cannot_be_asked(tmp_path: Path, run: Run) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(UsageError, match="only a model file can be asked why: give --model"):
        run_page.write(page, run, explained=["low-00.wav"])
    with pytest.raises(ModelFileError, match="no model file at"):
        run_page.write(page, run, model=tmp_path / "none.onnx")
    assert not page.exists()


# --- pictures ---


def occlusion(fall: np.ndarray) -> Occlusion:
    """All of the picture is equally loud, but for its darkest corner and its lightest."""
    picture = np.ones((64, 200), np.float32)
    picture[:, :10], picture[:, -10:] = 0.0, 2.0
    return Occlusion("dog", 0.9, 0.0, 5.0, picture, fall.astype(np.float32), Patch((0, 1), (0, 100), 0.1))


def pixels(uri: str) -> np.ndarray:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(float)


def tint(pixel: np.ndarray) -> float:
    """Above 0 where a colour leans to orange, below 0 to blue."""
    return float(pixel[0] - pixel[2])


def test_what_speaks_for_the_class_is_orange_and_what_speaks_against_it_blue() -> None:
    fall = np.zeros((64, 200))
    fall[:16, 50:80], fall[48:, 120:150] = 2.0, -1.0  # low and early; high and late
    plain, mapped = (pixels(uri) for uri in explanations.pictures(occlusion(fall)))
    assert plain.shape == mapped.shape == (explanations.HEIGHT, explanations.WIDTH, 3)
    low, high = explanations.HEIGHT - 8, 8  # the first row of a PNG is its top
    early, late = explanations.WIDTH * 65 // 200, explanations.WIDTH * 135 // 200
    assert tint(mapped[low, early]) > 80
    assert tint(mapped[high, late]) < -30
    assert abs(tint(mapped[high, early])) < 10 and abs(tint(mapped[low, late])) < 10
    assert explanations.FOR[0] > explanations.FOR[2] and explanations.AGAINST[2] > explanations.AGAINST[0]


def test_the_stronger_the_more_colour() -> None:
    fall = np.zeros((64, 200))
    fall[:, 50:80], fall[:, 120:150] = 2.0, 0.5
    _, mapped = (pixels(uri) for uri in explanations.pictures(occlusion(fall)))
    strong, weak = (tint(mapped[explanations.HEIGHT // 2, explanations.WIDTH * column // 200]) for column in (65, 135))
    assert strong > 2 * weak > 20


@pytest.mark.parametrize("height", [0.0, 0.02])
def test_a_map_of_next_to_nothing_has_next_to_no_colour(height: float) -> None:
    _, mapped = (pixels(uri) for uri in explanations.pictures(occlusion(np.full((64, 200), height))))
    assert np.abs(mapped[..., 0] - mapped[..., 2]).max() < 20
