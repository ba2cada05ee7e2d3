"""Sound to a file: WAV, FLAC and MP3, by libsndfile."""

import io
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from hubbub.audio.mixdown import require_sound
from hubbub.audio.resampling import require_rate
from hubbub.audio.source import shown
from hubbub.errors import UsageError
from hubbub.logmel import FULL_SCALE
from hubbub.storage import write_bytes

Format = Literal["WAV", "FLAC", "MP3"]  #: of a file that is written


def to_int16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples in [-1, 1) as 16 bit integers of the same shape: 32,768 times as much, rounded, what exceeds is clipped.

    A 16 bit file's samples come back bit for bit. The largest integer is 32,767, so that +1.0 becomes that too.

    >>> to_int16(np.array([-1.0, 0.5, 32767 / 32768, 1.0, 7.0])).tolist()
    [-32768, 16384, 32767, 32767, 32767]
    """
    scaled = np.rint(np.asarray(samples, dtype=np.float64) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def write(
    target: str | Path | BinaryIO,
    samples: NDArray[np.floating],
    rate: int,
    format: Format = "WAV",
    compression: float | None = None,
) -> None:
    """Write mono samples as a sound file: 16 bit as `to_int16` has them, or MP3.

    Args:
        target: a path, which is written whole or not at all, or a binary file object.
        samples: shape (time,), nominally in [-1, 1]; what exceeds is clipped.
        rate: of the samples, in Hz.
        format: of the file, whatever the path's suffix.
        compression: of FLAC and MP3, from 0, the largest file, to 1; libsndfile's choice if left out.

    Raises:
        InvalidSamplesError: NaN or infinity.
        UsageError: `rate` is outside `MIN_RATE` to `MAX_RATE`, or the format does not have it.
        OSError: as `open` does.
    """
    require_rate(rate)
    require_sound(samples, shown(target))
    subtype = "MPEG_LAYER_III" if format == "MP3" else "PCM_16"
    encoded = io.BytesIO()
    try:
        soundfile.write(encoded, to_int16(samples), rate, subtype=subtype, format=format, compression_level=compression)
    except soundfile.SoundFileError as error:
        raise UsageError(
            f"{format} cannot hold {rate} samples per second ({getattr(error, 'error_string', error)}); try 44100"
        ) from error
    if isinstance(target, str | Path):
        write_bytes(Path(target), encoded.getvalue())
    else:
        target.write(encoded.getvalue())


def write_wav(path: str | Path, samples: NDArray[np.floating], rate: int) -> None:
    """`write` to a path as 16-bit WAV."""
    write(path, samples, rate)
