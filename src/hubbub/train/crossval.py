"""Cross-validation: a run for each official fold, their predictions as one, and a final model for use."""

from collections.abc import Iterable, Mapping

import numpy as np

from hubbub.evaluate import summary
from hubbub.runs.predictions import join
from hubbub.runs.run import Run
from hubbub.storage import write_json
from hubbub.train.arrays import RowSplit
from hubbub.train.fit import Setting, run

_PARTS = ("train", "validation", "test")


def cross_validate(setting: Setting, splits: Mapping[int, RowSplit], target: Run) -> Run:
    """Run every fold, then join what they predicted for their test clips. Finished folds are not run again.

    Raises RefusedError if `target` holds a run of something else.
    """
    arrays = setting.arrays
    target.begin(
        setting.recipe_text,
        dataset=arrays.dataset,
        split=_named(splits),
        seed=setting.seed,
        labels=list(arrays.labels),
    )
    done = []
    for fold, split in splits.items():
        setting.say(f"fold {fold} of {max(splits)}")
        done.append(run(setting, split, target.child(f"fold{fold}")))
        setting.say(f"fold {fold}: {done[-1].metrics['test']['accuracy']:.2%}")
    _join(setting, done, target)
    return target


def final_model(setting: Setting, split: RowSplit, target: Run) -> Run:
    """Train the model for use beside its cross-validation, on `split`, by the same recipe."""
    setting.say("final model")
    return run(setting, split, target.child("final"))


def _named(splits: Mapping[int, RowSplit]) -> str:
    """What the folds' splits are called together: "official folds 1 2 3", "LEAKY random folds 1 2 3"."""
    kind = next(iter(splits.values())).name.replace("-fold", " fold").rpartition(" fold")[0]
    return f"{kind} folds {' '.join(map(str, splits))}"


def _join(setting: Setting, done: Iterable[Run], target: Run) -> None:
    runs = list(done)
    tested = join([one.predictions for one in runs])
    tested.write(target.folder / "predictions.csv")
    recordings = {row["clip"]: row["recording"] for one in runs for row in one.clips}
    figures = {part: _mean([one.metrics[part] for one in runs]) for part in _PARTS}
    groups = [recordings[clip] for clip in tested.clips]
    figures["test"] = summary.full(tested.targets, tested.probabilities, groups, setting.arrays.labels)
    figures["folds"] = {one.folder.name: one.metrics["test"]["accuracy"] for one in runs}
    figures["parameters"] = runs[0].metrics["parameters"]
    write_json(target.folder / "metrics.json", figures)
    target.finish(seconds=round(sum(one.about["seconds"] for one in runs), 1))


def _mean(parts: list[dict[str, float]]) -> dict[str, object]:
    """Clips on average, and the means of accuracy and loss over folds; None where a fold has no such clips."""
    if not all(part["clips"] for part in parts):
        return {"clips": 0, "accuracy": None, "loss": None}
    means = {key: float(np.mean([part[key] for part in parts])) for key in ("accuracy", "loss")}
    return {"clips": round(float(np.mean([part["clips"] for part in parts]))), **means}
