"""Which files are meant: the sounds that paths, folders and patterns stand for. Nothing is opened here."""

import glob
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from hubbub.audio import MissingAudioError
from hubbub.audio.source import require_path
from hubbub.formatting import count, listing, printable
from hubbub.types import Log

#: What `find` takes for a sound when it walks a folder, in lower case.
SUFFIXES = (
    *(".3gp", ".aac", ".aif", ".aifc", ".aiff", ".amr", ".au", ".avi", ".awb", ".caf", ".flac", ".m4a", ".m4b"),
    *(".m4v", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav"),
    *(".wave", ".webm", ".wma", ".wmv", ".wv"),
)

_MOST_NAMED = 5  # suffixes of files that are not read; what else there is, is counted together

_log = logging.getLogger(__name__)


def find(paths: Iterable[str | Path], log: Log | None = None) -> list[Path]:
    """The sound files that `paths` mean, in their order, none twice.

    A folder stands for all files below it that have one of `SUFFIXES`, sorted, without hidden ones. Links to folders
    are followed, each folder once, however many links lead to it. A file that is named is kept, whatever its suffix. A
    pattern (`*`, `?`, `[...]`, `**`) that no file literally bears as its name stands for what a shell would make of it.
    What matches nothing is kept, so that reading it reports the error.

    Args:
        paths: of files and folders, and patterns.
        log: hears a line for what is left out: files of a folder without one of `SUFFIXES`, folders within it that
            cannot be listed, files that are named more than once; None warns through `logging`.

    Raises:
        MissingAudioError: a folder holds no sound, or cannot be listed; a path is empty, or a URL.
    """
    warn = log or _log.warning
    unique: dict[Path, Path] = {}
    again: list[Path] = []
    for path in paths:
        require_path(path)
        for match in _expanded(Path(path)):
            if os.path.isdir(match):  # noqa: PTH112  (Path.is_dir raises where a parent is forbidden)
                for sound in _sounds(match, warn):
                    unique.setdefault(sound.absolute(), sound)
            elif unique.setdefault(match.absolute(), match) is not match:
                again.append(match)
    if again:
        many = count(len({path.absolute() for path in again}), "file")
        warn(f"{many} named more than once, {str(again[0])!r} first; heard once")
    return list(unique.values())


def _expanded(path: Path) -> list[Path]:
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return [path]
    return [Path(match) for match in sorted(glob.glob(str(path), recursive=True))] or [path]  # noqa: PTH207


def _sounds(folder: Path, warn: Log) -> list[Path]:
    files = sorted(_visible(folder, warn))
    sounds = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not sounds:
        raise MissingAudioError(f"no sound files in the folder {str(folder)!r}; hubbub looks for {' '.join(SUFFIXES)}")
    others = Counter(path.suffix.lower() for path in files if path.suffix.lower() not in SUFFIXES)
    if others:
        most = others.most_common(_MOST_NAMED)
        named = [count(many, f"{printable(suffix) or 'suffixless'} file") for suffix, many in most]
        more = others.total() - sum(many for _, many in most)
        warn(f"{listing(named + [f'{more:,} more'] * (more > 0))} not read in {str(folder)!r}")
    return sounds


def _visible(top: Path, warn: Log) -> Iterator[Path]:
    """The files below a folder that are not hidden. Links come last, so that a folder is walked by its own name."""
    folders, links = [top], list[Path]()
    walked = set()
    while folders or links:
        folder = (folders or links).pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in walked:
                continue
            walked.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            reason = f"cannot read {str(folder)!r}: {error.strerror}"
            if folder == top:
                raise MissingAudioError(f"{reason}; check the path and its permissions") from error
            warn(f"{reason}; left out")
            continue
        for entry in sorted(visible, key=lambda entry: entry.name, reverse=True):
            if not os.path.isdir(entry.path):  # noqa: PTH112  (as above)
                yield Path(entry.path)
            else:
                (links if entry.is_symlink() else folders).append(Path(entry.path))
