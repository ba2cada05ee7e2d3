"""`hubbub recipes`: the recipes that come with hubbub, and what each of them gave."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table


def recipes(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object: also what each recipe is, its budget and machine.")
    ] = False,
) -> None:
    """List the recipes with their measured accuracy on ESC-50."""
    from hubbub.cli.options import learning

    with learning():
        from hubbub.train import recipe_file as known
    home = files("hubbub") / "recipes"
    results = json.loads((home / "results.json").read_text(encoding="utf-8"))
    listed = {name: {"about": known.load(name).about, "rows": [], **results.get(name, {})} for name in known.names()}
    if as_json:
        print(json.dumps(listed, indent=1, ensure_ascii=False))
        return
    from hubbub.cli.show import console

    width = max(map(len, listed))
    measured = {name: facts["rows"] for name, facts in listed.items() if facts["rows"]}
    others = {name: facts.get("empty") for name, facts in listed.items() if name not in measured}
    console().print(_measured(measured, width))
    if others:
        console().print()
        console().print(_not_measured(others, width))


def _measured(rows: dict[str, list[dict[str, Any]]], width: int) -> "Table":
    """A line a row, under the recipe whose first row is the best; honest rows come first in each.

    A recipe's other rows, of changed keys or other folds, stand under their own names.
    """
    table = _table(width, "recipe")
    for column in ("accuracy", "95 % interval", "weights", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("tested on")
    for name in sorted(rows, key=lambda name: _rank(rows[name][0])):
        for place, row in enumerate(rows[name]):
            table.add_row(f"  {row['row']}" if place else name, *_cells(row))
    return table


def _not_measured(reasons: dict[str, str | None], width: int) -> "Table":
    table = _table(width, "not measured")
    table.add_column("why")
    for name, reason in reasons.items():
        table.add_row(name, reason or "no run of it is published")
    return table


def _table(width: int, first: str) -> "Table":
    """A table whose first column holds the names of recipes."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold", min_width=width, max_width=width)
    return table


def _rank(row: dict[str, Any]) -> tuple[bool, float]:
    return row["protocol"].startswith("LEAKY "), -row["accuracy"]


def _cells(row: dict[str, Any]) -> list[str]:
    from hubbub.report.results import WHOLE

    (low, high), minutes = row["interval"], row["seconds"] / 60
    protocol = row["protocol"].replace("-fold", " fold ")
    return [
        f"{100 * row['accuracy']:.2f} %",
        f"{100 * low:.1f}–{100 * high:.1f}",
        f"{row['parameters'] / 1e6:.2f} M",
        f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h",
        "five folds" if row["protocol"] == WHOLE else protocol.removeprefix("official "),
    ]
