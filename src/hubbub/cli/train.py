"""`hubbub train`: one training."""

from typing import Annotated

import typer

from hubbub.cli.options import (
    RUNS,
    Budget,
    DatasetName,
    Fresh,
    Leaks,
    Name,
    Pictures,
    RecipeName,
    Runs,
    Seed,
    Set,
    SplitKind,
    Strict,
    Weights,
    conclude,
    experiment,
)


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
    sets: Set = [],  # noqa: B006  (typer's way to say "none given")
    weights: Weights = None,
    pictures: Pictures = None,
    strict: Strict = False,
    fresh: Fresh = False,
) -> None:
    """Train a recipe with one fold as the test; an interrupted run goes on where it was."""
    with experiment(recipe, dataset, budget, split, leaks, seed, sets, weights, pictures, strict) as prepared:
        run = prepared.train(fold, runs=runs, name=name, fresh=fresh)
    tested = "test" if run.record.split.fold is None else f"fold {run.record.split.fold}"
    conclude(run, f"{tested} accuracy")
