"""The one way to write a file: whole or not at all; how tables and JSON are read; and where caches live.

A file is written into a temporary folder beside its target, flushed to disk and renamed over it, so that an
interruption, a crash or a full disk leaves the old file as it was. Such a folder is locked (flock) as long as its
writer lives, so that what a killed process left can be told and swept: by the next one that writes there.
"""

import contextlib
import csv
import hashlib
import io
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import platformdirs

from hubbub.errors import DataError

if sys.platform != "win32":  # where what was left is not swept
    import fcntl

_TEMPORARY = ".hubbub-part-"
_log = logging.getLogger(__name__)
_swept: set[Path] = set()  # folders that were swept before the first write to them
_uncached: set[Path] = set()  # folders that a warning has named


@contextlib.contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new hidden folder in `parent`, which must be there, until the block ends, however it does.

    A process that is killed leaves it to `sweep_leftovers`, with all that is in it: nothing belongs there that cannot
    be made again. Raises OSError if it cannot be made.
    """
    with contextlib.ExitStack() as stack:
        folder: Path | None = None
        while folder is None or not folder.exists():  # a sweep may come between making and locking it
            made = tempfile.TemporaryDirectory(dir=parent, prefix=_TEMPORARY, ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(made))
            stack.enter_context(_locked(folder, wait=True))
        yield folder


def sweep_leftovers(folder: Path) -> None:
    """Remove what killed processes left in `folder`: each `temporary_folder` whose maker no longer runs.

    Whatever writes a file into a folder sweeps it first, once a process.

    Nothing is done, and nothing raised, where the folder or its files cannot be read, locked or removed.
    """
    for leftover in folder.glob(f"{_TEMPORARY}*/"):
        with contextlib.suppress(OSError), _locked(leftover, wait=False) as abandoned:
            if abandoned and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, wait: bool) -> Iterator[bool]:
    """Hold a folder's lock for the block, if the system has locks: whether it was to be had."""
    if sys.platform == "win32":
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        locked = True
    except OSError:  # held by another, or a file system without locks
        locked = False
    try:
        yield locked
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A path for the block to write to, with the name of `path`, which it becomes if the block ends without an error.

    An OSError that names no file, or the temporary one, gets the name of `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent not in _swept:
            _swept.add(path.parent)
            sweep_leftovers(path.parent)
        with temporary_folder(path.parent) as folder:
            part = folder / path.name
            yield part
            with part.open("r+b") as handle:
                os.fsync(handle.fileno())
            part.replace(path)
    except OSError as error:
        if error.filename is None or _TEMPORARY in str(error.filename):
            error.filename, error.filename2 = str(path), None
        raise


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that becomes `path` only if the block ends without an error.

    Missing parent folders are made. Raises OSError as `open` does, with a `filename`; `path` is then untouched.
    """
    with _replaced(Path(path)) as part, part.open("xb") as handle:  # as `open` does: the umask decides on permissions
        yield handle


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_writer(path) as handle:
        handle.write(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is missing or damaged ({error}): run it again") from error


class Table(NamedTuple):
    """A CSV file: its header, its rows, all as long as the header, and the line on which each row ends, from 1."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]


class TableRow(dict[str, str]):
    """A row of a CSV file by column, and the `line` on which it ends, from 1."""

    line: int = 0


def read_table(path: Path, remedy: str = "make it again") -> Table:
    """Read a CSV file in UTF-8.

    A byte order mark, CRLF line ends and blank lines are no matter. A quote that is not closed, or a row with more or
    fewer fields than the header, is an error, since part of the table would be lost or misread.

    Raises DataError if the file cannot be read; the message names the line and ends with `remedy`.
    """
    table = Table([], [], [])
    lines = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle, strict=True)
            for row in reader:
                lines = reader.line_num
                if not row:
                    continue
                if not table.header:
                    table.header.extend(row)
                    continue
                if len(row) != len(table.header):
                    raise ValueError(f"has {len(row)} fields, the header {len(table.header)}")
                table.rows.append(row)
                table.lines.append(lines)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); {remedy}") from error
    except (ValueError, csv.Error) as error:  # a UnicodeDecodeError is a ValueError
        line = lines if str(error).startswith("has ") else lines + 1
        raise DataError(f"{path}, line {line}: {error}; {remedy}") from error
    if not table.header:
        raise DataError(f"{path} is empty; {remedy}")
    return table


def read_csv(path: Path, columns: Sequence[str] = (), remedy: str = "make it again") -> list[TableRow]:
    """The rows of a CSV file by column, see `read_table`.

    Raises DataError also if one of `columns` is missing.
    """
    table = read_table(path, remedy)
    if missing := [name for name in columns if name not in table.header]:
        raise DataError(f"{path}, line 1: has no column {' and '.join(missing)}; {remedy}")
    rows = [TableRow(zip(table.header, row, strict=True)) for row in table.rows]
    for row, line in zip(rows, table.lines, strict=True):
        row.line = line
    return rows


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a CSV file with Unix line ends, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_with(path: Path, save: Callable[[Path], Any]) -> None:
    """Let a library that insists on a path write a file, and rename the result over `path`.

    `save` receives a temporary path with the same name. Raises OSError with a `filename`; `path` is then untouched.
    """
    with _replaced(Path(path)) as part:
        save(part)


def write_cache(path: Path, save: Callable[[Path], Any]) -> bool:
    """`write_with` for a file that can be made again: whether it was written.

    A cache that is full, read-only or not there is no reason to stop: a warning, once for each folder, names the folder
    and the variable.
    """
    try:
        write_with(path, save)
    except OSError as error:
        if path.parent not in _uncached:
            _uncached.add(path.parent)
            reason = error.strerror or error
            _log.warning(
                "nothing is cached in %s (%s); set HUBBUB_CACHE to a folder that can be written", path.parent, reason
            )
        return False
    return True


def cache_dir(name: str) -> Path:
    """Folder for files that can be made again: `$HUBBUB_CACHE/name`, else the platform's user cache."""
    return _user_folder("HUBBUB_CACHE", platformdirs.user_cache_dir, "/.cache/hubbub") / name


def data_dir(name: str) -> Path:
    """Folder for datasets that were fetched or imported: `$HUBBUB_DATA/name`, else the platform's user data."""
    return _user_folder("HUBBUB_DATA", platformdirs.user_data_dir, "/.local/share/hubbub") / name


def _user_folder(variable: str, usual: Callable[..., str], homeless: str) -> Path:
    """The folder that an environment variable names, or the usual one of the platform.

    A user without a home, as in many containers, is at home in `/`, where little can be written; errors name the path.
    """
    if named := os.environ.get(variable):
        return Path(named)
    try:
        folder = Path(usual("hubbub", appauthor=False))
    except RuntimeError:  # newer platformdirs; older ones leave "~" as it is
        return Path(homeless)
    return folder if folder.is_absolute() else Path(homeless)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest(*parts: bytes | str) -> str:
    """A 16-digit hexadecimal name for some content; parts are kept apart, so ("ab", "c") differs from ("a", "bc").

    >>> digest("ab", "c") != digest("a", "bc")
    True
    """
    hasher = hashlib.sha256()
    for part in parts:
        raw = part.encode(errors="surrogateescape") if isinstance(part, str) else part  # a path may hold any byte
        hasher.update(len(raw).to_bytes(8, "big"))
        hasher.update(raw)
    return hasher.hexdigest()[:16]
