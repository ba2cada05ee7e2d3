import codecs
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub.cli import streams
from hubbub.errors import RefusedError


def stream(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """Make standard output one of another encoding; what it gets."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    return written


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "██▌ ✓ 1 · 2 – 犬 \\udcff"),
        ("cp1252", "### + 1 · 2 – \\u72ac \\udcff"),
        ("ascii", "### + 1 - 2 - \\u72ac \\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_plain_or_an_escape(
    monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str
) -> None:
    written = stream(monkeypatch, encoding)
    with streams.opened():
        print("██▌ ✓ 1 · 2 – 犬 \udcff")
    assert written.getvalue().decode(encoding) == shown + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_json_is_valid_utf8_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    content = {"path": os.fsdecode("犬 ü".encode() + b"\xff\xe4"), "warnings": ["█\x1b\n 🐶"]}
    written = stream(monkeypatch, encoding)
    with streams.opened():
        streams.print_json(content)
    line = written.getvalue().decode("utf-8")
    assert json.loads(line) == content and line.count("\n") == 1
    assert os.fsencode(json.loads(line)["path"]) == "犬 ü".encode() + b"\xff\xe4"


def test_json_has_no_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        streams.print_json({"score": float("nan")})


def test_a_warning_of_the_library_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with streams.opened():
        logging.getLogger("hubbub.storage").warning("nothing is cached in %s", "/a\x1b[1m")
    assert capsys.readouterr().err == "hubbub: nothing is cached in /a\\x1b[1m\n"
    assert not logging.getLogger("hubbub").handlers


def test_a_closed_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(RefusedError, match="standard output is closed"), streams.opened():
        pass


def test_a_closed_standard_error_leaves_the_output_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with streams.opened():
        streams.say("a warning")
        print("an answer")
    sys.stderr.close()
    assert capsys.readouterr().out == "an answer\n"


def run(stdout: int) -> tuple[int, str]:
    """`hubbub --version` into a descriptor: its exit code and what it says on standard error."""
    command = [sys.executable, "-m", "hubbub", "--version"]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        code, err = run(full.fileno())
    assert code == 3 and err.startswith("hubbub: standard output") and "No space left" in err and err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise")
def test_a_reader_that_has_gone_is_no_matter() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run(writing) == (1, "")
    finally:
        os.close(writing)


def test_the_error_handler_is_for_writing_only() -> None:
    handler: Callable = codecs.lookup_error("hubbub")
    with pytest.raises(UnicodeDecodeError):
        handler(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))
