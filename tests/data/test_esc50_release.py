import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import tinyesc50
from hubbub.data import esc50, esc50_release
from hubbub.data.dataset import Clip
from hubbub.errors import DataError, RefusedError


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def zipped(root: Path, archive: Path) -> Path:
    """As GitHub does it: one folder on top, which bears the commit's name."""
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, content in contents(root).items():
            bundle.writestr(f"ESC-50-{esc50_release.COMMIT}/{name}", content)
    return archive


# --- verifying --------------------------------------------------------------------------------------------------------


def test_a_whole_release_has_no_problems(tiny_esc50: Path) -> None:
    walked: list[Clip] = []

    def track(clips: Iterable[Clip]) -> Iterator[Clip]:
        for clip in clips:
            walked.append(clip)
            yield clip

    assert esc50_release.verify(tiny_esc50, track) == []
    assert len(walked) == 2000


def test_line_ends_do_not_matter(tiny_esc50: Path) -> None:
    table = tiny_esc50 / "meta" / "esc50.csv"
    table.write_bytes(table.read_bytes().replace(b"\n", b"\r\n"))
    assert esc50_release.verify(tiny_esc50) == []


def test_clips_that_are_wrong_are_named(tiny_esc50: Path) -> None:
    names = [row[0] for row in sorted(tinyesc50.rows())[:5]]
    gone, text, short, stereo, slow = (tiny_esc50 / "audio" / name for name in names)
    gone.unlink()
    text.unlink()
    text.write_text("no sound\n")
    tinyesc50.write_clip(short, frames=9)
    tinyesc50.write_clip(stereo, channels=2)
    tinyesc50.write_clip(slow, rate=48_000)
    problems = esc50_release.verify(tiny_esc50)
    assert len(problems) == 5
    assert f"cannot read '{gone}': No such file" in problems[0]
    assert f"'{text}' does not decode" in problems[1]
    wanted = "instead of 1 of 10 at 44,100 Hz"
    assert problems[2] == f"{short} has 1 channels of 9 samples at 44,100 Hz {wanted}"
    assert problems[3] == f"{stereo} has 2 channels of 10 samples at 44,100 Hz {wanted}"
    assert problems[4] == f"{slow} has 1 channels of 10 samples at 48,000 Hz {wanted}"


def test_a_clip_that_is_cut_off_is_named_with_both_lengths(tiny_esc50: Path) -> None:
    clip = tiny_esc50 / "audio" / tinyesc50.rows()[0][0]
    tinyesc50.write_clip(clip, frames=220_500)
    clip.write_bytes(clip.read_bytes()[:220_544])
    (problem,) = esc50_release.verify(tiny_esc50)
    assert clip.name in problem and "2.50 s" in problem and "5.00 s" in problem


def test_a_clip_too_few(tiny_esc50: Path) -> None:
    tinyesc50.write_table(tiny_esc50, tinyesc50.rows()[1:])
    table, count, classes, folds = esc50_release.verify(tiny_esc50)
    assert "esc50.csv is not the official table: its SHA-256 differs" in table
    assert count == "there are 1,999 clips instead of 2,000"
    assert classes == "not every class has 40 clips: dog 39"
    assert folds == "not five folds of 400 clips: fold 1 399, fold 2 400, fold 3 400, fold 4 400, fold 5 400"


def test_a_changed_fold(tiny_esc50: Path) -> None:
    table = tinyesc50.rows()
    table[0][1], table[-1][1] = table[-1][1], table[0][1]
    tinyesc50.write_table(tiny_esc50, table)
    assert len(problems := esc50_release.verify(tiny_esc50)) == 1 and "SHA-256 differs" in problems[0]


# --- importing and fetching -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["folder", "parent", "zip"])
def test_a_release_is_imported(tiny_esc50: Path, tmp_path: Path, given: str) -> None:
    (tiny_esc50 / ".git").mkdir()
    archive = zipped(tiny_esc50, tmp_path / "release.zip")
    path = {"folder": tiny_esc50, "parent": tiny_esc50.parent, "zip": archive}[given]
    assert esc50_release.import_release(path) == esc50.home()
    assert contents(esc50.home()) == contents(tiny_esc50)
    assert [esc50.home()] == list(esc50.home().parent.iterdir()) and not (esc50.home() / ".git").exists()
    assert esc50.load().clips[0].path.is_relative_to(esc50.home())


def test_an_import_replaces_an_older_one(tiny_esc50: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "old").touch()
    esc50_release.import_release(tiny_esc50, place)
    assert esc50_release.verify(place) == [] and not (place / "old").exists()
    esc50_release.import_release(place, place)
    assert esc50_release.verify(place) == []


def test_a_link_in_a_release_is_not_followed(tiny_esc50: Path) -> None:
    clip = next((tiny_esc50 / "audio").iterdir())
    clip.unlink()
    clip.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=f"{clip.name} is a link or device, not the file itself"):
        esc50_release.import_release(tiny_esc50)
    assert list(esc50.home().parent.iterdir()) == []


def test_what_a_killed_import_left_is_swept(tiny_esc50: Path) -> None:
    leftover = esc50.home().parent / ".hubbub-part-abc"
    (leftover / "release" / "audio").mkdir(parents=True)
    esc50_release.import_release(tiny_esc50)
    assert list(esc50.home().parent.iterdir()) == [esc50.home()]


@pytest.mark.parametrize("given", ["folder", "zip"])
def test_a_wrong_release_changes_nothing(tiny_esc50: Path, tmp_path: Path, given: str) -> None:
    esc50_release.import_release(tiny_esc50)
    before = contents(esc50.home())
    for row in sorted(tinyesc50.rows())[:5]:
        tinyesc50.write_clip(tiny_esc50 / "audio" / row[0], frames=3)
    path = tiny_esc50 if given == "folder" else zipped(tiny_esc50, tmp_path / "release.zip")
    with pytest.raises(
        DataError, match=r"is not ESC-50 as released, nothing was changed: .* \(and 2 more\)$"
    ) as caught:
        esc50_release.import_release(path)
    assert str(path) in str(caught.value) and ".import-" not in str(caught.value)
    assert contents(esc50.home()) == before and list(esc50.home().parent.iterdir()) == [esc50.home()]


def test_what_holds_no_release_or_several(tiny_esc50: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no ESC-50 release"):
        esc50_release.import_release(tmp_path / "empty")
    shutil.copytree(tiny_esc50 / "meta", tiny_esc50.parent / "second" / "meta")
    with pytest.raises(DataError, match="holds 2 ESC-50 releases: give the folder or the zip of one"):
        esc50_release.import_release(tiny_esc50.parent)
    (tmp_path / "broken.zip").write_text("no zip")
    with pytest.raises(DataError, match=r"broken\.zip is not a zip"):
        esc50_release.import_release(tmp_path / "broken.zip")
    with pytest.raises(esc50.MissingDatasetError, match=r"nothing at .*gone: give the folder or the zip"):
        esc50_release.import_release(tmp_path / "gone")
    assert not any(esc50.home().parent.iterdir())


def test_a_place_that_cannot_be_written(tiny_esc50: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError, match=r"cannot write .*file/place"):
        esc50_release.import_release(tiny_esc50, tmp_path / "file" / "place")


@pytest.fixture
def published(tiny_esc50: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets the release be fetched; the addresses that were."""
    archive = zipped(tiny_esc50, tmp_path / "published.zip")
    asked = []

    def download(url: str, target: Path, **settings: object) -> None:
        asked.append(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(archive, target)

    monkeypatch.setattr(esc50_release, "download", download)
    return asked


def test_the_release_is_fetched_once(published: list[str], tiny_esc50: Path) -> None:
    assert esc50_release.fetch_release() == esc50.home()
    assert contents(esc50.home()) == contents(tiny_esc50)
    assert list(esc50.home().parent.iterdir()) == [esc50.home()]
    esc50_release.fetch_release()
    assert published == [f"https://github.com/karolpiczak/ESC-50/archive/{esc50_release.COMMIT}.zip"]


def test_a_damaged_release_is_fetched_again(published: list[str]) -> None:
    esc50_release.fetch_release()
    next((esc50.home() / "audio").iterdir()).unlink()
    esc50_release.fetch_release()
    assert len(published) == 2 and esc50_release.verify() == []


def test_an_archive_that_is_not_esc50_is_discarded(published: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esc50_release, "CSV_SHA256", "0" * 64)
    with pytest.raises(DataError, match="is not ESC-50 as released"):
        esc50_release.fetch_release()
    assert not any(esc50.home().parent.iterdir())


def test_an_archive_for_which_there_is_no_room_is_kept(published: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
        with pytest.raises(RefusedError, match="has 0 left: make room first"):
            esc50_release.fetch_release()
    esc50_release.fetch_release()
    assert len(published) == 1 and esc50_release.verify() == []


# --- the real one -----------------------------------------------------------------------------------------------------


def test_the_real_release_is_whole(esc50_root: Path) -> None:
    if not (esc50_root / "audio" / "1-100032-A-0.wav").is_file():
        pytest.skip("HUBBUB_ESC50 has no WAV files, it is not laid out as the release")
    assert esc50_release.verify(esc50_root) == []
