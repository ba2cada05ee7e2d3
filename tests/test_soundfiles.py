import os
from pathlib import Path

import pytest
import soundfile

from hubbub import audio, soundfiles


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ["b.wav", "a.FLAC", "notes.txt", ".hidden.wav", "sub/c.mp3", "sub/.x/d.wav", "empty/e.txt", "[x].wav"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["."], ["[x].wav", "a.FLAC", "b.wav", "sub/c.mp3"]),
        (["sub"], ["sub/c.mp3"]),
        (["notes.txt", ".hidden.wav"], ["notes.txt", ".hidden.wav"]),
        (["*.wav"], ["[x].wav", "b.wav"]),
        (["**/*.mp3"], ["sub/c.mp3"]),
        (["su[b]"], ["sub/c.mp3"]),
        (["[x].wav"], ["[x].wav"]),
        (["[ab].*"], ["a.FLAC", "b.wav"]),
        (["b.wav", ".", "./b.wav"], ["b.wav", "[x].wav", "a.FLAC", "sub/c.mp3"]),
        (["gone.wav", "gone*.wav", "gone\0*.wav"], ["gone.wav", "gone*.wav", "gone\0*.wav"]),
        (["n" * 5000, "n" * 5000 + "*"], ["n" * 5000, "n" * 5000 + "*"]),
        ([], []),
    ],
)
def test_find(house: Path, asked: list[str], answer: list[str]) -> None:
    assert soundfiles.find(asked) == [Path(name) for name in answer]


def test_find_knows_absolute_and_relative_names_of_one_file(house: Path) -> None:
    assert soundfiles.find(["b.wav", house / "b.wav"]) == [Path("b.wav")]


def test_a_missing_path_is_kept_so_that_reading_reports_it(house: Path) -> None:
    with pytest.raises(audio.MissingAudioError, match=r"gone\*"):
        audio.read(soundfiles.find(["gone*.wav"])[0])


def test_a_folder_without_sound(house: Path) -> None:
    with pytest.raises(audio.MissingAudioError, match=r"no sound files in the folder 'empty'; hubbub looks for .aif"):
        soundfiles.find(["b.wav", "empty"])


def test_a_folder_that_may_not_be_listed(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(audio.MissingAudioError, match="'sub': Permission denied"):
        soundfiles.find(["sub"])


def test_libsndfile_knows_what_the_suffixes_promise() -> None:
    known = {name.lower() for name in soundfile.available_formats()} | {"aif", "oga", "opus", "wave"}
    assert {suffix[1:] for suffix in soundfiles.SUFFIXES} <= known
