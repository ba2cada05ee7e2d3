"""`hubbub evaluate`: how well a model file names sounds that it has never heard."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import RUNS, Name, Runs, require_folder_name, say
from hubbub.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset
    from hubbub.studies.evaluation import Outcome

BUILT_IN = "built-in"


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A .onnx model file, or built-in.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="esc50, esc10, synthetic, or a folder of sounds.")],
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Score only what the model has not heard.")
    ] = False,
    runs: Runs = RUNS,
    name: Name = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Score a model on clips that it has never heard, and leave a run folder for `hubbub report`.

    Exit code 3 if the model has heard clips, in training or validation: their ids, their source recordings or their
    samples are on record in the model file. Exit code 1 if a clip cannot be read; the others are scored.
    """
    from hubbub.cli.progress import track
    from hubbub.data.sources import open_dataset
    from hubbub.listen.classifier import BUILT_IN as FILE
    from hubbub.runs.run import Run
    from hubbub.studies import evaluation

    path = FILE if model == BUILT_IN else Path(model)
    if path.is_dir():
        raise UsageError(f"{model} is a folder: `hubbub export {shlex.quote(model)}` makes a model file of a run")
    require_folder_name(name)
    opened = open_dataset(dataset)
    words = ["hubbub", "evaluate", model, dataset, *(["--unseen-only"] if unseen_only else [])]
    found = evaluation.evaluate(
        path,
        opened,
        Run(runs / (name or _named(model, opened.name, unseen_only))),
        unseen_only,
        track,
        called=_findable(dataset, opened),
        command=shlex.join(words),
    )
    _show(found, as_json)
    if found.unreadable:
        raise typer.Exit(ExitCode.FINDING)


def _named(model: str, dataset: str, unseen_only: bool) -> str:
    """Of the run folder."""
    return "-".join(["evaluate", Path(model).stem, dataset, *(["unseen"] if unseen_only else [])])


def _findable(given: str, opened: "Dataset") -> str:
    """What `hubbub report` can open: a folder of one's own as it was given, the others by name."""
    from hubbub.data.sources import SOURCES

    known = opened.name in SOURCES or opened.copies
    return opened.name if known else str(Path(given))


def _show(found: "Outcome", as_json: bool) -> None:
    for why in found.unreadable.values():
        say(f"hubbub: {why}")
    if found.unreadable:
        say(f"hubbub: {_clips(len(found.unreadable))} could not be read, and not scored")
    if not found.recorded:
        say("hubbub: the model file does not say what it has heard; whether these clips are new to it is not known")
    if as_json:
        import json

        print(json.dumps(found.facts(), indent=1, ensure_ascii=False))
        return
    from hubbub.cli.report import show_run
    from hubbub.studies.contamination import ways

    show_run(found.run)
    if found.heard:
        print(f"left out, since the model has heard them: {_clips(len(found.heard))} ({ways(found.heard)})")
    print(f"run folder: {found.run.folder}")


def _clips(count: int) -> str:
    return f"{count:,} clip{'s' if count != 1 else ''}"
