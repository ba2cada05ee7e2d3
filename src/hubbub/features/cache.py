"""Log-mel arrays on disk, one file a clip, keyed by what the clip sounds like and by the front end.

A clip that changes gets a new key; so does every clip when the front end changes. Nothing is ever stale, and what is
there is never computed twice.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.data.dataset import Clip
from hubbub.logmel import FULL_SCALE, Floats, LogMelSpec, logmel
from hubbub.storage import cache_dir, digest, write_with


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
    track: Callable[[Iterable[Clip]], Iterable[Clip]] = iter,
) -> NDArray[np.int16]:
    """16 bit waveforms of `clips` at `rate`, each cut or zero-padded to `seconds`: shape (clips, time).

    All lie in one file, mapped into memory, whose name derives from the clips' `digests`. The rest as `load`.
    """
    length = round(seconds * rate)
    path = (folder or cache_dir("sounds")) / f"{digest(str(rate), str(length), *digests)}.npy"
    try:
        kept = np.load(path, mmap_mode="r")
        if kept.shape == (len(clips), length):
            return np.asarray(kept)
    except (OSError, ValueError, EOFError):  # not there yet, or damaged
        pass
    waveforms = np.zeros((len(clips), length), np.int16)
    for waveform, clip in zip(waveforms, track(clips), strict=True):
        heard = audio.read(clip.path, rate)[0][:length]
        waveform[: len(heard)] = np.round(np.clip(heard, -1, 1) * FULL_SCALE)
    write_with(path, lambda temporary: np.save(temporary, waveforms))
    return np.asarray(np.load(path, mmap_mode="r"))


def sample_digest(samples: Floats, rate: int) -> str:
    """Name of what a clip sounds like: decoded mono samples, as 16 bit integers at the file's own rate.

    A clip that goes beyond [-1, 1], as floats and lossy formats can, is named after 64 bit integers instead.
    """
    scaled = np.round(samples * 32767)
    loud = np.abs(scaled).max(initial=0) > 32767
    return digest(str(rate), scaled.astype("<i8" if loud else "<i2").tobytes())


def load(
    clips: Sequence[Clip],
    spec: LogMelSpec,
    seconds: float,
    folder: Path | None = None,
    track: Callable[[Iterable[Clip]], Iterable[Clip]] = iter,
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
        arrays[index] = _one(folder / f"{digests[-1]}.npy", samples, rate, spec, length, arrays.shape[1:])
    return Features(arrays, tuple(digests))


def _one(path: Path, samples: Floats, rate: int, spec: LogMelSpec, length: int, shape: tuple[int, ...]) -> Floats:
    if path.is_file():
        try:
            with path.open("rb") as handle:
                cached = np.load(handle)
            if cached.shape == shape and cached.dtype == np.float32:
                return np.asarray(cached)
        except Exception:  # numpy raises half a dozen kinds; a damaged entry is made again
            pass
    heard = audio.resample(samples, rate, spec.sample_rate)[:length]
    computed = logmel(np.pad(heard, (0, length - len(heard))), spec)
    write_with(path, lambda temporary: np.save(temporary, computed))
    return computed
