"""The published tables, made from the kept predictions and from nothing else, and the pages that hold them.

Rows that are not of the official five folds are in docs/results.md alone, between marks named `part`.
"""

import json
from pathlib import Path
from typing import Any

from hubbub.errors import UsageError
from hubbub.report.markdown import filled
from hubbub.storage import write_text
from published import rows
from published.rows import FOLDER, Row

README, RESULTS = Path("README.md"), Path("docs", "results.md")
CARRIED = Path("src", "hubbub", "recipes", "results.json")  #: the same figures for `hubbub recipes`, in the package


def refresh(root: Path, write: bool = True) -> list[Path]:
    """Pages whose tables differ from the kept predictions; with `write`, they are brought up to date.

    Raises UsageError as `require_pages`, or if there are no kept predictions; DataError if those are damaged.
    """
    require_pages(root)
    if not (root / FOLDER).is_dir():
        raise UsageError(f"no {FOLDER} under {root.resolve()}: publish a run with --add RUN")
    published = rows.read_all(root)
    whole = [row for row in published if row.five_folds]
    part = [row for row in published if not row.five_folds]
    carried = json.dumps(by_recipe(published, rows.unmeasured(root)), indent=1, ensure_ascii=False) + "\n"
    pages = {
        README: filled(root / README, results=short_table(whole)),
        RESULTS: filled(root / RESULTS, results=long_table(whole), part=long_table(part) if part else ""),
        CARRIED: carried,
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


def short_table(published: list[Row]) -> str:
    """For the README: what, parameters, accuracy with interval."""
    lines = ["| recipe | parameters | five-fold accuracy | 95 % interval |", "|---|--:|--:|--:|"]
    for row in published:
        accuracy = _percent(row.test["accuracy"])
        lines.append(f"| `{row.title}` | {row.about['parameters']:,} | {accuracy} | {_interval(row)} |")
    return "\n".join(lines)


def long_table(published: list[Row]) -> str:
    """For the docs: all that a row is made of."""
    head = ("row", "protocol", "parameters", "accuracy", "95 % interval", "folds", "macro F1")
    parts = ("training", "validation", "test")
    tail = ("budget", "time", "machine", "run at commit")
    lines = ["| " + " | ".join((*head, *parts, *tail)) + " |", "|---|---|" + "--:|" * 8 + "---|" * 4]
    for row in published:
        about = row.about
        cells = [
            f"[`{row.title}`](results/{row.name}.csv)",
            about["protocol"],
            f"{about['parameters']:,}",
            _percent(row.test["accuracy"]),
            _interval(row),
            " ".join(f"{100 * value:.2f}" for value in row.folds.values()),
            f"{100 * row.test['macro_f1']:.2f}",
            *(_part(part) for part in (about["train"], about["validation"], row.test)),
            about["budget"],
            f"{about['seconds'] / 60:.0f} min",
            about["machine"],
            f"`{about['commit']}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def by_recipe(published: list[Row], unmeasured: dict[str, str]) -> dict[str, Any]:
    """What `hubbub recipes` shows: by recipe, its rows, the main one first, or why there is none.

    The main row is what training the recipe gives as the README says it: an honest one, without copies, of as many
    folds as there are, of unchanged keys.
    """
    recipes: dict[str, Any] = {recipe: {"rows": [], "empty": why} for recipe, why in sorted(unmeasured.items())}
    for recipe in dict.fromkeys(row.recipe for row in published):
        ordered = sorted(
            (row for row in published if row.recipe == recipe),
            key=lambda row: (row.leaky, row.with_copies, -len(row.folds), not row.unchanged, row.name),
        )
        recipes[recipe] = {"rows": [_carried(row) for row in ordered]}
    return recipes


def _carried(row: Row) -> dict[str, Any]:
    about = row.about
    return {
        "row": row.title,
        "dataset": about["dataset"],
        "protocol": about["protocol"],
        "accuracy": round(row.test["accuracy"], 6),
        "interval": [round(value, 6) for value in row.test["interval"]],
        "parameters": about["parameters"],
        "budget": about["budget"],
        "seconds": about["seconds"],
        "machine": about["machine"],
    }


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _interval(row: Row) -> str:
    low, high = row.test["interval"]
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _part(part: dict[str, Any]) -> str:
    if not part["clips"]:
        return "none"
    return f"{part['clips']} clips, {_percent(part['accuracy'])}, loss {part['loss']:.3f}"
