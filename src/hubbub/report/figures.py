"""Picture files drawn with matplotlib, in which names stand as they are: no mathematics, no glyph that is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from hubbub.errors import UsageError, missing_extra
from hubbub.formatting import printable
from hubbub.storage import write_with

#: Fonts that are asked, where they are installed, for what matplotlib's own lacks; outlines only, which it can draw.
FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR"),
    *("Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Arial Unicode MS"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Nirmala UI", "Noto Emoji", "Segoe UI Emoji", "Symbola"),
)
_OWN = "DejaVu Sans"  # comes with matplotlib


@contextmanager
def figure(path: Path, width: float, height: float) -> Iterator[Any]:
    """An empty matplotlib figure of that size in inches, which becomes `path` when the block ends without an error.

    The file is written whole or not at all; the suffix of `path` chooses its format. Names that others gave go through
    `name_of`.

    Raises RefusedError if matplotlib is not installed, UsageError for a suffix that it does not know.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing_extra("plot", "drawing a picture") from error
    if path.suffix[1:].lower() not in FigureCanvasAgg.get_supported_filetypes():
        raise UsageError(f"a picture cannot be written as {path.name!r}: its name must end in .png, .svg or .pdf")
    with rc_context({"text.parse_math": False, "font.family": [*_fonts()]}):
        drawing = Figure(figsize=(width, height), dpi=130, layout="constrained")
        FigureCanvasAgg(drawing)
        yield drawing
        save(drawing, path)


def save(drawing: Any, path: Path) -> None:
    """Write a figure, whole or not at all."""
    write_with(path, lambda part: drawing.savefig(part))


def name_of(text: str, most: int = 60) -> str:
    """Anyone's words as a picture can show them: in one line, cut, and escaped where no font has a glyph."""
    readable = printable(text)
    cut = readable if len(readable) <= most else readable[: most - 1] + "…"
    return "".join(sign if ord(sign) in _glyphs() else sign.encode("unicode_escape").decode() for sign in cut)


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (_OWN, *(name for name in FALLBACKS if name in installed))


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """Code points that the fonts have between them."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    files = [findfont(FontProperties(family=name)) for name in _fonts()]
    return frozenset(point for file in files for point in FT2Font(file).get_charmap())
