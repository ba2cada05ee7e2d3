"""Options that several commands share, and what they make of them."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.errors import RefusedError, UsageError, missing_extra

if TYPE_CHECKING:
    from hubbub.runs.run import Run
    from hubbub.studies.experiment import Experiment

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or a YAML file.")]
DatasetName = Annotated[
    str | None,
    typer.Option("--dataset", help="esc50 (if left out), esc10, synthetic (for --budget quick), or a folder."),
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder of run folders.")]
Name = Annotated[str | None, typer.Option("--name", help="Run folder name; made from recipe and dataset if left out.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Set = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")]
Weights = Annotated[Path | None, typer.Option(help="File or folder of the pretrained weights.")]
Budget = Annotated[str | None, typer.Option(help="One of the recipe's budgets, such as quick.")]
SplitKind = Annotated[
    str | None, typer.Option("--split", help="official, grouped, filename-regex, random or random-expanded.")
]
Leaks = Annotated[
    bool, typer.Option("--i-know-it-leaks", help="Allow a split whose test is not honest; all it gives says LEAKY.")
]
Pictures = Annotated[Path | None, typer.Option(help="Train from the PNG files of `hubbub features pictures`.")]
RUNS = Path("runs")


@contextmanager
def experiment(
    recipe: str,
    dataset: str | None,
    budget: str | None,
    split: str | None,
    leaks: bool,
    seed: int,
    sets: Sequence[str],
    weights: Path | None = None,
    pictures: Path | None = None,
) -> Iterator["Experiment"]:
    """The experiment that a command asks for, with a bar on the terminal that follows its training."""
    from hubbub.cli.progress import Training, track

    with learning():
        from hubbub.studies.experiment import Experiment
    with Training() as bar:
        yield Experiment.prepare(
            recipe=recipe,
            dataset=dataset,
            budget=budget,
            split=split,
            overrides=overrides(sets),
            allow_leaky=leaks,
            seed=seed,
            weights=weights,
            pictures=pictures,
            command=command(),
            log=bar.say,
            progress=track,
            on_batch_end=bar,
        )


def overrides(sets: Sequence[str]) -> dict[str, Any]:
    """Keys and values of the options `--set KEY=VALUE`. Raises UsageError for one that is not of that form."""
    from hubbub import yamlfile

    values = {}
    for item in sets:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes KEY=VALUE, such as --set network.dropout=0.3, not {item!r}")
        try:
            values[key] = yamlfile.value(value.encode())
        except ValueError as error:
            raise UsageError(f"--set {key}: the value is not YAML that can be read: {error}") from error
    return values


def command() -> str:
    """What was typed, as a shell takes it."""
    return shlex.join(["hubbub", *sys.argv[1:]])


@contextmanager
def learning() -> Iterator[None]:
    """Turn a missing library of the learning stack into a clear refusal."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "hubbub":
            raise
        raise missing_extra("train", "learning") from error


def conclude(run: "Run", figure: str) -> None:
    """Print a run's figures, draw its pictures, and say where they are; `figure` names its accuracy."""
    from hubbub.cli.report import show_run
    from hubbub.report.plots import draw_all

    show_run(run)
    try:
        drawn = draw_all(run)
    except RefusedError as error:  # no matplotlib; figures do without
        say(f"no pictures: {error}")
    else:
        print(f"pictures: {', '.join(path.name for path in drawn)}")
    print(f"run folder: {run.folder}")
    leaky = "LEAKY " if run.leaky else ""
    print(f"{leaky}{figure}: {100 * run.metrics['test']['accuracy']:.2f} %")


def say(line: str) -> None:
    """A line on stderr, at once."""
    print(line, file=sys.stderr, flush=True)
