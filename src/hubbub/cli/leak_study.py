"""`hubbub leak-study`: by how much a leaky split flatters."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import RUNS, Runs, Seed, Set, experiment, learning, overrides

if TYPE_CHECKING:
    from rich.table import Table

    from hubbub.studies.leak_study import SplitOutcome


def leak_study(
    recipe: Annotated[str, typer.Option(help="Recipe of the network; its budget leak-study is used.")] = "resnet18",
    copies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder by `hubbub augment esc50`; made if left out.")
    ] = None,
    unseen: Annotated[list[int], typer.Option(help="Official folds to put aside, one after the other.")] = [5],  # noqa: B006
    runs: Runs = RUNS,
    seed: Seed = 0,
    sets: Set = [],  # noqa: B006
    page: Annotated[
        Path | None,
        typer.Option(help="A Markdown page to write the table into; predictions go beside it."),
    ] = None,
) -> None:
    """Train one network on four ways to split ESC-50, and score each on recordings that none of them has heard."""
    with learning():
        from hubbub.studies import leak_study as study
        from hubbub.studies.training_data import load_recipe
    from hubbub.cli.show import console
    from hubbub.report.markdown import filled
    from hubbub.runs.run import Run
    from hubbub.storage import write_text

    named = load_recipe(recipe, overrides(sets), "leak-study").name
    if page is not None:
        filled(page, leak="")  # told before hours of training
    target = Run(runs / f"leak-study-{named}{f'-seed{seed}' if seed else ''}")
    with experiment(recipe, str(copies or _made()), "leak-study", None, False, seed, sets) as prepared:
        outcomes = study.run(prepared, unseen, target)
    console().print(_table(outcomes))
    print(f"run folders: {target.folder}")
    if page is not None:
        evidence = page.with_suffix(".csv")
        study.write_evidence(evidence, target, unseen)
        write_text(page, filled(page, leak=study.table(outcomes)))
        print(f"{page}: brought up to date, from {evidence.name}")


def _made() -> Path:
    """The usual copies of ESC-50, from the cache or made into it."""
    from hubbub.cli.progress import track
    from hubbub.data import augmented_copies
    from hubbub.data.sources import open_dataset
    from hubbub.storage import cache_dir
    from hubbub.workers import cores

    clips = open_dataset("esc50")
    folder = cache_dir("expanded") / "esc50"
    about = augmented_copies.About("esc50", augmented_copies.usual_total(clips))
    augmented_copies.expand(clips, folder, about, cores(), track("making copies"))
    return folder


def _table(outcomes: Iterable["SplitOutcome"]) -> "Table":
    from rich.table import Table

    from hubbub.studies.leak_study import span

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("split")
    for column in ("its own test says", "unseen recordings", "inflation"):
        table.add_column(column, justify="right", no_wrap=True)
    for outcome in outcomes:
        says, unseen = (f"{100 * part.value:.2f} % ({span(part)})" for part in (outcome.says, outcome.unseen))
        table.add_row(outcome.way.title, says, unseen, f"{outcome.inflation:+.1f} points")
    return table
