import io

import pytest
from rich.console import Console
from rich.text import Text

from hubbub.cli import show
from hubbub.listen.answer import Answer, Prediction

DOG = Answer(5.0, (Prediction("dog", 0.9), Prediction("sea_waves", 0.08)), False, 0.9)
LABELS = ("dog", "sea_waves", "vacuum_cleaner")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 80 columns, with colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return terminal(monkeypatch, 80)


def terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> io.StringIO:
    written = io.StringIO()
    made = Console(file=written, force_terminal=True, color_system="standard", width=width, highlight=False)
    monkeypatch.setattr(show, "console", lambda: made)
    return written


def lines(screen: io.StringIO) -> list[str]:
    return screen.getvalue().splitlines()


def test_rows_come_one_by_one_and_stand_below_each_other(screen: io.StringIO) -> None:
    table = show.AnswerTable("file", ["a.wav", "much longer.wav"], LABELS)
    table.add("a.wav", DOG)
    assert len(lines(screen)) == 3 and "heard as" in lines(screen)[0]
    table.add("much longer.wav", DOG)
    plain = [Text.from_ansi(line).plain for line in lines(screen)]
    assert len({line.index("dog") for line in plain if "dog" in line}) == 1 and "heard as" not in plain[3]


def test_second_names_are_dim(screen: io.StringIO) -> None:
    show.AnswerTable("file", ["a.wav"], LABELS).add("a.wav", DOG)
    _, first, second = lines(screen)
    assert "\x1b[1mdog" in first and "\x1b[2m" not in first
    assert "\x1b[2msea waves" in second


def test_an_unknown_sound_is_called_unknown_and_its_nearest_names_are_dim(screen: io.StringIO) -> None:
    show.AnswerTable("file", ["a.wav"], LABELS).add("a.wav", Answer(5.0, DOG.predictions, True, 0.1))
    _, verdict, first, second = lines(screen)
    assert "unknown" in verdict and "%" not in verdict
    assert "\x1b[2m(dog)" in first and "\x1b[2m(sea waves)" in second


def test_right_and_wrong_are_marked(screen: io.StringIO) -> None:
    table = show.AnswerTable("made as", ["one"], LABELS, tells=True)
    for answer, truth in ((DOG, "dog"), (DOG, "sea_waves"), (Answer(5.0, DOG.predictions, True, 0.1), "dog")):
        table.add("one", answer, truth)
    plain = Text.from_ansi(screen.getvalue()).plain
    assert "✓ dog" in plain and "✗ dog" in plain and "✗ unknown" in plain


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen = terminal(monkeypatch, width)
    names = ["a.wav", "x" * 150, "\x1b[31mred.wav"]
    table = show.AnswerTable("file", names, LABELS)
    for name in names:
        table.add(name, DOG)
    plain = [Text.from_ansi(line).plain for line in lines(screen)]
    assert max(map(len, plain)) <= width and sum("90%" in line for line in plain) == 3
    assert r"\x1b[31mred" in "".join(plain).replace(" ", "")


@pytest.mark.parametrize(("score", "shown"), [(1.0, "100%"), (0.5, "50%"), (0.001, "<1%"), (0.0, "<1%")])
def test_a_bar_is_as_long_as_the_score(score: float, shown: str) -> None:
    text = show.bar(score).plain
    assert text.endswith(shown) and text.count("█") == int(12 * score)
