import contextlib
import csv
import hashlib
import importlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hubbub import storage
from hubbub.errors import DataError

WRITERS: dict[str, Callable[[Path], None]] = {
    "write_bytes": lambda path: storage.write_bytes(path, b"new"),
    "write_text": lambda path: storage.write_text(path, "new"),
    "write_json": lambda path: storage.write_json(path, "new"),
    "write_with": lambda path: storage.write_with(path, lambda part: part.write_bytes(b"new")),
}


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_file_is_made_with_its_folders_and_nothing_else(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "a" / "b" / "x.txt")
    assert b"new" in (tmp_path / "a" / "b" / "x.txt").read_bytes()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x.txt"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_an_existing_file_is_replaced_not_changed(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"old and longer")
    os.link(path, tmp_path / "other")
    write(path)
    assert b"old" not in path.read_bytes()
    assert (tmp_path / "other").read_bytes() == b"old and longer"  # another name of the old file still has it whole


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], step: str
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail) if step == "fsync" else monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt("broken"), SystemExit("broken")])
def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"old")

    def save(part: Path) -> None:
        part.write_bytes(b"half")
        raise error

    with pytest.raises(type(error), match="broken"), storage.atomic_writer(path) as handle:
        handle.write(b"half")
        handle.flush()
        assert path.read_bytes() == b"old"
        raise error
    with pytest.raises(type(error), match="broken"):
        storage.write_with(path, save)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"old")
    with pytest.raises(UnicodeEncodeError, match="surrogates"):
        storage.write_text(path, "\udcff")
    with pytest.raises(TypeError, match="not JSON serializable"):
        storage.write_json(path, {"a": object()})
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "x" / "kept").mkdir(parents=True)
    with pytest.raises(OSError, match="x"):
        storage.write_bytes(tmp_path / "x", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"] and (tmp_path / "x" / "kept").is_dir()


@pytest.mark.skipif(os.name == "nt", reason="no permissions of that kind")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_permissions_are_those_of_an_ordinary_file(
    tmp_path: Path, write: Callable[[Path], None], mask: int, mode: int
) -> None:
    with umask(mask):
        write(tmp_path / "x.txt")
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == mode


def test_permissions_are_never_wider_than_the_umask(tmp_path: Path) -> None:
    with umask(0o077), storage.atomic_writer(tmp_path / "secret") as handle:
        (part,) = tmp_path.glob(".hubbub-part-*/secret")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert stat.S_IMODE(part.parent.stat().st_mode) == 0o700
        handle.write(b"new")


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127], ids=["ascii", "two bytes a letter"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_the_longest_name_of_a_file_system(tmp_path: Path, write: Callable[[Path], None], name: str) -> None:
    write(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_two_writers_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with storage.atomic_writer(path) as first, storage.atomic_writer(path) as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"  # whose block ended last


def test_write_with_keeps_the_suffix(tmp_path: Path) -> None:
    storage.write_with(tmp_path / "x.npy", lambda part: np.save(part, np.arange(3)))
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), [0, 1, 2])
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_write_with_fails_where_nothing_was_saved(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(FileNotFoundError, match="x"):
        storage.write_with(tmp_path / "x", lambda part: None)
    assert (tmp_path / "x").read_bytes() == b"old"


def test_text_is_utf8_with_unix_lines_everywhere(tmp_path: Path) -> None:
    storage.write_text(tmp_path / "x", "Hütte\nδ\n")
    assert (tmp_path / "x").read_bytes() == b"H\xc3\xbctte\n\xce\xb4\n"


def test_json_is_readable(tmp_path: Path) -> None:
    content = {"b": [1, 2.5, None, True], "a": "Hütte"}
    storage.write_json(tmp_path / "x", content)
    text = (tmp_path / "x").read_text(encoding="utf-8")
    assert json.loads(text) == content and list(json.loads(text)) == ["b", "a"]
    assert "Hütte" in text and text.endswith("}\n")


# --- what goes wrong while writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("kind", [OSError, PermissionError])
def test_an_error_names_the_file_that_was_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], kind: type[OSError]
) -> None:
    def fail(*_: object) -> None:
        raise kind(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind) as caught:
        write(tmp_path / "x.txt")
    assert (caught.value.filename, caught.value.strerror) == (str(tmp_path / "x.txt"), "No space left on device")


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_an_error_never_names_the_temporary_file(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder") as caught:
        write(tmp_path / "folder")
    assert caught.value.filename == str(tmp_path / "folder") and ".hubbub" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file in place of the folder")
    for name in ("a.npy", "b.npy"):
        assert not storage.write_cache(tmp_path / "cache" / name, lambda part: part.write_bytes(b"x"))
    assert storage.write_cache(tmp_path / "good" / "a.npy", lambda part: part.write_bytes(b"x"))
    (message,) = caplog.messages
    assert str(tmp_path / "cache") in message and "HUBBUB_CACHE" in message


# --- what killed processes left ---------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from hubbub import storage
with storage.temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="no locks of that kind")
def test_what_a_killed_process_left_is_swept_and_a_live_one_keeps_its_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    (left,) = tmp_path.glob(".hubbub-part-*")
    with storage.temporary_folder(tmp_path) as own:
        (own / "mine").touch()
        storage.sweep_leftovers(tmp_path)
        assert not left.exists() and (own / "mine").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no locks of that kind")
def test_the_next_writer_sweeps_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".hubbub-part-abandoned" / "deep").mkdir(parents=True)
    (tmp_path / ".part-of-somebody-else").mkdir()
    storage.write_text(tmp_path / "x", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".part-of-somebody-else", "x"]


@pytest.mark.skipif(os.name == "nt", reason="no locks of that kind")
@pytest.mark.parametrize(("module", "step"), [("os", "open"), ("fcntl", "flock")])
def test_a_sweep_just_before_a_folder_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, step: str
) -> None:
    taken = importlib.import_module(module)
    original = getattr(taken, step)

    def swept_first(*arguments: object) -> object:
        monkeypatch.setattr(taken, step, original)
        assert len(list(tmp_path.iterdir())) == 1
        storage.sweep_leftovers(tmp_path)
        assert len(list(tmp_path.iterdir())) == 0
        return original(*arguments)

    monkeypatch.setattr(taken, step, swept_first)
    with storage.temporary_folder(tmp_path) as folder:
        (folder / "mine").touch()
        storage.sweep_leftovers(tmp_path)
        assert (folder / "mine").exists()
    assert list(tmp_path.iterdir()) == []


def test_sweeping_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    storage.sweep_leftovers(tmp_path / "gone")
    storage.sweep_leftovers(tmp_path / "file")


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "variable"), [(storage.cache_dir, "HUBBUB_CACHE"), (storage.data_dir, "HUBBUB_DATA")]
)
def test_folders_follow_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: Callable[[str], Path], variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "mine"))
    assert function("logmel") == tmp_path / "mine" / "logmel"
    assert not (tmp_path / "mine").exists()  # asking makes nothing
    monkeypatch.setenv(variable, "")
    platform = function("logmel")
    monkeypatch.delenv(variable)
    assert function("logmel") == platform
    assert platform.is_absolute() and platform.name == "logmel" and "hubbub" in platform.parts


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
def test_without_a_home_the_root_is_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "HUBBUB_CACHE", "HUBBUB_DATA", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # as in a container: a user that no file knows
    assert storage.cache_dir("x").is_absolute() and storage.data_dir("x").is_absolute()


def test_the_cache_and_the_data_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBBUB_CACHE", raising=False)
    monkeypatch.delenv("HUBBUB_DATA", raising=False)
    assert storage.cache_dir("x") != storage.data_dir("x")


# --- digests ----------------------------------------------------------------------------------------------------------


def test_file_sha256_is_the_published_test_vector(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert storage.file_sha256(tmp_path / "abc") == expected


def test_a_digest_is_of_lengths_and_parts() -> None:
    framed = b"\0\0\0\0\0\0\0\2ab" + b"\0\0\0\0\0\0\0\3\xc3\xbcc"
    assert storage.digest("ab", "üc") == hashlib.sha256(framed).hexdigest()[:16]
    assert storage.digest("ab", "üc".encode()) == storage.digest("ab", "üc")


def test_digests_keep_parts_apart() -> None:
    cuts = [("abc",), ("ab", "c"), ("a", "bc"), ("a", "b", "c"), ("", "abc"), ("abc", "")]
    assert len({storage.digest(*parts) for parts in cuts}) == len(cuts)


# --- tables -----------------------------------------------------------------------------------------------------------


def test_a_table_reads_as_the_csv_module_reads_it(tmp_path: Path) -> None:
    rows = [[1, 'say "x", y'], ["two\nlines", ""]]
    storage.write_csv(tmp_path / "x.csv", ["a", "b"], rows)
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as handle:
        assert list(csv.reader(handle)) == [["a", "b"], ["1", 'say "x", y'], ["two\nlines", ""]]
    found = storage.read_csv(tmp_path / "x.csv")
    assert found == [{"a": "1", "b": 'say "x", y'}, {"a": "two\nlines", "b": ""}]
    assert [row.line for row in found] == [2, 4]


def test_byte_order_mark_crlf_and_blank_lines_are_no_matter(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n\r\n1,2\r\n\r\n3,4\r\n")
    assert storage.read_csv(tmp_path / "x.csv", ("a",)) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n1\n", "line 2: has 1 fields, the header 2"),
        (b"a,b\n1,2\n\n1,2,3\n", "line 4: has 3 fields, the header 2"),
        (b"a,b\n1,\xff\n", "codec can't decode"),
        (b'a,b\n1,"2\n3,4\n', "line .*unexpected end"),
        (b'a,b\n1,"2"x\n', "line 2: .*expected after"),
        (b"b\n1\n", "line 1: has no column a"),
    ],
)
def test_a_damaged_table_names_the_line(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"x\.csv.*{match}.*; mend it"):
        storage.read_csv(tmp_path / "x.csv", ("a",), "mend it")


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.csv cannot be read \(No such file.*\); mend it"):
        storage.read_csv(tmp_path / "x.csv", remedy="mend it")
