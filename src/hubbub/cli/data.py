"""`hubbub data`: fetch, import, check and describe datasets."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.cli.progress import track
from hubbub.cli.streams import print_json
from hubbub.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset
    from hubbub.types import Track

app = typer.Typer(
    help="Fetch, import, check and describe datasets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

PublishedName = Annotated[str, typer.Argument(metavar="NAME", help="Dataset name: esc50, or esc10, a part of it.")]
DatasetName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Dataset name (esc50, esc10, synthetic), or the path of a folder of sounds, one subfolder a class.",
    ),
]

_SHOWN = 20  # problems in full; the rest is counted


@app.command()
def fetch(name: PublishedName) -> None:
    """Download ESC-50 (about 646 MB) and verify it.

    An interrupted download is resumed; a dataset that is there and whole is left as it is.
    """
    from hubbub.data import esc50_release

    _require_published(name)
    bar = _Bar("downloading")

    def next_step(step: str) -> "Track":
        bar.close()
        return track(step)

    try:
        folder = esc50_release.fetch_release(on_bytes=bar, progress=next_step)
    finally:
        bar.close()
    _say_where(folder)


@app.command("import")
def import_(
    name: PublishedName,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="ESC-50 release: folder or zip.")],
) -> None:
    """Import a copy of ESC-50 that you already have: verify it, and copy it to where hubbub looks for it."""
    from hubbub.data import esc50_release

    _require_published(name)
    _say_where(esc50_release.import_release(path, progress=track))


@app.command()
def verify(name: DatasetName) -> None:
    """Verify a dataset: its table, the numbers of clips, classes and folds, and that every clip decodes.

    Exit code 1 if something is damaged.
    """
    from hubbub.data import sources

    problems = sources.verify(name, track("checking"))
    for problem in problems[:_SHOWN]:
        print(problem)
    if len(problems) > _SHOWN:
        print(f"... and {len(problems) - _SHOWN:,} more")
    if problems:
        count = f"{len(problems):,} {'problem' if len(problems) == 1 else 'problems'}"
        print(f"{name}: {count}; {sources.find(name).remedy}")
        raise typer.Exit(ExitCode.FINDING)
    dataset = sources.open_dataset(name)
    print(f"{name}: whole, {len(dataset.clips):,} clips of {len(dataset.labels)} classes in {_folder(dataset)}")


@app.command()
def info(
    name: DatasetName, as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False
) -> None:
    """Describe a dataset: clips, classes, folds, licence, citation, and recordings that lie in several folds."""
    from hubbub.data.sources import open_dataset

    description = _to_dict(open_dataset(name))
    if as_json:
        print_json(description, indent=1)
    else:
        _show(_lines(description))


def _require_published(name: str) -> None:
    """Refuse a dataset that cannot be fetched or imported; ESC-10 comes with ESC-50."""
    from hubbub.data.sources import SOURCES

    if name not in SOURCES:
        raise UsageError(f"unknown dataset {name!r}: known are {', '.join(SOURCES)}")
    if not SOURCES[name].published:
        raise UsageError(f"{name} sounds are made by code, nothing is fetched: see `hubbub data info {name}`")


def _say_where(folder: Path) -> None:
    print(f"ESC-50 is in {folder}, verified; for research and other non-commercial use (CC BY-NC 3.0)")
    preferred = os.environ.get("HUBBUB_ESC50")
    if preferred and Path(preferred).resolve() != folder.resolve():
        print(f"(commands use $HUBBUB_ESC50, {preferred}, as long as that is set)")


def _folder(dataset: "Dataset") -> str:
    return os.path.commonpath([clip.path.parent for clip in dataset.originals])


def _to_dict(dataset: "Dataset") -> dict[str, Any]:
    """A dataset's description, ready for JSON."""
    by_category: dict[str, list[str]] = {}
    for label, category in dataset.categories.items():
        by_category.setdefault(category, []).append(label)
    return {
        "name": dataset.name,
        "title": dataset.title,
        "location": _folder(dataset),
        "clips": len(dataset.originals),
        "copies": dataset.copies,
        "recordings": len({clip.group for clip in dataset.clips}),
        "classes": list(dataset.labels),
        "categories": by_category,
        "folds": {str(fold): sum(clip.fold == fold for clip in dataset.originals) for fold in dataset.folds},
        "spanning": {
            group: [{"clip": clip.id, "fold": clip.fold, "label": clip.label} for clip in clips]
            for group, clips in dataset.spanning.items()
        },
        "licence": dataset.licence,
        "citation": dataset.citation,
        "source": dataset.source,
    }


def _lines(description: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for people: rows of a heading and a text."""
    folds = ", ".join(f"{fold}: {count}" for fold, count in description["folds"].items())
    by_category = [(f"  {category}", ", ".join(labels)) for category, labels in description["categories"].items()]
    spanning = [
        (f"  {group}", ", ".join(f"fold {clip['fold']} {clip['label']}" for clip in clips))
        for group, clips in description["spanning"].items()
    ]
    copies, classes = description["copies"], description["classes"]
    return [
        ("title", description["title"]),
        ("location", description["location"]),
        ("clips", f"{description['clips']:,}, from {description['recordings']:,} source recordings"),
        *([("copies", f"{copies:,}, which are only ever trained on")] if copies else []),
        ("classes", f"{len(classes)}" + ("" if by_category else f": {', '.join(classes)}")),
        *by_category,
        ("clips a fold", folds or "no official folds"),
        ("in several folds", f"{len(spanning) or 'no'} source recording{'s' if len(spanning) != 1 else ''}"),
        *spanning,
        ("licence", description["licence"]),
        ("citation", description["citation"]),
        ("source", description["source"]),
    ]


def _show(lines: list[tuple[str, str]]) -> None:
    """A table on a terminal; elsewhere one unbroken line each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        print("\n".join(f"{name}: {text}" for name, text in lines))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(Text(name), Text(text))
    console.print(table)


class _Bar:
    """A `hubbub.data.download.OnBytes`: a bar on stderr, on a terminal only, from the first bytes until `close`."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(what, total=None)

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar.console.is_terminal:
            self._bar.start()
            self._bar.update(self._task, completed=done, total=total)

    def close(self) -> None:
        if self._bar.live.is_started:
            self._bar.stop()
