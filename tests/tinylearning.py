"""A small world for the learning stack: random log-mel with a trace of its class, a thin trunk, short recipes."""

import dataclasses
from typing import Any

import numpy as np
import torch

from hubbub.augment.plan import Augment
from hubbub.logmel import FULL_SCALE, LogMelSpec, logmel
from hubbub.runs.record import SplitRecord
from hubbub.storage import digest
from hubbub.train.arrays import ClipArrays, RowSplit
from hubbub.train.config import Network, Recipe, Stage
from hubbub.train.networks import mobilenet
from hubbub.train.networks.build import trunk as build
from hubbub.train.networks.chain import Chain
from hubbub.train.networks.mobilenet import MobileNetV3
from hubbub.train.networks.registry import Published

SPEC = LogMelSpec(sample_rate=8000, n_fft=512, win_length=400, hop_length=160, n_mels=32, fmax=3900.0)
SECONDS = 1.0
LABELS = ("bark", "hiss", "ring")
FOLDS = (1, 2, 3, 4)
WIDTH = 0.1
AUDIOSET = Network(weights="mn04_as", width=WIDTH, pool_from=12)
PROBE = Recipe("tiny-probe", "for tests", "probe", SPEC, SECONDS, AUDIOSET, validation=0.0, c_grid=(0.01, 1.0))
FINETUNE = Recipe(
    "tiny-finetune",
    "for tests",
    "gradient",
    SPEC,
    SECONDS,
    dataclasses.replace(AUDIOSET, hidden=12, dropout=0.2),
    augment=Augment(roll=True, gain_db=8, tilt_db=4, repeat_over_silence=0.5),
    batch_size=4,
    mixup=0.4,
    mixup_of="embedding",
    label_smoothing=0.1,
    ema_decay=0.5,
    stages=(
        Stage(17, 2, 3e-3, variants=2),
        Stage(7, 2, 1e-3, variants=2),
        Stage(0, 2, 3e-4),
    ),
)
SCRATCH = Recipe(
    "tiny-scratch",
    "for tests",
    "gradient",
    SPEC,
    SECONDS,
    Network("cnn", width=0.1, dropout=0.2),
    augment=Augment(roll=True, gain_db=6),
    batch_size=4,
    mixup=0.4,
    stages=(Stage(0, 4, 1e-2, weight_decay=0.01, schedule="cosine", batch_norm="trained"),),
)


def clip_arrays(labels: tuple[str, ...] = LABELS, each: int = 2) -> ClipArrays:
    """`each` clips of each class in each of the four folds, every clip a recording of its own."""
    rng = np.random.default_rng(0)
    targets = np.tile(np.arange(len(labels)), len(FOLDS) * each)
    folds = np.repeat(FOLDS, len(labels) * each)
    arrays = rng.normal(0, 0.5, (len(targets), SPEC.n_mels, SPEC.frames(round(SECONDS * SPEC.sample_rate)))).astype(
        np.float32
    )
    bands = SPEC.n_mels // len(labels)
    for array, target in zip(arrays, targets, strict=True):
        array[target * bands : (target + 1) * bands] += rng.uniform(0.5, 2.5)
    names = tuple(f"clip-{row:02d}" for row in range(len(targets)))
    groups = np.array([f"recording {name}" for name in names])
    return ClipArrays("tiny", labels, names, arrays, targets, groups, folds, tuple(digest(name) for name in names))


def sounding() -> ClipArrays:
    """The same clips with waveforms: hum that is high or low by class, in noise; log-mel is made of them."""
    given, rng = clip_arrays(), np.random.default_rng(1)
    length = round(SECONDS * SPEC.sample_rate)
    time = np.arange(length) / SPEC.sample_rate
    pitches = np.array([300, 1000, 3000])[given.targets] * rng.uniform(0.7, 1.3, len(given.targets))
    hum = 0.2 * np.sin(2 * np.pi * pitches[:, None] * time)
    samples = np.round(FULL_SCALE * (hum + rng.normal(0, 0.1, hum.shape))).clip(-FULL_SCALE, FULL_SCALE - 1)
    arrays = logmel((samples / FULL_SCALE).astype(np.float32), SPEC)
    categories = tuple(f"category of {label}" for label in LABELS)
    return dataclasses.replace(given, logmels=arrays, waveforms=samples.astype(np.int16), categories=categories)


def split(given: ClipArrays, test: int = 4, validation: int | None = 3) -> RowSplit:
    """Fold `test` tests, fold `validation` validates."""
    rest = (given.folds != test) & (given.folds != validation)
    rows = (rest, given.folds == validation, given.folds == test)
    return RowSplit(SplitRecord("tiny", test), *(np.flatnonzero(part) for part in rows))


def trunk(seed: int = 0, width: float = WIDTH) -> MobileNetV3:
    """Random weights whose signals do not die out on the way."""
    torch.manual_seed(seed)
    network = MobileNetV3(width, pool_from=12)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.fill_(0.2)
    return network.eval()


#: The trunk's weights by our own names, in the place of those that have to be fetched.
PUBLISHED = Published(
    lambda network, path: (trunk(width=network.width).state_dict(), "tiny"),
    lambda network: {name: name for name in mobilenet.published_names().values()},
)


def cnn(seed: int = 0) -> Chain:
    """The trunk of `SCRATCH`, with random weights."""
    torch.manual_seed(seed)
    found = build(SCRATCH.network)
    assert isinstance(found, Chain)
    return found.eval()


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with other values."""
    return dataclasses.replace(recipe, **changes)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    """Whether all parameters and buffers are equal bit for bit."""
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(value, two[name]) for name, value in one.items())
