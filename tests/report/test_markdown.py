from pathlib import Path

import pytest

from hubbub.errors import UsageError
from hubbub.report.markdown import filled

TEXT = "# Title\n<!-- a:start -->\nold\n<!-- a:end -->\nbetween\n<!-- b:start -->\n<!-- b:end -->\nafter\n"


def test_tables_go_between_the_marks_of_their_names_and_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    assert filled(page, b="| new |") == TEXT.replace("<!-- b:end", "| new |\n<!-- b:end")
    assert filled(page, a="", b="") == TEXT.replace("old\n", "")
    assert page.read_text() == TEXT


@pytest.mark.parametrize("text", ["# no marks", "<!-- a:end --> <!-- a:start -->", "<!-- a:start -->", None])
def test_a_page_without_a_place_for_the_table(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "page.md").write_text(text)
    with pytest.raises(UsageError, match=r"page.md has no place .*: put <!-- a:start --> and <!-- a:end -->"):
        filled(tmp_path / "page.md", a="")
