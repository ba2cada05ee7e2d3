"""One run: a recipe, a split, a seed; train, predict, and leave the run folder behind."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.evaluate import summary
from hubbub.evaluate.calibration import softmax
from hubbub.heads import logistic
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_csv, write_csv, write_json
from hubbub.train import stages, weights
from hubbub.train.arrays import ClipArrays, RowSplit, batches, clean
from hubbub.train.callbacks import OnBatchEnd, ignore
from hubbub.train.config import Recipe
from hubbub.train.frozen_features import FrozenFeatures
from hubbub.train.networks.build import Trunk
from hubbub.train.networks.classifier import ClassifierNetwork, linear_head

_PARTS = ("train", "validation", "test")
Say = Callable[[str], None]
Track = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Setting:
    """What all runs of one command share.

    Attributes:
        arrays: all clips. recipe: what to do; recipe_text: the same as YAML, for the record.
        trunk: pretrained. seed: of everything random.
        cache: folder of frozen features.
        say: hears of each epoch. track: wraps long walks, to show progress. watch: hears of each batch.
    """

    arrays: ClipArrays
    recipe: Recipe
    recipe_text: str
    trunk: Trunk
    seed: int
    cache: Path
    say: Say = print
    track: Track = iter
    watch: OnBatchEnd = ignore


def run(setting: Setting, split: RowSplit, target: Run) -> Run:
    """Train and predict, or take up what was interrupted; a finished run is left as it is.

    Raises RefusedError if `target` holds a run of something else.
    """
    arrays = setting.arrays
    target.begin(
        setting.recipe_text,
        dataset=arrays.dataset,
        split=split.name,
        seed=setting.seed,
        labels=list(arrays.labels),
    )
    if target.finished:
        return target
    _write_clips(arrays, split, target.folder / "clips.csv")
    started = time.monotonic()
    classifier, facts = _fit(setting, split, target)
    seconds = time.monotonic() - started
    weights.save(target.folder / "model.pt", classifier.state_dict())
    channels = setting.recipe.frontend.channels
    parts = {name: predict(classifier, arrays, getattr(split, name), channels) for name in _PARTS}
    parts["test"].write(target.folder / "predictions.csv")
    if len(split.validation):
        parts["validation"].write(target.folder / "validation.csv")
    figures = {name: summary.brief(part.targets, part.probabilities) for name, part in parts.items()}
    if len(split.test):
        test = parts["test"]
        figures["test"] = summary.full(test.targets, test.probabilities, arrays.groups[split.test], arrays.labels)
    size = sum(parameter.numel() for parameter in classifier.parameters())
    write_json(target.folder / "metrics.json", figures | {"parameters": size})
    rmtree(target.folder / "checkpoints", ignore_errors=True)
    target.finish(seconds=_all_seconds(target.folder / "epochs.csv", seconds), **facts)
    return target


def predict(
    classifier: ClassifierNetwork, arrays: ClipArrays, rows: NDArray[np.int64], channels: int = 1
) -> Predictions:
    """What the classifier, whose input has `channels`, makes of those clips, as they are, in order."""
    classifier.eval()
    logits = np.zeros((0, len(arrays.labels)))
    if len(rows):
        logits = batches(lambda x: classifier(x)[0], lambda some: clean(arrays, some, channels), rows).numpy()
    return Predictions(
        arrays.labels,
        tuple(arrays.ids[row] for row in rows),
        arrays.folds[rows],
        arrays.targets[rows],
        softmax(logits),
    )


def _fit(setting: Setting, split: RowSplit, target: Run) -> tuple[ClassifierNetwork, dict[str, Any]]:
    arrays, recipe, trunk = setting.arrays, setting.recipe, setting.trunk
    if recipe.kind == "gradient":
        place = stages.Place(target.folder, setting.cache, setting.say, setting.watch)
        bf16 = stages.in_bf16(recipe.precision)
        return stages.fit(arrays, split, recipe, trunk, setting.seed, place), {"bf16": bf16}
    frozen = FrozenFeatures(arrays, recipe, trunk, len(trunk.blocks), setting.seed, setting.cache)
    embeddings = frozen.variant(None)[split.train].astype(np.float32)
    targets, groups = arrays.targets[split.train], arrays.groups[split.train]
    found = logistic.fit(embeddings, targets, groups, len(arrays.labels), recipe.c_grid, setting.track)
    inner = {str(c): accuracy for c, accuracy in found.inner_accuracy.items()}
    return ClassifierNetwork(trunk, linear_head(found)), {"c": found.c, "inner_accuracy": inner}


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
        for part in _PARTS
        for row in getattr(split, part)
    ]
    write_csv(path, ["clip", "part", "fold", "label", "recording", "samples"], rows)
