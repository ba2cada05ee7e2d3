"""What the pictures of this room have in common: a figure without a screen, a mel axis in kilohertz, a whole file."""

from pathlib import Path
from typing import Any

from hubbub.errors import UsageError, missing_extra
from hubbub.logmel import LogMelSpec, hz_to_mel
from hubbub.storage import write_with

_HERTZ = (100, 500, 1000, 2000, 5000, 10_000, 20_000)


def figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of that size in inches. Raises RefusedError if matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing_extra("plot", "drawing a picture") from error
    made = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(drawn: Any, path: Path) -> None:
    """Write a figure, whole or not at all; the suffix of `path` chooses the format.

    Raises UsageError for a suffix that matplotlib does not know.
    """
    known = drawn.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise UsageError(f"a picture cannot be written as {path.name!r}: its name must end in .png, .svg or .pdf")
    write_with(path, lambda part: drawn.savefig(part))


def mel_axis(axes: Any, spec: LogMelSpec) -> None:
    """Kilohertz on the vertical axis of a log-mel that is drawn from 0 to `spec.n_mels`, whatever its rows."""
    shown = [hertz for hertz in _HERTZ if spec.fmin <= hertz <= spec.fmax]
    axes.set_yticks([_band(hertz, spec) for hertz in shown], [f"{hertz / 1000:g}" for hertz in shown])
    axes.set_ylabel("frequency [kHz]")


def _band(hertz: float, spec: LogMelSpec) -> float:
    low, high = hz_to_mel(spec.fmin), hz_to_mel(spec.fmax)
    return float((hz_to_mel(hertz) - low) / (high - low) * (spec.n_mels + 1) - 0.5)
