"""Training by gradient in stages: the head on frozen features, later blocks under it, or everything from scratch."""

from copy import deepcopy
from dataclasses import replace
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
from hubbub.train import weights
from hubbub.train.arrays import ClipArrays, RowSplit, augmented, clean, mixed_targets
from hubbub.train.callbacks import BatchProgress, Checkpointing, ClassStrengths, StageFiles
from hubbub.train.config import Recipe, Stage
from hubbub.train.datamodule import Load, Mixed, StageData
from hubbub.train.frozen_features import FrozenFeatures
from hubbub.train.job import TrainingJob
from hubbub.train.lightning_module import Tuning
from hubbub.train.networks.classifier import ClassifierNetwork, Standardise, head
from hubbub.train.quiet import quiet_lightning


def fit(job: TrainingJob, split: RowSplit, folder: Path) -> ClassifierNetwork:
    """Train the recipe's stages one after the other; each starts from the best checkpoint so far.

    Args:
        job: what to do.
        split: rows to train on and to choose by; its test rows are not looked at.
        folder: of the run; checkpoints are kept there until it is whole, so that an interrupted run goes on where it
            was.

    Returns:
        The classifier that the recipe's `monitor` finds best on the validation clips, over all epochs of all stages.

    Raises RefusedError if the first stage diverges at once, so that there is nothing to choose from, and DataError if a
    checkpoint that was to be taken up again is damaged.
    """
    recipe = job.recipe
    pl.seed_everything(job.seed, verbose=False)
    strengths = None
    if recipe.augment.class_aware:
        rule = ClassAware(recipe.augment.least_strength, recipe.augment.most_strength)
        strengths = ClassStrengths(rule, job.arrays.labels, folder / "strengths.csv")
    classifier = _start(job, split)
    best: dict[str, Any] = {"badness": float("inf")}
    for number, stage in enumerate(recipe.stages, start=1):
        files = StageFiles(folder, number)
        _train(job, split, classifier, stage, files, strengths)
        checkpoint = weights.load(files.best) if files.best.is_file() else best
        best = min(checkpoint, best, key=lambda checkpoint: checkpoint["badness"])
        if "state" not in best:
            raise RefusedError(f"stage {number} of {recipe.name} diverged, no epoch has a loss: lower its lr")
        classifier.load_state_dict(best["state"])
    return classifier.eval()


def _start(job: TrainingJob, split: RowSplit) -> ClassifierNetwork:
    wanted = job.recipe.network
    layers = head(job.trunk.embedding_size, len(job.arrays.labels), wanted.hidden, wanted.dropout)
    if job.recipe.stages[0].first_trainable_block == len(job.trunk.blocks):  # it starts on units it can be given
        standardise = layers[0]
        assert isinstance(standardise, Standardise)
        embedding = _frozen(job, len(job.trunk.blocks))
        standardise.measure(embedding.rows(split.train, None).float())
    return ClassifierNetwork(deepcopy(job.trunk), layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _frozen(job: TrainingJob, stop: int) -> FrozenFeatures:
    """Features after `stop` blocks, made from those of the nearest earlier stop that the recipe needs as well."""
    earlier = [
        stage.first_trainable_block
        for stage in job.recipe.stages
        if stage.variants and stage.first_trainable_block < stop
    ]
    base = _frozen(job, max(earlier)) if earlier else None
    return FrozenFeatures(job.arrays, job.recipe, job.trunk, stop, job.seed, job.cache, base=base)


def _loader(job: TrainingJob, stage: Stage, strengths: ClassStrengths | None) -> Load:
    """Holds nothing but what other processes can be given."""
    if stage.variants:
        return partial(_kept, _frozen(job, stage.first_trainable_block), stage)
    return partial(_fresh, job.arrays, job.recipe, stage, job.seed, strengths)


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


def _wanted(job: TrainingJob, stage: Stage) -> Mixed | None:
    """Targets of training clips, where they are not just the clips' classes."""
    if not job.recipe.mixes_waveforms:
        return None
    return partial(_mixed, job.arrays, job.recipe, stage, job.seed)


def _mixed(arrays: ClipArrays, recipe: Recipe, stage: Stage, seed: int, rows: NDArray[np.int64], epoch: int) -> Tensor:
    return mixed_targets(arrays, rows, recipe, seed, stage.version(epoch))


def _class_weights(job: TrainingJob, split: RowSplit) -> Tensor | None:
    """Inverse frequency in the training clips, 1 on average, for "balanced"."""
    if job.recipe.class_weights == "none":
        return None
    counts = np.bincount(job.arrays.targets[split.train], minlength=len(job.arrays.labels))
    inverse = np.where(counts > 0, len(split.train) / np.maximum(counts, 1), 0.0)
    return torch.tensor(inverse / inverse.mean(), dtype=torch.float32)


def _train(
    job: TrainingJob,
    split: RowSplit,
    classifier: ClassifierNetwork,
    stage: Stage,
    files: StageFiles,
    strengths: ClassStrengths | None,
) -> None:
    """Train one stage, or take it up again; its best checkpoint is not there if no loss was a number."""
    recipe = replace(job.recipe, num_workers=0) if stage.variants else job.recipe  # what is kept needs no other process
    if strengths:
        strengths.before = sum(earlier.epochs for earlier in recipe.stages[: files.stage - 1])
    data = StageData(job.arrays, split, _loader(job, stage, strengths), recipe, job.seed, _wanted(job, stage))
    start = stage.first_trainable_block if stage.variants else 0
    module = Tuning(classifier, recipe, stage, job.seed, start, _class_weights(job, split))
    batch_progress = BatchProgress(files.stage, len(recipe.stages), job.on_batch_end)
    checkpointing = Checkpointing(files, recipe.monitor, stage.patience, batch_progress, job.log)
    callbacks: list[Callback] = [batch_progress, *([strengths] if strengths else []), checkpointing]
    last = files.last if files.last.is_file() else None
    with quiet_lightning():
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
            callbacks=callbacks,
        )
        if last:
            weights.load(last)  # which says what is wrong with it
        try:
            trainer.fit(module, data, ckpt_path=last, weights_only=True)
        except SystemExit as stopped:  # how Lightning ends on Ctrl-C; our commands say it in their own way
            raise KeyboardInterrupt from stopped


def in_bf16(precision: str) -> bool:
    """Whether to multiply in 16 bit: as the recipe says, or, for "auto", where the machine has units for it."""
    if precision == "auto":
        if torch.cuda.is_available():
            return bool(torch.cuda.is_bf16_supported())
        return bool(torch.cpu._is_amx_tile_supported())
    return precision == "bf16"
