"""`hubbub robustness`: how models stand noise, rooms, cheap microphones, codecs and the like."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import Fresh, learning, say
from hubbub.cli.streams import print_json
from hubbub.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubbub.data.dataset import Dataset
    from hubbub.runs.robustness import Robustness
    from hubbub.studies.measured_model import MeasuredModel

BUILT_IN = "built-in"


class Part(StrEnum):
    """Which clips of a run's split are heard."""

    TEST = "test"
    VALIDATION = "validation"


def robustness(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL|RUN...", help="Model files, or built-in; run folders; or .npz files of this command."
        ),
    ],
    data: Annotated[str, typer.Option(metavar="DATASET", help="esc50, esc10, synthetic, or a folder.")] = "esc50",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Output folder; runs/robustness if something is measured.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Number of processes; default one for each core.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Measure on so many clips, evenly of each class.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the sample.")] = 0,
    part: Annotated[Part, typer.Option(help="Clips of runs: test, or validation to choose on.")] = Part.TEST,
    conditions: Annotated[
        list[str], typer.Option(metavar="NAME", help="Only this corruption, or severity: reverb, reverb-3.")
    ] = [],  # noqa: B006
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Of model files: leave out the clips that they were trained on.")
    ] = False,
    fresh: Fresh = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure models on ESC-50-C: the clips of a dataset in noise, in rooms, by poor microphones, and so on.

    Several models are measured in one pass over the sounds: accuracy, calibration and what is kept as known under 83
    conditions. Of a cross-validation, each clip is heard by the model of its own test fold. The same command resumes an
    interrupted run. Of .npz files, what was measured is shown again. With --out: also a CSV file, a plot and a page.
    """
    from hubbub.runs import robustness as figures
    from hubbub.studies.robustness import conditions_of

    chosen = conditions_of(conditions)
    kept = [Path(name) for name in models if name.endswith(".npz")]
    if kept and len(kept) < len(models):
        raise UsageError("give .npz files alone, or models to measure alone; what a pass gives is a .npz file again")
    if kept:
        results = figures.read(kept)
    else:
        out = out or Path("runs/robustness")
        results = _measured(models, data, out, jobs, sample, seed, part, chosen, unseen_only, fresh)
    _show(results, as_json)
    if out is not None:
        for line in _written(results, out, data):
            typer.echo(line, err=as_json)


def _measured(
    models: "Sequence[str]",
    data: str,
    out: Path,
    jobs: int | None,
    sample: int | None,
    seed: int,
    part: Part,
    conditions: "Sequence[tuple[str, int]]",
    unseen_only: bool,
    fresh: bool,
) -> "list[Robustness]":
    from hubbub.cli.progress import track
    from hubbub.data.sources import open_dataset
    from hubbub.runs.robustness import Robustness
    from hubbub.studies.robustness import Pass
    from hubbub.workers import cores

    dataset = open_dataset(data)
    for warning in dataset.warnings:
        say(f"hubbub: {warning}")
    opened = [_opened(model, dataset, out / "models", part, unseen_only) for model in models]
    plan = Pass.plan(opened, dataset, out, sample, seed)
    if fresh:
        plan.remove()
    return [Robustness(predictions) for predictions in plan.measure(conditions, jobs or cores(), track, say)]


def _opened(name: str, dataset: "Dataset", folder: Path, part: Part, unseen_only: bool) -> "MeasuredModel":
    """The model file or run of that name, ready to be measured."""
    from hubbub.cli.progress import track
    from hubbub.listen.classifier import BUILT_IN as BUILT_IN_FILE
    from hubbub.runs.run import Run
    from hubbub.studies.measured_model import MeasuredModel

    path = Path(name)
    if not path.is_dir():
        if part is Part.VALIDATION:
            raise UsageError(f"--part validation is for run folders: the file {name} does not say what it chose on")
        return MeasuredModel.of_file(BUILT_IN_FILE if name == BUILT_IN else path, dataset, unseen_only, track)
    with learning():
        from hubbub.studies import fold_models
    return fold_models.of_run(Run.open(path), folder, part.value, progress=track)


def _show(results: "Sequence[Robustness]", as_json: bool) -> None:
    from hubbub.cli.show import console
    from hubbub.report import robustness_tables as tables

    if as_json:
        print_json([tables.to_dict(model) for model in results], indent=1)
    else:
        console().print(tables.overview(results))


def _written(results: "Sequence[Robustness]", out: Path, data: str) -> list[str]:
    """Write table, plot and page into a folder, as far as what they are made with is installed; a line on each."""
    from hubbub.report import robustness_page, robustness_tables
    from hubbub.report.robustness_plot import plot
    from hubbub.storage import write_csv

    lines = [f"{out / 'table.csv'}: the figures of each condition"]
    write_csv(out / "table.csv", robustness_tables.COLUMNS, robustness_tables.rows(results))
    try:
        plot(results, out / "accuracy.png")
        lines.append(f"{out / 'accuracy.png'}: accuracy by severity")
        robustness_page.write(out / "page.html", results, data)
        lines.append(f"{out / 'page.html'}: all of it, with sounds")
    except RefusedError as error:  # an extra that is not installed; figures do without
        say(f"hubbub: no more than figures: {error}")
    return lines
