"""What frozen blocks make of every clip, computed once and kept."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hubbub.storage import digest, write_cache
from hubbub.train.arrays import ClipArrays, augmented, batches, clean
from hubbub.train.config import Recipe
from hubbub.train.networks.build import Trunk
from hubbub.types import Ints


@dataclass(frozen=True)
class FrozenFeatures:
    """What the first `stop` blocks of a trunk make of every clip, computed once a variant.

    Kept in `folder` in half precision, one file a variant, under a name that derives from those blocks and their
    weights, the clips and the augmentation: whatever builds on the same blocks shares it, folds of a cross-validation
    among them, and an interrupted run finds it again. With `base`, what fewer blocks made of the same variants, only
    the blocks between are run.
    """

    arrays: ClipArrays
    recipe: Recipe
    trunk: Trunk
    stop: int
    seed: int
    folder: Path
    device: torch.device | str = "cpu"
    base: "FrozenFeatures | None" = None

    @cached_property
    def _key(self) -> str:
        blocks = self.trunk.blocks[: self.stop]
        hasher = hashlib.sha256(repr(blocks).encode())
        for tensor in blocks.state_dict().values():
            hasher.update(tensor.cpu().numpy().tobytes())
        recipe, clips = self.recipe, self.arrays
        pool_from = recipe.network.pool_from if self.stop >= len(self.trunk.blocks) else None
        settings: tuple[str, ...] = (clips.fingerprint, str(recipe.frontend), str(recipe.augment), str(pool_from))
        if recipe.crop == "random":
            settings = (*settings, "crop random")
        if recipe.augment.rules == "acoustic":
            settings = (*settings, *(clips.category(row) for row in range(len(clips.ids))))
        steps = str((self.stop, self.base.stop if self.base else 0, self.seed))
        return digest(hasher.digest(), *settings, steps, *clips.ids, *clips.digests)

    @cached_property
    def _in_memory(self) -> dict[int | None, NDArray[np.float16]]:
        """Variants that no file holds, since the folder cannot be written."""
        return {}

    def variant(self, number: int | None) -> NDArray[np.float16]:
        """Of all clips, shape (rows, ...), mapped into memory; None stands for the clips as they are."""
        if number in self._in_memory:
            return self._in_memory[number]
        path = self.folder / self._key / f"{'clean' if number is None else number}.npy"
        variant = _mapped(path)
        if variant is None:
            computed = self._compute(number)
            if write_cache(path, lambda temporary: np.save(temporary, computed)):
                variant = _mapped(path)
            if variant is None:
                variant = self._in_memory[number] = computed
        return variant

    def rows(self, rows: Ints, number: int | None) -> Tensor:
        """Of some clips, shape (len(rows), ...), half precision."""
        return torch.from_numpy(self.variant(number)[rows])

    def _compute(self, number: int | None) -> NDArray[np.float16]:
        trunk, base = self.trunk.eval(), self.base
        start = base.stop if base else 0

        def load(rows: Ints) -> Tensor:
            if base:
                return base.rows(rows, number)
            if number is None:
                return clean(self.arrays, rows, self.recipe.frontend.channels)
            return augmented(self.arrays, rows, self.recipe, self.seed, number)

        every = np.arange(len(self.arrays.ids))
        result = batches(lambda x: trunk.prefix(x, self.stop, start), load, every, self.device)
        return result.numpy().astype(np.float16)


def _mapped(path: Path) -> NDArray[np.float16] | None:
    """An array in a file, mapped into memory; None where there is none or it is damaged."""
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except (OSError, ValueError, EOFError):
        return None
