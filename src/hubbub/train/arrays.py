"""What training is given: arrays, targets and a split, and nothing that knows how to read a sound."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hubbub.augment.loudness import level
from hubbub.augment.plan import Augment, spectrogram_chain, view
from hubbub.augment.transform import apply_all, generator
from hubbub.augment.waveform import between_class
from hubbub.logmel import FULL_SCALE, LEAST_STD, Floats
from hubbub.runs.record import SplitRecord
from hubbub.storage import digest
from hubbub.train.config import Recipe

_BATCH = 50


@dataclass(frozen=True)
class ClipArrays:
    """All clips of a dataset, in order; a row each, or several for one that is heard in several windows.

    Attributes:
        ids: of each row's clip. labels: the classes.
        logmels: shape (rows, mels, frames).
        targets: class of each clip. groups: its source recording. folds: its fold, 0 if it has none.
        digests: of each clip's samples.
        categories: of each class, for acoustic rules; empty if the dataset has none.
        waveforms: 16 bit samples at the front end's rate, shape (rows, time); only there if the recipe changes them.
    """

    dataset: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    logmels: Floats
    targets: NDArray[np.int64]
    groups: NDArray[np.str_]
    folds: NDArray[np.int64]
    digests: tuple[str, ...]
    categories: tuple[str, ...] = ()
    waveforms: NDArray[np.int16] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """BLAKE2 hash of `logmels`, which clips of one digest differ in by length, front end or 8 bit pictures."""
        return hashlib.blake2b(np.ascontiguousarray(self.logmels).data).hexdigest()

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.ids):
            rows.setdefault(name, []).append(row)
        return rows

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Where those clips stand, all of their windows."""
        return np.array([row for name in ids for row in self._rows[name]], dtype=np.int64)

    def clips(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first row of each clip that has one of those rows, in their order."""
        return np.array(list(dict.fromkeys(self._rows[self.ids[row]][0] for row in rows)), dtype=np.int64)

    def windows(self, row: int) -> list[int]:
        """All rows of a row's clip."""
        return self._rows[self.ids[row]]

    def name(self, row: int) -> str:
        """What draws for a row derive from: its clip's id, with a number for all windows but the first."""
        number = row - self.windows(row)[0]
        return f"{self.ids[row]}, window {number}" if number else self.ids[row]

    def sound(self, row: int) -> Floats:
        """A clip's waveform, shape (time,)."""
        assert self.waveforms is not None, "waveforms are loaded for recipes that change them"
        return self.waveforms[row].astype(np.float32) / np.float32(FULL_SCALE)

    def category(self, row: int) -> str:
        """Of a clip's class; empty if there is none."""
        return self.categories[self.targets[row]] if self.categories else ""


@dataclass(frozen=True)
class RowSplit:
    """Rows of a `ClipArrays` to train on, to choose by, and to test on; `record` says how they were split."""

    record: SplitRecord
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]

    def digest(self, arrays: ClipArrays) -> str:
        """Of which clip is in which part."""
        parts = (self.train, self.validation, self.test)
        return digest(*(digest(*(arrays.ids[row] for row in arrays.clips(part))) for part in parts))


def augmented(
    arrays: ClipArrays,
    rows: NDArray[np.int64],
    recipe: Recipe,
    seed: int,
    epoch: int,
    strengths: NDArray[np.float64] | None = None,
) -> Tensor:
    """Augmented log-mel of those clips, shape (clips, channels, rows, columns).

    Draws derive from (seed, epoch, clip id). `strengths`, one a class, scale the rules of augmentation. If the recipe
    mixes waveforms, each clip sounds with its partner, see `partners`. With the crop "random", a row stands for its
    clip, of which a window is drawn.
    """
    spec, plan = recipe.frontend, recipe.augment
    chain = spectrogram_chain(plan, spec)
    mixed = zip(*partners(arrays, rows, recipe, seed, epoch), strict=True) if recipe.mixes_waveforms else None

    def window(row: int) -> int:
        if recipe.crop != "random":
            return row
        return int(generator(seed, epoch, f"{arrays.ids[row]}, which window").choice(arrays.windows(row)))

    def one(row: int) -> Floats:
        rng = generator(seed, epoch, arrays.name(row))
        if not recipe.of_waveform:
            return apply_all(chain, arrays.logmels[window(row)], rng)
        sound = arrays.sound(window(row))
        if mixed is not None:
            other, share = next(mixed)
            sound = between_class(sound, arrays.sound(window(other)), float(share), spec.sample_rate)
        sound = _over_another(sound, arrays, row, plan, generator(seed, epoch, f"{arrays.name(row)} and background"))
        strength = 1.0 if strengths is None else float(strengths[arrays.targets[row]])
        return view(sound, spec, plan, rng, arrays.category(row), strength)

    return _as_input(np.stack([one(row) for row in rows]), spec.channels)


def _over_another(sound: Floats, arrays: ClipArrays, row: int, plan: Augment, rng: np.random.Generator) -> Floats:
    """The sound over another clip of the row's fold, as the plan wants it; alone where there are no folds.

    Within its fold, so that no clip is heard when its fold tests.
    """
    others = np.flatnonzero((arrays.folds == arrays.folds[row]) & (arrays.targets != arrays.targets[row]))
    if rng.random() >= plan.background_clip or not arrays.folds[row] or not len(others):
        return sound
    other = arrays.sound(int(rng.choice(others)))
    loudness = level(sound) * 10 ** (-rng.uniform(*plan.background_snr_db) / 20)
    return sound + other * np.float32(loudness / max(level(other), LEAST_STD))


def partners(
    arrays: ClipArrays, rows: NDArray[np.int64], recipe: Recipe, seed: int, epoch: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each clip of a batch, another of the batch to sound with, and its own share from Beta(mixup, mixup)."""
    rngs = [generator(seed, epoch, f"{arrays.name(row)} and another") for row in rows]
    shares = [rng.beta(recipe.mixup, recipe.mixup) for rng in rngs]
    return rows[[rng.integers(len(rows)) for rng in rngs]], np.array(shares, np.float32)


def mixed_targets(arrays: ClipArrays, rows: NDArray[np.int64], recipe: Recipe, seed: int, epoch: int) -> Tensor:
    """What `augmented` shows of those clips by share of each class, shape (clips, classes)."""
    others, shares = partners(arrays, rows, recipe, seed, epoch)
    classes = np.eye(len(arrays.labels), dtype=np.float32)[arrays.targets]
    return torch.from_numpy(shares[:, None] * classes[rows] + (1 - shares[:, None]) * classes[others])


def clean(arrays: ClipArrays, rows: NDArray[np.int64], channels: int = 1) -> Tensor:
    """Log-mel of those clips as they are, shape (clips, channels, rows, columns)."""
    return _as_input(arrays.logmels[rows], channels)


def _as_input(arrays: Floats, channels: int) -> Tensor:
    return torch.from_numpy(arrays)[:, None].expand(-1, channels, -1, -1)


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
