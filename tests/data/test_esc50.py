import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tinyesc50
from hubbub.data import esc50
from hubbub.data.dataset import Clip
from hubbub.errors import DataError, ExitCode, RefusedError, UsageError


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def zipped(root: Path, archive: Path) -> Path:
    """As GitHub does it: one folder on top, which bears the commit's name."""
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, content in contents(root).items():
            bundle.writestr(f"ESC-50-{esc50.COMMIT}/{name}", content)
    return archive


# --- classes ----------------------------------------------------------------------------------------------------------


def test_fifty_classes_in_five_categories() -> None:
    assert len(esc50.LABELS) == len(set(esc50.LABELS)) == 50
    assert Counter(map(esc50.category, esc50.LABELS)) == dict.fromkeys(esc50.CATEGORIES, 10)


@pytest.mark.parametrize(
    ("label", "category"),
    [
        ("crow", "animals"),
        ("rain", "natural"),
        ("crying_baby", "human"),
        ("glass_breaking", "interior"),
        ("hand_saw", "urban"),
    ],
)
def test_categories(label: str, category: str) -> None:
    assert esc50.category(label) == category


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


@pytest.mark.parametrize("function", [esc50.load, esc50.load_esc10, esc50.verify, esc50.locate])
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
        ("filename", "", "'' is not a file name"),
        ("filename", "..", "is not a file name"),
        ("filename", "1-100000-A-0.wav", "lists 1-100000-A-0.wav again"),
        ("fold", "one", "invalid literal"),
        ("fold", "0", "fold 0, class 0 'dog', esc10 'True' is not a line of ESC-50"),
        ("target", "50", "class 50 'dog'"),
        ("target", "-50", "class -50 'dog'"),
        ("target", "1", "class 1 'dog'"),
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
    assert [f"line {line}:" in problem for problem in esc50.verify(tiny_esc50)] == [False, True]


def test_a_line_that_is_cut_off(tiny_esc50: Path) -> None:
    table = tiny_esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text()[:-20])
    with pytest.raises(DataError, match="line 2001: is cut off"):
        esc50.load(tiny_esc50)


def test_a_table_without_a_column(tiny_esc50: Path) -> None:
    tinyesc50.write_table(tiny_esc50, tinyesc50.rows(), ("filename", "fold", "target", "category", "esc10"))
    with pytest.raises(DataError, match="has no column 'src_file'"):
        esc50.load(tiny_esc50)


@pytest.mark.parametrize(("content", "said"), [(b"", "lists no clips"), (b"filename\n\xff\xfe\n", "can't decode")])
def test_a_table_that_is_none(tiny_esc50: Path, content: bytes, said: str) -> None:
    (tiny_esc50 / "meta" / "esc50.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        esc50.load(tiny_esc50)
    assert len(esc50.verify(tiny_esc50)) == 2


# --- verifying --------------------------------------------------------------------------------------------------------


def test_a_whole_release_has_no_problems(tiny_esc50: Path) -> None:
    walked: list[Clip] = []

    def track(clips: Iterable[Clip]) -> Iterator[Clip]:
        for clip in clips:
            walked.append(clip)
            yield clip

    assert esc50.verify(tiny_esc50, track) == []
    assert len(walked) == 2000


def test_line_ends_do_not_matter(tiny_esc50: Path) -> None:
    table = tiny_esc50 / "meta" / "esc50.csv"
    table.write_bytes(table.read_bytes().replace(b"\n", b"\r\n"))
    assert esc50.verify(tiny_esc50) == []


def test_clips_that_are_wrong_are_named(tiny_esc50: Path) -> None:
    names = [row[0] for row in sorted(tinyesc50.rows())[:5]]
    gone, text, short, stereo, slow = (tiny_esc50 / "audio" / name for name in names)
    gone.unlink()
    text.unlink()
    text.write_text("no sound\n")
    tinyesc50.write_clip(short, frames=9)
    tinyesc50.write_clip(stereo, channels=2)
    tinyesc50.write_clip(slow, rate=48_000)
    problems = esc50.verify(tiny_esc50)
    assert len(problems) == 5
    assert f"cannot read '{gone}': No such file" in problems[0]
    assert f"'{text}' does not decode" in problems[1]
    wanted = "instead of 1 of 10 at 44,100 Hz"
    assert problems[2] == f"{short} has 1 channels of 9 samples at 44,100 Hz {wanted}"
    assert problems[3] == f"{stereo} has 2 channels of 10 samples at 44,100 Hz {wanted}"
    assert problems[4] == f"{slow} has 1 channels of 10 samples at 48,000 Hz {wanted}"


def test_a_clip_too_few(tiny_esc50: Path) -> None:
    tinyesc50.write_table(tiny_esc50, tinyesc50.rows()[1:])
    table, count, classes, folds = esc50.verify(tiny_esc50)
    assert "esc50.csv is not the official table: its SHA-256 differs" in table
    assert count == "there are 1,999 clips instead of 2,000"
    assert classes == "not every class has 40 clips: dog 39"
    assert folds == "not five folds of 400 clips: fold 1 399, fold 2 400, fold 3 400, fold 4 400, fold 5 400"


def test_a_changed_fold(tiny_esc50: Path) -> None:
    table = tinyesc50.rows()
    table[0][1], table[-1][1] = table[-1][1], table[0][1]
    tinyesc50.write_table(tiny_esc50, table)
    assert len(problems := esc50.verify(tiny_esc50)) == 1 and "SHA-256 differs" in problems[0]


# --- importing and fetching -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["folder", "parent", "zip"])
def test_a_release_is_imported(tiny_esc50: Path, tmp_path: Path, given: str) -> None:
    (tiny_esc50 / ".git").mkdir()
    archive = zipped(tiny_esc50, tmp_path / "release.zip")
    path = {"folder": tiny_esc50, "parent": tiny_esc50.parent, "zip": archive}[given]
    assert esc50.import_release(path) == esc50.home()
    assert contents(esc50.home()) == contents(tiny_esc50)
    assert [esc50.home()] == list(esc50.home().parent.iterdir()) and not (esc50.home() / ".git").exists()
    assert esc50.load().clips[0].path.is_relative_to(esc50.home())


def test_an_import_replaces_an_older_one(tiny_esc50: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "old").touch()
    esc50.import_release(tiny_esc50, place)
    assert esc50.verify(place) == [] and not (place / "old").exists()
    esc50.import_release(place, place)
    assert esc50.verify(place) == []


@pytest.mark.parametrize("given", ["folder", "zip"])
def test_a_wrong_release_changes_nothing(tiny_esc50: Path, tmp_path: Path, given: str) -> None:
    esc50.import_release(tiny_esc50)
    before = contents(esc50.home())
    for row in sorted(tinyesc50.rows())[:5]:
        tinyesc50.write_clip(tiny_esc50 / "audio" / row[0], frames=3)
    path = tiny_esc50 if given == "folder" else zipped(tiny_esc50, tmp_path / "release.zip")
    with pytest.raises(
        DataError, match=r"is not ESC-50 as released, nothing was changed: .* \(and 2 more\)$"
    ) as caught:
        esc50.import_release(path)
    assert str(path) in str(caught.value) and ".import-" not in str(caught.value)
    assert contents(esc50.home()) == before and list(esc50.home().parent.iterdir()) == [esc50.home()]


def test_what_holds_no_release_or_several(tiny_esc50: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no ESC-50 release"):
        esc50.import_release(tmp_path / "empty")
    shutil.copytree(tiny_esc50 / "meta", tiny_esc50.parent / "second" / "meta")
    with pytest.raises(DataError, match="holds 2 ESC-50 releases: give the folder or the zip of one"):
        esc50.import_release(tiny_esc50.parent)
    (tmp_path / "broken.zip").write_text("no zip")
    with pytest.raises(DataError, match=r"broken\.zip is not a zip"):
        esc50.import_release(tmp_path / "broken.zip")
    with pytest.raises(esc50.MissingDatasetError, match=r"nothing at .*gone: give the folder or the zip"):
        esc50.import_release(tmp_path / "gone")
    assert not any(esc50.home().parent.iterdir())


def test_a_place_that_cannot_be_written(tiny_esc50: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError, match=r"cannot write .*file/place"):
        esc50.import_release(tiny_esc50, tmp_path / "file" / "place")


@pytest.fixture
def published(tiny_esc50: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets the release be fetched; the addresses that were."""
    archive = zipped(tiny_esc50, tmp_path / "published.zip")
    asked = []

    def download(url: str, target: Path, **settings: object) -> None:
        asked.append(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(archive, target)

    monkeypatch.setattr(esc50, "download", download)
    return asked


def test_the_release_is_fetched_once(published: list[str], tiny_esc50: Path) -> None:
    assert esc50.fetch_release() == esc50.home()
    assert contents(esc50.home()) == contents(tiny_esc50)
    assert list(esc50.home().parent.iterdir()) == [esc50.home()]
    esc50.fetch_release()
    assert published == [f"https://github.com/karolpiczak/ESC-50/archive/{esc50.COMMIT}.zip"]


def test_a_damaged_release_is_fetched_again(published: list[str]) -> None:
    esc50.fetch_release()
    next((esc50.home() / "audio").iterdir()).unlink()
    esc50.fetch_release()
    assert len(published) == 2 and esc50.verify() == []


def test_an_archive_that_is_not_esc50_is_discarded(published: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esc50, "CSV_SHA256", "0" * 64)
    with pytest.raises(DataError, match="is not ESC-50 as released"):
        esc50.fetch_release()
    assert not any(esc50.home().parent.iterdir())


def test_an_archive_for_which_there_is_no_room_is_kept(published: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
        with pytest.raises(RefusedError, match="has 0 left: make room first"):
            esc50.fetch_release()
    esc50.fetch_release()
    assert len(published) == 1 and esc50.verify() == []


# --- the real one -----------------------------------------------------------------------------------------------------


def test_the_real_table(esc50_root: Path) -> None:
    dataset = esc50.load(esc50_root)
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(esc50.LABELS, 40)
    assert Counter(clip.fold for clip in dataset.clips) == dict.fromkeys(range(1, 6), 400)
    for clip in dataset.clips:  # the table says the same as the names, which are the official ones
        fold, source, _, target = Path(clip.id).stem.split("-")
        assert (clip.fold, clip.group, esc50.LABELS.index(clip.label)) == (int(fold), source, int(target))


def test_real_recordings_in_several_folds(esc50_root: Path) -> None:
    spanning = esc50.load(esc50_root).spanning
    assert list(spanning) == ["131943", "134049", "209698", "234879"]
    assert all(len({clip.label for clip in clips}) == 2 for clips in spanning.values())


def test_real_esc10(esc50_root: Path) -> None:
    dataset = esc50.load_esc10(esc50_root)
    assert set(dataset.labels) == set(tinyesc50.ESC10) and len(dataset.labels) == 10
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(dataset.labels, 40)
    assert Counter(clip.fold for clip in dataset.clips) == dict.fromkeys(range(1, 6), 80)


def test_the_real_release_is_whole(esc50_root: Path) -> None:
    if not (esc50_root / "audio" / "1-100032-A-0.wav").is_file():
        pytest.skip("HUBBUB_ESC50 has no WAV files, it is not laid out as the release")
    assert esc50.verify(esc50_root) == []
