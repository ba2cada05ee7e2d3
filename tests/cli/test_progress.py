import io
import sys

import pytest

from hubbub.cli.progress import Training
from hubbub.train.callbacks import BatchEnd


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """From here on, stderr is a terminal. (No fixture: pytest sets stderr anew after those.)"""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_the_bar_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Training() as watch:
        watch(BatchEnd(1, 2, 3, 40, 5, 10, 0.5))
        assert watch._bar.tasks[0].completed == 25 and watch._bar.tasks[0].total == 400
        watch(BatchEnd(1, 2, 4, 40, 1, 10, 0.25, 0.875))
        (task,) = watch._bar.tasks
        assert task.completed == 31
        watch._bar.refresh()
    shown = screen.getvalue()
    assert "stage 1/2 · epoch 4/40" in shown and "loss 0.250 · validation 87.5%" in shown


def test_each_stage_has_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    with Training() as watch:
        watch(BatchEnd(1, 2, 40, 40, 10, 10, 0.5))
        watch(BatchEnd(2, 2, 1, 5, 1, 20, 0.5))
        (task,) = watch._bar.tasks
        assert (task.completed, task.total) == (1, 100)
        assert task.description == "stage 2/2 · epoch 1/5"


def test_nothing_is_shown_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with Training() as watch:
        for batch in range(1, 4):
            watch(BatchEnd(1, 1, 1, 1, batch, 3, float("nan"), None))
    assert capsys.readouterr() == ("", "")


def test_the_bar_goes_when_training_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    watch = Training()
    with pytest.raises(KeyboardInterrupt), watch:
        watch(BatchEnd(1, 1, 1, 1, 1, 3, 0.5))
        raise KeyboardInterrupt
    assert not watch._bar.live.is_started
