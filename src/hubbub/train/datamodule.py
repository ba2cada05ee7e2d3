"""Batches for one stage of training: what frozen blocks made of the clips, or freshly augmented log-mel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hubbub.train.arrays import ClipArrays, RowSplit, fast
from hubbub.train.config import Recipe
from hubbub.types import Ints

Load = Callable[[Ints, int | None], Tensor]  #: rows and epoch (None: clips as they are) → network input
Mixed = Callable[[Ints, int], Tensor]  #: rows and epoch → share of each class, shape (rows, classes)


@dataclass(frozen=True)
class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Item i is batch i: input and targets of its rows.

    Attributes:
        load: gives the input. targets: classes of all clips.
        batches: rows of each batch.
        epoch: that is shown; None shows clips as they are.
        mixed: gives, instead of classes, the share of each in clips that are shown mixed.
    """

    load: Load
    targets: Ints
    batches: list[Ints]
    epoch: int | None
    mixed: Mixed | None = None

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index >= len(self.batches):
            raise IndexError(index)
        rows = self.batches[index]
        if self.mixed is None or self.epoch is None:
            return fast(self.load(rows, self.epoch)), torch.from_numpy(self.targets[rows])
        return fast(self.load(rows, self.epoch)), self.mixed(rows, self.epoch)


class StageData(pl.LightningDataModule):
    """Training clips in a new order each epoch, drawn from (seed, epoch); validation clips as they are."""

    def __init__(
        self, arrays: ClipArrays, split: RowSplit, load: Load, recipe: Recipe, seed: int, mixed: Mixed | None = None
    ):
        super().__init__()
        self.arrays, self.load, self.seed, self.mixed = arrays, load, seed, mixed
        self.train, self.validation = split.train, split.validation
        self.batch_size, self.workers = recipe.batch_size, recipe.num_workers

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Made anew each epoch; a last batch of one clip joins the batch before, since mixup needs two."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        order = np.random.default_rng([self.seed, epoch]).permutation(self.train)
        return self._loader(order, self.batch_size, epoch, self.workers)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """All validation clips in order."""
        return self._loader(self.validation, 4 * self.batch_size, None)

    def _loader(
        self, rows: Ints, batch_size: int, epoch: int | None, workers: int = 0
    ) -> DataLoader[tuple[Tensor, Tensor]]:
        parts = np.split(rows, range(batch_size, len(rows), batch_size))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [np.concatenate(parts[-2:])]
        batches = Batches(self.load, self.arrays.targets, parts, epoch, self.mixed)
        return DataLoader(batches, batch_size=None, num_workers=workers)
