"""Small pictures of a sound for a page: its log-mel as a PNG in the text, its waveform as an SVG path."""

import base64
import io
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.errors import missing_extra
from hubbub.logmel import Floats, LogMelSpec, logmel

SECONDS = 5  #: that a picture shows at most
WIDTH, HEIGHT = 240, 96  #: of a log-mel, in pixels
WAVE = 48  #: height of a waveform's box, which is `WIDTH` wide
_COLUMNS = 120  # of a waveform
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
    return np.concatenate(list(islice(audio.blocks(path, rate, rate), SECONDS))), rate


def logmel_and_waveform(path: Path) -> tuple[str, str]:
    """`logmel_png` and `waveform` of the beginning of a file. Raises AudioError, and RefusedError without Pillow."""
    samples, rate = beginning(path)
    return logmel_png(samples, rate), waveform(samples, rate)


def logmel_png(samples: Floats, rate: int) -> str:
    """A sound's log-mel, low frequencies at the bottom, as a data URI of a PNG.

    Args:
        samples: shape (time,); the first `SECONDS` are shown, a shorter sound fills the width.
        rate: of the samples, in Hz.

    Raises RefusedError if Pillow is not installed.
    """
    sound = audio.resample(samples[: SECONDS * rate], rate, FOR_THE_EYE.sample_rate)
    decibels = np.full((HEIGHT, WIDTH), -FOR_THE_EYE.range_db, np.float32)
    if np.abs(sound).max(initial=0) > 0:  # silence is dark, not "as loud as its loudest point"
        decibels = logmel(np.pad(sound, (0, max(0, FOR_THE_EYE.n_fft - len(sound)))), FOR_THE_EYE)
    return png(1 + decibels / FOR_THE_EYE.range_db)


def png(values: NDArray[np.floating]) -> str:
    """Values in [0, 1], shape (rows, columns), first row at the bottom, from dark to light as a data URI of a PNG."""
    levels = np.round(np.clip(values[::-1], 0, 1) * (_LEVELS - 1)).astype(np.uint8)
    image = _pillow().fromarray(levels)
    image.putpalette(palette(_LEVELS).tobytes())
    return _data_uri(image)


def colour_png(pixels: NDArray[np.uint8], colours: int = 64) -> str:
    """Pixels of shape (rows, columns, 3), first row at the bottom, in so many colours, as a data URI of a PNG."""
    return _data_uri(_pillow().fromarray(np.ascontiguousarray(pixels[::-1])).quantize(colours))


def _data_uri(image: Any) -> str:
    """A Pillow image as the text of a PNG that a page can hold."""
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def palette(count: int) -> NDArray[np.uint8]:
    """That many colours from dark to light, red, green and blue in 0 to 255, shape (count, 3)."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in _MAGMA], dtype=float)
    steps = np.linspace(0, len(anchors) - 1, count)
    channels = [np.interp(steps, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, 1)).astype(np.uint8)


def waveform(samples: Floats, rate: int) -> str:
    """The outline of a sound's first `SECONDS`, its peak filling the box: SVG path data, `WIDTH` by `WAVE`."""
    shown = samples[: SECONDS * rate]
    columns = np.array_split(shown, min(_COLUMNS, len(shown)))
    peak = max(float(np.abs(shown).max(initial=0)), 1e-9)
    x = np.linspace(0, WIDTH, len(columns))
    highest, lowest = ([WAVE / 2 * (1 - f(part) / peak) for part in columns] for f in (np.max, np.min))
    outline = [*zip(x, highest, strict=True), *zip(x[::-1], lowest[::-1], strict=True)]
    return "M" + "L".join(f"{left:.0f} {top:.1f}" for left, top in outline) + "Z"


def _pillow() -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("report", "drawing a picture into a page") from error
    return Image
