"""Clips from a table on disk, one a line, as ESC-50's, a folder's and augmented copies' tables list them."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from hubbub.data.dataset import Clip
from hubbub.errors import DataError
from hubbub.formatting import printable
from hubbub.storage import TableRow


def read_clips(
    path: Path, rows: Iterable[TableRow], parse: Callable[[TableRow], Clip], remedy: str
) -> list[tuple[Clip, TableRow]]:
    """The clips of a table, each with its row, in the table's order.

    Args:
        path: of the table.
        rows: of the table, as `hubbub.storage.read_csv` gives them.
        parse: makes a clip of a row; raises ValueError for an impossible one.
        remedy: what to do if the table is damaged; errors end with it.

    Raises DataError if a row is impossible, or an id comes twice; the message names the line.
    """
    clips: dict[str, tuple[Clip, TableRow]] = {}
    for row in rows:
        try:
            clip = parse(row)
            if clip.id in clips:
                raise ValueError(f"lists {printable(clip.id)} again")
        except ValueError as error:
            raise DataError(f"{path}, line {row.line}: {error}; {remedy}") from error
        clips[clip.id] = clip, row
    return list(clips.values())


def require_inside(name: str) -> None:
    """Raises ValueError unless `name` is a path, with forward slashes, that stays in the folder that it starts from."""
    path = PurePosixPath(name)
    if not path.name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"{name!r} lies outside the folder")


def as_text(name: str | Path) -> str:
    """A name as text that every file and page can hold; bytes that are none are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
