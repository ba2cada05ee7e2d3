"""Training by gradient in stages: the head on frozen features, later blocks under it, or everything from scratch."""

import logging
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from hubbub.augment.class_aware import ClassAware
from hubbub.errors import RefusedError
from hubbub.train.arrays import ClipArrays, RowSplit, augmented, clean, mixed_targets
from hubbub.train.callbacks import BatchProgress, Checkpointing, ClassStrengths, OnBatchEnd, StageFiles, ignore
from hubbub.train.config import Recipe, Stage
from hubbub.train.datamodule import Load, Mixed, StageData
from hubbub.train.frozen_features import FrozenFeatures
from hubbub.train.lightning_module import Tuning
from hubbub.train.networks.build import Trunk
from hubbub.train.networks.classifier import ClassifierNetwork, Standardise, head

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)  # it advertises and repeats what `say` says
Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where training works: its run folder, the shared cache of frozen features, and who hears of each epoch."""

    folder: Path
    cache: Path
    say: Say = print
    watch: OnBatchEnd = ignore


@dataclass(frozen=True)
class _Job:
    """What all stages share."""

    arrays: ClipArrays
    split: RowSplit
    recipe: Recipe
    trunk: Trunk
    seed: int
    place: Place
    strengths: ClassStrengths | None = field(default=None)

    @property
    def stage_of_head(self) -> int:
        return len(self.trunk.blocks)


def fit(
    arrays: ClipArrays, split: RowSplit, recipe: Recipe, trunk: Trunk, seed: int, place: Place
) -> ClassifierNetwork:
    """Train the recipe's stages one after the other; each starts from the best checkpoint so far.

    Args:
        arrays: all clips.
        split: rows to train on and to choose by; its test rows are not looked at.
        recipe: what to do.
        trunk: what to start from; it is left as it is.
        seed: of the head, the order of clips and every draw.
        place: checkpoints are kept there until the run is whole, so that an interrupted run goes on where it was.

    Returns:
        The classifier that the recipe's `monitor` finds best on the validation clips, over all epochs of all stages.

    Raises RefusedError if the first stage diverges at once, so that there is nothing to choose from.
    """
    pl.seed_everything(seed, verbose=False)
    job = _Job(arrays, split, recipe, trunk, seed, place, _strengths(arrays, recipe, place))
    chosen = _start(job)
    best: dict[str, Any] = {"badness": float("inf")}
    for number, stage in enumerate(recipe.stages, start=1):
        files = StageFiles(place.folder, number)
        _train(job, chosen, stage, files)
        kept = torch.load(files.best, weights_only=True) if files.best.is_file() else best
        best = min(kept, best, key=lambda one: one["badness"])
        if "state" not in best:
            raise RefusedError(f"stage {number} of {recipe.name} diverged, no epoch has a loss: lower its lr")
        chosen.load_state_dict(best["state"])
    return chosen.eval()


def _strengths(arrays: ClipArrays, recipe: Recipe, place: Place) -> ClassStrengths | None:
    plan = recipe.augment
    if not plan.class_aware:
        return None
    rule = ClassAware(plan.least_strength, plan.most_strength)
    return ClassStrengths(rule, arrays.labels, place.folder / "strengths.csv")


def _start(job: _Job) -> ClassifierNetwork:
    wanted = job.recipe.network
    layers = head(job.trunk.embedding_size, len(job.arrays.labels), wanted.hidden, wanted.dropout)
    if (
        job.recipe.stages[0].first_trainable_block == job.stage_of_head
    ):  # what the head is given first, it may be given in units
        standardise = layers[0]
        assert isinstance(standardise, Standardise)
        embedding = _frozen(job, job.stage_of_head)
        standardise.measure(embedding.rows(job.split.train, None).float())
    return ClassifierNetwork(deepcopy(job.trunk), layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _frozen(job: _Job, stop: int) -> FrozenFeatures:
    """Features after `stop` blocks, made from those of the nearest earlier stop that the recipe needs as well."""
    earlier = [
        stage.first_trainable_block
        for stage in job.recipe.stages
        if stage.variants and stage.first_trainable_block < stop
    ]
    base = _frozen(job, max(earlier)) if earlier else None
    return FrozenFeatures(job.arrays, job.recipe, job.trunk, stop, job.seed, job.place.cache, base=base)


def _loader(job: _Job, stage: Stage) -> Load:
    """Holds nothing but what other processes can be given."""
    if stage.variants:
        return partial(_kept, _frozen(job, stage.first_trainable_block), stage)
    return partial(_fresh, job.arrays, job.recipe, stage, job.seed, job.strengths)


def _kept(frozen: FrozenFeatures, stage: Stage, rows: NDArray[np.int64], epoch: int | None) -> Tensor:
    return frozen.rows(rows, None if epoch is None else stage.version(epoch))


def _fresh(
    arrays: ClipArrays,
    recipe: Recipe,
    stage: Stage,
    seed: int,
    strengths: ClassStrengths | None,
    rows: NDArray[np.int64],
    epoch: int | None,
) -> Tensor:
    if epoch is None:
        return clean(arrays, rows, recipe.frontend.channels)
    return augmented(arrays, rows, recipe, seed, stage.version(epoch), strengths.now if strengths else None)


def _wanted(job: _Job, stage: Stage) -> Mixed | None:
    """Targets of training clips, where they are not just the clips' classes."""
    if not job.recipe.mixes_waveforms:
        return None
    return partial(_mixed, job.arrays, job.recipe, stage, job.seed)


def _mixed(arrays: ClipArrays, recipe: Recipe, stage: Stage, seed: int, rows: NDArray[np.int64], epoch: int) -> Tensor:
    return mixed_targets(arrays, rows, recipe, seed, stage.version(epoch))


def _class_weights(job: _Job) -> Tensor | None:
    """Inverse frequency in the training clips, 1 on average, for "balanced"."""
    if job.recipe.class_weights == "none":
        return None
    counts = np.bincount(job.arrays.targets[job.split.train], minlength=len(job.arrays.labels))
    weights = np.where(counts > 0, len(job.split.train) / np.maximum(counts, 1), 0.0)
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


def _train(job: _Job, classifier: ClassifierNetwork, stage: Stage, files: StageFiles) -> None:
    """Train one stage, or take it up again; its best checkpoint is not there if no loss was a number."""
    recipe = replace(job.recipe, num_workers=0) if stage.variants else job.recipe  # what is kept needs no other process
    if job.strengths:
        job.strengths.before = sum(earlier.epochs for earlier in recipe.stages[: files.stage - 1])
    data = StageData(job.arrays, job.split, _loader(job, stage), recipe, job.seed, _wanted(job, stage))
    start = stage.first_trainable_block if stage.variants else 0
    module = Tuning(classifier, recipe, stage, job.seed, start, _class_weights(job))
    trainer = pl.Trainer(
        max_epochs=stage.epochs,
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if in_bf16(recipe.precision) else "32-true",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        default_root_dir=files.run,
        callbacks=_callbacks(job, stage, files),
    )
    last = files.last if files.last.is_file() else None
    with warnings.catch_warnings():
        _quiet()
        try:
            trainer.fit(module, data, ckpt_path=last, weights_only=False)
        except SystemExit as stopped:  # how Lightning ends on Ctrl-C; our commands say it in their own way
            raise KeyboardInterrupt from stopped


def _callbacks(job: _Job, stage: Stage, files: StageFiles) -> list[Callback]:
    watching = BatchProgress(files.stage, len(job.recipe.stages), job.place.watch)
    found: list[Callback] = [watching]
    if job.strengths:
        found.append(job.strengths)
    return [*found, Checkpointing(files, job.recipe.monitor, stage.patience, watching, job.place.say)]


def in_bf16(precision: str) -> bool:
    """Whether to multiply in 16 bit: as the recipe says, or, for "auto", where the machine has units for it."""
    if precision == "auto":
        if torch.cuda.is_available():
            return bool(torch.cuda.is_bf16_supported())
        return bool(torch.cpu._is_amx_tile_supported())
    return precision == "bf16"


def _quiet() -> None:
    """Silence what Lightning says about choices that were made on purpose."""
    for known in (
        ".*does not have many workers.*",
        ".*number of training batches.*",
        ".*in eval mode at the start of training.*",
        ".*exists and is not empty.*",
    ):
        warnings.filterwarnings("ignore", known)
    for outdated in (DeprecationWarning, FutureWarning):  # Lightning's own, with newer torch
        warnings.filterwarnings("ignore", category=outdated)
