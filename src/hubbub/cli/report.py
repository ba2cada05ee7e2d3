"""`hubbub report`: what runs found."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.errors import UsageError

if TYPE_CHECKING:
    from hubbub.runs.run import Run


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders; two or more are compared.")],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page, with clips to hear, instead.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Where the page finds the sounds, if not where the run says.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model file, or built-in, that the page asks why; the run's own model.onnx if left out."),
    ] = None,
    explain: Annotated[
        list[str], typer.Option(metavar="CLIP", help="Ask about this clip, not about the most confident mistakes.")
    ] = [],  # noqa: B006
) -> None:
    """Print a run's figures, or write them as a page; of several runs, also how each differs from the first."""
    from hubbub.cli.show import console
    from hubbub.report.terminal import comparison
    from hubbub.runs.run import Run

    if html is None and (dataset is not None or model is not None or explain):
        raise UsageError("--dataset, --model and --explain are for the page that --html FILE writes: give it as well")
    if len(runs) > 1 and (model is not None or explain):
        raise UsageError("--model and --explain are for the page of one run: give one RUN")
    opened = [Run.open(folder) for folder in runs]
    if html is not None:
        _page(html, opened, dataset, model, explain)
        return
    for run in opened:
        show_run(run)
    for other in opened[1:]:
        console().print(comparison(opened[0], other))


def _page(path: Path, runs: "list[Run]", dataset: str | None, model: str | None, explain: list[str]) -> None:
    from hubbub.cli.options import say
    from hubbub.cli.progress import track
    from hubbub.formatting import count, file_size
    from hubbub.listen.classifier import BUILT_IN
    from hubbub.report import run_page, runs_page
    from hubbub.workers import cores

    if len(runs) == 1:
        model_file = BUILT_IN if model == "built-in" else Path(model) if model else None
        written = run_page.write(path, runs[0], dataset, model_file, explain, cores(), track)
    else:
        written = runs_page.write(path, runs, dataset, cores(), track)
    if written.problem:
        say(f"the page has no sounds: {written.problem}; or say with --dataset where they are")
    print(f"{path}: {file_size(path)}, {count(written.sounds, 'sound')}")


def show_run(run: "Run") -> None:
    """Print one run's figures."""
    from hubbub.cli.show import console
    from hubbub.report.terminal import overview

    console().print(overview(run))
