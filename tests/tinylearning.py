"""A small world for the learning stack: random log-mel with a trace of its class, a thin trunk, short recipes."""

import dataclasses
from typing import Any

import numpy as np
import torch

from hubbub.logmel import LogMelSpec
from hubbub.storage import digest
from hubbub.train.material import Material, Split
from hubbub.train.networks.mobilenet import MobileNetV3
from hubbub.train.settings import Network, Recipe, Stage

SPEC = LogMelSpec(rate=8000, fft=512, window=400, hop=160, mels=32, high=3900.0)
SECONDS = 1.0
LABELS = ("bark", "hiss", "ring")
FOLDS = (1, 2, 3, 4)
WIDTH = 0.1
PROBE = Recipe(
    "tiny-probe", "for tests", "probe", SPEC, SECONDS, Network(width=WIDTH), validation=0.0, c_grid=(0.01, 1.0)
)
FINETUNE = Recipe(
    "tiny-finetune",
    "for tests",
    "finetune",
    SPEC,
    SECONDS,
    Network(width=WIDTH, hidden=12, dropout=0.2),
    batch=4,
    weight_average=0.5,
    stages=(
        Stage(17, 2, 3e-3, variants=2),
        Stage(7, 2, 1e-3, variants=2),
        Stage(0, 2, 3e-4),
    ),
)


def material(labels: tuple[str, ...] = LABELS, each: int = 2) -> Material:
    """`each` clips of each class in each of the four folds, every clip a recording of its own."""
    rng = np.random.default_rng(0)
    targets = np.tile(np.arange(len(labels)), len(FOLDS) * each)
    folds = np.repeat(FOLDS, len(labels) * each)
    arrays = rng.normal(0, 0.5, (len(targets), SPEC.mels, SPEC.frames(round(SECONDS * SPEC.rate)))).astype(np.float32)
    bands = SPEC.mels // len(labels)
    for array, target in zip(arrays, targets, strict=True):
        array[target * bands : (target + 1) * bands] += rng.uniform(0.5, 2.5)
    names = tuple(f"clip-{row:02d}" for row in range(len(targets)))
    groups = np.array([f"recording {name}" for name in names])
    return Material("tiny", labels, names, arrays, targets, groups, folds, tuple(digest(name) for name in names))


def split(given: Material, test: int = 4, validation: int | None = 3) -> Split:
    """Fold `test` tests, fold `validation` validates."""
    rest = (given.folds != test) & (given.folds != validation)
    rows = (rest, given.folds == validation, given.folds == test)
    return Split(f"tiny-fold{test}", *(np.flatnonzero(part) for part in rows))


def trunk(seed: int = 0, width: float = WIDTH) -> MobileNetV3:
    """Random weights whose signals do not die out on the way."""
    torch.manual_seed(seed)
    network = MobileNetV3(width, pool_from=12)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.fill_(0.2)
    return network.eval()


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with other values."""
    return dataclasses.replace(recipe, **changes)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    """Whether all parameters and buffers are equal bit for bit."""
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(value, two[name]) for name, value in one.items())
