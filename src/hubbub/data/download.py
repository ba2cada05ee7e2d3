"""Download a file, resuming what was interrupted.

Nothing here knows sound, so that training, which runs where there is no sound library, can fetch weights.
"""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from hubbub import __version__
from hubbub.data.archive import writing_to
from hubbub.errors import DataError, RefusedError
from hubbub.storage import file_sha256, write_json

OnBytes = Callable[[int, int | None], None]  #: receives bytes so far, and bytes in all where the server says so

_TIMEOUT = httpx.Timeout(30, connect=10)  # seconds
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may change


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
        while failure := _attempt(client, part, on_bytes):
            failures = 1 if part.size() > furthest else failures + 1
            furthest = max(furthest, part.size())
            if failure.lasting or failures >= attempts:
                advice = instead or f"fetch it elsewhere and put it at {target}"
                raise RefusedError(f"cannot fetch {url} ({failure.reason}): try again later, or {advice}")
            time.sleep(pause * 2 ** (failures - 1))
        if sha256 is not None and (actual := file_sha256(part.path)) != sha256:
            part.discard()
            raise DataError(
                f"{url} is not the expected file (SHA-256 {actual[:12]}..., not {sha256[:12]}...): it was discarded; "
                "try again, and if that repeats, it was changed at its source"
            )
        part.path.replace(target)
        part.discard()


@dataclass(frozen=True)
class _Failure:
    """Why a try failed, and whether another one will as well."""

    reason: str
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
            note = json.loads(self.note.read_text())
            validator = note["validator"] if note["url"] == self.url else None
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        if not self.size() or not (validator or (self.checked and note["url"] == self.url)):
            return {}
        return {"Range": f"bytes={self.size()}-"} | ({"If-Range": validator} if validator else {})

    def open(self, response: httpx.Response, start: int) -> IO[bytes]:
        if start:
            return self.path.open("r+b")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)  # so that the note never describes another content
        write_json(self.note, {"url": self.url, "validator": _validator(response)})
        return self.path.open("wb")


def _attempt(client: httpx.Client, part: _Part, on_bytes: OnBytes) -> _Failure | None:
    """Fetch what is missing; None if the file is whole then."""
    requested = part.resume()
    try:
        with client.stream("GET", part.url, headers=requested) as response:
            return _unusable(response, part, requested) or _receive(response, part, on_bytes)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return _Failure(f"no network, or {httpx.URL(part.url).host} cannot be reached: {_reason(error)}")
    except httpx.RequestError as error:
        return _Failure(f"it broke off after {part.size():,} bytes: {_reason(error)}")


def _unusable(response: httpx.Response, part: _Part, requested: dict[str, str]) -> _Failure | None:
    """What is wrong with an answer; None if it is the file, or the rest that was requested."""
    status = response.status_code
    if status == 200 or (status == 206 and requested and _continues(response, part, requested.get("If-Range"))):
        return None
    if status in (206, 416):
        part.discard()
        return _Failure("its content has changed meanwhile")
    return _Failure(f"the server answered {status} {response.reason_phrase}".rstrip(), lasting=status not in _PASSING)


def _continues(response: httpx.Response, part: _Part, validator: str | None) -> bool:
    same = validator is None or _validator(response) in (validator, None)
    return same and _range(response)[0] == part.size()


def _receive(response: httpx.Response, part: _Part, on_bytes: OnBytes) -> _Failure | None:
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
    return None if total in (None, done) else _Failure(f"it ended after {done:,} of {total:,} bytes")


def _validator(response: httpx.Response) -> str | None:
    """What tells that a content is byte for byte the same: a strong ETag, else the time of the last change."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _range(response: httpx.Response) -> tuple[int, int | None]:
    """Where a partial answer begins (-1 if it does not say) and how long the whole is, in bytes."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    return (int(match[1]), int(match[2]) if match[2] != "*" else None) if match else (-1, None)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
