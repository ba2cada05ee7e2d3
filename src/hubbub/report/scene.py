"""A picture of a scene: its log-mel over time, with names over the stretches that they were given to."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hubbub.errors import missing_extra
from hubbub.logmel import Floats, LogMelSpec, hz_to_mel, logmel
from hubbub.storage import write_with

_HERTZ = (100, 500, 1000, 2000, 5000, 10_000)
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
        samples: of shape (time,) at `spec.rate`.
        spec: of the log-mel.
        stretches: what was heard where.
        title: over the picture.

    Raises RefusedError if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing_extra("plot", "drawing a picture") from error
    seconds = len(samples) / spec.rate
    figure = Figure(figsize=(12, 4.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    picture = logmel(samples, spec)
    low, high = np.percentile(picture, [2, 99.8])
    extent = (0, seconds, 0, spec.mels)
    axes.imshow(picture, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)
    for index, stretch in enumerate(stretches):
        _label(axes, stretch, spec.mels * (1.03 + 0.075 * (index % _ROWS)))
    axes.set_yticks([_band(hertz, spec) for hertz in _HERTZ], [f"{hertz / 1000:g}" for hertz in _HERTZ])
    axes.set(xlabel="time [s]", ylabel="frequency [kHz]")
    axes.set_title(title, loc="left", pad=44, fontsize=12)
    write_with(path, lambda part: figure.savefig(part))


def _label(axes: object, stretch: Stretch, height: float) -> None:
    colour = "#006d4e" if stretch.right else "#b3261e"
    axes.axvline(stretch.end, color="white", linewidth=1.2)  # type: ignore[attr-defined]
    middle = (stretch.start + stretch.end) / 2
    text = stretch.name if stretch.right else f"{stretch.name} ✗"
    axes.text(middle, height, text, ha="center", va="bottom", color=colour, fontsize=11, fontweight="bold")  # type: ignore[attr-defined]


def _band(hertz: float, spec: LogMelSpec) -> float:
    low, high = hz_to_mel(spec.low), hz_to_mel(spec.high)
    return float((hz_to_mel(hertz) - low) / (high - low) * (spec.mels + 1) - 0.5)
