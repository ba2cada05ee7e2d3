"""Log-mel arrays on disk, one file a clip, keyed by what the clip sounds like and by the front end.

A clip that changes gets a new key; so does every clip when the front end changes. Nothing is ever stale, and what is
there is never computed twice. Where the cache cannot be written, what was computed is used all the same.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.data.dataset import Clip
from hubbub.errors import AudioError
from hubbub.listen.windows import sliding_windows
from hubbub.logmel import FULL_SCALE, LogMelSpec, logmel
from hubbub.storage import cache_dir, digest, write_cache
from hubbub.types import Floats, Ints, Track

_WAVEFORMS = "2"  # version of the files that `sounds` keeps; raised whenever their values come to mean something else
_AT_ONCE = 60  # seconds of a sound that are in memory at once


@dataclass(frozen=True)
class Features:
    """Log-mel arrays of windows of clips, in order.

    Attributes:
        logmels: shape (windows, mels, frames).
        digests: of the samples of each window's clip.
        owners: of each window, the index of its clip; a clip that could not be read has none.
        durations: of each clip in seconds, 0 where it is not known.
    """

    logmels: Floats
    digests: tuple[str, ...]
    owners: Ints
    durations: tuple[float, ...]


@dataclass(frozen=True)
class SoundFile:
    """A decoded sound file: the digest of its samples, see `sample_digest`, their rate and their number.

    `samples` holds them, but for a sound longer than a minute.
    """

    digest: str
    rate: int
    frames: int
    samples: Floats | None


def sounds(
    clips: Sequence[Clip],
    digests: Sequence[str],
    rate: int,
    seconds: float,
    folder: Path | None = None,
    track: Track = iter,
    hop: float | None = None,
) -> NDArray[np.int16]:
    """16 bit waveforms of windows of `clips` at `rate`, each zero-padded to `seconds`: shape (windows, time).

    All lie in one file, mapped into memory, whose name derives from the windows' `digests`, as `load` gives them. The
    rest as `load`.
    """
    length = round(seconds * rate)
    hops = () if hop is None else (f"hop {hop}",)
    path = (folder or cache_dir("sounds")) / f"{digest(_WAVEFORMS, str(rate), str(length), *hops, *digests)}.npy"
    cached = _mapped(path)
    if cached is not None and cached.shape == (len(digests), length):
        return cached
    waveforms = np.zeros((len(digests), length), np.int16)
    parts = (windows(audio.blocks(clip.path, rate, length), length, _samples(hop, rate)) for clip in track(clips))
    for waveform, samples in zip(waveforms, chain.from_iterable(parts), strict=True):
        waveform[:] = audio.to_int16(samples)
    written = write_cache(path, lambda temporary: np.save(temporary, waveforms))
    mapped = _mapped(path) if written else None
    return waveforms if mapped is None else mapped


def sample_digest(samples: Floats, rate: int) -> str:
    """Name of what a clip sounds like: decoded mono samples, as 16 bit integers at the file's own rate.

    Two 16 bit clips share it only if they hold the same samples. A clip that goes beyond 16 bit, as floats and lossy
    formats can (+1.0 does), is named after 64 bit integers instead.
    """
    return digest(str(rate), _integers(samples).astype("<i8" if _is_loud(samples) else "<i2").tobytes())


def decode(path: Path) -> SoundFile:
    """Decode a sound file in bounded memory; what is longer than a minute is read twice. Raises AudioError."""
    rate = audio.probe(path).rate
    size = _AT_ONCE * rate
    blocks = audio.blocks(path, rate, size)
    start = next(blocks)
    second = next(blocks, None)
    if second is None:
        return SoundFile(sample_digest(start, rate), rate, len(start), start)
    frames, loud = 0, False
    for block in chain([start, second], blocks):
        frames, loud = frames + len(block), loud or _is_loud(block)
    return SoundFile(_long_digest(audio.blocks(path, rate, size), rate, frames, loud), rate, frames, None)


def _long_digest(blocks: Iterable[Floats], rate: int, frames: int, loud: bool) -> str:
    """`sample_digest` of a sound that comes in blocks: what `storage.digest` makes of the two parts, part by part."""
    kind = np.dtype("<i8" if loud else "<i2")
    named = str(rate).encode()
    hasher = hashlib.sha256(len(named).to_bytes(8, "big") + named + (frames * kind.itemsize).to_bytes(8, "big"))
    for block in blocks:
        hasher.update(_integers(block).astype(kind).tobytes())
    return hasher.hexdigest()[:16]


def _integers(samples: Floats) -> NDArray[np.float64]:
    return np.rint(samples.astype(np.float64) * FULL_SCALE)


def _is_loud(samples: Floats) -> bool:
    """Whether 16 bit do not hold the samples."""
    scaled = _integers(samples)
    return bool(scaled.max(initial=0) > FULL_SCALE - 1 or scaled.min(initial=0) < -FULL_SCALE)


def windows(blocks: Iterable[Floats], length: int, hop: int | None) -> Iterator[Floats]:
    """What is heard of a sound that comes in blocks: windows of shape (length,), the last one zero-padded if need be.

    Args:
        blocks: of samples, each of shape (time,).
        length: of a window, in samples.
        hop: between the beginnings of two windows; the last window ends with the sound, unless there is less than a
            tenth of a hop left. None hears the beginning alone.
    """
    if hop is None:
        start = next(iter(blocks))[:length]
        yield np.pad(start, (0, length - len(start)))
        return
    before: int | None = None
    for window in sliding_windows(blocks, length, hop):
        if before is None or window.start - before >= hop / 10:
            yield window.samples
        before = window.start


def _samples(hop: float | None, rate: int) -> int | None:
    return None if hop is None else round(hop * rate)


def load(
    clips: Sequence[Clip],
    spec: LogMelSpec,
    seconds: float,
    folder: Path | None = None,
    track: Track = iter,
    hop: float | None = None,
    broken: Callable[[Clip, AudioError], None] | None = None,
) -> Features:
    """Log-mel arrays of `clips`, from the cache or computed into it.

    Args:
        clips: what to load.
        spec: the front end.
        seconds: length of a window; what is shorter is zero-padded.
        folder: of the cache; the user's cache if left out.
        track: wraps the clips on their way, to show progress.
        hop: seconds between windows, which then cover all of a clip; None hears its beginning alone.
        broken: hears at once of each clip that cannot be decoded, which then has no window.

    Raises AudioError for a clip that cannot be decoded, if `broken` is left out.
    """
    settings = [spec.to_dict(), seconds] if hop is None else [spec.to_dict(), seconds, hop]
    folder = folder or cache_dir("logmel") / digest(json.dumps(settings))
    length = round(seconds * spec.sample_rate)
    arrays: list[Floats] = []
    digests: list[str] = []
    owners: list[int] = []
    durations = [0.0] * len(clips)
    writable = True
    for index, clip in enumerate(track(clips)):
        try:
            sound = decode(clip.path)
            path = folder / f"{sound.digest}.npy"
            pictures = _cached(path, (*spec.shape(length)[1:],))
            if pictures is None:
                blocks = resampled(clip.path, sound, spec.sample_rate, length)
                parts = windows(blocks, length, _samples(hop, spec.sample_rate))
                pictures = np.stack([logmel(samples, spec) for samples in parts])
                save = partial(np.save, arr=pictures[0] if hop is None else pictures)
                writable = writable and write_cache(path, save)
        except AudioError as error:
            if broken is None:
                raise
            broken(clip, error)
            continue
        durations[index] = sound.frames / sound.rate
        arrays += list(pictures)
        digests += [sound.digest] * len(pictures)
        owners += [index] * len(pictures)
    logmels = np.empty((len(arrays), *spec.shape(length)[1:]), np.float32)
    for index in reversed(range(len(arrays))):
        logmels[index] = arrays.pop()
    return Features(logmels, tuple(digests), np.array(owners, dtype=np.int64), tuple(durations))


def resampled(path: Path, sound: SoundFile, rate: int, length: int) -> Iterable[Floats]:
    """A sound at `rate`, in blocks: a short one as a whole, a long one read again, `length` samples at once."""
    if sound.samples is not None:
        return [audio.resample(sound.samples, sound.rate, rate)]
    return audio.blocks(path, rate, length)


def _cached(path: Path, shape: tuple[int, ...]) -> Floats | None:
    """The windows in a file, each of `shape`; None where there is none or it is damaged."""
    try:
        with path.open("rb") as handle:
            array = np.asarray(np.load(handle))
    except Exception:  # numpy raises half a dozen kinds; a damaged entry is made again
        return None
    pictures = array[None] if array.ndim == len(shape) else array
    return pictures if pictures.shape[1:] == shape and len(pictures) and pictures.dtype == np.float32 else None


def _mapped(path: Path) -> NDArray[np.int16] | None:
    """An array in a file, mapped into memory; None where there is none or it is damaged."""
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except (OSError, ValueError, EOFError):
        return None
