"""Files from elsewhere: download with resume, unpack a zip that nobody vouches for, put a folder in place.

Nothing here knows sound, so that training, which runs where there is no sound library, can fetch weights.
"""

import contextlib
import errno
import json
import lzma
import os
import re
import shutil
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from hubbub import __version__
from hubbub.errors import DataError, RefusedError
from hubbub.storage import file_sha256, write_json
from hubbub.types import Track

OnBytes = Callable[[int, int | None], None]  #: receives bytes so far, and bytes in all where the server says so

_TIMEOUT = httpx.Timeout(30, connect=10)  # seconds
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may change
_MEMBERS = 100_000  # more files than that in one zip are not a dataset
_GIB = 2**30
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError)


def silent(done: int, total: int | None) -> None:
    """An `OnBytes` that does nothing."""


def download(
    url: str,
    target: Path,
    sha256: str | None = None,
    on_bytes: OnBytes = silent,
    attempts: int = 4,
    *,
    pause: float = 0.5,
    instead: str = "",
) -> None:
    """Fetch `url` into `target`, whole or not at all; what breaks off goes on from there, also in a later call.

    The file grows beside its target as `NAME.part`, with a note of the address and the server's ETag. It is continued
    where the server confirms that the content is still the same, or where `sha256` will tell; else begun anew.

    Args:
        url: http or https; redirects are followed.
        target: an existing file is replaced. Its folder is made if missing.
        sha256: of the whole file, 64 hexadecimal digits; None takes what comes.
        on_bytes: called with each piece that arrives.
        attempts: tries in a row that bring nothing new before it gives up, at least 1.
        pause: seconds before the second try; doubled with each further one.
        instead: what to do without a network, to end the message with; by default to fetch the file elsewhere.

    Raises:
        RefusedError: no network, the server refuses, or `target` cannot be written. What has arrived is kept.
        DataError: the SHA-256 differs; what was fetched is discarded.
    """
    part = _Part(target.with_name(target.name + ".part"), url, checked=sha256 is not None)
    agent = {"User-Agent": f"hubbub/{__version__}", "Accept-Encoding": "identity"}
    with writing_to(target), httpx.Client(follow_redirects=True, timeout=_TIMEOUT, headers=agent) as client:
        furthest = failures = 0
        while trouble := _attempt(client, part, on_bytes):
            failures = 1 if part.size() > furthest else failures + 1
            furthest = max(furthest, part.size())
            if trouble.lasting or failures >= attempts:
                advice = instead or f"fetch it elsewhere and put it at {target}"
                raise RefusedError(f"cannot fetch {url} ({trouble.what}): try again later, or {advice}")
            time.sleep(pause * 2 ** (failures - 1))
        if sha256 is not None and (found := file_sha256(part.path)) != sha256:
            part.discard()
            raise DataError(
                f"{url} is not the expected file (SHA-256 {found[:12]}..., not {sha256[:12]}...): it was discarded; "
                "try again, and if that repeats, it was changed at its source"
            )
        part.path.replace(target)
        part.discard()


@dataclass(frozen=True)
class _Trouble:
    """Why a try failed, and whether another one will as well."""

    what: str
    lasting: bool = False


@dataclass(frozen=True)
class _Part:
    """The part of a download that has arrived, and a note of what it is a part of."""

    path: Path
    url: str
    checked: bool  # by its SHA-256, in the end

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def resume(self) -> dict[str, str]:
        """Headers that ask for the rest; empty if there is nothing to continue, or no way to tell that it fits."""
        try:
            known = json.loads(self.note.read_text())
            validator = known["validator"] if known["url"] == self.url else None
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        if not self.size() or not (validator or (self.checked and known["url"] == self.url)):
            return {}
        return {"Range": f"bytes={self.size()}-"} | ({"If-Range": validator} if validator else {})

    def open(self, response: httpx.Response, start: int) -> IO[bytes]:
        if start:
            return self.path.open("r+b")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)  # so that the note never describes another content
        write_json(self.note, {"url": self.url, "validator": _validator(response)})
        return self.path.open("wb")


def _attempt(client: httpx.Client, part: _Part, on_bytes: OnBytes) -> _Trouble | None:
    """Fetch what is missing; None if the file is whole then."""
    asked = part.resume()
    try:
        with client.stream("GET", part.url, headers=asked) as response:
            return _unusable(response, part, asked) or _receive(response, part, on_bytes)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return _Trouble(f"no network, or {httpx.URL(part.url).host} cannot be reached: {_reason(error)}")
    except httpx.RequestError as error:
        return _Trouble(f"it broke off after {part.size():,} bytes: {_reason(error)}")


def _unusable(response: httpx.Response, part: _Part, asked: dict[str, str]) -> _Trouble | None:
    """What is wrong with an answer; None if it is the file, or the rest that was asked for."""
    status = response.status_code
    if status == 200 or (status == 206 and asked and _continues(response, part, asked.get("If-Range"))):
        return None
    if status in (206, 416):
        part.discard()
        return _Trouble("its content has changed meanwhile")
    return _Trouble(f"the server answered {status} {response.reason_phrase}".rstrip(), lasting=status not in _PASSING)


def _continues(response: httpx.Response, part: _Part, validator: str | None) -> bool:
    same = validator is None or _validator(response) in (validator, None)
    return same and _range(response)[0] == part.size()


def _receive(response: httpx.Response, part: _Part, on_bytes: OnBytes) -> _Trouble | None:
    resumed = response.status_code == 206
    length = response.headers.get("Content-Length", "")
    total = _range(response)[1] if resumed else int(length) if length.isdigit() else None
    done = part.size() if resumed else 0
    with part.open(response, done) as file:
        file.seek(done)
        for chunk in response.iter_raw():
            file.write(chunk)
            done += len(chunk)
            on_bytes(done, total)
        file.flush()
        os.fsync(file.fileno())
    return None if total in (None, done) else _Trouble(f"it ended after {done:,} of {total:,} bytes")


def _validator(response: httpx.Response) -> str | None:
    """What tells that a content is byte for byte the same: a strong ETag, else the time of the last change."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _range(response: httpx.Response) -> tuple[int, int | None]:
    """Where a partial answer begins (-1 if it does not say) and how long the whole is, in bytes."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    return (int(found[1]), int(found[2]) if found[2] != "*" else None) if found else (-1, None)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a RefusedError that says where it could not write and why."""
    try:
        yield
    except OSError as error:
        raise RefusedError(f"cannot write {path}: {error}; check the free space and the permissions") from error


def unpack(archive: Path, folder: Path, limit: int = 4 * _GIB, track: Track[zipfile.ZipInfo] = iter) -> None:
    """Unpack a zip of unknown origin into a new folder, whole or not at all.

    Args:
        archive: the zip.
        folder: must not exist yet; its parent is made if missing.
        limit: bytes that the unpacked files may have in all.
        track: wraps the members on their way, to show progress.

    Raises:
        RefusedError: no such archive, `folder` exists, or there is no room for it.
        DataError: the archive is damaged or encrypted, too large, or one of its members is a link or has a path that
            could lead outside of `folder`.
    """
    if not archive.is_file():
        raise RefusedError(f"no file {archive}: check the path")
    if folder.exists():
        raise RefusedError(f"{folder} exists already: remove it, or choose another folder")
    with writing_to(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as temporary:
            stage = Path(temporary, folder.name)
            stage.mkdir()
            with _damage_named(archive), zipfile.ZipFile(archive) as bundle:
                members = bundle.infolist()
                _require_harmless(members, archive)
                _require_room(sum(member.file_size for member in members), limit, archive, folder.parent)
                for member in track(members):
                    _extract(bundle, member, stage)
            stage.rename(folder)


@contextlib.contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(
            f"{archive} is not a zip, or a damaged one ({_reason(error)}): fetch or copy it again"
        ) from error
    except OSError as error:  # a bad offset, or names that cannot be together; the disk's own complaints are others
        if error.errno not in (None, errno.EINVAL, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise
        raise DataError(f"{archive} is damaged ({_reason(error)}): fetch or copy it again") from error


def _require_harmless(members: list[zipfile.ZipInfo], archive: Path) -> None:
    if len(members) > _MEMBERS:
        raise DataError(f"{archive} holds {len(members):,} files, more than {_MEMBERS:,}: it is not unpacked")
    for member in members:
        if trouble := _trouble(member):
            raise DataError(f"{archive} holds {member.orig_filename!r}, {trouble}: it is not unpacked")


def _trouble(member: zipfile.ZipInfo) -> str:
    """What is wrong with a member, "" if nothing is."""
    name = member.orig_filename  # as stored; `filename` is cut at a NUL and, on Windows, without backslashes
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or any(sign in name for sign in "\\:\0"):
        return "a path that may lead outside"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device"
    return "which is encrypted" if member.flag_bits & 1 else ""


def _require_room(size: int, limit: int, archive: Path, folder: Path) -> None:
    if size > limit:
        raise DataError(f"{archive} would unpack to {size:,} bytes, more than {limit:,}: it is not unpacked")
    if size > (free := shutil.disk_usage(folder).free):
        raise RefusedError(f"{archive} unpacks to {size:,} bytes, {folder} has {free:,} left: make room first")


def _extract(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.orig_filename
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with bundle.open(member) as source, target.open("xb") as file:  # no member may replace another
        shutil.copyfileobj(source, file, 2**20)


def put_folder(new: Path, target: Path) -> None:
    """Rename the folder `new` to `target`, which it replaces; both must lie on one disk.

    If that fails, the old folder is as it was. (Killed in between, it lies in a folder `.old-...` beside it.)
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".old-") as aside:
        old = Path(aside, target.name)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
