"""`hubbub cv`: a cross-validation."""

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
    sets: Set = [],  # noqa: B006
    weights: Weights = None,
    pictures: Pictures = None,
    strict: Strict = False,
    fresh: Fresh = False,
    jobs: Annotated[int, typer.Option(min=1, help="Folds that train side by side.")] = 1,
    final: Annotated[bool, typer.Option(help="Train the model for use as well.")] = True,
) -> None:
    """Cross-validate a recipe over the folds of its split; finished folds are kept, an interrupted one goes on."""
    with experiment(recipe, dataset, budget, split, leaks, seed, sets, weights, pictures, strict) as prepared:
        run = prepared.cross_validate(runs=runs, name=name, final=final, jobs=jobs, fresh=fresh)
    count = len(run.record.split.folds)
    conclude(run, f"{_WORDS.get(count, count)}-fold accuracy")
