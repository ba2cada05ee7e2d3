"""A folder of anyone's own recordings as a dataset; names are read, sounds are not opened.

Two layouts. A folder of folders, `LABEL/.../sound.wav`: the first folder names the class (a sound that lies in the
folder itself has the folder's own name as its class). Or a table `metadata.csv`, as the AudioFolder of Hugging Face
has it, with the columns `file_name` and `label`, and, where known, `recording` and `fold`.
"""

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import DataError
from hubbub.soundfiles import find

TABLE = "metadata.csv"
NEEDED = ("file_name", "label")
#: Names of ESC-50's clips, `fold-source-take-class`: they tell the source recording wherever they lie.
_ESC50_NAME = re.compile(r"\d-(\d+)-[A-Z]-\d+")


def load(folder: Path) -> Dataset:
    """The sounds in a folder.

    A clip's id is its path inside the folder, with forward slashes; bytes that are no text are written as escapes. Its
    source recording is what the table says, else the one that a name of ESC-50 tells, else the clip itself.

    Args:
        folder: that exists.

    Raises:
        MissingAudioError: there is no sound in it, or a folder cannot be listed.
        DataError: the table is damaged; the message names the line.
    """
    clips = list(_listed(folder) if (folder / TABLE).is_file() else _found(folder))
    return Dataset(
        name=_text(Path(os.path.abspath(folder)).name) or "root",  # noqa: PTH100  (a link keeps its name)
        title=f"The sounds in {_text(folder)}",
        labels=tuple(sorted({clip.label for clip in clips})),
        clips=tuple(sorted(clips, key=lambda clip: clip.id)),
        licence="that of its recordings",
        citation="none",
        source=f"the folder {_text(folder)}",
    )


def recording(name: str) -> str | None:
    """The source recording that a file name in ESC-50's pattern tells, whatever its suffix.

    >>> recording("dog/1-100032-A-0.flac"), recording("rex.wav")
    ('100032', None)
    """
    found = _ESC50_NAME.fullmatch(PurePosixPath(name).stem)
    return found[1] if found else None


def _found(folder: Path) -> Iterator[Clip]:
    home = _text(Path(os.path.abspath(folder)).name)  # noqa: PTH100
    for path in find([folder]):
        inside = path.relative_to(folder)
        name = _text(inside.as_posix())
        yield Clip(name, path, _text(inside.parts[0]) if len(inside.parts) > 1 else home, recording(name) or name)


def _listed(folder: Path) -> Iterator[Clip]:
    table = folder / TABLE
    with table.open(newline="", encoding="utf-8-sig") as handle:
        rows = csv.DictReader(handle)
        seen: set[str] = set()
        try:
            if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
                raise ValueError(f"has no column {' and '.join(missing)}")
            for row in rows:
                clip = _parsed(row, folder)
                if clip.id in seen:
                    raise ValueError(f"lists {clip.id} again")
                seen.add(clip.id)
                yield clip
        except (ValueError, csv.Error) as error:
            raise DataError(f"{table}, line {rows.line_num}: {error}; correct the table") from error
    if not seen:
        raise DataError(f"{table} lists no sound; correct the table, or remove it and sort the sounds into folders")


def _parsed(row: dict[str, str], folder: Path) -> Clip:
    name, label, fold = row["file_name"], row["label"], row.get("fold") or None
    if not name or not label:
        raise ValueError("has no file_name or no label")
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        raise ValueError(f"{name!r} lies outside the folder")
    if fold is not None and not (fold.isdigit() and int(fold) > 0):
        raise ValueError(f"fold {fold!r} is not a whole number from 1")
    clip = str(inside)
    group = row.get("recording") or recording(clip) or clip
    return Clip(clip, folder / inside, label, group, int(fold) if fold else None)


def _text(name: str | Path) -> str:
    """A name as text that every file and page can hold."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
