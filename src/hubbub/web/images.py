"""Small pictures of a sound for a page: its log-mel as a PNG in the text, its waveform as an SVG path."""

import base64
import io
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.errors import AudioError, missing_extra
from hubbub.logmel import Floats, LogMelSpec, hz_to_mel, logmel

SECONDS = 5  #: that a picture shows at most
HERTZ = (500, 2000, 5000, 10_000, 20_000)  #: where a frequency axis has its marks
WIDTH, HEIGHT = 240, 96  #: of a log-mel, in pixels
WAVE = 48  #: height of a waveform's box, which is `WIDTH` wide
_COLUMNS = 120  # of a waveform
_MARKS = 6  # of a time axis, at most
#: What the eye is shown: 0 to 20 kHz, the loudest 80 dB.
FOR_THE_EYE = LogMelSpec(
    sample_rate=44_100, n_fft=2048, win_length=2048, hop_length=512, n_mels=96, fmax=20_000, preemphasis=0,
    floor=1e-10, range_db=80, mean=0, std=1, height=HEIGHT, width=WIDTH,
)  # fmt: skip
_LEVELS = 40  # shades of 2 dB: a third of the bytes of 256
# nine colours of matplotlib's magma, which grows evenly brighter for every kind of colour vision
_MAGMA = ("000004", "1c1044", "4f127b", "812581", "b5367a", "e55964", "fb8761", "fec287", "fcfdbf")


def beginning(path: Path) -> tuple[Floats, int]:
    """What a picture shows of a file: its first `SECONDS`, shape (time,), and their rate. Raises AudioError."""
    rate = FOR_THE_EYE.sample_rate
    return np.concatenate(list(islice(audio.blocks(path, rate, rate, log=lambda line: None), SECONDS))), rate


def span(paths: Iterable[Path]) -> float:
    """Seconds that the pictures of some files stand for, so that lengths compare: of the longest, at most `SECONDS`."""
    longest = 0.0
    for path in paths:
        try:
            longest = max(longest, audio.probe(path).duration)
        except AudioError:  # it has no picture
            continue
        if longest >= SECONDS:
            break
    return min(longest, SECONDS) or SECONDS


def axes(seconds: float, spec: LogMelSpec = FOR_THE_EYE, start: float = 0.0) -> dict[str, list[list[Any]]]:
    """Marks of a log-mel's axes, each a text and its place from 0, left or below, to 1.

    Args:
        seconds: that its width stands for.
        spec: of the log-mel; it gives the frequencies.
        start: of the picture, in seconds.
    """
    step = next((step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0) if seconds / step <= _MARKS), seconds)
    times = [
        index * step for index in range(int(np.ceil(start / step - 1e-6)), int((start + seconds) / step + 1e-6) + 1)
    ]
    hertz = [value for value in HERTZ if spec.fmin <= value <= spec.fmax]
    return {
        "seconds": [[f"{time:g}", round((time - start) / seconds, 4)] for time in times],
        "kilohertz": [[f"{value / 1000:g}", round(mel_place(value, spec), 4)] for value in hertz],
    }


def mel_place(hertz: float, spec: LogMelSpec) -> float:
    """Where a frequency lies in a log-mel of that front end, from 0, its lower edge, to 1, whatever its rows."""
    low, high = hz_to_mel(spec.fmin), hz_to_mel(spec.fmax)
    return float((hz_to_mel(hertz) - low) / (high - low) * (spec.n_mels + 1) - 0.5) / spec.n_mels


def logmel_and_waveform(path: Path, seconds: float = SECONDS) -> tuple[str, str]:
    """`logmel_png` and `waveform` of the beginning of a file. Raises AudioError, and RefusedError without Pillow."""
    samples, rate = beginning(path)
    return logmel_png(samples, rate, seconds), waveform(samples, rate, seconds)


def logmel_png(samples: Floats, rate: int, seconds: float | None = None) -> str:
    """A sound's log-mel, low frequencies at the bottom, as a data URI of a PNG.

    Args:
        samples: shape (time,); the first `SECONDS` are shown.
        rate: of the samples, in Hz.
        seconds: that the width stands for: what a shorter sound leaves of it is transparent. The sound's own if left
            out.

    Raises RefusedError if Pillow is not installed.
    """
    sound = audio.resample(samples[: SECONDS * rate], rate, FOR_THE_EYE.sample_rate)
    width = _share(len(sound), FOR_THE_EYE.sample_rate, seconds, WIDTH)
    decibels = np.full((HEIGHT, width), -FOR_THE_EYE.range_db, np.float32)
    if np.abs(sound).max(initial=0) > 0:  # silence is dark, not "as loud as its loudest point"
        padded = np.pad(sound, (0, max(0, FOR_THE_EYE.n_fft - len(sound))))
        decibels = logmel(padded, replace(FOR_THE_EYE, width=width))
    levels = 1 + decibels / FOR_THE_EYE.range_db
    return png(np.pad(levels, ((0, 0), (0, WIDTH - width)), constant_values=np.nan))


def png(values: NDArray[np.floating]) -> str:
    """Values in [0, 1], shape (rows, columns), first row at the bottom, from dark to light as a data URI of a PNG.

    NaN is transparent.
    """
    empty = np.isnan(values[::-1])
    levels = np.round(np.clip(np.where(empty, 0, values[::-1]), 0, 1) * (_LEVELS - 1)).astype(np.uint8)
    image = _pillow().fromarray(np.where(empty, np.uint8(_LEVELS), levels))
    image.putpalette(palette(_LEVELS).tobytes() + bytes(3))
    return _data_uri(image, **({"transparency": _LEVELS} if empty.any() else {}))


def colour_png(pixels: NDArray[np.uint8], colours: int = 64) -> str:
    """Pixels of shape (rows, columns, 3), first row at the bottom, in so many colours, as a data URI of a PNG."""
    return _data_uri(_pillow().fromarray(np.ascontiguousarray(pixels[::-1])).quantize(colours))


def _data_uri(image: Any, **options: Any) -> str:
    """A Pillow image as the text of a PNG that a page can hold."""
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def palette(count: int) -> NDArray[np.uint8]:
    """That many colours from dark to light, red, green and blue in 0 to 255, shape (count, 3)."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in _MAGMA], dtype=float)
    steps = np.linspace(0, len(anchors) - 1, count)
    channels = [np.interp(steps, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, 1)).astype(np.uint8)


def waveform(samples: Floats, rate: int, seconds: float | None = None) -> str:
    """The outline of a sound's first `SECONDS`, its peak filling the box: SVG path data, `WIDTH` by `WAVE`.

    The width stands for `seconds`, or for the sound's own length if left out.
    """
    shown = samples[: SECONDS * rate]
    width = _share(len(shown), rate, seconds, WIDTH)
    columns = np.array_split(shown, max(1, min(_COLUMNS * width // WIDTH, len(shown))))
    peak = max(float(np.abs(shown).max(initial=0)), 1e-9)
    edges = np.linspace(0, width, len(columns))
    highest, lowest = ([WAVE / 2 * (1 - f(part) / peak) for part in columns] for f in (np.max, np.min))
    outline = [*zip(edges, highest, strict=True), *zip(edges[::-1], lowest[::-1], strict=True)]
    return "M" + "L".join(f"{left:.0f} {top:.1f}" for left, top in outline) + "Z"


def _share(length: int, rate: int, seconds: float | None, width: int) -> int:
    """Of a width that stands for `seconds`, what so many samples take: at least 1."""
    return width if seconds is None else min(width, max(1, round(width * length / rate / seconds)))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("report", "drawing a picture into a page") from error
    return Image
