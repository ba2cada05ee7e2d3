from pathlib import Path

import pytest

from hubbub.errors import UsageError
from hubbub.report import figures
from hubbub.report.figures import figure, name_of

#: A name that is no formula, one that no font of matplotlib's has, one that would move a terminal, and a long one.
NAMES = ("$x_1$ for $5", "price $", "\\frac{1}{0}$$", "犬🐶", "bell\a\nring", "a" * 200)


@pytest.fixture(params=[True, False], ids=["own font", "all fonts"])
def fonts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    figures._glyphs.cache_clear()
    if request.param:
        monkeypatch.setattr(figures, "_fonts", lambda: ("DejaVu Sans",))


@pytest.mark.usefixtures("fonts")
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_any_name_is_drawn_without_a_warning(tmp_path: Path, suffix: str) -> None:
    with figure(tmp_path / f"x{suffix}", 9, 4) as drawing:
        axes = drawing.subplots()
        axes.set_yticks(range(len(NAMES)), [name_of(name) for name in NAMES])
        axes.set_title(name_of(NAMES[0]))
    assert (tmp_path / f"x{suffix}").stat().st_size > 1000


def test_a_name_is_shown_as_it_is_where_a_font_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_fonts", lambda: ("DejaVu Sans",))
    figures._glyphs.cache_clear()
    assert [name_of(name, 20) for name in NAMES] == [
        "$x_1$ for $5",
        "price $",
        "\\frac{1}{0}$$",
        r"\u72ac\U0001f436",
        r"bell\x07\nring",
        "a" * 19 + "…",
    ]
    figures._glyphs.cache_clear()


def test_a_name_that_is_no_picture(tmp_path: Path) -> None:
    for name in ("view", "view.wav"):
        with pytest.raises(UsageError, match=r"must end in \.png"), figure(tmp_path / name, 2, 2):
            pass
    assert not list(tmp_path.iterdir())


def test_a_drawing_that_fails_leaves_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), figure(tmp_path / "x.png", 2, 2):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())
