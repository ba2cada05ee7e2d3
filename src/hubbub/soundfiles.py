"""Which files are meant: the sounds that paths, folders and patterns stand for. Nothing is opened here."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hubbub.audio import MissingAudioError

#: What `find` takes for a sound when it walks a folder, in lower case.
SUFFIXES = (
    *(".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg"),
    *(".opus", ".rf64", ".w64", ".wav", ".wave"),
)


def find(paths: Iterable[str | Path]) -> list[Path]:
    """The sound files that `paths` mean, in their order, none twice.

    A folder stands for all files below it that have one of `SUFFIXES`, sorted, without hidden ones. A file that is
    named is kept, whatever its suffix. A pattern (`*`, `?`, `[...]`, `**`) that no file literally bears as its name
    stands for what a shell would make of it. What matches nothing is kept, so that reading it reports the error.

    Raises:
        MissingAudioError: a folder holds no sound, or cannot be listed.
    """
    unique: dict[Path, Path] = {}
    for path in paths:
        for named in _expanded(Path(path)):
            for sound in _within(named):
                unique.setdefault(sound.absolute(), sound)
    return list(unique.values())


def _expanded(path: Path) -> list[Path]:
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return [path]
    return [Path(match) for match in sorted(glob.glob(str(path), recursive=True))] or [path]  # noqa: PTH207


def _within(path: Path) -> list[Path]:
    if not os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises where a parent is forbidden)
        return [path]
    sounds = sorted(name for name in _visible(path) if name.suffix.lower() in SUFFIXES)
    if not sounds:
        raise MissingAudioError(f"no sound files in the folder {str(path)!r}; hubbub looks for {' '.join(SUFFIXES)}")
    return sounds


def _visible(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise MissingAudioError(
            f"cannot read {str(error.filename)!r}: {error.strerror}; check the path and its permissions"
        ) from error

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in files if not name.startswith("."))
