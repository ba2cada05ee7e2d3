"""Where the bytes of a sound come from: a path, the content itself, or an open file. Only regular files are opened."""

import contextlib
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

from hubbub.audio.errors import EmptyAudioError, MissingAudioError
from hubbub.errors import UsageError

Source: TypeAlias = str | Path | bytes | BinaryIO  #: of a sound file: its path, its content, or the open file

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # a Path has one slash left; a letter and a colon are a drive


@contextlib.contextmanager
def opened(source: Source) -> Iterator[io.FileIO | io.BytesIO]:
    """A file object that can seek, at its start. Raises MissingAudioError, EmptyAudioError and UsageError."""
    if isinstance(source, str | Path):
        require_path(source)
        with _regular(Path(source)) as file:
            yield file
        return
    content = source if isinstance(source, bytes) else source.read()
    if not isinstance(content, bytes):
        raise UsageError(f"{shown(source)} gives text, not bytes; open it in binary mode")
    if not content:
        raise EmptyAudioError(f"{shown(source)} is empty (0 bytes); record or fetch it again")
    yield io.BytesIO(content)


def require_path(path: str | Path) -> None:
    """Raise MissingAudioError for what is no path of this machine: nothing, or a URL."""
    if not str(path):
        raise MissingAudioError("'' is no path; give the path of a file or a folder")
    if _URL.match(str(path)) and not os.path.lexists(path):
        raise MissingAudioError(f"{shown(path)} is a URL, and URLs are not fetched; download it, and give its path")


def shown(source: Source) -> str:
    """What a message calls a file: one line, and printable, whatever its name holds."""
    if isinstance(source, bytes):
        return "<bytes>"
    path = source if isinstance(source, str | Path) else getattr(source, "name", None)
    if not isinstance(path, str | Path):
        return "<file object>"
    url = _URL.match(str(path)) if isinstance(path, Path) else None
    return repr(f"{url[0]}/{str(path)[url.end() :]}" if url else str(path))


def _regular(path: Path) -> io.FileIO:
    """The open file, unbuffered: libsndfile reads by its descriptor."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):  # opening anything else could hang
            file = path.open("rb", 0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingAudioError(f"cannot read {shown(path)}: {reason}; check the path and its permissions") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or device"
        raise MissingAudioError(f"{shown(path)} is a {kind}, not a sound file; give the path of a file")
    if not status.st_size:
        file.close()
        raise EmptyAudioError(f"{shown(path)} is empty (0 bytes); record or fetch it again")
    return file
