import os
from pathlib import Path

import pytest

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
    with pytest.raises(audio.MissingAudioError, match=r"no sound files in the folder 'empty'; hubbub looks for .3gp"):
        soundfiles.find(["b.wav", "empty"])


def test_a_folder_that_may_not_be_listed(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(audio.MissingAudioError, match="'sub': Permission denied"):
        soundfiles.find(["sub"])


def test_what_is_no_sound_is_counted_by_suffix(house: Path) -> None:
    for name in ["x.xyz", "sub/y.XYZ", "README"]:
        (house / name).touch()
    lines: list[str] = []
    soundfiles.find([house], lines.append)
    assert lines == [f"2 .txt files, 2 .xyz files and 1 suffixless file not read in '{house}'"]


def test_a_forbidden_folder_costs_itself_only(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: Path) -> object:  # root would be let through a mode of 0
        if path.name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    lines: list[str] = []
    assert soundfiles.find(["."], lines.append) == [Path("[x].wav"), Path("a.FLAC"), Path("b.wav")]
    assert lines[0] == "cannot read 'sub': Permission denied; left out"


def test_links_to_folders_are_followed_once_each(house: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.wav").touch()
    try:
        (house / "a_loop").symlink_to(house)
        (house / "a_twin").symlink_to(house / "sub")
        (house / "link").symlink_to(outside)
        (house / "zlink").symlink_to(outside)
        (house / "self.wav").symlink_to("self.wav")
    except OSError:
        pytest.skip("no links here")
    names = [str(path) for path in soundfiles.find(["."])]
    assert names == ["[x].wav", "a.FLAC", "b.wav", "link/far.wav", "self.wav", "sub/c.mp3"]


def test_a_file_named_twice_is_heard_once_and_that_is_said(house: Path) -> None:
    lines: list[str] = []
    assert soundfiles.find(["b.wav", "./b.wav", house / "b.wav"], lines.append) == [Path("b.wav")]
    assert lines == ["1 file named more than once, 'b.wav' first; heard once"]


@pytest.mark.parametrize("url", ["https://example.org//a.wav", "file:///a.wav", "s3://bucket/a.wav"])
def test_urls_are_not_fetched_and_named_as_they_are(url: str) -> None:
    for way in (lambda: soundfiles.find([url]), lambda: audio.read(url)):
        with pytest.raises(audio.MissingAudioError, match=f"^'{url}' is a URL, and URLs are not fetched"):
            way()
    with pytest.raises(audio.MissingAudioError, match=r"^'https://example.org/a.wav' is a URL"):
        audio.read(Path("https://example.org/a.wav"))


def test_nothing_is_no_path() -> None:
    for way in (lambda: soundfiles.find([""]), lambda: audio.read("")):
        with pytest.raises(audio.MissingAudioError, match="'' is no path; give"):
            way()
