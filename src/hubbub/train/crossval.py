"""Cross-validation: a run for each test fold, their predictions as one, and a final model for use."""

from collections.abc import Mapping, Sequence

import numpy as np

from hubbub.data.splits import PARTS
from hubbub.evaluate import summary
from hubbub.runs.predictions import join
from hubbub.runs.record import RunRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import digest, write_json
from hubbub.train import fit
from hubbub.train.arrays import RowSplit
from hubbub.train.job import TrainingJob
from hubbub.train.recipe_file import to_yaml


def begin(job: TrainingJob, splits: Mapping[int, RowSplit], target: Run) -> None:
    """Start a cross-validation, or take it up again. Raises RefusedError if `target` holds a run of something else."""
    first = next(iter(splits.values())).record
    record = RunRecord(
        kind="cross-validation",
        dataset=job.dataset,
        split=SplitRecord(first.kind, None, tuple(splits), first.leaky),
        labels=job.arrays.labels,
        recipe=job.recipe.name,
        command=job.command,
        seed=job.seed,
        content=job.content | {"parts": digest(*(split.digest(job.arrays) for split in splits.values()))},
    )
    target.begin(to_yaml(job.recipe), record)


def cross_validate(job: TrainingJob, splits: Mapping[int, RowSplit], target: Run) -> Run:
    """Run every fold, then join what they predicted for their test clips. Finished folds are not run again.

    Raises RefusedError if `target` holds a run of something else.
    """
    begin(job, splits, target)
    folds = []
    for fold, split in splits.items():
        job.log(f"fold {fold} of {max(splits)}")
        folds.append(fit.run(job, split, target.child(f"fold{fold}")))
        job.log(f"fold {fold}: {folds[-1].metrics['test']['accuracy']:.2%}")
    if not target.finished:
        _join(folds, target)
    return target


def final_model(job: TrainingJob, split: RowSplit, target: Run) -> Run:
    """Train the model for use beside its cross-validation, on `split`, by the same recipe."""
    job.log("final model")
    return fit.run(job, split, target.child("final"))


def _join(folds: Sequence[Run], target: Run) -> None:
    predictions = join([fold.predictions for fold in folds])
    predictions.write(target.folder / "predictions.csv")
    recordings = {row["clip"]: row["recording"] for fold in folds for row in fold.clips}
    groups = [recordings[clip] for clip in predictions.clips]
    metrics = {part: _mean([fold.metrics[part] for fold in folds]) for part in PARTS}
    metrics["test"] = summary.full(predictions.targets, predictions.probabilities, groups, predictions.classes)
    metrics["folds"] = {fold.folder.name: fold.metrics["test"]["accuracy"] for fold in folds}
    metrics["parameters"] = folds[0].metrics["parameters"]
    write_json(target.folder / "metrics.json", metrics)
    target.finish(seconds=round(sum(fold.record.outcome["seconds"] for fold in folds), 1))


def _mean(parts: list[dict[str, float]]) -> dict[str, object]:
    """Clips on average, and the means of accuracy and loss over folds; None where a fold has no such clips."""
    if not all(part["clips"] for part in parts):
        return {"clips": 0, "accuracy": None, "loss": None}
    means = {key: float(np.mean([part[key] for part in parts])) for key in ("accuracy", "loss")}
    return {"clips": round(float(np.mean([part["clips"] for part in parts]))), **means}
