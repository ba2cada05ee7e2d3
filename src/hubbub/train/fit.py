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
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import read_csv, write_csv, write_json
from hubbub.train import probe, stages, weights
from hubbub.train.arrays import Material, Split, batches, clean
from hubbub.train.callbacks import OnBatchEnd, ignore
from hubbub.train.config import Recipe
from hubbub.train.frozen_features import FrozenFeatures
from hubbub.train.networks.build import Trunk
from hubbub.train.networks.classifier import Classifier

_PARTS = ("train", "validation", "test")
Say = Callable[[str], None]
Track = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Setting:
    """What all runs of one command share.

    Attributes:
        material: all clips. recipe: what to do; recipe_text: the same as YAML, for the record.
        trunk: pretrained. seed: of everything random.
        cache: folder of frozen features.
        say: hears of each epoch. track: wraps long walks, to show progress. watch: hears of each batch.
    """

    material: Material
    recipe: Recipe
    recipe_text: str
    trunk: Trunk
    seed: int
    cache: Path
    say: Say = print
    track: Track = iter
    watch: OnBatchEnd = ignore


def run(setting: Setting, split: Split, target: Run) -> Run:
    """Train and predict, or take up what was interrupted; a finished run is left as it is.

    Raises RefusedError if `target` holds a run of something else.
    """
    material = setting.material
    target.begin(
        setting.recipe_text,
        dataset=material.dataset,
        split=split.name,
        seed=setting.seed,
        labels=list(material.labels),
    )
    if target.finished:
        return target
    _write_clips(material, split, target.folder / "clips.csv")
    started = time.monotonic()
    classifier, facts = _fit(setting, split, target)
    seconds = time.monotonic() - started
    weights.save(target.folder / "model.pt", classifier.state_dict())
    channels = setting.recipe.frontend.channels
    parts = {name: predict(classifier, material, getattr(split, name), channels) for name in _PARTS}
    parts["test"].write(target.folder / "predictions.csv")
    if len(split.validation):
        parts["validation"].write(target.folder / "validation.csv")
    figures = {name: summary.brief(part.targets, part.probabilities) for name, part in parts.items()}
    if len(split.test):
        test = parts["test"]
        figures["test"] = summary.full(test.targets, test.probabilities, material.groups[split.test], material.labels)
    size = sum(parameter.numel() for parameter in classifier.parameters())
    write_json(target.folder / "metrics.json", figures | {"parameters": size})
    rmtree(target.folder / "checkpoints", ignore_errors=True)
    target.finish(seconds=_all_seconds(target.folder / "epochs.csv", seconds), **facts)
    return target


def predict(classifier: Classifier, material: Material, rows: NDArray[np.int64], channels: int = 1) -> Predictions:
    """What the classifier, whose input has `channels`, makes of those clips, as they are, in order."""
    classifier.eval()
    logits = np.zeros((0, len(material.labels)))
    if len(rows):
        logits = batches(lambda x: classifier(x)[0], lambda some: clean(material, some, channels), rows).numpy()
    return Predictions(
        material.labels,
        tuple(material.ids[row] for row in rows),
        material.folds[rows],
        material.targets[rows],
        softmax(logits),
    )


def _fit(setting: Setting, split: Split, target: Run) -> tuple[Classifier, dict[str, Any]]:
    material, recipe, trunk = setting.material, setting.recipe, setting.trunk
    if recipe.kind == "gradient":
        place = stages.Place(target.folder, setting.cache, setting.say, setting.watch)
        bf16 = stages.in_bf16(recipe.precision)
        return stages.fit(material, split, recipe, trunk, setting.seed, place), {"bf16": bf16}
    frozen = FrozenFeatures(material, recipe, trunk, len(trunk.blocks), setting.seed, setting.cache)
    embeddings = frozen.variant(None)[split.train].astype(np.float32)
    targets, groups = material.targets[split.train], material.groups[split.train]
    found = probe.fit(embeddings, targets, groups, len(material.labels), recipe.c_grid, setting.track)
    inner = {str(c): accuracy for c, accuracy in found.inner_accuracy.items()}
    return Classifier(trunk, found.head), {"c": found.c, "inner_accuracy": inner}


def _all_seconds(epochs: Path, measured: float) -> float:
    """What training took: `measured`, or, after an interruption, what all epochs took together."""
    rows = read_csv(epochs) if epochs.is_file() else []
    return round(max(measured, sum(float(row["seconds"]) for row in rows)), 1)


def _write_clips(material: Material, split: Split, path: Path) -> None:
    rows = [
        [
            material.ids[row],
            part,
            material.folds[row],
            material.labels[material.targets[row]],
            material.groups[row],
            material.digests[row],
        ]
        for part in _PARTS
        for row in getattr(split, part)
    ]
    write_csv(path, ["clip", "part", "fold", "label", "recording", "samples"], rows)
