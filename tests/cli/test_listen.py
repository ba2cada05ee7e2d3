import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import tinymodel
from hubbub import audio
from hubbub.formatting import printable
from hubbub.listen import many
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
        assert set(line) == {"path", "duration", "label", "predictions", "unknown", "known_score", "warnings"}
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
    assert lines["silence.wav"]["unknown"] is True and lines["silence.wav"]["label"] is None


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


def test_the_table_calls_unknown_what_is_unknown(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    _, out, _ = hubbub("classify", "--model", tiny_model, sounds / "silence.wav")
    rows = [line.removeprefix(str(sounds / "silence.wav")).split() for line in out.splitlines()[1:]]
    assert rows[0] == ["unknown"]
    assert {row[0] for row in rows[1:]} == {"(low)", "(middle)", "(high)"}


def test_answers_come_one_by_one_and_an_interruption_says_what_is_true(
    hubbub: Callable, sounds: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(work: Callable, items: list, jobs: int) -> Iterator[object]:
        yield work(sounds / "silence.wav")
        raise KeyboardInterrupt

    monkeypatch.setattr(many, "mapped", interrupted)
    code, out, err = hubbub("classify", "--model", tiny_model, sounds / "deeper")
    assert code == 1 and "unknown" in out
    assert err == "hubbub: interrupted; the same command starts from the beginning\n"


@pytest.mark.parametrize("command", ["classify", "embed"])
def test_several_processes_say_the_same(hubbub: Callable, sounds: Path, tiny_model: Path, command: str) -> None:
    options = ["--json"] if command == "classify" else ["-o", sounds / "out.npz"]
    alone, together = (hubbub(command, "--model", tiny_model, sounds, *options, "--jobs", jobs) for jobs in (1, 2))
    assert alone == together and alone[0] == 1


def test_standard_input_is_a_sound(
    hubbub: Callable, sounds: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in ((sounds / "deeper" / "low.wav").read_bytes(), b"no sound" * 99):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code, out, _ = hubbub("classify", "--model", tiny_model, "--json", "-")
        line = json.loads(out)
        assert line["path"] == "-"
        assert (line["label"], code) == ("low", 0) if content[:4] == b"RIFF" else "'-' does not decode" in line["error"]


def test_a_url_is_shown_as_it_was_given(hubbub: Callable, tiny_model: Path) -> None:
    code, out, err = hubbub("classify", "--model", tiny_model, "--json", "https://example.org/dog.wav")
    assert code == 1 and json.loads(out)["path"] == "https://example.org/dog.wav"
    assert "https://example.org/dog.wav" in err


def test_no_path_is_not_the_folder_where_one_is(
    hubbub: Callable, sounds: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sounds)
    code, out, _ = hubbub("classify", "--model", tiny_model, "--json", "")
    assert code == 1 and set(json.loads(out)) == {"path", "error"}


def test_a_file_that_is_given_twice_is_heard_once_and_that_is_said(
    hubbub: Callable, sounds: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sounds / "deeper")
    code, out, err = hubbub("classify", "--model", tiny_model, "--json", "low.wav", sounds / "deeper")
    assert code == 0 and [json.loads(line)["label"] for line in out.splitlines()] == ["low", "high"]
    assert err == "hubbub: a file that is given more than once is heard once\n"


def test_a_warning_of_the_audio_door_names_the_file(hubbub: Callable, sounds: Path, tiny_model: Path) -> None:
    whole, cut = sounds / "whole.flac", sounds / "cut.flac"
    audio.write(whole, np.random.default_rng(0).uniform(-0.5, 0.5, 16_000), 8000, "FLAC")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    code, out, err = hubbub("classify", "--model", tiny_model, "--json", cut)
    warnings = json.loads(out)["warnings"]
    assert code == 0 and warnings and err == "".join(f"hubbub: {line}\n" for line in warnings) and "cut.flac" in err
    code, _, err = hubbub("embed", "--model", tiny_model, cut, "-o", sounds / "out.npz")
    assert code == 0 and "cut.flac" in err


class TestNames:
    """Of files: bytes that are no text, and signs that would move a terminal's cursor."""

    @pytest.fixture(params=[b"na\xefve.wav", b"\x1b[31mred\n.wav"], ids=["no text", "escapes"])
    def odd(self, request: pytest.FixtureRequest, sounds: Path) -> Path:
        path = sounds / os.fsdecode(request.param)
        try:
            shutil.copy(sounds / "deeper" / "low.wav", path)
        except OSError:
            pytest.skip("this file system has no such names")
        return path

    def test_json_keeps_every_byte(self, hubbub: Callable, odd: Path, tiny_model: Path) -> None:
        code, out, _ = hubbub("classify", "--model", tiny_model, "--json", odd)
        assert code == 0 and os.fsencode(json.loads(out)["path"]) == os.fsencode(odd)

    def test_a_terminal_gets_escapes(self, hubbub: Callable, odd: Path, tiny_model: Path) -> None:
        code, out, _ = hubbub("classify", "--model", tiny_model, odd)
        row = next(line for line in out.splitlines() if printable(odd.name) in line)
        assert code == 0 and "low" in row and "\x1b" not in out

    def test_errors_get_escapes(self, hubbub: Callable, odd: Path, tiny_model: Path) -> None:
        odd.write_bytes(b"no sound" * 99)
        code, _, err = hubbub("classify", "--model", tiny_model, odd)
        assert code == 1 and "\x1b" not in err and err.count("\n") == 1

    def test_embeddings_have_the_name(self, hubbub: Callable, odd: Path, tiny_model: Path) -> None:
        code, _, _ = hubbub("embed", "--model", tiny_model, odd, "-o", odd.with_suffix(".npz"))
        with np.load(odd.with_suffix(".npz")) as kept:
            assert code == 0 and os.fsencode(str(kept["paths"][0])) == os.fsencode(odd)


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
