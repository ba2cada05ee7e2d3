"""The one way to write a file: whole or not at all. And where caches live.

A file is written beside its target under a temporary name, flushed to disk and renamed over it, so that an
interruption, a crash or a full disk leaves the old file as it was.
"""

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import platformdirs


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that becomes `path` only if the block ends without an error.

    Missing parent folders are made. Raises OSError as `open` does; `path` is then untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:40]}.{secrets.token_hex(6)}.part"  # cut: names may not exceed 255 bytes
    try:
        with temporary.open("xb") as handle:  # as `open` does, so that the umask decides on the permissions
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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


def write_with(path: Path, save: Callable[[Path], Any]) -> None:
    """Let a library that insists on a path write a file, and rename the result over `path`.

    `save` receives a temporary path with the same suffix in the same folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
        temporary = Path(folder) / path.name
        save(temporary)
        with temporary.open("r+b") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)


def cache_dir(name: str) -> Path:
    """Folder for files that can be made again: `$HUBBUB_CACHE/name`, else the platform's user cache."""
    root = os.environ.get("HUBBUB_CACHE") or platformdirs.user_cache_dir("hubbub", appauthor=False)
    return Path(root) / name


def data_dir(name: str) -> Path:
    """Folder for datasets that were fetched or imported: `$HUBBUB_DATA/name`, else the platform's user data."""
    root = os.environ.get("HUBBUB_DATA") or platformdirs.user_data_dir("hubbub", appauthor=False)
    return Path(root) / name


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
