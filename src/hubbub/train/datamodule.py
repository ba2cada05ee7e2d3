"""Batches for one stage of training: what frozen blocks made of the clips, or freshly augmented log-mel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hubbub.train.arrays import ClipArrays, RowSplit, fast
from hubbub.train.config import Recipe

Load = Callable[[NDArray[np.int64], int | None], Tensor]  #: rows and epoch (None: clips as they are) → network input
Wanted = Callable[[NDArray[np.int64], int], Tensor]  #: rows and epoch → share of each class, shape (rows, classes)


@dataclass(frozen=True)
class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Item i is batch i: input and targets of those rows; classes, or the shares of each that `wanted` gives."""

    load: Load
    targets: NDArray[np.int64]
    parts: list[NDArray[np.int64]]
    epoch: int | None
    wanted: Wanted | None = None

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index >= len(self.parts):
            raise IndexError(index)
        rows = self.parts[index]
        if self.wanted is None or self.epoch is None:
            return fast(self.load(rows, self.epoch)), torch.from_numpy(self.targets[rows])
        return fast(self.load(rows, self.epoch)), self.wanted(rows, self.epoch)


class StageData(pl.LightningDataModule):
    """Training clips in a new order each epoch, drawn from (seed, epoch); validation clips as they are."""

    def __init__(
        self, arrays: ClipArrays, split: RowSplit, load: Load, recipe: Recipe, seed: int, wanted: Wanted | None = None
    ):
        super().__init__()
        self.arrays, self.load, self.seed, self.wanted = arrays, load, seed, wanted
        self.train, self.validation = split.train, split.validation
        self.batch, self.workers = recipe.batch_size, recipe.num_workers

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Made anew each epoch; a last batch of one clip joins the batch before, since mixup needs two."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        order = np.random.default_rng([self.seed, epoch]).permutation(self.train)
        return self._loader(_cut(order, self.batch), epoch, self.workers)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """All validation clips in order."""
        return self._loader(_cut(self.validation, 4 * self.batch), None)

    def _loader(
        self, parts: list[NDArray[np.int64]], epoch: int | None, workers: int = 0
    ) -> DataLoader[tuple[Tensor, Tensor]]:
        batches = Batches(self.load, self.arrays.targets, parts, epoch, self.wanted)
        return DataLoader(batches, batch_size=None, num_workers=workers)


def _cut(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    parts = np.split(rows, range(size, len(rows), size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return parts
