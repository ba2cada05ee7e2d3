import errno
import os
import shutil
import stat
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hubbub.data.archive import copy_files, put_folder, unpack
from hubbub.errors import DataError, RefusedError

CONTENT = np.random.default_rng(0).bytes(100_000)


# --- unpack -----------------------------------------------------------------------------------------------------------


def zipped(path: Path, members: dict[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as bundle, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's about names that occur twice
        for name, content in members.items():
            bundle.writestr(name, content)
    return path


def assert_refused(archive: Path, match: str, error: type[Exception] = DataError, **settings: int) -> None:
    """Nothing is unpacked, inside or outside."""
    folder = archive.parent / "deep" / "out"
    folder.parent.mkdir()
    with pytest.raises(error, match=match) as caught:
        unpack(archive, folder, **settings)
    assert str(archive) in str(caught.value)
    assert sorted(archive.parent.rglob("*")) == [archive, folder.parent]


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "a.zip", {"top/": b"", "top/a.txt": b"A", "top/ä b/c.txt": CONTENT}, zipfile.ZIP_DEFLATED
    )
    walked: list[str] = []

    def track(members: list[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
        for member in members:
            walked.append(member.filename)
            yield member

    unpack(archive, tmp_path / "new" / "out", track=track)  # type: ignore[arg-type]
    assert (tmp_path / "new/out/top/a.txt").read_bytes() == b"A"
    assert (tmp_path / "new/out/top/ä b/c.txt").read_bytes() == CONTENT
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "out"] and len(walked) == 3


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "..", "/x", "C:/x", "..\\x", "a//x", "./x", "../"],
)
def test_a_path_that_may_lead_outside(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {"fine": b"", name: b"x"})
    assert_refused(archive, "a path that may lead outside: it is not unpacked")


def test_a_name_with_a_hidden_end(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"fine_x": b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"fine_x", b"fine\0x"))
    assert_refused(archive, "a path that may lead outside")


def test_a_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert_refused(zipped(tmp_path / "a.zip", {link: b"/etc/passwd"}), "holds 'link', a link or device")


def test_an_encrypted_member(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"secret": b"x"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(raw)
    assert_refused(archive, "holds 'secret', which is encrypted")


def test_more_than_the_limit(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": bytes(6000), "b": bytes(6000)}, zipfile.ZIP_DEFLATED)
    assert_refused(archive, "holds 12,000 bytes, more than 10,000", limit=10_000)


def test_more_than_it_declares(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": bytes(12_000)}, zipfile.ZIP_DEFLATED)
    archive.write_bytes(archive.read_bytes().replace((12_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert_refused(archive, "a damaged one", limit=10_000)


def test_more_than_the_disk_has_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": bytes(6000)})
    usage = shutil.disk_usage(tmp_path)._replace(free=5999)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert_refused(archive, "holds 6,000 bytes, .* has 5,999 left: make room first", RefusedError)


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubbub.data.archive._MEMBERS", 2)
    assert_refused(zipped(tmp_path / "a.zip", {"a": b"", "b": b"", "c": b""}), "holds 3 files, more than 2")


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a/b"], ["a/b", "a"], ["n" * 300]])
def test_names_that_cannot_be_together(tmp_path: Path, names: list[str]) -> None:
    members: dict[str | zipfile.ZipInfo, bytes] = {zipfile.ZipInfo(name): b"" for name in names}
    assert_refused(zipped(tmp_path / "a.zip", members), "is damaged")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_changed_byte(tmp_path: Path, method: int) -> None:
    archive = zipped(tmp_path / "a.zip", {"fine": b"", "a": CONTENT}, method)
    raw = bytearray(archive.read_bytes())
    raw[50_000] ^= 255
    archive.write_bytes(raw)
    assert_refused(archive, "damaged")


@pytest.mark.parametrize("kept", [0, 10, 50_000, 100_099])
def test_a_zip_that_is_cut_off(tmp_path: Path, kept: int) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": CONTENT})
    archive.write_bytes(archive.read_bytes()[:kept])
    assert_refused(archive, "is not a zip, or a damaged one .* fetch or copy it again")


def test_a_full_disk_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = zipped(tmp_path / "a.zip", {"a": CONTENT})
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(RefusedError, match=r"cannot write .*No space left"):
        unpack(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [archive]


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": b""})
    (tmp_path / "out").mkdir()
    with pytest.raises(RefusedError, match="out exists already: remove it"):
        unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_no_such_archive(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"no file .*gone\.zip: check the path"):
        unpack(tmp_path / "gone.zip", tmp_path / "out")


# --- putting a folder in place ----------------------------------------------------------------------------------------


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    put_folder(tmp_path / "new", tmp_path / "old")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "old", tmp_path / "old" / "new"]
    put_folder(tmp_path / "old", tmp_path / "fresh")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "fresh", tmp_path / "fresh" / "new"]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept").touch()
    with pytest.raises(FileNotFoundError):
        put_folder(tmp_path / "new", tmp_path / "old")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "old", tmp_path / "old" / "kept"]


def test_what_a_killed_replacement_left_is_restored_or_removed(tmp_path: Path) -> None:
    def folder(name: str, content: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(content)
        return tmp_path / name

    for target_is_there in (True, False):  # killed after the new one was in place, or before
        folder(".target.old", "old")
        if target_is_there:
            folder("target", "middle")
        put_folder(folder("new", "new"), tmp_path / "target")
        assert [path.name for path in tmp_path.iterdir()] == ["target"]
        assert (tmp_path / "target" / "a.txt").read_text() == "new"
        (tmp_path / "target" / "a.txt").unlink()
        (tmp_path / "target").rmdir()


# --- copying ----------------------------------------------------------------------------------------------------------


def test_regular_files_are_copied(tmp_path: Path) -> None:
    (tmp_path / "from" / "sub").mkdir(parents=True)
    (tmp_path / "from" / "sub" / "a").write_bytes(b"12345")
    copy_files(tmp_path / "from", [Path("sub/a")], tmp_path / "to", limit=5)
    assert (tmp_path / "to" / "sub" / "a").read_bytes() == b"12345"
    with pytest.raises(DataError, match="holds 5 bytes, more than 4: nothing of it was taken"):
        copy_files(tmp_path / "from", [Path("sub/a")], tmp_path / "other", limit=4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes and links there")
@pytest.mark.parametrize("kind", ["link", "link to a device", "pipe", "behind a link"])
def test_links_and_devices_are_not_copied(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "from"
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "a").write_text("secret")
    source.mkdir()
    if kind == "behind a link":
        (source / "sub").symlink_to(tmp_path / "else")
    else:
        (source / "sub").mkdir()
    if kind == "pipe":
        os.mkfifo(source / "sub" / "a")
    elif kind != "behind a link":
        (source / "sub" / "a").symlink_to({"link": tmp_path / "else" / "a"}.get(kind, Path("/dev/zero")))
    with pytest.raises(DataError, match=r"sub/a is a link or device, not the file itself: copy it there first"):
        copy_files(source, [Path("sub/a")], tmp_path / "to")
    assert not (tmp_path / "to").exists()
