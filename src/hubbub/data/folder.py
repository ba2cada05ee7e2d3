"""A folder of anyone's own recordings as a dataset; names are read, sounds are not opened.

Two layouts. A folder of folders, `LABEL/.../sound.wav`: the first folder names the class (a sound that lies in the
folder itself has the folder's own name as its class). Or a table `metadata.csv`, as the AudioFolder of Hugging Face
has it, with the columns `file_name` and `label`, and, where known, `recording` and `fold`.
"""

import os
from functools import partial
from pathlib import Path, PurePosixPath

from hubbub.data import esc50
from hubbub.data.clip_table import read_clips, require_inside
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import DataError
from hubbub.soundfiles import find
from hubbub.storage import TableRow

TABLE = "metadata.csv"
NEEDED = ("file_name", "label")
_REMEDY = "correct the table"


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
    clips = _from_table(folder) if (folder / TABLE).is_file() else _from_folders(folder)
    labels = tuple(sorted({clip.label for clip in clips}))
    return Dataset(
        name=_text(Path(os.path.abspath(folder)).name) or "root",  # noqa: PTH100  (a link keeps its name)
        title=f"The sounds in {_text(folder)}",
        labels=labels,
        clips=tuple(sorted(clips, key=lambda clip: clip.id)),
        licence="that of its recordings",
        citation="none",
        source=f"the folder {_text(folder)}",
        categories=esc50.categories(labels),
    )


def _from_folders(folder: Path) -> list[Clip]:
    own_name = _text(Path(os.path.abspath(folder)).name)  # noqa: PTH100
    clips = []
    for path in find([folder]):
        inside = path.relative_to(folder)
        name = _text(inside.as_posix())
        label = _text(inside.parts[0]) if len(inside.parts) > 1 else own_name
        clips.append(Clip(name, path, label, _recording(name)))
    return clips


def _from_table(folder: Path) -> list[Clip]:
    clips = [clip for clip, _ in read_clips(folder / TABLE, NEEDED, partial(_parsed, folder=folder), _REMEDY)]
    if not clips:
        raise DataError(f"{folder / TABLE} lists no sound; {_REMEDY}, or remove it and sort the sounds into folders")
    return clips


def _parsed(row: TableRow, folder: Path) -> Clip:
    """One line of the table; raises ValueError for an impossible value."""
    name, label, fold = row["file_name"], row["label"], row.get("fold")
    if not name or not label:
        raise ValueError("has no file_name or no label")
    require_inside(name)
    inside = PurePosixPath(name)
    if fold and not (fold.isdigit() and int(fold) > 0):
        raise ValueError(f"fold {fold!r} is not a whole number from 1")
    recording = row.get("recording") or _recording(str(inside))
    return Clip(str(inside), folder / inside, label, recording, int(fold) if fold else None)


def _recording(name: str) -> str:
    """The source recording that a name of ESC-50 tells; any other sound is a recording of its own."""
    parts = esc50.parse_name(name)
    return parts.recording if parts else name


def _text(name: str | Path) -> str:
    """A name as text that every file and page can hold."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
