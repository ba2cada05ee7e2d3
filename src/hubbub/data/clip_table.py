"""Clips from a table on disk, one a line, as ESC-50's, a folder's and augmented copies' tables list them."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from hubbub.data.dataset import Clip
from hubbub.errors import DataError
from hubbub.storage import TableRow, read_csv


def read_clips(
    path: Path, columns: Sequence[str], parse: Callable[[TableRow], Clip], remedy: str
) -> list[tuple[Clip, TableRow]]:
    """The clips of a table, each with its row, in the table's order.

    Args:
        path: a CSV file, see `hubbub.storage.read_csv`.
        columns: that it must have.
        parse: makes a clip of a row; raises ValueError for an impossible one.
        remedy: what to do if the table is damaged; errors end with it.

    Raises DataError if the table cannot be read, a row is impossible, or an id comes twice; the message names the line.
    """
    clips: dict[str, tuple[Clip, TableRow]] = {}
    for row in read_csv(path, columns, remedy):
        try:
            clip = parse(row)
            if clip.id in clips:
                raise ValueError(f"lists {clip.id} again")
        except ValueError as error:
            raise DataError(f"{path}, line {row.line}: {error}; {remedy}") from error
        clips[clip.id] = clip, row
    return list(clips.values())


def require_inside(name: str) -> None:
    """Raises ValueError unless `name` is a path, with forward slashes, that stays in the folder that it starts from."""
    path = PurePosixPath(name)
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} lies outside the folder")
