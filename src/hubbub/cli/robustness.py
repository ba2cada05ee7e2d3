"""`hubbub robustness`: how models stand noise, rooms, cheap microphones, codecs and the like."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import Fresh, learning, say

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset
    from hubbub.studies.measured_model import MeasuredModel

BUILT_IN = "built-in"


class Part(StrEnum):
    """Which clips of a run's split are heard."""

    TEST = "test"
    VALIDATION = "validation"


def robustness(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL|RUN...", help="Model files, or built-in; or run folders of `hubbub cv`."),
    ],
    data: Annotated[str, typer.Option(metavar="DATASET", help="esc50, esc10, synthetic, or a folder.")] = "esc50",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder.")] = Path("runs/robustness"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Number of processes; default one for each core.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Measure on so many clips, evenly of each class.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the sample.")] = 0,
    part: Annotated[Part, typer.Option(help="Of runs: test, or validation to choose on.")] = Part.TEST,
    conditions: Annotated[
        list[str], typer.Option(metavar="NAME", help="Measure this corruption only, or severity: reverb, reverb-3.")
    ] = [],  # noqa: B006
    unseen_only: Annotated[
        bool, typer.Option("--unseen-only", help="Of model files: leave out the clips that they were trained on.")
    ] = False,
    fresh: Fresh = False,
) -> None:
    """Measure models on ESC-50-C: the clips of a dataset under 83 conditions that no listener likes.

    Several models are measured in one pass over the sounds. The same command resumes an interrupted run.
    """
    from hubbub.cli.progress import track
    from hubbub.data.sources import open_dataset
    from hubbub.studies.robustness import Pass, conditions_of
    from hubbub.workers import cores

    chosen = conditions_of(conditions)
    dataset = open_dataset(data)
    measured = [_opened(model, dataset, out / "models", part, unseen_only) for model in models]
    plan = Pass.plan(measured, dataset, out, sample, seed)
    if fresh:
        plan.remove()
    for predictions in plan.measure(chosen, jobs or cores(), track, say):
        print(f"{out / predictions.measured.model}.npz")


def _opened(name: str, dataset: "Dataset", folder: Path, part: Part, unseen_only: bool) -> "MeasuredModel":
    """The model file or run of that name, ready to be measured."""
    from hubbub.cli.progress import track
    from hubbub.listen.classifier import BUILT_IN as BUILT_IN_FILE
    from hubbub.runs.run import Run
    from hubbub.studies.measured_model import MeasuredModel

    path = Path(name)
    if not path.is_dir():
        return MeasuredModel.of_file(BUILT_IN_FILE if name == BUILT_IN else path, dataset, unseen_only, track)
    with learning():
        from hubbub.studies import fold_models
    return fold_models.of_run(Run.open(path), folder, part.value, progress=track)
