"""`hubbub data`: fetch, import, check and describe datasets."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.cli.progress import track
from hubbub.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset

app = typer.Typer(
    help="Fetch, import, check and describe datasets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="esc50, esc10 or synthetic.")]
Given = Annotated[
    str, typer.Argument(metavar="NAME", help="esc50, esc10, synthetic, or a folder of sounds, one folder a class.")
]

_SHOWN = 20  # problems in full; the rest is counted


@app.command()
def fetch(name: Name) -> None:
    """Download a dataset from where it is published (ESC-50: about 646 MB) and verify it.

    What broke off goes on from there; what is there and whole is left as it is.
    """
    from hubbub.data import esc50

    _require_release(name)
    bar = _Bar("downloading")

    def stage(step: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
        bar.close()
        return track(step)

    try:
        folder = esc50.fetch_release(progress=bar, stages=stage)
    finally:
        bar.close()
    _say_where(folder)


@app.command("import")
def import_(
    name: Name, path: Annotated[Path, typer.Argument(metavar="PATH", help="The release: a folder or a zip.")]
) -> None:
    """Copy a dataset that you have already to where hubbub looks for it, once it is verified."""
    from hubbub.data import esc50

    _require_release(name)
    _say_where(esc50.import_release(path, stages=track))


@app.command()
def verify(name: Given) -> None:
    """Check a dataset: its table, its numbers, and that every clip decodes. Exit code 1 if something is wrong."""
    from hubbub.data import sources

    problems = sources.verify(name, track("checking"))
    for problem in problems[:_SHOWN]:
        print(problem)
    if len(problems) > _SHOWN:
        print(f"... and {len(problems) - _SHOWN:,} more")
    if problems:
        cure = "make it again" if name == "synthetic" or sources.is_expanded(name) else "record or convert them again"
        if name in ("esc50", "esc10"):
            cure = f"fetch or import it again (hubbub data fetch {name})"
        print(f"{name}: {len(problems):,} {'problem' if len(problems) == 1 else 'problems'}; {cure}")
        raise typer.Exit(ExitCode.FINDING)
    dataset = sources.open_dataset(name)
    print(f"{name}: whole, {len(dataset.clips):,} clips of {len(dataset.labels)} classes in {_folder(dataset)}")


@app.command()
def info(
    name: Given, as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False
) -> None:
    """Describe a dataset: clips, classes, folds, licence, citation, and recordings that lie in several folds."""
    from hubbub.data.sources import open_dataset

    facts = _facts(open_dataset(name))
    if as_json:
        import json

        print(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        _show(_lines(facts))


def _require_release(name: str) -> None:
    """Refuse what cannot be fetched or imported; ESC-10 comes with ESC-50."""
    from hubbub.data.sources import NAMES

    if name == "synthetic":
        raise UsageError("synthetic sounds are made by code, nothing is fetched: see `hubbub data info synthetic`")
    if name not in NAMES:
        raise UsageError(f"unknown dataset {name!r}: known are {', '.join(NAMES)}")


def _say_where(folder: Path) -> None:
    print(f"ESC-50 is in {folder}, verified; for research and other non-commercial use (CC BY-NC 3.0)")
    other = os.environ.get("HUBBUB_ESC50")
    if other and Path(other).resolve() != folder.resolve():
        print(f"(commands use $HUBBUB_ESC50, {other}, as long as that is set)")


def _folder(dataset: "Dataset") -> str:
    return os.path.commonpath([clip.path.parent for clip in dataset.originals])


def _facts(dataset: "Dataset") -> dict[str, Any]:
    """What there is to say about a dataset, ready for JSON."""
    from hubbub.data import esc50

    known = set(dataset.labels) <= set(esc50.LABELS)
    kinds = {label: esc50.category(label) for label in dataset.labels} if known else {}
    return {
        "name": dataset.name,
        "title": dataset.title,
        "location": _folder(dataset),
        "clips": len(dataset.originals),
        "copies": len(dataset.clips) - len(dataset.originals),
        "recordings": len({clip.group for clip in dataset.clips}),
        "classes": list(dataset.labels),
        "categories": {
            kind: [label for label in kinds if kinds[label] == kind] for kind in dict.fromkeys(kinds.values())
        },
        "folds": {str(fold): sum(clip.fold == fold for clip in dataset.originals) for fold in dataset.folds},
        "spanning": {
            group: [{"clip": clip.id, "fold": clip.fold, "label": clip.label} for clip in clips]
            for group, clips in dataset.spanning.items()
        },
        "licence": dataset.licence,
        "citation": dataset.citation,
        "source": dataset.source,
    }


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for people: rows of a name and a text."""
    folds = ", ".join(f"{fold}: {count}" for fold, count in facts["folds"].items())
    grouped = [(f"  {kind}", ", ".join(labels)) for kind, labels in facts["categories"].items()]
    spanning = [
        (f"  {group}", ", ".join(f"fold {clip['fold']} {clip['label']}" for clip in clips))
        for group, clips in facts["spanning"].items()
    ]
    return [
        ("title", facts["title"]),
        ("location", facts["location"]),
        ("clips", f"{facts['clips']:,}, from {facts['recordings']:,} source recordings"),
        *([("copies", f"{facts['copies']:,}, which are only ever trained on")] if facts["copies"] else []),
        ("classes", f"{len(facts['classes'])}" + ("" if grouped else f": {', '.join(facts['classes'])}")),
        *grouped,
        ("clips a fold", folds or "no official folds"),
        ("in several folds", f"{len(spanning) or 'no'} source recording{'s' if len(spanning) != 1 else ''}"),
        *spanning,
        ("licence", facts["licence"]),
        ("citation", facts["citation"]),
        ("source", facts["source"]),
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
    """A `hubbub.data.download.Progress`: a bar on stderr, on a terminal only, from the first bytes until `close`."""

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
