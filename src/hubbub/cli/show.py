"""Tables and bars for the terminal; plain text where output goes to a file or a pipe."""

import sys
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hubbub.formatting import label, printable
from hubbub.listen.answer import Answer

_BAR = 12
_PERCENT = 5
_NARROWEST, _WIDEST = 12, 40  # columns of a name, and of a label: what is longer is folded


def console(stderr: bool = False) -> Console:
    """Where to print. Into a file or a pipe, lines are not cut to a terminal's width."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else 1000)


def bar(score: float, dim: bool = False, width: int = _BAR) -> Text:
    """A bar for a score in [0, 1], with the score in per cent behind it."""
    eighths = round(score * width * 8)
    blocks = "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
    share = f"{score:.0%}" if score >= 0.005 else "<1%"
    return Text.assemble((f"{blocks:<{width}}", "cyan"), f"{share:>5}", style="dim" if dim else "")


class AnswerTable:
    """A table of answers that is printed row by row, as they come: what all rows need in width is set beforehand.

    A row is a sound's name and its likeliest labels with bars, best first; those of an unknown sound are in brackets.

    Args:
        first: heading of the column of names.
        names: of all sounds that may come.
        labels: of all classes that may be named.
        tells: whether each answer comes with its true label, by which it is marked as right or wrong.
    """

    def __init__(self, first: str, names: Iterable[str], labels: Iterable[str], tells: bool = False):
        self._console = console()
        heard = max(map(cell_len, ["heard as", *map(_shown, labels)])) + (2 if tells else 0)
        heard = min(heard + 2, _WIDEST)  # the brackets
        free = self._console.width - heard - _PERCENT - 4  # spaces between columns
        self._bar = _BAR if free - _BAR >= _NARROWEST else 0  # a narrow terminal has no room for bars
        named = min(max(map(cell_len, [first, *map(printable, names)])), max(free - self._bar, _NARROWEST))
        self._widths = (named, heard, self._bar + _PERCENT)
        self._headings: tuple[str, ...] | None = (first, "heard as", "score")

    def add(self, name: str, answer: Answer, truth: str | None = None) -> None:
        """Print the next sound's row; the headings come before the first one."""
        table = Table(box=None, pad_edge=False, header_style="dim", show_header=self._headings is not None)
        for heading, width in zip(self._headings or ("", "", ""), self._widths, strict=True):
            table.add_column(heading, width=width, overflow="fold")
        self._headings = None
        for rank, (verdict, score) in enumerate(_verdicts(answer, truth)):
            shown = Text() if score is None else bar(score, dim=answer.unknown or rank > 0, width=self._bar)
            table.add_row(Text("" if rank else printable(name)), verdict, shown)
        self._console.print(table)


def _verdicts(answer: Answer, truth: str | None) -> Iterator[tuple[Text, float | None]]:
    """The lines of one sound: what it was named, and with what score."""
    right = truth is not None and answer.label == truth
    style = "bold" if truth is None else "bold green" if right else "bold red"
    mark = "" if truth is None else "✓ " if right else "✗ "
    if answer.unknown:
        yield Text(f"{mark}unknown", style="yellow" if truth is None else style), None
        for prediction in answer.predictions:
            yield Text(f"{' ' * len(mark)}({_shown(prediction.label)})", style="dim"), prediction.score
        return
    for rank, prediction in enumerate(answer.predictions):
        name = f"{' ' * len(mark) if rank else mark}{_shown(prediction.label)}"
        yield Text(name, style="dim" if rank else style), prediction.score


def _shown(name: str) -> str:
    return printable(label(name))
