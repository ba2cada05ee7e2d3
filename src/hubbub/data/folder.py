"""A folder of anyone's own recordings as a dataset; names are read, sounds are not opened.

Two layouts. A folder of folders, `LABEL/.../sound.wav`: the first folder names the class (a sound that lies in the
folder itself has the folder's own name as its class). Or a table, see `hubbub.data.folder_table`, with the columns
`file_name` and `label`, and, where known, `recording` and `fold`. Spaces around a label are not part of it.

What was cut from one recording is told by the table or by the names, see `hubbub.data.recordings`.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from hubbub.audio import MissingAudioError
from hubbub.data import esc50, folder_table, recordings
from hubbub.data.clip_table import as_text, read_clips, require_inside
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import DataError, UsageError
from hubbub.formatting import count, listing, printable
from hubbub.soundfiles import find
from hubbub.storage import TableRow
from hubbub.types import Log

_REMEDY = "correct the table"
_PART = re.compile(r"(train|training|test|testing|val|valid|validation|dev|eval|fold[ _-]?\d+)", re.IGNORECASE)


def load(folder: Path) -> Dataset:
    """The sounds in a folder.

    A clip's id is its path inside the folder, with forward slashes; bytes that are no text are written as escapes.

    Args:
        folder: that exists.

    Raises:
        MissingAudioError: there is no sound in it, or it cannot be listed.
        DataError: the table is damaged; the message names the line.
        UsageError: its folders are the parts of a split, not classes.
    """
    warnings: list[str] = []
    table = folder_table.find(folder)
    clips = _from_table(table, warnings.append) if table else _from_folders(folder, warnings.append)
    clips, grouped_by = recordings.assigned(clips)
    labels = tuple(sorted({clip.label for clip in clips}))
    return Dataset(
        name=_name(folder) or "root",
        title=f"The sounds in {as_text(folder)}",
        labels=labels,
        clips=tuple(sorted(clips, key=lambda clip: clip.id)),
        licence="that of its recordings",
        citation="none",
        source=f"the folder {as_text(folder)}",
        categories=esc50.categories(labels),
        grouped_by=grouped_by,
        warnings=(*warnings, *_alike(labels)),
    )


def _name(folder: Path) -> str:
    return as_text(Path(os.path.abspath(folder)).name).strip()  # noqa: PTH100  (a link keeps its name)


def _from_folders(folder: Path, log: Log) -> Sequence[Clip]:
    clips = []
    for path in find([folder], log):
        inside = path.relative_to(folder)
        label = as_text(inside.parts[0]).strip() if len(inside.parts) > 1 else _name(folder)
        if not label:
            raise DataError(f"the folder {str(path.parent)!r} names no class: rename it")
        clips.append(Clip(as_text(inside.as_posix()), path, label, group=""))
    _require_classes(folder, clips)
    return clips


def _require_classes(folder: Path, clips: Iterable[Clip]) -> None:
    """Refuse the parts of a split as classes, but not a class "train" among others."""
    labels = {clip.label for clip in clips}
    parts = sorted(filter(_PART.fullmatch, labels))
    nested = any(clip.id.count("/") > 1 for clip in clips)
    if len(parts) > 1 or (len(parts) == len(labels) and nested):
        example = folder / parts[0]
        raise UsageError(
            f"{folder} has {listing(parts)}, which are parts of a split, not classes: give one of them ({example}), "
            f"or write {folder / folder_table.NAMES[0]} with the columns {folder_table.COLUMNS}"
        )


def _from_table(table: Path, log: Log) -> Sequence[Clip]:
    folder = table.parent
    clips = [clip for clip, _ in read_clips(table, folder_table.read(table), partial(_parsed, folder=folder), _REMEDY)]
    if not clips:
        raise DataError(f"{table} lists no sound; {_REMEDY}, or remove it and sort the sounds into folders")
    try:
        sounds = find([folder], log=lambda line: None)  # what is no sound by its name may be listed all the same
    except MissingAudioError:  # what is listed and missing is named when it is read
        return clips
    listed = {clip.path for clip in clips}
    if left_out := [path for path in sounds if path not in listed]:
        example = as_text(left_out[0].relative_to(folder))
        log(f"{count(len(left_out), 'sound file')} in {folder} not in {table.name}, such as {printable(example)}")
    return clips


def _parsed(row: TableRow, folder: Path) -> Clip:
    """One line of the table; raises ValueError for an impossible value."""
    label, fold, name = row["label"], row.get("fold"), row["file_name"]
    if not os.path.isfile(folder / name):  # noqa: PTH113  (Path.is_file raises for a name that is too long)
        name = name.strip()
    if not name or not label:
        raise ValueError("has no file_name or no label")
    if "\n" in label or "\r" in label:
        raise ValueError(f"has the label {label[:40]!r}, which goes over several lines: a quote is not closed")
    require_inside(name)
    inside = PurePosixPath(name)
    if fold and not re.fullmatch(r"0*[1-9][0-9]{0,3}", fold, re.ASCII):
        raise ValueError(f"fold {fold!r} is not a whole number from 1")
    return Clip(str(inside), folder / inside, label, row.get("recording") or "", int(fold) if fold else None)


def _alike(labels: Iterable[str]) -> Iterator[str]:
    """A line for classes that one would take for one: alike but for case, underscores or how an accent is encoded."""
    same: dict[str, list[str]] = {}
    for label in labels:
        same.setdefault(unicodedata.normalize("NFKC", label).casefold().replace("_", " "), []).append(label)
    for names in same.values():
        if len(names) > 1:
            alike = listing([printable(name) for name in names])
            yield f"the classes {alike} look alike: if they are one, give them one name"
