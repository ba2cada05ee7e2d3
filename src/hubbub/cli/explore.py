"""`hubbub explore`: what a dataset holds, before anything is trained on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.cli.streams import print_json

if TYPE_CHECKING:
    from rich.table import Table

    from hubbub.studies.explore import Exploration

_SHOWN = 10  # classes in full
_NAMED = 3  # clips of a finding
_MEASURES = {
    "duration": ("{:.2f}", 1),
    "level": ("{:.0f} dB", 1),
    "centroid": ("{:,.0f} Hz", 1),
    "bandwidth": ("{:.1f} kHz", 1e-3),
    "silence": ("{:.0f} %", 100),
}
_COUNTED = {"clips": ("clip",), "classes": ("class", "classes"), "recordings": ("source recording",)}


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

    What it measured is cached, so that an interrupted exploration goes on from there. In CSV files, a name that a
    spreadsheet would take for a formula has a ' in front.
    """
    from hubbub.cli.progress import track
    from hubbub.data.sources import open_dataset
    from hubbub.formatting import count, file_size
    from hubbub.studies import explore as study
    from hubbub.studies import explore_tables
    from hubbub.workers import cores

    if html is not None:
        from hubbub.web.page import require

        require()  # told before minutes of listening
    exploration = study.explore(open_dataset(dataset), cores(), progress=track)
    if as_json:
        print_json(explore_tables.to_dict(exploration), indent=1)
    else:
        _show(exploration)
    written = []
    if csv is not None:
        written += _write_tables(csv, exploration)
    if html is not None:
        from hubbub.report import explore_page

        sounds = explore_page.write(html, exploration, cores(), track)
        written.append(f"{html}: {file_size(html)}, {count(len(sounds), 'sound')} in it")
    for line in written:
        typer.echo(line, err=as_json)


def _write_tables(folder: Path, exploration: "Exploration") -> list[str]:
    from hubbub.storage import write_csv
    from hubbub.studies import explore_tables

    tables = {
        "clips": explore_tables.clip_table(exploration),
        "classes": explore_tables.class_table(exploration),
        "categories": explore_tables.category_table(exploration),
    }
    for name, rows in tables.items():
        if rows:
            write_csv(folder / f"{name}.csv", rows[0], map(explore_tables.spreadsheet_row, rows))
    return [f"{folder / name}.csv: {len(rows):,} rows" for name, rows in tables.items() if rows]


def _show(exploration: "Exploration") -> None:
    from hubbub.cli.show import console
    from hubbub.formatting import count, duration, printable
    from hubbub.studies import explore_tables
    from hubbub.studies.findings import findings

    out, total = console(), explore_tables.totals(exploration)
    out.print(printable(total["title"]), style="bold", markup=False)
    counts = [count(total[name], *nouns) for name, nouns in _COUNTED.items()]
    out.print(", ".join([*counts, duration(3600 * total["hours"])]))
    if total["formats"]:
        out.print(", ".join((f"{' and '.join(total['rates'])} Hz", *total["formats"])), style="dim", markup=False)
    for line in exploration.dataset.warnings:
        out.print(f"- {printable(line)}", markup=False)
    for finding in findings(exploration):
        out.print(f"- {finding}", markup=False)
        for number, detail in zip(finding.clips[:_NAMED], finding.details, strict=False):
            out.print(f"    {printable(exploration.clips[number].id)}: {printable(detail)}", style="dim", markup=False)
        if len(finding.clips) > _NAMED:
            out.print(f"    ... and {len(finding.clips) - _NAMED:,} more; --html and --json have all", style="dim")
    for line in explore_tables.observations(exploration):
        out.print(f"- {line}", markup=False)
    rows = explore_tables.class_table(exploration)
    if exploration.readable:
        out.print(_table(rows))
    if len(rows) > 2 * _SHOWN:
        out.print(f"... {len(rows) - 2 * _SHOWN} classes between them; --csv, --json and --html have all", style="dim")


def _table(rows: list[dict[str, Any]]) -> "Table":
    """Classes by brightness, the darkest and the brightest where there are many."""
    from rich.table import Table
    from rich.text import Text

    from hubbub.formatting import UNKNOWN, label, printable

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("class", "clips", "recordings", "seconds", "level", "centroid", "bandwidth", "silence"):
        table.add_column(name, justify="left" if name == "class" else "right", overflow="fold")
    ordered = sorted(rows, key=lambda row: row["centroid"] or 0)
    shown = ordered if len(ordered) <= 2 * _SHOWN else [*ordered[:_SHOWN], *ordered[-_SHOWN:]]
    for row in shown:
        measures = [
            UNKNOWN if row[name] is None else form.format(row[name] * factor)
            for name, (form, factor) in _MEASURES.items()
        ]
        table.add_row(Text(printable(label(row["class"]))), f"{row['clips']:,}", f"{row['recordings']:,}", *measures)
    return table
