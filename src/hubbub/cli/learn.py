"""`hubbub cv`, `hubbub train` and `hubbub export`: the commands of the learning stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import (
    RUNS,
    Budget,
    DatasetName,
    Leaks,
    Name,
    Pictures,
    Prepared,
    RecipeName,
    Runs,
    Seed,
    Set,
    SplitKind,
    Weights,
    Words,
    learning,
    prepare,
    say,
)
from hubbub.errors import RefusedError

if TYPE_CHECKING:
    from hubbub.logmel import Floats
    from hubbub.runs.run import Run
    from hubbub.train.fit import Setting

_LICENCES = {"esc50": "CC BY-NC 3.0, as ESC-50", "esc10": "CC BY 3.0, as ESC-10", "synthetic": "MIT"}
_COMPARED = 50  # clips on which the stacks must agree before a model file is written
_WORDS = {5: "five", 10: "ten"}


def cv(
    recipe: RecipeName,
    dataset: DatasetName = None,
    budget: Budget = None,
    split: SplitKind = None,
    leaks: Leaks = False,
    runs: Runs = RUNS,
    name: Name = None,
    seed: Seed = 0,
    sets: Set = [],  # noqa: B006  (typer's way to say "none given")
    weights: Weights = None,
    pictures: Pictures = None,
    jobs: Annotated[int, typer.Option(min=1, help="Folds that train side by side.")] = 1,
    final: Annotated[bool, typer.Option(help="Train the model for use as well.")] = True,
) -> None:
    """Cross-validate a recipe over the folds of its split; finished folds are kept, an interrupted one goes on."""
    with learning():
        from hubbub.train import crossval
    from hubbub.data.splits import fold_numbers

    words = Words(recipe, dataset, budget, split, leaks, seed, tuple(sets), weights, pictures)
    prepared = prepare(words)
    numbers = fold_numbers(prepared.sounds, prepared.setting.recipe.split)
    splits = {fold: prepared.split(fold) for fold in numbers}
    run = prepared.folder(runs, name)
    if jobs > 1:
        from hubbub.cli.sidebyside import train_folds

        train_folds(words, numbers, run.folder, jobs)
    with _watching(prepared) as setting:
        crossval.cross_validate(setting, splits, run)
    if final and not prepared.ids(numbers[0]).leaky:
        from hubbub.data.splits import all_but

        sounds, recipe_ = prepared.sounds, prepared.setting.recipe
        kept = all_but(sounds, sounds.showcase, recipe_.validation)
        with _watching(prepared) as setting:
            crossval.final_model(setting, prepared.rows(kept), run)
    _conclude(run)
    count = _WORDS.get(len(splits), str(len(splits)))
    print(f"{_leak(run)}{count}-fold accuracy: {100 * run.metrics['test']['accuracy']:.2f} %")


def train(
    recipe: RecipeName,
    fold: Annotated[
        int | None, typer.Option(help="The test fold; training never sees it. 1 if left out, and the split has folds.")
    ] = None,
    dataset: DatasetName = None,
    budget: Budget = None,
    split: SplitKind = None,
    leaks: Leaks = False,
    runs: Runs = RUNS,
    name: Name = None,
    seed: Seed = 0,
    sets: Set = [],  # noqa: B006
    weights: Weights = None,
    pictures: Pictures = None,
) -> None:
    """Train a recipe with one fold as the test; an interrupted run goes on where it was."""
    with learning():
        from hubbub.train import fit
    prepared = prepare(Words(recipe, dataset, budget, split, leaks, seed, tuple(sets), weights, pictures))
    if fold is None and prepared.setting.recipe.split.kind != "filename-regex":
        fold = 1
    rows = prepared.split(fold)
    run = prepared.folder(runs, name, fold)
    with _watching(prepared) as setting:
        fit.run(setting, rows, run)
    _conclude(run)
    where = f"fold {fold}" if fold is not None else "test"
    print(f"{_leak(run)}{where} accuracy: {100 * run.metrics['test']['accuracy']:.2f} %")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `hubbub cv` or `hubbub train`.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The .onnx file; beside the run if left out.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the model; the run's name if left out.")] = None,
) -> None:
    """Write a run's model file, if torch and the listening stack agree on it."""
    with learning():
        from hubbub.train import export as exporter
    from hubbub.runs.run import Run

    opened = Run.open(run)
    target = output or run / "model.onnx"
    licence = _LICENCES.get(opened.about["dataset"].partition("+")[0], "that of its training sounds")
    called = _leak(opened) + (name or run.resolve().name)
    meta = exporter.export(opened, target, _some_sounds, called, licence)
    size = target.stat().st_size / 1e6
    print(f"{target}: {len(meta.labels)} classes, {size:.1f} MB; torch and the listening stack agree")


def _some_sounds(rate: int, seconds: float) -> list["Floats"]:
    """Real clips, evenly over ESC-50, to compare the stacks on; made ones where ESC-50 is not at hand."""
    import numpy as np

    from hubbub import audio
    from hubbub.data import esc50
    from hubbub.data.synth.synthetic import LABELS, make

    try:
        clips = esc50.load().clips
        sounds = [audio.read(clip.path, rate)[0] for clip in clips[:: len(clips) // _COMPARED][:_COMPARED]]
    except esc50.MissingDatasetError:
        sounds = [make(LABELS[index % len(LABELS)], index, rate) for index in range(_COMPARED)]
    length = round(rate * seconds)
    return [np.pad(sound[:length], (0, max(0, length - len(sound)))) for sound in sounds]


@contextmanager
def _watching(prepared: Prepared) -> Iterator["Setting"]:
    """The setting, with a bar on the terminal that follows it; lines of text appear above the bar."""
    from hubbub.cli.progress import Training

    with Training() as bar:
        yield replace(prepared.setting, watch=bar, say=bar.say)


def _leak(run: "Run") -> str:
    """What stands before everything that a leaky run says."""
    from hubbub.data.splits import LEAKY

    return LEAKY if run.about["split"].startswith(LEAKY) else ""


def _conclude(run: "Run") -> None:
    """Figures, pictures, and where they are."""
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
