"""`hubbub report` and `hubbub results`: what runs found, and the published tables made from them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hubbub.runs import Run


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders; two or more are compared.")],
) -> None:
    """Print a run's figures; of several runs, also how each differs from the first."""
    from hubbub.cli.show import console
    from hubbub.report.console import comparison
    from hubbub.runs import Run

    opened = [Run.open(folder) for folder in runs]
    for run in opened:
        show_run(run)
    for other in opened[1:]:
        console().print(comparison(opened[0], other))


def results(
    root: Annotated[Path, typer.Option(help="The source tree with README.md and docs/results.")] = Path(),
    add: Annotated[Path | None, typer.Option("--add", metavar="RUN", help="Publish a run as a row.")] = None,
    row: Annotated[str | None, typer.Option("--row", help="Name of that row; the run's if left out.")] = None,
    machine: Annotated[str | None, typer.Option(help="What the run ran on, for the row.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if a table is out of date.")] = False,
) -> None:
    """Make the tables of README.md and docs/results.md from the kept predictions."""
    from hubbub.report import results as kept
    from hubbub.report import tables
    from hubbub.runs import Run

    if add is not None and check:
        raise UsageError("--check changes nothing and --add does: give one of them")
    if add is not None:
        tables.require_pages(root)
        kept.publish(Run.open(add), root, row, machine)
    stale = tables.refresh(root, write=not check)
    for path in stale:
        print(f"{path}: {'out of date, run `hubbub results`' if check else 'brought up to date'}")
    if check and stale:
        raise typer.Exit(ExitCode.FINDING)
    if not stale:
        print("all tables are up to date")


def show_run(run: "Run") -> None:
    """Print one run's figures."""
    from hubbub.cli.show import console
    from hubbub.report.console import overview

    console().print(overview(run))
