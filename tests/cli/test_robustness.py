import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinyconditions
import tinymodel
from hubbub import audio, modelfile
from hubbub.modelfile import TrainingRecord
from hubbub.storage import read_csv

Hubbub = Callable[..., tuple[int, str, str]]
RATE = 16_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sounds and two models, of which one has heard a sound."""
    monkeypatch.chdir(tmp_path)
    for number, (label, pitch) in enumerate({"low": 300, "middle": 1100, "high": 2800}.items()):
        samples = 0.3 * np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE)
        audio.write_wav(tmp_path / "mine" / label / f"{number}.wav", samples, RATE)
    record = TrainingRecord.of("other", ["0.wav"], [], [])
    modelfile.write(tmp_path / "heard.onnx", tinymodel.graph(), tinymodel.meta(training=record))
    modelfile.write(tmp_path / "tiny.onnx", tinymodel.graph(), tinymodel.meta())
    return tmp_path


def test_it_measures_shows_and_keeps(folder: Path, hubbub: Hubbub) -> None:
    asked = ("robustness", "tiny.onnx", "--data", "mine", "--out", "there", "--jobs", "1", "--conditions", "gain")
    code, out, err = hubbub(*asked)
    assert code == 0 and "clean: tiny 100.0%" in err and "gain 5: tiny" in err
    assert "tiny: clean 100.00 %, mean corrupted" in out and "ESC-50-C version 1 on 3 clips of mine\n" in out
    assert max(map(len, out.splitlines()[:3])) <= 80
    files = {path.name for path in (folder / "there").iterdir()}
    assert files == {"about.json", "conditions", "tiny.npz", "table.csv", "accuracy.png", "page.html"}
    rows = read_csv(folder / "there" / "table.csv")
    assert len(rows) == 6 and rows[0]["corruption"] == "clean" and float(rows[0]["accuracy"]) == 1
    code, again, err = hubbub(*asked)
    assert (code, again, err) == (0, out, "")
    code, shown, _ = hubbub("robustness", "there/tiny.npz")
    assert code == 0 and shown == out[: out.index("there/")]


def test_json_and_several_models(folder: Path, hubbub: Hubbub) -> None:
    code, out, err = hubbub(
        *("robustness", "tiny.onnx", "heard.onnx", "--data", "mine", "--unseen-only", "--json"),
        *("--conditions", "gain-1", "--sample", "2"),
    )
    tiny, heard = json.loads(out)
    assert code == 0 and [tiny["model"], heard["model"]] == ["tiny", "heard"] and "runs/robustness/page.html" in err
    assert tiny["clips"] == 2 and tiny["sampled"] is None and list(tiny["corruptions"]) == ["gain"]
    assert [row["severity"] for row in tiny["conditions"]] == [0, 1]
    assert tiny["interval"][0] <= tiny["mean_corrupted_accuracy"] <= tiny["interval"][1]


@pytest.mark.parametrize(
    ("arguments", "expected", "words"),
    [
        (["heard.onnx", "--data", "mine"], 3, "has heard 1 of the 3 clips of mine"),
        (["tiny.onnx", "--data", "mine", "--conditions", "fog"], 2, "no condition is called 'fog'"),
        (["tiny.onnx", "--data", "nothing"], 2, "unknown dataset 'nothing'"),
        (["missing.onnx", "--data", "mine"], 3, "no model file at missing.onnx"),
        (["mine", "--data", "mine"], 3, "no run at mine"),
        (["tiny.onnx", "--data", "mine", "--part", "validation"], 2, "--part validation is for run folders"),
        (["kept.npz", "tiny.onnx"], 2, "give .npz files alone"),
        (["missing.npz"], 1, "holds no predictions under conditions"),
        (["kept.npz", "other.npz"], 2, "was measured with other clips than"),
    ],
)
def test_what_makes_no_sense(folder: Path, hubbub: Hubbub, arguments: list[str], expected: int, words: str) -> None:
    tinyconditions.predictions().write(folder / "kept.npz")
    tinyconditions.predictions(clips=6).write(folder / "other.npz")
    code, out, err = hubbub("robustness", *arguments)
    assert (code, out) == (expected, "") and words in err and err.count("\n") == 1
    assert not (folder / "runs").exists()


def test_another_model_in_the_same_folder(folder: Path, hubbub: Hubbub) -> None:
    asked = ("--data", "mine", "--unseen-only", "--jobs", "1", "--conditions", "gain-1")
    assert hubbub("robustness", "tiny.onnx", *asked)[0] == 0
    code, _, err = hubbub("robustness", "heard.onnx", *asked)
    assert code == 3 and "holds what was measured with another choice of clips and list of models: --fresh" in err
    code, out, _ = hubbub("robustness", "heard.onnx", *asked, "--fresh")
    assert code == 0 and "heard: clean 100.00 %" in out
