"""`hubbub recipes`: the recipes that come with hubbub, and what each of them gave."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.cli.streams import print_json

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[str, Any]  # a published run, as recipes/results.json has it


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A recipe, or a YAML file, to print with every key written out."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object: also what each recipe is, its budget and machine.")
    ] = False,
) -> None:
    """List the recipes with their measured accuracy on ESC-50, or print one of them."""
    from hubbub.train import recipe_file

    results = json.loads((files("hubbub") / "recipes" / "results.json").read_text(encoding="utf-8"))
    if name is not None:
        _print_recipe(name, results.get(name, {"rows": []}), as_json)
        return
    names = recipe_file.names()
    listed = {key: {"about": recipe_file.load(key).about, "rows": [], **results.get(key, {})} for key in names}
    if as_json:
        print_json(listed, indent=1)
        return
    from hubbub.cli.show import console

    measured = {key: listed[key]["rows"] for key in names if listed[key]["rows"]}
    reasons = {key: listed[key].get("empty") for key in names if key not in measured}
    width = max(
        len(title) for title in [*names, *(f"  {row['row']}" for rows in measured.values() for row in rows[1:])]
    )
    console().print(_measured(measured, width))
    if reasons:
        console().print()
        console().print(_not_measured(reasons, width))


def _print_recipe(name: str, results: Mapping[str, Any], as_json: bool) -> None:
    """A recipe's YAML, and what it gave in comments below, so that the whole is still a recipe."""
    from hubbub.train import recipe_file

    recipe = recipe_file.load(name)
    if as_json:
        print_json({name: {"recipe": asdict(recipe), **results}}, indent=1)
        return
    print(recipe_file.to_yaml(recipe))
    for row in results["rows"]:
        accuracy, interval, parameters, time = _figures(row)
        run = f"{_tested_on(row)}, {row['budget']}, {parameters} parameters, {time} on {row['machine']}"
        print(f"# {row['row']}: {accuracy} ({interval}), {run}")
    if not results["rows"] and name in recipe_file.names():
        print(f"# not measured: {results.get('empty') or 'no run of it is published'}")


def _measured(rows: Mapping[str, list[Row]], width: int) -> "Table":
    """A line a row, under the recipe whose main row is the best; honest ones come first.

    A recipe's other rows, of copies, of changed keys or of other folds, stand under it by their own names.
    """
    table = _table(width, "recipe")
    for column in ("accuracy", "95 % interval", "weights", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("tested on")
    for name in sorted(
        rows, key=lambda name: (rows[name][0]["protocol"].startswith("LEAKY "), -rows[name][0]["accuracy"])
    ):
        for number, row in enumerate(rows[name]):
            table.add_row(f"  {row['row']}" if number else name, *_figures(row), _tested_on(row))
    return table


def _not_measured(reasons: Mapping[str, str | None], width: int) -> "Table":
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


def _figures(row: Row) -> tuple[str, str, str, str]:
    """Accuracy, its interval, parameters and time, for people."""
    (low, high), minutes = row["interval"], row["seconds"] / 60
    return (
        f"{100 * row['accuracy']:.2f} %",
        f"{100 * low:.1f}–{100 * high:.1f}",
        f"{row['parameters'] / 1e6:.2f} M",
        f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h",
    )


def _tested_on(row: Row) -> str:
    protocol = str(row["protocol"]).replace("-fold", " fold ").removeprefix("official ")
    return "five folds" if protocol == "folds 1 2 3 4 5" else protocol
