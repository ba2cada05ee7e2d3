import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinymodel
from hubbub import audio, modelfile
from hubbub.modelfile import TrainingRecord

Hubbub = Callable[..., tuple[int, str, str]]
RATE = 8000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sounds and a model that has heard one of them."""
    monkeypatch.chdir(tmp_path)
    for number, (label, pitch) in enumerate({"low": 300, "middle": 1100, "high": 2800}.items()):
        samples = 0.3 * np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE)
        audio.write_wav(tmp_path / "mine" / label / f"{number}.wav", samples, RATE)
    record = TrainingRecord.of("other", ["0.wav"], [], [])
    modelfile.write(tmp_path / "heard.onnx", tinymodel.graph(), tinymodel.meta(training=record))
    modelfile.write(tmp_path / "tiny.onnx", tinymodel.graph(), tinymodel.meta())
    return tmp_path


def test_it_scores_and_leaves_a_run_that_can_be_reported(folder: Path, hubbub: Hubbub) -> None:
    code, out, err = hubbub("evaluate", "tiny.onnx", "mine")
    assert code == 0
    assert "accuracy 100.00 %" in out and "called unknown: 0 clips" in out
    assert "run folder: runs/evaluate-tiny-mine" in out
    assert "does not say what it has heard" in err
    code, again, _ = hubbub("report", "runs/evaluate-tiny-mine")
    assert code == 0 and "accuracy 100.00 %" in again
    about = json.loads((folder / "runs" / "evaluate-tiny-mine" / "about.json").read_text())
    assert about["command"] == "hubbub evaluate tiny.onnx mine" and about["dataset"]["reference"] == "mine"


def test_it_refuses_what_the_model_has_heard(folder: Path, hubbub: Hubbub) -> None:
    code, out, err = hubbub("evaluate", "heard.onnx", "mine")
    assert (code, out) == (3, "")
    assert "has heard 1 of the 3 clips of mine" in err and "--unseen-only scores the other 2" in err
    assert not (folder / "runs").exists()


def test_unseen_only(folder: Path, hubbub: Hubbub) -> None:
    code, out, err = hubbub("evaluate", "heard.onnx", "mine", "--unseen-only", "--runs", "there", "--name", "rest")
    assert (code, err) == (0, "")
    assert "left out, since the model has heard them: 1 clip (1 by clip id" in out
    assert len((folder / "there" / "rest" / "predictions.csv").read_text().splitlines()) == 3


def test_json_and_a_file_that_cannot_be_read(folder: Path, hubbub: Hubbub) -> None:
    (folder / "mine" / "low" / "broken.wav").write_bytes(b"no sound")
    code, out, err = hubbub("evaluate", "heard.onnx", "mine", "--unseen-only", "--json")
    found = json.loads(out)
    assert code == 1
    assert (found["clips"], found["accuracy"], found["in_training"]["clips"]) == (2, 1.0, 1)
    assert list(found["unreadable"]) == ["low/broken.wav"]
    assert "broken.wav" in err and "1 clip could not be read" in err


@pytest.mark.parametrize(
    ("arguments", "expected", "words"),
    [
        (["tiny.onnx", "alien"], 2, "does not know 1 of the 1 classes of alien: 'kazoo'"),
        (["tiny.onnx", "nothing"], 2, "unknown dataset 'nothing'"),
        (["missing.onnx", "mine"], 3, "no model file at missing.onnx"),
        (["mine", "mine"], 2, "`hubbub export mine` makes a model file"),
        (["tiny.onnx", "mine", "--name", "a/b"], 2, "is not a folder name"),
    ],
)
def test_what_makes_no_sense(folder: Path, hubbub: Hubbub, arguments: list[str], expected: int, words: str) -> None:
    audio.write_wav(folder / "alien" / "kazoo" / "0.wav", np.ones(RATE) / 2, RATE)
    code, out, err = hubbub("evaluate", *arguments)
    assert (code, out) == (expected, "") and words in err and err.count("\n") == 1


def test_the_built_in_model_is_refused_on_what_it_learnt_from(
    esc50_root: Path, hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(audio, "read", lambda *_: pytest.fail("decoded"))
    code, _, err = hubbub("evaluate", "built-in", "esc50")
    assert code == 3 and "has heard 1,992 of the 2,000 clips of esc50" in err and "1,992 by source recording" in err
    assert not list(tmp_path.iterdir())
