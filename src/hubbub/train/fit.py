"""One run: a training job and a split; train, predict, and leave the run folder behind."""

import time
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch

from hubbub.data.splits import PARTS
from hubbub.evaluate import summary
from hubbub.evaluate.calibration import softmax
from hubbub.formatting import count, printable
from hubbub.heads import logistic
from hubbub.runs.embeddings import Embeddings
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import RunRecord
from hubbub.runs.run import Run
from hubbub.storage import read_csv, write_csv, write_json
from hubbub.train import stages, weights
from hubbub.train.arrays import ClipArrays, RowSplit, batches, clean
from hubbub.train.frozen_features import FrozenFeatures
from hubbub.train.job import TrainingJob
from hubbub.train.networks.classifier import ClassifierNetwork, linear_head
from hubbub.train.recipe_file import to_yaml
from hubbub.types import Floats, Ints


def run(job: TrainingJob, split: RowSplit, target: Run) -> Run:
    """Train and predict, or take up what was interrupted; a finished run is left as it is.

    Raises RefusedError if `target` holds a run of something else.
    """
    arrays = job.arrays
    record = RunRecord(
        kind="training",
        dataset=job.dataset,
        split=split.record,
        labels=arrays.labels,
        recipe=job.recipe.name,
        command=job.command,
        seed=job.seed,
        content=job.content | {"parts": split.digest(arrays)},
    )
    target.begin(to_yaml(job.recipe), record)
    if target.finished:
        job.log(f"already finished: {printable(str(target.folder))}")
        _warn(job, target)
        return target
    _write_clips(arrays, split, target.folder / "clips.csv")
    started = time.monotonic()
    classifier, outcome = _fit(job, split, target)
    seconds = time.monotonic() - started
    weights.save(target.folder / "model.pt", classifier.state_dict())
    channels = job.recipe.frontend.channels
    outputs = {name: predict(classifier, arrays, getattr(split, name), channels) for name in PARTS}
    parts = {name: predictions for name, (predictions, _) in outputs.items()}
    clips = tuple(clip for predictions in parts.values() for clip in predictions.clips)
    Embeddings(clips, np.concatenate([part for _, part in outputs.values()])).write(target.folder / "embeddings.npz")
    parts["test"].write(target.folder / "predictions.csv")
    if len(split.validation):
        parts["validation"].write(target.folder / "validation.csv")
    metrics = {name: summary.brief(part.targets, part.probabilities) for name, part in parts.items()}
    if len(split.test):
        test = parts["test"]
        groups = arrays.groups[arrays.clips(split.test)]
        metrics["test"] = summary.full(test.targets, test.probabilities, groups, arrays.labels)
    size = sum(parameter.numel() for parameter in classifier.parameters())
    write_json(target.folder / "metrics.json", metrics | {"parameters": size})
    rmtree(target.folder / "checkpoints", ignore_errors=True)
    if job.unreadable:
        outcome["unreadable"] = dict(job.unreadable)
    outcome["warnings"] = _of_chance(parts["validation"])
    target.finish(seconds=_all_seconds(target.folder / "epochs.csv", seconds), **outcome)
    _warn(job, target)
    return target


def _warn(job: TrainingJob, run: Run) -> None:
    for line in run.record.outcome.get("warnings", ()):
        job.log(f"warning: {line}")


def _of_chance(validation: Predictions) -> list[str]:
    """A line if the chosen checkpoint is no better on validation clips than naming their commonest class each time."""
    clips = len(validation.targets)
    share = float(np.bincount(validation.targets).max() / clips) if clips else 0.0
    if not clips or validation.right.mean() > share:
        return []
    return [
        f"the chosen checkpoint is no better than chance: it names {validation.right.mean():.0%} of the"
        f" {count(clips, 'validation clip')} right, the commonest class alone gives {share:.0%}; train for longer"
        " (--set stages.0.epochs=...), or give more sounds"
    ]


def predict(
    classifier: ClassifierNetwork, arrays: ClipArrays, rows: Ints, channels: int = 1
) -> tuple[Predictions, Floats]:
    """What the classifier, whose input has `channels`, makes of those rows' clips, as they are, in order.

    Returns their predictions, and their embeddings, shape (clips, size). Of a clip with several windows, both are of
    the mean, as in listening.
    """
    classifier.eval()
    clips, classes = arrays.clips(rows), len(arrays.labels)
    outputs = np.zeros((0, classes + classifier.trunk.embedding_size), np.float32)  # logits, then embedding
    if len(rows):
        windows = [arrays.windows(row) for row in clips]
        every = np.concatenate(windows)
        outputs = batches(
            lambda x: torch.cat(classifier(x), 1), lambda some: clean(arrays, some, channels), every
        ).numpy()
        counts = np.array([len(rows) for rows in windows])
        sums = np.add.reduceat(outputs, np.cumsum(counts) - counts)
        outputs = np.asarray(sums / counts[:, None], np.float32)
    predictions = Predictions(
        arrays.labels,
        tuple(arrays.ids[row] for row in clips),
        arrays.folds[clips],
        arrays.targets[clips],
        softmax(outputs[:, :classes]),
    )
    return predictions, outputs[:, classes:]


def _fit(job: TrainingJob, split: RowSplit, target: Run) -> tuple[ClassifierNetwork, dict[str, Any]]:
    """The trained network, and what is to be put on record of its training."""
    arrays, recipe, trunk = job.arrays, job.recipe, job.trunk
    if recipe.kind == "gradient":
        return stages.fit(job, split, target.folder), {"bf16": stages.in_bf16(recipe.precision)}
    frozen = FrozenFeatures(arrays, recipe, trunk, len(trunk.blocks), job.seed, job.cache)
    embeddings = frozen.variant(None)[split.train].astype(np.float32)
    targets, groups = arrays.targets[split.train], arrays.groups[split.train]
    fitted = logistic.fit(embeddings, targets, groups, len(arrays.labels), recipe.c_grid, job.progress("choosing C"))
    inner = {str(c): accuracy for c, accuracy in fitted.inner_accuracy.items()}
    return ClassifierNetwork(trunk, linear_head(fitted)), {"c": fitted.c, "inner_accuracy": inner}


def _all_seconds(epochs: Path, measured: float) -> float:
    """What training took: `measured`, or, after an interruption, what all epochs took together."""
    rows = read_csv(epochs) if epochs.is_file() else []
    return round(max(measured, sum(float(row["seconds"]) for row in rows)), 1)


def _write_clips(arrays: ClipArrays, split: RowSplit, path: Path) -> None:
    rows = [
        [
            arrays.ids[row],
            part,
            arrays.folds[row],
            arrays.labels[arrays.targets[row]],
            arrays.groups[row],
            arrays.digests[row],
        ]
        for part in PARTS
        for row in arrays.clips(getattr(split, part))
    ]
    write_csv(path, ["clip", "part", "fold", "label", "recording", "samples"], rows)
