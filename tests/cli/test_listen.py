import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinymodel
from hubbub import audio
from hubbub.listen.classifier import Classifier

TONES = {"low.wav": 200, "high.wav": 3500}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder with a low and a high tone, silence, and things that are no sound."""
    folder = tmp_path / "sounds"
    (folder / "deeper").mkdir(parents=True)
    time = np.arange(8000) / 8000
    for name, hertz in TONES.items():
        audio.write_wav(folder / "deeper" / name, 0.5 * np.sin(2 * np.pi * hertz * time), 8000)
    audio.write_wav(folder / "silence.wav", np.zeros(8000), 8000)
    (folder / "rubbish.wav").write_bytes(b"this is not a sound" * 99)
    (folder / "notes.txt").write_text("not looked at in a folder")
    return folder


def test_json_has_one_line_a_file_of_the_fixed_shape(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    code, out, err = hubbub("classify", "--model", tiny_model, "--json", "--top", 2, sounds / "deeper")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [Path(line["path"]).name for line in lines] == ["high.wav", "low.wav"]
    for line in lines:
        assert set(line) == {"path", "duration", "predictions", "unknown", "known_score"}
        assert line["duration"] == 1.0 and len(line["predictions"]) == 2
        assert set(line["predictions"][0]) == {"label", "score"}
    assert [line["predictions"][0]["label"] for line in lines] == ["high", "low"]


def test_bad_files_are_told_and_the_others_answered(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    code, out, err = hubbub("classify", "--model", tiny_model, "--json", sounds, sounds / "gone.wav")
    lines = {Path(line["path"]).name: line for line in map(json.loads, out.splitlines())}
    assert code == 1
    assert set(lines) == {"high.wav", "low.wav", "silence.wav", "rubbish.wav", "gone.wav"}
    assert set(lines["rubbish.wav"]) == set(lines["gone.wav"]) == {"path", "error"}
    assert "does not decode" in lines["rubbish.wav"]["error"] and "cannot read" in lines["gone.wav"]["error"]
    assert err.count("\n") == 2 and err.count("hubbub: ") == 2
    assert lines["silence.wav"]["unknown"] is True


def test_a_folder_without_sounds_is_told_in_json_too(hubbub: Callable, tmp_path: Path, tiny_model: Path) -> None:
    code, out, _ = hubbub("classify", "--model", tiny_model, "--json", tmp_path)
    assert code == 1 and "no sound files" in json.loads(out)["error"]


def test_the_table_names_files_labels_and_scores(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    code, out, _ = hubbub("classify", "--model", tiny_model, f"{sounds}/deeper/l*.wav")
    expected = Classifier(tiny_model).classify(sounds / "deeper" / "low.wav")
    first = next(line for line in out.splitlines() if "low.wav" in line)
    assert code == 0
    assert "low" in first and f"{expected.predictions[0].score:.0%}" in first
    assert "high.wav" not in out


@pytest.mark.parametrize("arguments", [["classify"], ["classify", "--top", "0", "a.wav"], ["embed", "a.wav"]])
def test_wrong_usage(hubbub: Callable, arguments: list[str]) -> None:
    assert hubbub(*arguments)[0] == 2


def test_a_model_that_is_not_there(hubbub: Callable, sounds: Path) -> None:
    code, _, err = hubbub("classify", "--model", sounds / "no.onnx", sounds)
    assert code == 3 and err.startswith("hubbub: no model file at ") and err.count("\n") == 1


def test_embeddings_are_written_with_their_trunk(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    target = sounds / "out.npz"
    code, out, _ = hubbub("embed", sounds, "-o", target, "--model", tiny_model)
    assert code == 1  # the rubbish
    with np.load(target) as kept:
        assert kept["embeddings"].shape == (3, tinymodel.SPEC.n_mels)
        assert str(kept["trunk"]) == "bands 1"
        wanted = Classifier(tiny_model).embed(sounds / "silence.wav")
        row = [Path(path).name for path in kept["paths"]].index("silence.wav")
        np.testing.assert_array_equal(kept["embeddings"][row], wanted)
    assert "3 embeddings" in out


def test_embeddings_go_into_npz_files_only(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    code, _, err = hubbub("embed", sounds, "-o", sounds / "out.csv", "--model", tiny_model)
    assert code == 2 and ".npz" in err
