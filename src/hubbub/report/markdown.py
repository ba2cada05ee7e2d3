"""Tables inside Markdown pages: between `<!-- NAME:start -->` and `<!-- NAME:end -->`, whatever stands around them."""

from pathlib import Path

from hubbub.errors import UsageError


def filled(page: Path, **tables: str) -> str:
    """A page's text with each table between the marks of its name; the page itself is left as it is.

    Raises UsageError if there is no such page, or no such marks in it.
    """
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    for name, table in tables.items():
        start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
        before, started, rest = text.partition(start)
        _, ended, after = rest.partition(end)
        if not started or not ended:
            raise UsageError(f"{page} has no place for its table: put {start} and {end} there, each on its own line")
        text = before + "\n".join(filter(None, (start, table, end))) + after
    return text
