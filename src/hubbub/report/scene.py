"""A picture of a scene: its log-mel over time, with names over the stretches that they were given to."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hubbub.logmel import Floats, LogMelSpec, logmel
from hubbub.report.figures import figure, mel_axis, save

_ROWS = 2  # names stand on two heights, so that neighbours do not touch


class Stretch(NamedTuple):
    """A part of a scene, in seconds, the name that was given to it, and whether it is the right one."""

    start: float
    end: float
    name: str
    right: bool


def draw(path: Path, samples: Floats, spec: LogMelSpec, stretches: Sequence[Stretch], title: str) -> None:
    """Draw a scene into a picture file, whole or not at all.

    Args:
        path: of the picture; its suffix chooses the format.
        samples: of shape (time,) at `spec.sample_rate`.
        spec: of the log-mel.
        stretches: what was heard where.
        title: over the picture.

    Raises RefusedError if matplotlib is not installed.
    """
    drawn = figure(12, 4.2)
    seconds = len(samples) / spec.sample_rate
    axes = drawn.subplots()
    picture = logmel(samples, spec)
    low, high = np.percentile(picture, [2, 99.8])
    extent = (0, seconds, 0, spec.n_mels)
    axes.imshow(picture, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)
    for index, stretch in enumerate(stretches):
        _label(axes, stretch, spec.n_mels * (1.03 + 0.075 * (index % _ROWS)))
    mel_axis(axes, spec)
    axes.set_xlabel("time [s]")
    axes.set_title(title, loc="left", pad=44, fontsize=12)
    save(drawn, path)


def _label(axes: object, stretch: Stretch, height: float) -> None:
    colour = "#006d4e" if stretch.right else "#b3261e"
    axes.axvline(stretch.end, color="white", linewidth=1.2)  # type: ignore[attr-defined]
    middle = (stretch.start + stretch.end) / 2
    text = stretch.name if stretch.right else f"{stretch.name} ✗"
    axes.text(middle, height, text, ha="center", va="bottom", color=colour, fontsize=11, fontweight="bold")  # type: ignore[attr-defined]
