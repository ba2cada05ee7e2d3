"""`hubbub evaluate`: how well a model file names sounds that it was not trained on."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import RUNS, Name, Runs, command, say
from hubbub.cli.streams import print_json
from hubbub.errors import ExitCode, UsageError
from hubbub.formatting import count

if TYPE_CHECKING:
    from hubbub.studies.evaluation import Outcome

BUILT_IN = "built-in"


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model file (.onnx), or built-in.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="esc50, esc10, synthetic, or a folder of sounds.")],
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Leave out the clips that the model was trained on.")
    ] = False,
    runs: Runs = RUNS,
    name: Name = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Evaluate a model file on clips that it was not trained on, and write a run folder for `hubbub report`.

    Exit code 3 if clips are in the model's training record (training or validation): by clip id, source recording or
    samples. Exit code 1 if a clip cannot be read; the others are scored.
    """
    from hubbub.cli.progress import track
    from hubbub.data.sources import open_dataset
    from hubbub.listen.classifier import BUILT_IN as BUILT_IN_FILE
    from hubbub.runs.run import Run, require_folder_name
    from hubbub.studies import evaluation

    path = BUILT_IN_FILE if model == BUILT_IN else Path(model)
    if path.is_dir():
        raise UsageError(f"{model} is a folder: `hubbub export {shlex.quote(model)}` makes a model file of a run")
    require_folder_name(name)
    opened = open_dataset(dataset)
    for warning in opened.warnings:
        say(f"hubbub: {warning}")
    folder = "-".join(["evaluate", Path(model).stem, opened.name, *(["unseen"] if unseen_only else [])])
    outcome = evaluation.evaluate(
        path,
        opened,
        Run(runs / (name or folder)),
        unseen_only,
        track,
        reference=dataset,
        command=command(),
    )
    _show(outcome, as_json)
    if outcome.unreadable:
        raise typer.Exit(ExitCode.FINDING)


def _show(outcome: "Outcome", as_json: bool) -> None:
    for problem in outcome.unreadable.values():
        say(f"hubbub: {problem}")
    if outcome.unreadable:
        say(f"hubbub: {count(len(outcome.unreadable), 'clip')} could not be read, and not scored")
    if not outcome.recorded:
        say("hubbub: the model file does not say what it has heard; whether these clips are new to it is not known")
    if as_json:
        print_json(outcome.to_dict(), indent=1)
        return
    from hubbub.cli.report import show_run
    from hubbub.studies.contamination import describe_matches

    show_run(outcome.run)
    if outcome.in_training:
        ways = describe_matches(outcome.in_training)
        print(f"left out, since the model has heard them: {count(len(outcome.in_training), 'clip')} ({ways})")
    print(f"run folder: {outcome.run.folder}")
