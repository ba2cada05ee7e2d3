"""Tables and bars for the terminal; plain text where output goes to a file or a pipe."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hubbub.formatting import label
from hubbub.listen.answer import Answer

_BAR = 12


def console(stderr: bool = False) -> Console:
    """Where to print. Into a file or a pipe, lines are not cut to a terminal's width."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else 1000)


def bar(score: float) -> Text:
    """A bar for a score in [0, 1], with the score in per cent behind it."""
    eighths = round(score * _BAR * 8)
    blocks = "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
    share = f"{score:.0%}" if score >= 0.005 else "<1%"
    return Text.assemble((f"{blocks:<{_BAR}}", "cyan"), f"{share:>5}")


def answers(rows: Iterable[tuple[str, Answer]], first: str, truths: Iterable[str] | None = None) -> Table:
    """A table of answers: the sound's name in the column `first`, beside it its likeliest labels with bars.

    With `truths`, each answer's true label, the likeliest label is marked as right or wrong.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, overflow="fold")
    table.add_column("heard as", no_wrap=True)
    table.add_column("score", no_wrap=True)
    expected = list(truths) if truths is not None else None
    for index, (name, answer) in enumerate(rows):
        verdict, style = _verdict(answer, expected[index] if expected else None)
        for rank, prediction in enumerate(answer.predictions):
            predicted = Text(label(prediction.label), style="" if rank else style)
            mark = Text(" " * len(verdict) if rank else verdict, style=style)
            table.add_row(Text("" if rank else name), mark + predicted, bar(prediction.score))
    return table


def _verdict(answer: Answer, truth: str | None) -> tuple[str, str]:
    """What stands before the likeliest label, and its style."""
    if truth is not None:
        return ("✓ ", "bold green") if answer.label == truth else ("✗ ", "bold red")
    return ("unknown: ", "yellow") if answer.unknown else ("", "bold")
