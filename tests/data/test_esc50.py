import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tinyesc50
from hubbub.data import esc50, esc50_release
from hubbub.data.dataset import Clip
from hubbub.errors import DataError, ExitCode, UsageError

# --- classes ----------------------------------------------------------------------------------------------------------


def test_fifty_classes_in_five_categories() -> None:
    assert len(esc50.LABELS) == len(set(esc50.LABELS)) == 50
    assert Counter(map(esc50.category, esc50.LABELS)) == dict.fromkeys(esc50.CATEGORIES, 10)


def test_categories() -> None:
    assert esc50.categories(["hand_saw", "crow"]) == {"hand_saw": "urban", "crow": "animals"}
    assert esc50.categories(["crow", "applause"]) == {} == esc50.categories([])


@pytest.mark.parametrize("name", ["1-100032-A-0.wav", "away/1-100032-A-0.flac", Path("x", "1-100032-A-0")])
def test_a_name_is_read_wherever_it_lies(name: str | Path) -> None:
    assert esc50.parse_name(name) == (1, "100032", "A", 0)


@pytest.mark.parametrize(
    "name", ["rex.wav", "1-100032-A-50.wav", "12-100032-A-0.wav", "1-100032-AB-0.wav", "1-100032-A-0.wav-copy2.flac"]
)
def test_a_name_that_is_not_one_of_esc50(name: str) -> None:
    assert esc50.parse_name(name) is None


def test_a_class_that_esc50_does_not_have() -> None:
    with pytest.raises(UsageError, match="no class 'unicorn': its classes are dog, rooster"):
        esc50.category("unicorn")


# --- finding ----------------------------------------------------------------------------------------------------------


def test_a_release_is_found(tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert esc50.locate(tiny_esc50) == tiny_esc50
    assert esc50.locate(tiny_esc50.parent) == tiny_esc50
    shutil.copytree(tiny_esc50 / "meta", esc50.home() / "meta")
    assert esc50.locate() == esc50.home() == tmp_path / "data" / "esc50" / "ESC-50-master"
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    assert esc50.locate() == tiny_esc50


@pytest.mark.parametrize("function", [esc50.load, esc50.load_esc10, esc50_release.verify, esc50.locate])
def test_no_release(function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path))
    commands = r"`hubbub data fetch esc50`, or import a copy with `hubbub data import esc50 PATH`$"
    with pytest.raises(esc50.MissingDatasetError, match=rf"^no ESC-50 at .*: get it with {commands}") as caught:
        function()
    assert caught.value.exit_code == ExitCode.REFUSED
    with pytest.raises(esc50.MissingDatasetError, match=r"no ESC-50 at .*elsewhere: get it"):
        function(tmp_path / "elsewhere")
    monkeypatch.setenv("HUBBUB_ESC50", str(tmp_path / "wrong"))
    with pytest.raises(esc50.MissingDatasetError, match=r"at .*wrong: correct or unset \$HUBBUB_ESC50, or get it"):
        function()


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_table_is_read(tiny_esc50: Path) -> None:
    dataset = esc50.load(tiny_esc50)
    row = tinyesc50.rows()[100]
    clip = next(clip for clip in dataset.clips if clip.id == row[0])
    assert clip == Clip(row[0], tiny_esc50 / "audio" / row[0], "crackling_fire", row[5], 1)
    assert (dataset.name, dataset.labels, len(dataset.clips)) == ("esc50", esc50.LABELS, 2000)


def test_the_order_of_the_table_does_not_matter(tiny_esc50: Path) -> None:
    before = esc50.load(tiny_esc50)
    tinyesc50.write_table(tiny_esc50, tinyesc50.rows()[::-1])
    assert esc50.load(tiny_esc50) == before


def test_esc10_is_what_the_table_marks(tiny_esc50: Path) -> None:
    dataset = esc50.load_esc10(tiny_esc50)
    assert dataset.labels == tinyesc50.ESC10 and dataset.name == "esc10"
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(tinyesc50.ESC10, 40)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("filename", "../x.wav", r"'\.\./x\.wav' is not a file name"),
        ("filename", "1-100000-A-0.wav", "lists 1-100000-A-0.wav again"),
        ("fold", "one", "invalid literal"),
        ("fold", "0", "fold 0, class 0 'dog', esc10 'True' is not a line of ESC-50"),
        ("target", "-50", "class -50 'dog'"),
        ("category", "cat", "class 0 'cat'"),
        ("esc10", "yes", "esc10 'yes'"),
    ],
)
def test_an_impossible_line_is_named(tiny_esc50: Path, column: str, value: str, said: str) -> None:
    table = tinyesc50.rows()
    at = next(i for i, row in enumerate(table) if row[0].startswith("1-100000-B"))
    table[at][tinyesc50.COLUMNS.index(column)] = value
    line = at + 2
    tinyesc50.write_table(tiny_esc50, table)
    with pytest.raises(DataError, match=rf"esc50\.csv, line {line}: .*{said}.*; get it with"):
        esc50.load(tiny_esc50)
    assert [f"line {line}:" in problem for problem in esc50_release.verify(tiny_esc50)] == [False, True]


def test_a_line_that_is_cut_off(tiny_esc50: Path) -> None:
    table = tiny_esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text()[:-20])
    with pytest.raises(DataError, match="line 2001: has 4 fields, the header 7"):
        esc50.load(tiny_esc50)


def test_a_table_without_a_column(tiny_esc50: Path) -> None:
    tinyesc50.write_table(tiny_esc50, [row[:5] for row in tinyesc50.rows()], tinyesc50.COLUMNS[:5])
    with pytest.raises(DataError, match="line 1: has no column src_file"):
        esc50.load(tiny_esc50)


@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"filename\n\xff\xfe\n", "can't decode")])
def test_a_table_that_is_none(tiny_esc50: Path, content: bytes, said: str) -> None:
    (tiny_esc50 / "meta" / "esc50.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        esc50.load(tiny_esc50)
    assert len(esc50_release.verify(tiny_esc50)) == 2


# --- the real one -----------------------------------------------------------------------------------------------------


def test_the_real_table(esc50_root: Path) -> None:
    dataset = esc50.load(esc50_root)
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(esc50.LABELS, 40)
    assert Counter(clip.fold for clip in dataset.clips) == dict.fromkeys(range(1, 6), 400)
    for clip in dataset.clips:  # the table says the same as the names, which are the official ones
        parts = esc50.parse_name(clip.id)
        assert parts is not None
        assert (parts.fold, parts.recording, parts.target) == (clip.fold, clip.group, esc50.LABELS.index(clip.label))


def test_real_recordings_in_several_folds(esc50_root: Path) -> None:
    spanning = esc50.load(esc50_root).spanning
    assert list(spanning) == ["131943", "134049", "209698", "234879"]
    assert all(len({clip.label for clip in clips}) == 2 for clips in spanning.values())


def test_real_esc10(esc50_root: Path) -> None:
    dataset = esc50.load_esc10(esc50_root)
    assert set(dataset.labels) == set(tinyesc50.ESC10) and len(dataset.labels) == 10
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(dataset.labels, 40)
    assert Counter(clip.fold for clip in dataset.clips) == dict.fromkeys(range(1, 6), 80)
