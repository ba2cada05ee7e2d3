"""`hubbub explore`: what a dataset holds, before anything is trained on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from hubbub.studies.explore import Exploration

_SHOWN = 10  # classes, or problems, in full


def explore(
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="esc50, esc10, synthetic, or a folder of sounds, one folder a class."),
    ],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write one page with all of it.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="DIR", help="Write the tables as CSV files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Look at a dataset: balance, broken and double files, levels, silence, bandwidth, and how its classes sound.

    What was heard is kept, so that an interrupted exploration goes on from there.
    """
    from hubbub.cli.progress import track
    from hubbub.data.registry import open_dataset
    from hubbub.studies import explore as study
    from hubbub.studies import inventory
    from hubbub.workers import cores

    if html is not None:
        from hubbub.report.page import require

        require()  # told before minutes of listening
    found = study.explore(open_dataset(dataset), cores(), track=track)
    if as_json:
        import json

        print(json.dumps(inventory.facts(found), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _show(found)
    written = []
    if csv is not None:
        written += _write_tables(csv, found)
    if html is not None:
        from hubbub.report import explore_page

        sounds = explore_page.write(html, found, cores(), track)
        written.append(f"{html}: {html.stat().st_size / 1e6:.1f} MB, {len(sounds):,} sounds in it")
    for line in written:
        typer.echo(line, err=as_json)


def _write_tables(folder: Path, found: "Exploration") -> list[str]:
    from hubbub.runs import write_csv
    from hubbub.studies import inventory

    tables = {
        "clips": inventory.clip_table(found),
        "classes": inventory.class_table(found),
        "categories": inventory.category_table(found),
    }
    for name, rows in tables.items():
        if rows:
            write_csv(folder / f"{name}.csv", rows[0], (row.values() for row in rows))
    return [f"{folder / name}.csv: {len(rows):,} rows" for name, rows in tables.items() if rows]


def _show(found: "Exploration") -> None:
    from hubbub.cli.show import console
    from hubbub.studies import inventory

    out, total = console(), inventory.totals(found)
    out.print(total["title"], style="bold", markup=False)
    recordings = f"{total['recordings']:,} source recordings"
    long = f"{total['hours']:.2f} hours" if total["hours"] >= 0.1 else f"{3600 * total['hours']:.1f} s"
    out.print(f"{total['clips']:,} clips, {total['classes']:,} classes, {recordings}, {long}")
    kinds = (f"{' and '.join(total['rates'])} Hz", ", ".join(total["formats"]))
    if total["formats"]:
        out.print(", ".join(kinds), style="dim", markup=False)
    for line in inventory.remarks(found):
        out.print(f"- {line}", markup=False)
    problems = [facts.problem for facts in found.facts if facts.problem]
    for line in problems[:_SHOWN]:
        out.print(f"  {line}", markup=False)
    if len(problems) > _SHOWN:
        out.print(f"  ... and {len(problems) - _SHOWN:,} more")
    rows = inventory.class_table(found)
    if found.readable:
        out.print(_table(rows))
    if len(rows) > 2 * _SHOWN:
        out.print(f"... {len(rows) - 2 * _SHOWN} classes between them; --csv, --json and --html have all", style="dim")


def _table(rows: list[dict[str, Any]]) -> "Table":
    """Classes by brightness, the darkest and the brightest where there are many."""
    from rich.table import Table
    from rich.text import Text

    from hubbub.cli.show import named

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("class", "clips", "recordings", "seconds", "level", "centroid", "bandwidth", "silence"):
        table.add_column(name, justify="left" if name == "class" else "right", overflow="fold")
    known = sorted((row for row in rows if row["centroid"] is not None), key=lambda row: row["centroid"])
    shown = known if len(known) <= 2 * _SHOWN else [*known[:_SHOWN], *known[-_SHOWN:]]
    for row in shown:
        level = "–" if row["level"] is None else f"{row['level']:.0f} dB"
        hertz = (f"{row['centroid']:,.0f} Hz", f"{row['bandwidth'] / 1000:.1f} kHz")
        counts = (f"{row['clips']:,}", f"{row['recordings']:,}", f"{row['duration']:.2f}")
        table.add_row(Text(named(row["class"])), *counts, level, *hertz, f"{row['silence']:.0%}")
    return table
