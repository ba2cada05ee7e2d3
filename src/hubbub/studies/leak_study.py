"""The leak study: one network, one budget, four ways to split; what each says, and what unseen recordings then give.

One official fold, with every recording that lies in it, is put aside before anything else. What is left is split by
each way; the model that comes of it is scored on its own test clips, and then on the fold that was put aside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hubbub.data import splits
from hubbub.data.dataset import Dataset
from hubbub.errors import RefusedError, UsageError
from hubbub.evaluate.intervals import Interval, mean_interval
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import write_csv
from hubbub.train.config import Recipe

if TYPE_CHECKING:
    from hubbub.studies.experiment import Experiment

_UNSEEN = "unseen.csv"


@dataclass(frozen=True)
class Way:
    """A way to split: its name in folders, what it is for people, its rule, and whether copies take part."""

    name: str
    title: str
    plan: splits.Plan
    copies: bool


OFFICIAL = Way("official", "official folds", splits.Plan("official"), False)
WAYS = (
    OFFICIAL,
    Way("official-copies", "official folds, copies of training clips only", splits.Plan("official"), True),
    Way("LEAKY-random", "LEAKY: random clips", splits.Plan("random"), False),
    Way("LEAKY-random-expanded", "LEAKY: clips and copies pooled, then split", splits.Plan("random-expanded"), True),
)


@dataclass(frozen=True)
class SplitOutcome:
    """The accuracy that a way's own test says, and that on unseen recordings, pooled over the folds put aside.

    Intervals are over recordings.
    """

    way: Way
    says: Interval
    unseen: Interval

    @property
    def inflation(self) -> float:
        """Points by which the way's own test is above unseen recordings."""
        return 100 * (self.says.value - self.unseen.value)


def run(experiment: "Experiment", unseen: Iterable[int], target: Run) -> list[SplitOutcome]:
    """Train what is not trained yet, and find.

    Args:
        experiment: its recipe is the network and the budget: epochs over the clips without copies. With copies, there
            are as many fewer epochs as there are more clips, so that there are as many steps as on the official folds
            without. `patience`, and a schedule counted in epochs, would break that. Its dataset has copies, see
            `hubbub.data.augmented_copies`.
        unseen: official folds to put aside, one after the other.
        target: the study's folder; each training is a run of its own in it.

    Raises RefusedError if the dataset has no copies, UsageError if it lacks the folds.
    """
    dataset, job = experiment.dataset, experiment.job
    if len(dataset.originals) == len(dataset.clips):
        raise RefusedError(f"{dataset.name} has no copies to pool: make them with `hubbub augment` and give its folder")
    if len(dataset.folds) < 3:
        raise UsageError(f"{dataset.name} has too few official folds: one is put aside, one tests, the others train")
    split = {fold: _splits(dataset, fold, job.recipe.validation) for fold in unseen}
    for fold, ways in split.items():
        unheard = [clip.id for clip in dataset.originals if clip.fold == fold]
        usual = len(ways[OFFICIAL].train)
        for way, ids in ways.items():
            job.log(f"fold {fold} put aside, {way.title}: {len(ids.train)} clips to train on")
            recipe = _shortened(job.recipe, usual / len(ids.train)) if way.copies else job.recipe
            shortened = replace(experiment, job=replace(job, recipe=replace(recipe, split=way.plan)))
            training = _training(target, fold, way)
            shortened.train_split(ids, training)
            if not (training.folder / _UNSEEN).is_file():
                shortened.predict(training, unheard).write(training.folder / _UNSEEN)
    return _findings(target, dataset, list(split))


def _splits(dataset: Dataset, unseen: int, validation: float) -> dict[Way, splits.Split]:
    """How each way splits what is left without that official fold; the next fold is the test of the official ways."""
    left = splits.without_fold(dataset, unseen)
    plain = replace(left, clips=left.originals)
    following = next((fold for fold in left.folds if fold > unseen), left.folds[0])
    made = {}
    for way in WAYS:
        tested = following if way.plan.kind == "official" else 1
        made[way] = splits.make(left if way.copies else plain, way.plan, tested, validation)
    return made


def _shortened(recipe: Recipe, share: float) -> Recipe:
    """The recipe with that share of each stage's epochs, rounded, at least one."""
    stages = tuple(replace(stage, epochs=max(1, round(share * stage.epochs))) for stage in recipe.stages)
    return replace(recipe, stages=stages)


def _training(target: Run, unseen: int, way: Way) -> Run:
    return target.child(f"unseen{unseen}-{way.name}")


def _findings(target: Run, dataset: Dataset, unseen: Sequence[int]) -> list[SplitOutcome]:
    recordings = {clip.id: clip.group for clip in dataset.clips}
    outcomes = []
    for way in WAYS:
        runs = [_training(target, fold, way) for fold in unseen]
        says = _pooled([run.predictions for run in runs], recordings)
        unheard = _pooled([Predictions.read(run.folder / _UNSEEN) for run in runs], recordings)
        outcomes.append(SplitOutcome(way, says, unheard))
    return outcomes


def _pooled(parts: Sequence[Predictions], recordings: Mapping[str, str]) -> Interval:
    """The accuracy of several runs' predictions together."""
    right = np.concatenate([part.right for part in parts])
    return mean_interval(right, [recordings[clip] for part in parts for clip in part.clips])


def write_evidence(path: Path, target: Run, unseen: Iterable[int]) -> None:
    """Write what every training named every clip that it was scored on: a CSV file that the table follows from.

    Columns: split, commit, put_aside (the fold), scored_on (its own test, or unseen), clip, label, prediction.
    """
    rows = []
    for fold, way in ((fold, way) for fold in unseen for way in WAYS):
        training = _training(target, fold, way)
        commit = training.record.environment.get("commit")
        for name, file in (("test", "predictions.csv"), ("unseen", _UNSEEN)):
            predictions = Predictions.read(training.folder / file)
            names = (
                (predictions.classes[a], predictions.classes[b])
                for a, b in zip(predictions.targets, predictions.predicted, strict=True)
            )
            rows += [
                [way.name, commit, fold, name, clip, *pair] for clip, pair in zip(predictions.clips, names, strict=True)
            ]
    write_csv(path, ["split", "commit", "put_aside", "scored_on", "clip", "label", "prediction"], rows)


def table(outcomes: Iterable[SplitOutcome]) -> str:
    """The findings as a Markdown table."""
    lines = [
        "| split | its own test says | 95 % interval | unseen recordings give | 95 % interval | inflation |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for outcome in outcomes:
        says, unseen = (f"{100 * part.value:.2f} % | {span(part)}" for part in (outcome.says, outcome.unseen))
        lines.append(f"| {outcome.way.title} | {says} | {unseen} | {outcome.inflation:+.1f} points |")
    return "\n".join(lines)


def span(interval: Interval) -> str:
    """The ends of an interval of shares, in per cent."""
    return f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"
