import io
import sys

import pytest

from hubbub.cli.progress import Lines, Training, track
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


def test_lines_are_printed_above_the_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Lines("listening", 10) as lines:
        for number in range(10):
            with lines.printing():
                assert not lines._bar.live.is_started
                print(number)
    assert "listening" in screen.getvalue() and "100%" in screen.getvalue()
    assert capsys.readouterr().out == "".join(f"{number}\n" for number in range(10))  # to stdout, not to the bar's


def test_a_few_lines_get_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Lines("listening", 2) as lines, lines.printing():
        pass
    assert screen.getvalue() == ""


def test_what_is_printed_during_a_walk_stays_on_its_stream(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = terminal(monkeypatch)
    for item in track("walking")([1, 2]):
        print(item)
    assert capsys.readouterr().out == "1\n2\n" and "walking" in screen.getvalue()


def test_a_dumb_terminal_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    assert list(track("walking")([1, 2])) == [1, 2]
    assert screen.getvalue() == ""
