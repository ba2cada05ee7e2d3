"""`hubbub audit`: what leaks in a split, what gives classes away, and which labels may be wrong."""

from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.progress import track
from hubbub.cli.streams import print_json
from hubbub.errors import ExitCode


def audit(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="esc50, esc10, synthetic, or a folder of sounds.")],
    split: Annotated[
        str | None,
        typer.Option(
            help="official, grouped, random, random-expanded, or a CSV file with columns clip and part (or fold), such "
            "as the clips.csv of a run. If left out: that of --run, else official, else grouped."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A run folder: its predictions tell which labels may be wrong.")
    ] = None,
    accept: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known leaks, one a line: a recording, or CLIP,CLIP; # begins a comment."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page with all of it, and players.")
    ] = None,
) -> None:
    """Look for leaks between the parts of a split. Exit code 1 if there is one that is not accepted.

    A leak is a recording, the same samples, or a near copy (shifted, cut, filtered, re-encoded) on two sides. Also told
    is how far bandwidth and digital silence alone give classes away, and, with --run, which labels may be wrong.
    """
    from hubbub.cli.show import console
    from hubbub.data.sources import open_dataset
    from hubbub.formatting import count, file_size
    from hubbub.report.audit_terminal import overview
    from hubbub.runs.run import Run
    from hubbub.studies import audit as study
    from hubbub.studies.leaks import Exceptions
    from hubbub.studies.split_table import assign
    from hubbub.workers import cores

    if html is not None:
        from hubbub.web.page import require

        require()  # told before minutes of listening
    known = Exceptions.read(accept) if accept else Exceptions()
    tested = Run.open(run) if run else None
    opened = open_dataset(dataset)
    result = study.run(opened, assign(opened, split, tested), tested, known, cores(), track)
    if as_json:
        print_json(result.to_dict(), indent=1)
    else:
        console().print(overview(result))
    if html is not None:
        from hubbub.report import audit_page

        sounds = audit_page.write(html, result, track("drawing"))
        typer.echo(f"{html}: {file_size(html)}, {count(len(sounds), 'sound')} in it", err=as_json)
    if result.open:
        raise typer.Exit(ExitCode.FINDING)
