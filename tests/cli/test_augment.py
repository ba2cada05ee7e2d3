import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.synth import synthetic

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tones that pass for the dataset `synthetic`, and an empty folder to work in."""
    paths = [tmp_path / "sounds" / name for name in ("a.wav", "b.wav")]
    for path in paths:
        audio.write_wav(path, 0.5 * np.sin(np.arange(4000) * 0.1), 8000)
    clips = tuple(Clip(path.name, path, "beep", path.stem) for path in paths)
    made = Dataset("synthetic", "Tones", ("beep",), clips, "CC0", "nobody", "made by code")
    monkeypatch.setattr(synthetic, "dataset", lambda: made)
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path / "no-data"))
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.chdir(tmp_path)


def test_copies_are_made_and_opened_as_a_dataset(hubbub: Run) -> None:
    code, out, err = hubbub("augment", "synthetic", "--out", "more", "--jobs", "1")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "more: 2 clips and 6 copies of them (0.00 GB)",
        "use both as a dataset with: --dataset more",
    ]
    assert len(list(Path("more/audio").glob("*.flac"))) == 6
    code, out, err = hubbub("data", "info", "more")
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert (code, err, lines["copies"]) == (0, "", "6, which are only ever trained on")
    assert lines["clips"] == "2, from 2 source recordings" and lines["location"].endswith("sounds")
    description = json.loads(hubbub("data", "info", "more", "--json")[1])
    assert (description["clips"], description["copies"], description["name"]) == (2, 6, "synthetic+6")
    code, out, err = hubbub("data", "verify", "more")
    assert code == 0 and out.startswith("more: whole, 8 clips of 1 class in ")


def test_a_folder_of_ones_own(hubbub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine/beep").mkdir(parents=True)
    Path("sounds/a.wav").rename("mine/beep/a.wav")
    assert hubbub("augment", "mine", "--out", "more", "--jobs", "1")[0] == 0
    assert len(list(Path("more/audio/beep").glob("a.wav-copy*.flac"))) == 3
    monkeypatch.chdir("sounds")
    code, out, _ = hubbub("data", "verify", "../more")
    assert (code, out) == (0, f"../more: whole, 4 clips of 1 class in {tmp_path / 'mine' / 'beep'}\n")


def test_the_same_command_again_changes_nothing(hubbub: Run) -> None:
    command = ("augment", "synthetic", "--out", "more", "--total", "5", "--seed", "3", "--format", "wav", "--jobs", "1")
    first = hubbub(*command)
    stamps = {path: path.stat().st_mtime_ns for path in Path("more/audio").iterdir()}
    assert hubbub(*command) == first and len(stamps) == 3
    assert {path: path.stat().st_mtime_ns for path in Path("more/audio").iterdir()} == stamps


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["birds", "--out", "more"], 2, "unknown dataset 'birds'"),
        (["esc50", "--out", "more"], 3, "no ESC-50 at"),
        (["synthetic", "--out", "more", "--total", "2"], 2, "leaves no copies to make of 2 clips"),
        (["synthetic", "--out", "sounds"], 3, "sounds is not an empty folder"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(hubbub: Run, arguments: list[str], code: int, said: str) -> None:
    ended, out, err = hubbub("augment", *arguments)
    assert (ended, out, err.count("\n")) == (code, "", 1) and said in err and not Path("more").exists()


def test_wrong_usage(hubbub: Run) -> None:
    assert hubbub("augment", "synthetic")[0] == hubbub("augment", "synthetic", "--out", "x", "--format", "mp3")[0] == 2


def test_damaged_copies_are_told(hubbub: Run) -> None:
    hubbub("augment", "synthetic", "--out", "more", "--jobs", "1")
    next(Path("more/audio").iterdir()).write_bytes(b"no sound")
    code, out, _ = hubbub("data", "verify", "more")
    assert code == 1 and out.splitlines()[-1] == "more: 1 problem; make it again"
