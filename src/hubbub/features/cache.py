"""Log-mel arrays on disk, one file a clip, keyed by what the clip sounds like and by the front end.

A clip that changes gets a new key; so does every clip when the front end changes. Nothing is ever stale, and what is
there is never computed twice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.data.dataset import Clip
from hubbub.logmel import FULL_SCALE, LogMelSpec, logmel
from hubbub.storage import cache_dir, digest, write_with
from hubbub.types import Floats, Track

_WAVEFORMS = "2"  # version of the files that `sounds` keeps; raised whenever their values come to mean something else


@dataclass(frozen=True)
class Features:
    """Log-mel arrays of clips, in order: `logmels` (clips, mels, frames), and the digest of each clip's samples."""

    logmels: Floats
    digests: tuple[str, ...]


def sounds(
    clips: Sequence[Clip],
    digests: Sequence[str],
    rate: int,
    seconds: float,
    folder: Path | None = None,
    track: Track = iter,
) -> NDArray[np.int16]:
    """16 bit waveforms of `clips` at `rate`, each cut or zero-padded to `seconds`: shape (clips, time).

    All lie in one file, mapped into memory, whose name derives from the clips' `digests`. The rest as `load`.
    """
    length = round(seconds * rate)
    path = (folder or cache_dir("sounds")) / f"{digest(_WAVEFORMS, str(rate), str(length), *digests)}.npy"
    try:
        cached = np.load(path, mmap_mode="r")
        if cached.shape == (len(clips), length):
            return np.asarray(cached)
    except (OSError, ValueError, EOFError):  # not there yet, or damaged
        pass
    waveforms = np.zeros((len(clips), length), np.int16)
    for waveform, clip in zip(waveforms, track(clips), strict=True):
        samples = audio.read(clip.path, rate)[0][:length]
        waveform[: len(samples)] = audio.to_int16(samples)
    write_with(path, lambda temporary: np.save(temporary, waveforms))
    return np.asarray(np.load(path, mmap_mode="r"))


def sample_digest(samples: Floats, rate: int) -> str:
    """Name of what a clip sounds like: decoded mono samples, as 16 bit integers at the file's own rate.

    Two 16 bit clips share it only if they hold the same samples. A clip that goes beyond 16 bit, as floats and lossy
    formats can (+1.0 does), is named after 64 bit integers instead.
    """
    scaled = np.rint(samples.astype(np.float64) * FULL_SCALE)
    loud = scaled.max(initial=0) > FULL_SCALE - 1 or scaled.min(initial=0) < -FULL_SCALE
    return digest(str(rate), scaled.astype("<i8" if loud else "<i2").tobytes())


def load(
    clips: Sequence[Clip],
    spec: LogMelSpec,
    seconds: float,
    folder: Path | None = None,
    track: Track = iter,
) -> Features:
    """Log-mel arrays of `clips`, each cut or zero-padded to `seconds`, from the cache or computed into it.

    Args:
        clips: what to load.
        spec: the front end.
        seconds: length of every clip.
        folder: of the cache; the user's cache if left out.
        track: wraps the clips on their way, to show progress.

    Raises AudioError for a clip that cannot be decoded.
    """
    folder = folder or cache_dir("logmel") / digest(json.dumps([spec.to_dict(), seconds]))
    length = round(seconds * spec.sample_rate)
    arrays = np.empty((len(clips), *spec.shape(length)[1:]), np.float32)
    digests = []
    for index, clip in enumerate(track(clips)):
        samples, rate = audio.read(clip.path)
        digests.append(sample_digest(samples, rate))
        path = folder / f"{digests[-1]}.npy"
        cached = _cached(path)
        if cached is None or cached.shape != arrays.shape[1:] or cached.dtype != np.float32:
            samples = audio.resample(samples, rate, spec.sample_rate)[:length]
            made = logmel(np.pad(samples, (0, length - len(samples))), spec)
            write_with(path, partial(np.save, arr=made))
            cached = made
        arrays[index] = cached
    return Features(arrays, tuple(digests))


def _cached(path: Path) -> Floats | None:
    """The array in a file, None where there is none or it is damaged."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as handle:
            return np.asarray(np.load(handle))
    except Exception:  # numpy raises half a dozen kinds; a damaged entry is made again
        return None
