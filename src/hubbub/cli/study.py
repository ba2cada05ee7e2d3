"""`hubbub leak-study`: by how much a leaky split flatters."""

from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.setting import RUNS, Runs, Seed, Set, Words, learning, prepare
from hubbub.errors import UsageError

_MARKS = ("<!-- leak:start -->", "<!-- leak:end -->")


def leak_study(
    recipe: Annotated[str, typer.Option(help="The one network; its budget leak-study is used.")] = "resnet18",
    copies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Of `hubbub augment esc50`; made in the cache if left out.")
    ] = None,
    unseen: Annotated[list[int], typer.Option(help="Official folds to put aside, one after the other.")] = [5],  # noqa: B006
    runs: Runs = RUNS,
    seed: Seed = 0,
    sets: Set = [],  # noqa: B006
    page: Annotated[
        Path | None, typer.Option(help="A Markdown page to write the table into, between its marks.")
    ] = None,
) -> None:
    """Train one network on four ways to split ESC-50, and score each on recordings that none of them has heard."""
    with learning():
        from hubbub.studies import leak
    from hubbub.cli.show import console
    from hubbub.runs import Run

    if page is not None:
        _require_marks(page)
    prepared = prepare(Words(recipe, str(copies or _made()), "leak-study", seed=seed, sets=tuple(sets)))
    target = Run(runs / f"leak-study-{recipe}")
    found = leak.run(prepared.setting, prepared.sounds, unseen, target)
    text = leak.table(found)
    console().print(text)
    print(f"run folders: {target.folder}")
    if page is not None:
        _write(page, text)


def _made() -> Path:
    """The usual copies of ESC-50, from the cache or made into it."""
    import os

    from hubbub.cli.progress import track
    from hubbub.data import expand
    from hubbub.data.registry import open_dataset
    from hubbub.storage import cache_dir

    clips = open_dataset("esc50")
    folder = cache_dir("expanded") / "esc50"
    about = expand.About("esc50", expand.usual_total(clips))
    expand.expand(clips, folder, about, os.cpu_count() or 1, track("making copies"))
    return folder


def _require_marks(page: Path) -> None:
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    if any(mark not in text for mark in _MARKS):
        raise UsageError(f"{page} has no place for the table: put {' and '.join(_MARKS)} there")


def _write(page: Path, table: str) -> None:
    from hubbub.storage import write_text

    start, end = _MARKS
    before, rest = page.read_text(encoding="utf-8").split(start, 1)
    write_text(page, f"{before}{start}\n{table}\n{end}{rest.split(end, 1)[1]}")
