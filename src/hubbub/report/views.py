"""A picture of what a network is shown of one sound: as it is, and augmented."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hubbub.logmel import LEAST_STD, Floats, LogMelSpec, logmel
from hubbub.report.figures import figure, mel_axis, save


def draw(path: Path, views: Sequence[tuple[str, Floats]], sound: Floats, spec: LogMelSpec, title: str) -> None:
    """Draw network inputs side by side on one scale, without their normalisation, whole or not at all.

    Args:
        path: of the picture; its suffix chooses the format.
        views: names and network inputs (rows, columns), from left to right.
        sound: the clip as it is, shape (time,) at `spec.sample_rate`; it gives the scale.
        spec: of the inputs.
        title: over the picture.

    Raises RefusedError if matplotlib is not installed, UsageError for a suffix that it does not know.
    """
    mean, std = scale(sound, spec)
    low, high = (-spec.range_db, 0.0) if spec.range_db else np.percentile(logmel(sound, spec) * std + mean, [1, 99.9])
    drawn = figure(3.3 * len(views) + 1.6, 4.2)
    panels = drawn.subplots(1, len(views), sharey=True, squeeze=False)[0]
    extent = (0, len(sound) / spec.sample_rate, 0, spec.n_mels)
    for axes, (name, array) in zip(panels, views, strict=True):
        image = axes.imshow(
            array * std + mean,
            origin="lower",
            aspect="auto",
            extent=extent,
            cmap="magma",
            vmin=low,
            vmax=high,
            interpolation="nearest",
        )
        axes.set_title(name, fontsize=11)
        axes.set_xlabel("time [s]")
    mel_axis(panels[0], spec)
    drawn.colorbar(image, ax=panels, label=_unit(spec), pad=0.012, aspect=28)
    drawn.suptitle(title, x=0.01, ha="left", fontsize=12)
    save(drawn, path)


def scale(sound: Floats, spec: LogMelSpec) -> tuple[float, float]:
    """The mean and the deviation by which the network's input of a sound was normalised, its own or the fixed ones."""
    if spec.normalise == "fixed":
        return spec.mean, spec.std
    plain = logmel(sound, replace(spec, normalise="fixed", mean=0.0, std=1.0, height=0, width=0))
    return float(plain.mean()), max(float(plain.std()), LEAST_STD)


def describe(spec: LogMelSpec, seconds: float) -> str:
    """The front end in a few words.

    >>> describe(LogMelSpec(), 5.0)
    '32 kHz, 128 mels, 500 x 128 input'
    """
    _, height, width = spec.shape(round(seconds * spec.sample_rate))
    return f"{spec.sample_rate / 1000:g} kHz, {spec.n_mels} mels, {width} x {height} input"


def _unit(spec: LogMelSpec) -> str:
    if spec.range_db:
        return "dB relative to the loudest point"
    return "power [dB]" if spec.decibels else "ln power"
