"""What training is given: arrays, targets and a split, and nothing that knows how to read a sound."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hubbub.augment.spectrogram import Equalise, Mask, RepeatOverSilence, Roll
from hubbub.augment.transform import Transform, apply_all, generator
from hubbub.logmel import Floats
from hubbub.train.settings import Recipe

_BATCH = 50


@dataclass(frozen=True)
class Material:
    """All clips of a dataset, in order.

    Attributes:
        ids: of the clips. labels: the classes.
        arrays: log-mel, shape (clips, mels, frames).
        targets: class of each clip. groups: its source recording. folds: its fold, 0 if it has none.
        digests: of each clip's samples.
    """

    dataset: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    arrays: Floats
    targets: NDArray[np.int64]
    groups: NDArray[np.str_]
    folds: NDArray[np.int64]
    digests: tuple[str, ...]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.ids)}

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Where those clips stand."""
        return np.array([self._rows[name] for name in ids], dtype=np.int64)


@dataclass(frozen=True)
class Split:
    """Rows of a `Material` to train on, to choose by, and to test on; of one `name`."""

    name: str
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def transforms(recipe: Recipe) -> list[Transform]:
    """The recipe's augmentation, in the order in which a sound meets it: silence, time, microphone, masks."""
    wanted, spec = recipe.augment, recipe.frontend
    found: list[Transform] = []
    if wanted.repeat_over_silence:
        found.append(RepeatOverSilence(spec, wanted.repeat_over_silence))
    if wanted.roll:
        found.append(Roll())
    if wanted.gain_db or wanted.tilt_db:
        found.append(Equalise(spec, wanted.gain_db, wanted.tilt_db))
    if wanted.mask_bands or wanted.mask_frames:
        found.append(Mask(wanted.mask_bands, wanted.mask_frames))
    return found


def augmented(material: Material, rows: NDArray[np.int64], recipe: Recipe, seed: int, epoch: int) -> Tensor:
    """Augmented log-mel of those clips, shape (clips, 1, mels, frames); draws derive from (seed, epoch, clip id)."""
    chain = transforms(recipe)
    arrays = [apply_all(chain, material.arrays[row], generator(seed, epoch, material.ids[row])) for row in rows]
    return torch.from_numpy(np.stack(arrays)[:, None])


def clean(material: Material, rows: NDArray[np.int64]) -> Tensor:
    """Log-mel of those clips as they are, shape (clips, 1, mels, frames)."""
    return torch.from_numpy(material.arrays[rows][:, None])


def batches(
    function: Callable[[Tensor], Tensor],
    load: Callable[[NDArray[np.int64]], Tensor],
    rows: NDArray[np.int64],
    device: torch.device | str = "cpu",
) -> Tensor:
    """`function` of what `load` gives for those rows, batch by batch, without gradients, on the CPU again."""
    results = []
    with torch.inference_mode():
        for start in range(0, len(rows), _BATCH):
            batch = fast(load(rows[start : start + _BATCH]), device)
            results.append(function(batch).float().cpu())
    return torch.cat(results).clone()


def fast(batch: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """The batch in single precision on `device`; images in the memory order in which convolutions are quickest."""
    batch = batch.to(device, torch.float32)
    return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch
