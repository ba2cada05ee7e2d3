"""Standard output and error: what is printed there, whatever their encoding, and where they are closed."""

import codecs
import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

from hubbub.errors import RefusedError
from hubbub.formatting import printable

#: What stands for a sign that a terminal lacks, one for one, so that columns stay; other signs become escapes.
_PLAIN = str.maketrans("█▉▊▋▌▍▎▏━╸╺✓✗·–…×→", "#####   ---+x--.x>")


@contextlib.contextmanager
def opened() -> Iterator[None]:
    """Streams that take any text, for a command to print on; library warnings are lines on standard error.

    Raises:
        RefusedError: standard output is closed. (A closed standard error hears everything and says nothing.)
        OSError: what was printed cannot be written; its `filename` is "standard output".
    """
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    if not sys.stdout:
        raise RefusedError("standard output is closed: send it to a file, or to /dev/null")
    codecs.register_error("hubbub", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="hubbub")
    lines = _Lines()
    logging.getLogger("hubbub").addHandler(lines)
    try:
        yield
    finally:
        logging.getLogger("hubbub").removeHandler(lines)
        _flush()


def say(line: str) -> None:
    """A line on standard error, after the command's name; what is not printable in it becomes an escape."""
    print(f"hubbub: {printable(line)}", file=sys.stderr, flush=True)


def print_json(content: Any, indent: int | None = None) -> None:
    r"""Print plain values as JSON: UTF-8, or ASCII where standard output has another encoding, and so always UTF-8.

    A path that is no text keeps its bytes: each of them is an escape from `\udc80` to `\udcff` (PEP 383), and in Python
    `os.fsencode` of the path that `json.loads` gives is the name of the file.
    """
    ascii_only = codecs.lookup(sys.stdout.encoding or "ascii").name != "utf-8"
    print(json.dumps(content, indent=indent, ensure_ascii=ascii_only, allow_nan=False), flush=True)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """A codec's error handler: the plain sign, else an escape such as `\\u72ac`, which JSON strings know too."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = error.object[error.start : error.end].translate(_PLAIN)
    return plain.encode("ascii", "backslashreplace").decode(), error.end


def _flush() -> None:
    """Write what is still waiting; if that fails, nothing is tried again when Python ends."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor, or a second failure
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        error.filename = "standard output"
        raise
