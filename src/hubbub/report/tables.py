"""The published tables, made from the kept predictions and from nothing else, and the pages that hold them.

A page holds a table between `<!-- results:start -->` and `<!-- results:end -->`. Rows that are not of the official five
folds are in docs/results.md alone, between marks named `part`.
"""

import json
from pathlib import Path
from typing import Any

from hubbub.errors import UsageError
from hubbub.report.results import FOLDER, Row, empty, rows
from hubbub.storage import write_text

README, RESULTS = Path("README.md"), Path("docs", "results.md")
CARRIED = Path("src", "hubbub", "recipes", "results.json")  #: the same figures for `hubbub recipes`, in the package
_MARK = "<!-- {}:{} -->"


def refresh(root: Path, write: bool = True) -> list[Path]:
    """Pages whose tables differ from the kept predictions; with `write`, they are brought up to date.

    Raises UsageError as `require_pages`, or if there are no kept predictions; DataError if those are damaged.
    """
    require_pages(root)
    if not (root / FOLDER).is_dir():
        raise UsageError(f"no {FOLDER} under {root.resolve()}: publish a run with `hubbub results --add RUN`")
    published = rows(root)
    whole = [row for row in published if row.whole]
    part = [row for row in published if not row.whole]
    pages = {
        README: filled(root / README, results=short_table(whole)),
        RESULTS: filled(root / RESULTS, results=long_table(whole), part=long_table(part) if part else ""),
        CARRIED: json.dumps(carried(published, empty(root)), indent=1, ensure_ascii=False) + "\n",
    }
    stale = [page for page, text in pages.items() if _text(root / page) != text]
    for page in stale if write else []:
        write_text(root / page, pages[page])
    return stale


def require_pages(root: Path) -> None:
    """Raises UsageError if `root` lacks a page, or a page a place for its table."""
    for page in (README, RESULTS):
        if not (root / page).is_file():
            raise UsageError(f"no {page} under {root.resolve()}: run this in hubbub's source tree, or give --root")
    filled(root / README, results="")
    filled(root / RESULTS, results="", part="")


def filled(page: Path, **tables: str) -> str:
    """A page's text with the tables between the marks of their names; the page itself is left as it is.

    Raises UsageError if there is no such page, or no such marks in it.
    """
    text = _text(page) or ""
    for name, table in tables.items():
        start, end = _MARK.format(name, "start"), _MARK.format(name, "end")
        before, started, rest = text.partition(start)
        _, ended, after = rest.partition(end)
        if not started or not ended:
            raise UsageError(f"{page} has no place for its table: put {start} and {end} there, each on its own line")
        text = before + "\n".join(filter(None, (start, table, end))) + after
    return text


def short_table(published: list[Row]) -> str:
    """For the README: what, parameters, accuracy with interval."""
    lines = ["| recipe | parameters | five-fold accuracy | 95 % interval |", "|---|--:|--:|--:|"]
    for row in published:
        lines.append(
            f"| `{row.title}` | {row.facts['parameters']:,} | {_percent(row.test['accuracy'])} | {_span(row)} |"
        )
    return "\n".join(lines)


def long_table(published: list[Row]) -> str:
    """For the docs: all that a row is made of."""
    head = ("row", "protocol", "parameters", "accuracy", "95 % interval", "folds", "macro F1")
    parts = ("training", "validation", "test")
    tail = ("budget", "time", "machine", "run at commit")
    lines = ["| " + " | ".join((*head, *parts, *tail)) + " |", "|---|---|" + "--:|" * 8 + "---|" * 4]
    for row in published:
        facts = row.facts
        cells = [
            f"[`{row.title}`](results/{row.name}.csv)",
            facts["protocol"],
            f"{facts['parameters']:,}",
            _percent(row.test["accuracy"]),
            _span(row),
            " ".join(f"{100 * value:.2f}" for value in row.folds.values()),
            f"{100 * row.test['macro_f1']:.2f}",
            *(_part(part) for part in (facts["train"], facts["validation"], row.test)),
            facts["budget"],
            f"{facts['seconds'] / 60:.0f} min",
            facts["machine"],
            f"`{facts['commit']}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def carried(published: list[Row], unmeasured: dict[str, str]) -> dict[str, Any]:
    """By recipe, its rows with what `hubbub recipes` shows of them, or why there is none."""
    found: dict[str, Any] = {}
    for row in published:
        here: dict[str, Any] = found.setdefault(row.recipe, {"rows": []})
        here["rows"].append(
            {
                "row": row.title,
                "protocol": row.facts["protocol"],
                "accuracy": round(row.test["accuracy"], 6),
                "interval": [round(value, 6) for value in row.test["interval"]],
                "parameters": row.facts["parameters"],
                "budget": row.facts["budget"],
                "seconds": row.facts["seconds"],
                "machine": row.facts["machine"],
            }
        )
    nothing = {recipe: {"rows": [], "empty": why} for recipe, why in sorted(unmeasured.items())}
    return nothing | found


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _span(row: Row) -> str:
    low, high = row.test["interval"]
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _part(part: dict[str, Any]) -> str:
    if not part["clips"]:
        return "none"
    return f"{part['clips']} clips, {_percent(part['accuracy'])}, loss {part['loss']:.3f}"
