"""What to do about a recording's level: rules of a front end, measured on validation clips of ESC-50. Prints a table.

    python benchmarks/level_rules.py        # about 20 minutes on one core; 4 GB of memory

Each rule scales the mel power of a clip; then follow the frozen AudioSet network and a logistic regression (C = 0.01).
Accuracy is that of grouped inner folds of the training folds, over the five official folds: no test fold is looked at,
so that the choice is not made on one. Columns: clips as they are, the same softer, and softer with the samples rounded
to 16 bit. "Softer copies" shows the regression each clip at 0, -20 and -40 dB instead.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from hubbub import audio
from hubbub.data import esc50
from hubbub.heads import logistic
from hubbub.logmel import FULL_SCALE, LEAST_POWER, Floats, LogMelSpec, mel_power, pictured
from hubbub.train import pretrained, recipe_file
from hubbub.types import Ints

SPEC = LogMelSpec()
COLUMNS = ("as they are", "-20 dB", "-40 dB", "-50 dB", "-20 dB, 16 bit")
BATCH = 50
TOGETHER = "as it is, softer copies in training"

Rule = Callable[[Floats], NDArray[np.floating]]


def to(decibels: float, power: NDArray[np.floating]) -> NDArray[np.floating]:
    """The factor that brings `power`, shape (clips,), to a level."""
    return 10 ** (decibels / 10) / np.maximum(power, LEAST_POWER)


def means(power: Floats, frames: int) -> NDArray[np.floating]:
    """Power of all bands, mean over so many neighbouring frames, shape (clips, frames - `frames` + 1)."""
    return np.lib.stride_tricks.sliding_window_view(power.sum(1), frames, axis=-1).mean(-1)


RULES: dict[str, Rule] = {
    "as it is": lambda power: np.ones(len(power)),
    "loudest 10 ms to 30 dB": lambda power: to(30, means(power, 1).max(1)),
    "loudest 100 ms to 10 dB": lambda power: to(10, means(power, 10).max(1)),
    "loudest 100 ms to 20 dB": lambda power: to(20, means(power, 10).max(1)),
    "loudest 100 ms to 30 dB": lambda power: to(30, means(power, 10).max(1)),
    "loudest 1 s to 20 dB": lambda power: to(20, means(power, 100).max(1)),
    "90th percentile of 100 ms to 15 dB": lambda power: to(15, np.quantile(means(power, 10), 0.9, axis=1)),
    "mean to 10 dB": lambda power: to(10, power.sum(1).mean(1)),
}


def main() -> None:
    dataset = esc50.load()
    clips = dataset.clips
    targets = np.array([dataset.labels.index(clip.label) for clip in clips])
    folds, groups = np.array([clip.fold for clip in clips]), np.array([clip.group for clip in clips])
    sounds = np.stack([audio.read(clip.path, SPEC.sample_rate)[0][: 5 * SPEC.sample_rate] for clip in clips])
    powers = {column: softer(sounds, column) for column in ("as they are", "-20 dB, 16 bit")}
    print(f"| rule | {' | '.join(COLUMNS)} |\n|---|{'--:|' * len(COLUMNS)}")
    for name, rule in RULES.items():
        features = {column: embeddings(power_of(powers, column), rule) for column in COLUMNS}
        row(name, features, targets, folds, groups)
        if name == "as it is":
            row(TOGETHER, features, targets, folds, groups, COLUMNS[:3])


def softer(sounds: Floats, column: str) -> Floats:
    """Mel power of the sounds, as they are or rounded to 16 bit at -20 dB, shape (clips, mels, frames)."""
    powers = np.empty((len(sounds), SPEC.n_mels, SPEC.frames(sounds.shape[1])), np.float32)
    for power, sound in zip(powers, sounds, strict=True):
        if column != "as they are":
            sound = np.rint(sound * np.float32(0.1 * FULL_SCALE)) / np.float32(FULL_SCALE)
        power[:] = mel_power(sound, SPEC)
    return powers


def power_of(powers: dict[str, Floats], column: str) -> Floats:
    """Mel power for a column: what is softer without rounding is the power as it is times a number."""
    if column in powers:
        return powers[column]
    return powers["as they are"] * np.float32(10 ** (float(column.split()[0]) / 10))


def embeddings(power: Floats, rule: Rule) -> Floats:
    """Of the frozen network, shape (clips, size)."""
    trunk = pretrained.load(recipe_file.load("probe").network, SPEC.channels, 0, None).eval()
    parts = []
    for start in range(0, len(power), BATCH):
        batch = power[start : start + BATCH]
        scaled = batch * rule(batch)[:, None, None].astype(np.float32)
        pictures = torch.from_numpy(pictured(np.log(scaled + np.float32(SPEC.floor)), SPEC))[:, None]
        with torch.inference_mode():
            parts.append(trunk(pictures.contiguous(memory_format=torch.channels_last)).numpy())
    return np.concatenate(parts)


def row(
    name: str,
    features: dict[str, Floats],
    targets: Ints,
    folds: Ints,
    groups: NDArray[np.str_],
    shown: tuple[str, ...] = COLUMNS[:1],
) -> None:
    """Print the mean accuracy on validation clips, in each column, of heads that were shown the columns `shown`."""
    right: dict[str, list[float]] = {column: [] for column in features}
    for fold in range(1, 6):
        rows = np.flatnonzero(folds != fold)
        for train, held in logistic.inner_folds(targets[rows], groups[rows]):
            learnt, heard = rows[train], rows[held]
            together = np.concatenate([features[column][learnt] for column in shown])
            head = logistic.fit(
                together, np.tile(targets[learnt], len(shown)), np.tile(groups[learnt], len(shown)), 50, [0.01]
            )
            for column, embedding in features.items():
                right[column].append(float((head.scores(embedding[heard]).argmax(1) == targets[heard]).mean()))
    print(f"| {name} | {' | '.join(f'{100 * np.mean(values):.1f}' for values in right.values())} |", flush=True)


if __name__ == "__main__":
    main()
