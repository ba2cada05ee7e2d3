"""Values as people read them, alike in the terminal, in pictures and on pages; pages have the same as Jinja filters.

A value that is unknown is a dash wherever None is allowed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

UNKNOWN = "–"


def label(name: str) -> str:
    """A class's name, with spaces for underscores.

    >>> label("sea_waves")
    'sea waves'
    """
    return name.replace("_", " ")


def printable(text: str) -> str:
    r"""Text for a terminal or a log: what would move the cursor, ring or recolour is shown as an escape.

    Names of files and classes, and what a server says, are anyone's. Line breaks too become escapes; letters of every
    script stay, and bytes that are no text (surrogates) become escapes.

    >>> print(printable("dog\x1b[31m\n"), printable("犬"))
    dog\x1b[31m\n 犬
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode() for sign in text
    )


def percent(share: float | None, digits: int = 1) -> str:
    """A share in per cent; what is not quite nothing is not called nothing.

    >>> percent(0.9505, 2), percent(None), percent(0.0), percent(0.001, 0)
    ('95.05 %', '–', '0.0 %', '<1 %')
    """
    if share is None:
        return UNKNOWN
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"<{least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def span(interval: Sequence[float] | None, digits: int = 1) -> str:
    """The ends of an interval of shares, in per cent.

    >>> span([0.93, 0.953]), span(None)
    ('93.0 to 95.3 %', '–')
    """
    if interval is None:
        return UNKNOWN
    return f"{100 * interval[0]:.{digits}f} to {100 * interval[1]:.{digits}f} %"


def with_interval(share: float, interval: Sequence[float]) -> str:
    """A share with its 95 % interval.

    >>> with_interval(0.942, [0.93, 0.953])
    '94.20 % (95 % interval 93.0 to 95.3 %)'
    """
    return f"{percent(share, 2)} (95 % interval {span(interval)})"


def points(change: float | None, digits: int = 2) -> str:
    """A difference of two shares in points, with its sign.

    >>> points(0.0125), points(-0.1, 1), points(None)
    ('+1.25', '-10.0', '–')
    """
    return UNKNOWN if change is None else f"{100 * change:+.{digits}f}"


def number(value: float | None, digits: int = 0) -> str:
    """A number with commas between its thousands.

    >>> number(1234567), number(0.12345, 3), number(None)
    ('1,234,567', '0.123', '–')
    """
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def count(many: int, noun: str, plural: str = "") -> str:
    """How many of what.

    >>> count(1, "clip"), count(1200, "clip"), count(2, "near copy", "near copies")
    ('1 clip', '1,200 clips', '2 near copies')
    """
    return f"{many:,} {noun if many == 1 else plural or noun + 's'}"


def listing(words: Sequence[str]) -> str:
    """Words in a row, the last one after "and".

    >>> listing(["a"]), listing(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def duration(seconds: float | None) -> str:
    """A time in the unit that it is thought of in.

    >>> duration(1.5), duration(42.4), duration(1260.2), duration(9000), duration(None)
    ('1.5 s', '42 s', '21.0 min', '2.5 h', '–')
    """
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.{0 if seconds >= 9.95 else 1}f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def file_size(path: Path) -> str:
    """The size of a file in megabytes of a million bytes.

    >>> file_size(Path(__file__))
    '0.0 MB'
    """
    return f"{path.stat().st_size / 1e6:.1f} MB"


#: Filters of all templates, by name.
FILTERS: dict[str, Callable[..., Any]] = {
    "label": label,
    "percent": percent,
    "span": span,
    "points": points,
    "number": number,
    "count": count,
    "duration": duration,
}
