"""What the fuzzers in tests/fuzz share: seeded draws, damage, and a command line that must not end in a traceback.

A fuzzer is a slow test that walks `seeds(N)`: the same N draws in `make test-slow` each time, a few seconds a fuzzer
and under a minute for all; HUBBUB_FUZZ=100 walks a hundred times as many, for a search. A failure names its seed.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubbub.cli.main import main
from hubbub.errors import HubbubError

Rng = np.random.Generator

_TIMES = float(os.environ.get("HUBBUB_FUZZ", "1"))
_BYTES = (b"\x00", b"\xff", b"\n", b'"', b",", b"\x1b[31m", b"\xed\xa0\x80", b"-", b"9" * 5000, b"[" * 3000, b"nan")


class Deep:
    """Stands for lists inside lists, five hundred of them."""


_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3.5, -0.0, 1e-310, 1e308, float("nan"), float("inf"), 10**30, 2**53, 2**31),
    *("", "1", "dog", "x" * 10_000, "\x1b[31m\n", "\x00", "\ud800", "../../..", "$x^", "🐶", "2024-99-99", "{{ 7 }}"),
    *([], {}, [[]], [1, "a"], {"a": 1}, {"": {}}, [None] * 3, Deep()),
)


def seeds(count: int) -> Iterator[tuple[int, Rng]]:
    """Seeds and their random generators; what fails inside the loop is told with its seed."""
    for seed in range(round(count * _TIMES)):
        try:
            yield seed, np.random.default_rng(seed)
        except GeneratorExit:
            print(f"fuzzing ended at seed {seed}")  # pytest shows it beside the failure
            raise


def damaged(rng: Rng, content: bytes) -> bytes:
    """The bytes with one to four changes: bits turned, bytes put in, cut out, doubled, or cut off."""
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(content) + 1))
        end = min(len(content), at + int(2 ** rng.uniform(0, 8)))
        kind = rng.integers(6)
        if kind <= 1 and at < len(content):
            content = content[:at] + bytes([content[at] ^ 1 << int(rng.integers(8))]) + content[at + 1 :]
        elif kind == 2:
            content = content[:at] + _BYTES[int(rng.integers(len(_BYTES)))] + content[at:]
        elif kind == 3:
            content = content[:at] + content[end:]
        elif kind == 4:
            content = content[:end] + content[at:]
        elif rng.random() < 0.3:
            content = content[:at]
    return content


def changed(rng: Rng, values: Any) -> Any:
    """JSON values with one to three changes: one of another kind in some place, a key removed, added or renamed."""
    for _ in range(int(rng.integers(1, 4))):
        values = _changed_once(rng, values)
    return values


def _changed_once(rng: Rng, values: Any) -> Any:
    if isinstance(values, dict) and values and rng.random() < 0.9:
        key = list(values)[int(rng.integers(len(values)))]
        if rng.random() < 0.15:
            return {name: value for name, value in values.items() if name != key}
        if rng.random() < 0.05:
            return values | {str(rng.choice(["", "x", "fold1", "../..", "\x1b[1m"])): values[key]}
        return values | {key: _changed_once(rng, values[key])}
    if isinstance(values, list) and values and rng.random() < 0.8:
        at = int(rng.integers(len(values)))
        if rng.random() < 0.2:
            return values[:at] + values[at + 1 :]
        return [*values[:at], _changed_once(rng, values[at]), *values[at + 1 :]]
    if isinstance(values, int | float) and not isinstance(values, bool) and rng.random() < 0.3:
        return values * float(rng.choice([-1, 0.5, 2, 1000, 1e30]))
    odd = _ODD[int(rng.integers(len(_ODD)))]
    if isinstance(odd, Deep):
        odd = 0
        for _ in range(500):
            odd = [odd]
    return odd


def refused(error: HubbubError, path: Path | str = "") -> None:
    """Fails unless an error is one line of a sensible length, which names the file."""
    assert re.fullmatch(r"[^\x00-\x1f]+", str(error)) and len(str(error)) < 6000, repr(str(error))[:8000]
    assert str(path) in str(error)


def command(*words: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `hubbub ...` in this process; fails unless an error is one line, no traceback."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before = sys.argv
    sys.argv = ["hubbub", *map(str, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    code, printed, said = int(ended.value.code or 0), *(stream.buffer.getvalue().decode() for stream in (out, err))
    assert code in (0, 1, 2, 3) and "Traceback" not in said
    if code > 1:
        assert re.fullmatch(r"(hubbub: )?[^\x00-\x1f]+\n", said), repr(said)[:8000]
    return code, printed, said
