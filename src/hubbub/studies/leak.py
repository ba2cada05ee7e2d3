"""The leak study: one network, one budget, four ways to split; what each says, and what unseen recordings then give.

One official fold, with every recording that lies in it, is put aside before anything else. What is left is split by
each way; the model that comes of it is scored on its own test clips, and then on the fold that was put aside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hubbub.data import splits
from hubbub.data.dataset import Dataset
from hubbub.errors import RefusedError
from hubbub.evaluate.intervals import mean_interval
from hubbub.runs import Predictions, Run
from hubbub.train import export, fit
from hubbub.train import recipe as recipes
from hubbub.train.fit import Setting
from hubbub.train.material import Split
from hubbub.train.settings import Recipe

_UNSEEN = "unseen.csv"


@dataclass(frozen=True)
class Way:
    """A way to split: its name in folders, what it is for people, its rule, and whether copies take part."""

    name: str
    title: str
    plan: splits.Plan
    copies: bool


WAYS = (
    Way("official", "official folds", splits.Plan("official"), False),
    Way("official-copies", "official folds, copies of training clips only", splits.Plan("official"), True),
    Way("LEAKY-random", "LEAKY: random clips", splits.Plan("random"), False),
    Way("LEAKY-random-expanded", "LEAKY: clips and copies pooled, then split", splits.Plan("random-expanded"), True),
)


@dataclass(frozen=True)
class Finding:
    """What one way says, and what unseen recordings give, pooled over the folds that were put aside.

    Both are mappings with accuracy, interval (95 %, over recordings) and clips.
    """

    way: Way
    says: dict[str, Any]
    unseen: dict[str, Any]

    @property
    def inflation(self) -> float:
        """Points by which the way's own test is above unseen recordings."""
        return 100 * float(self.says["accuracy"] - self.unseen["accuracy"])


def run(setting: Setting, dataset: Dataset, unseen: Sequence[int], target: Run) -> list[Finding]:
    """Train what is not trained yet, and find.

    Args:
        setting: its recipe is the network and the budget: epochs over the clips without copies. With copies, there are
            as many fewer epochs as there are more clips, so that each way makes the same number of steps.
        dataset: with copies, see `hubbub.data.expand`.
        unseen: official folds to put aside, one after the other.
        target: the study's folder; each training is a run of its own in it.
    """
    if len(dataset.originals) == len(dataset.clips):
        raise RefusedError(f"{dataset.name} has no copies to pool: make them with `hubbub augment`")
    for fold in unseen:
        for way in WAYS:
            _train(setting, dataset, fold, way, target)
    return findings(target, unseen)


def _train(setting: Setting, dataset: Dataset, unseen: int, way: Way, target: Run) -> None:
    kept = splits.without_fold(dataset, unseen)
    if not way.copies:
        kept = replace(kept, clips=kept.originals)
    fold = next(number for number in kept.folds if number > unseen % 5) if way.plan.kind == "official" else 1
    ids = splits.make(kept, way.plan, fold, setting.recipe.validation)
    recipe = _same_steps(setting.recipe, len(ids.train), len(kept.originals)) if way.copies else setting.recipe
    rows = setting.material.rows
    split = Split(ids.name, rows(ids.train), rows(ids.validation), rows(ids.test))
    trained = target.child(f"unseen{unseen}-{way.name}")
    setting.say(f"fold {unseen} put aside, {way.title}: {len(ids.train)} clips to train on")
    fit.run(replace(setting, recipe=recipe, recipe_text=recipes.to_yaml(recipe)), split, trained)
    path = trained.folder / _UNSEEN
    if not path.is_file():
        classifier, _ = export.load_classifier(trained)
        clips = [clip.id for clip in dataset.originals if clip.fold == unseen]
        fit.predict(classifier, setting.material, rows(clips), recipe.frontend.channels).write(path)


def _same_steps(recipe: Recipe, clips: int, originals: int) -> Recipe:
    """The recipe with as many fewer epochs as `clips` are more than what the official split trains on."""
    usual = originals * 0.75 * (1 - recipe.validation)
    stages = tuple(replace(stage, epochs=max(1, round(stage.epochs * usual / clips))) for stage in recipe.stages)
    return replace(recipe, stages=stages)


def findings(target: Run, unseen: Sequence[int]) -> list[Finding]:
    """What the finished runs in the study's folder found."""
    found = []
    for way in WAYS:
        runs = [Run.open(target.child(f"unseen{fold}-{way.name}").folder) for fold in unseen]
        says = _pooled((run.predictions, _recordings(run)) for run in runs)
        heard = ((Predictions.read(run.folder / _UNSEEN), None) for run in runs)
        found.append(Finding(way, says, _pooled(heard)))
    return found


def _recordings(run: Run) -> dict[str, str]:
    return {row["clip"]: row["recording"] for row in run.clips}


def _pooled(parts: Iterable[tuple[Predictions, dict[str, str] | None]]) -> dict[str, Any]:
    """Accuracy and interval of several runs' predictions together; a recording is in a clip's name if not given."""
    right: list[bool] = []
    groups: list[str] = []
    for predictions, recordings in parts:
        right += predictions.right.tolist()
        groups += [recordings[clip] if recordings else clip.split("-")[1] for clip in predictions.clips]
    interval = mean_interval(np.array(right), groups)
    return {"accuracy": interval.value, "interval": [interval.low, interval.high], "clips": len(right)}


def table(found: Sequence[Finding]) -> str:
    """The findings as a Markdown table."""
    lines = [
        "| split | its own test says | 95 % interval | unseen recordings give | 95 % interval | inflation |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        says, unseen = (f"{100 * part['accuracy']:.2f} % | {_span(part)}" for part in (one.says, one.unseen))
        lines.append(f"| {one.way.title} | {says} | {unseen} | {one.inflation:+.1f} points |")
    return "\n".join(lines)


def _span(part: dict[str, Any]) -> str:
    low, high = part["interval"]
    return f"{100 * low:.1f}–{100 * high:.1f}"
