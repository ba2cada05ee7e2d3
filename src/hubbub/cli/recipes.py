"""`hubbub recipes`: the recipes that come with hubbub, and what each of them gave."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table


def recipes(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """List the recipes with their measured accuracy on ESC-50."""
    from hubbub.cli.setting import learning

    with learning():
        from hubbub.train import recipe as known
    home = files("hubbub") / "recipes"
    results = json.loads((home / "results.json").read_text(encoding="utf-8"))
    listed = {name: {"about": known.load(name).about, "rows": [], **results.get(name, {})} for name in known.names()}
    if as_json:
        print(json.dumps(listed, indent=1, ensure_ascii=False))
        return
    from hubbub.cli.show import console

    console().print(_table(listed))


def _table(listed: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("recipe", "tested on", "parameters", "accuracy", "95 % interval", "budget", "time"):
        table.add_column(column, justify="right" if column == "parameters" else "left", no_wrap=column == "recipe")
    ordered = sorted(listed.items(), key=lambda item: -max((row["accuracy"] for row in item[1]["rows"]), default=0))
    for name, facts in ordered:
        for row in facts["rows"] or [None]:
            table.add_row(name, *(_cells(row) if row else _none(facts)))
            name = ""
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    low, high = row["interval"]
    folds = "five folds" if row["protocol"] == "official folds 1 2 3 4 5" else row["protocol"].replace("-", " ")
    return [
        folds,
        f"{row['parameters']:,}",
        f"{100 * row['accuracy']:.2f} %",
        f"{100 * low:.1f} to {100 * high:.1f}",
        row["budget"],
        f"{row['seconds'] / 60:.0f} min",
    ]


def _none(facts: dict[str, Any]) -> list[str]:
    return [f"not measured: {facts.get('empty', 'no run is published')}"]
