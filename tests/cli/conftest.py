"""The command line, run in this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub.cli.main import main

Hubbub = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hubbub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hubbub:
    """`hubbub ...`: its exit code, stdout and stderr; what goes wrong must be told without a traceback."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hubbub", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run
