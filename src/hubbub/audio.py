"""The only door for sound: probe, read whole or in blocks, resample, mix down, write.

Whatever the file holds (WAV, FLAC, Ogg Vorbis, Opus, MP3 and what else libsndfile knows; 4 to 384 kHz; any number of
channels), what comes out is mono float32: the mean of the channels, nominally in [-1, 1]. A float file that goes
beyond is kept as it is, not clipped. Silence is a valid sound.

A file that is cut off or damaged on the way is heard as far as it decodes: nothing is padded, and a decoder that
gives up before the end is logged as a warning. Where not even the beginning decodes, `UnreadableAudioError` says so.
Every error that a file can cause is an `AudioError` whose one line names the file and says what to do.

A file is given by its path, by its content as `bytes`, or as a binary file object, which is read from where it stands
to its end; what is held in memory then is the file as it is encoded. Errors call these "<bytes>" and by their name.
"""

import contextlib
import io
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np
import soundfile
import soxr  # type: ignore[import-untyped]
from numpy.typing import ArrayLike, NDArray

from hubbub.errors import AudioError, ExitCode, UsageError
from hubbub.logmel import FULL_SCALE
from hubbub.storage import write_bytes
from hubbub.types import Floats as Floats

Source: TypeAlias = str | Path | bytes | BinaryIO  #: of a sound file: its path, its content, or the open file
Format = Literal["WAV", "FLAC", "MP3"]  #: of a file that is written

MIN_RATE, MAX_RATE = 4_000, 384_000  #: Hz

_STEP = 4096  # frames decoded at once, and the most that is lost where a decoder gives up
_LOUDEST = 1e10  # beyond any integer scale that a float file may have kept, below what overflows in a power spectrum
_MOST_CHANNELS = 1024  # as in libsndfile; more are an array of the wrong way round
_UNKNOWN_LENGTH = 2**63 - 1  # what libsndfile says when the header does not tell

_log = logging.getLogger(__name__)


class MissingAudioError(AudioError):
    """No such file, not a regular file, not permitted, or a folder without sounds (`hubbub.soundfiles`)."""

    exit_code = ExitCode.REFUSED


class EmptyAudioError(AudioError):
    """0 bytes, or not one sample at the rate that was asked for."""


class UnreadableAudioError(AudioError):
    """Not audio, an unknown format, or too damaged for even its beginning to decode."""


class UnsupportedAudioError(AudioError):
    """The sampling rate is outside `MIN_RATE` to `MAX_RATE`."""


class InvalidSamplesError(AudioError):
    """Samples that are NaN, infinite or absurdly large (beyond 1e10)."""


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says; a damaged file may hold fewer frames than it promises.

    `rate` in Hz, `frames` per channel, `duration` in seconds, `format` and `subtype` as libsndfile names them ("WAV",
    "PCM_16").
    """

    rate: int
    channels: int
    frames: int
    duration: float
    format: str
    subtype: str


def probe(source: Source) -> AudioInfo:
    """Describe a sound file; it is decoded only where the header does not give the length. Raises as `read`."""
    with _opened(source) as sound:
        known = 0 < sound.frames < _UNKNOWN_LENGTH
        frames = sound.frames if known else sum(map(len, _samples(sound, source, sound.samplerate)))
        seconds = frames / sound.samplerate
        return AudioInfo(sound.samplerate, sound.channels, frames, seconds, sound.format, sound.subtype)


def read(source: Source, rate: int | None = None) -> tuple[Floats, int]:
    """Read a whole file.

    Args:
        source: the sound file: its path, its content, or a binary file object.
        rate: Hz to resample to; None keeps the file's own.

    Returns:
        Mono float32, shape (time,), at least one sample; and its rate in Hz.

    Raises:
        AudioError: a subclass of this module.
        UsageError: `rate` is outside `MIN_RATE` to `MAX_RATE`.
    """
    with _opened(source) as sound:
        rate = sound.samplerate if rate is None else rate
        return np.concatenate(list(_samples(sound, source, rate))), rate


def blocks(source: Source, rate: int, block: int) -> Iterator[Floats]:
    """Read a file of any length piece by piece, in bounded memory.

    Joined, the blocks are what `read(path, rate)` gives. Errors arise while iterating: most with the first block, but
    `InvalidSamplesError` when the bad samples are reached.

    Args:
        source: the sound file, as for `read`.
        rate: Hz to resample to.
        block: samples per block, at least 1.

    Yields:
        Mono float32, shape (block,); the last one may be shorter, never empty.

    Raises:
        AudioError: a subclass of this module.
        UsageError: `rate` is outside `MIN_RATE` to `MAX_RATE`, or `block` below 1.
    """
    if block < 1:
        raise UsageError(f"a block of {block} samples makes no sense; give at least 1")
    with _opened(source) as sound:
        parts: list[Floats] = []
        waiting = 0  # samples in `parts`
        for chunk in _samples(sound, source, rate):
            while waiting + len(chunk) >= block:
                cut = block - waiting
                yield np.concatenate([*parts, chunk[:cut]])
                parts, waiting, chunk = [], 0, chunk[cut:]
            parts.append(chunk)
            waiting += len(chunk)
        if waiting:
            yield np.concatenate(parts)


def resample(samples: NDArray[np.floating], rate: int, to: int) -> Floats:
    """Samples of shape (time,) at `rate` Hz, as float32 at `to` Hz: about time * to / rate of them.

    soxr's "HQ" quality: a linear-phase low-pass, no delay. Raises UsageError for rates outside `MIN_RATE` to
    `MAX_RATE`.
    """
    _require_rate(rate)
    _require_rate(to)
    mono = np.asarray(samples, dtype=np.float32)
    return mono if rate == to else np.asarray(soxr.resample(mono, rate, to), dtype=np.float32)


def resample_blocks(chunks: Iterable[Floats], rate: int, to: int) -> Iterator[Floats]:
    """The same of a sound that comes in pieces of any length, each of shape (time,): pieces, none of them empty.

    Joined, they are what `resample` makes of the joined input. Raises UsageError as `resample`, while iterating.
    """
    _require_rate(rate)
    _require_rate(to)
    if rate == to:
        yield from (chunk for chunk in chunks if len(chunk))
        return
    stream = soxr.ResampleStream(rate, to, num_channels=1, dtype="float32")
    for chunk in chunks:
        resampled = stream.resample_chunk(chunk)
        if len(resampled):
            yield resampled
    rest = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if len(rest):
        yield rest


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
    _require_rate(rate)
    _require_sound(samples, target)
    subtype = "MPEG_LAYER_III" if format == "MP3" else "PCM_16"
    encoded = io.BytesIO()
    try:
        soundfile.write(encoded, to_int16(samples), rate, subtype=subtype, format=format, compression_level=compression)
    except soundfile.SoundFileError as error:
        raise UsageError(f"{format} cannot hold {rate} samples per second ({_reason(error)}); try 44100") from error
    if isinstance(target, str | Path):
        write_bytes(Path(target), encoded.getvalue())
    else:
        target.write(encoded.getvalue())


def write_wav(path: str | Path, samples: NDArray[np.floating], rate: int) -> None:
    """`write` to a path as 16-bit WAV."""
    write(path, samples, rate)


def from_array(samples: ArrayLike, rate: int, to: int) -> Floats:
    """Samples in memory as mono at another rate, as `read` would give them of a file that holds them.

    Args:
        samples: shape (time,) or (time, channels): floats, nominally in [-1, 1], or integers of 8, 16 or 32 bits, whose
            full scale becomes [-1, 1) (unsigned ones have their zero in the middle, as in WAV).
        rate: of the samples, in Hz.
        to: Hz to resample to.

    Returns:
        Mono float32, shape (time,), at least one sample.

    Raises:
        EmptyAudioError, InvalidSamplesError: as for a file.
        UsageError: another shape or type, or a rate outside `MIN_RATE` to `MAX_RATE`.

    >>> from_array(np.array([[0, 16384], [-32768, -32768]], dtype=np.int16), 8000, 8000).tolist()
    [0.25, -1.0]
    """
    _require_rate(rate)
    _require_rate(to)
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] > _MOST_CHANNELS):
        raise UsageError(f"samples of shape {array.shape} are no sound; give (time,) or (time, channels)")
    mono = np.zeros(0, np.float32)
    if array.size:
        frames = _scaled(array)
        mono = resample(frames if frames.ndim == 1 else frames.mean(axis=1), rate, to)
    if not len(mono):
        raise EmptyAudioError(f"the samples hold no sound: not one sample at {to} Hz; give more of them")
    return mono


def _scaled(samples: NDArray[Any]) -> NDArray[np.floating]:
    kind, bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    if kind == "f":
        floats = samples.astype(np.float32) if bits < 32 else samples
        _require_sound(floats, None)
        return floats
    if kind not in "iu" or bits > 32:  # 64 bits: what Python's own integers become, with no agreed full scale
        raise UsageError(f"samples of type {samples.dtype} are no sound; give floats in [-1, 1], or 16-bit integers")
    half = 2.0 ** (bits - 1)
    return samples / half - (1.0 if kind == "u" else 0.0)


class _Sound(soundfile.SoundFile):  # type: ignore[misc]
    # soundfile seeks to where it already is after each block, which fails at the end of a truncated FLAC and trusts
    # the header's length for what is left. We read front to back and let the decoder say where the end is.
    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[_Sound]:
    file: str | bytes | io.BytesIO
    if isinstance(source, str | Path):
        _require_file(Path(source))
        # soundfile cannot encode a name that is not valid UTF-8; on Windows it takes text only.
        file = str(source) if sys.platform == "win32" else os.fsencode(source)
    else:
        content = source if isinstance(source, bytes) else source.read()
        if not isinstance(content, bytes):
            raise UsageError(f"{_shown(source)} gives text, not bytes; open it in binary mode")
        if not content:
            raise EmptyAudioError(f"{_shown(source)} is empty (0 bytes); record or fetch it again")
        file = io.BytesIO(content)
    try:
        sound = _Sound(file)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: headerless, named *.raw
        raise _unreadable(source, error) from error
    with sound:
        if not MIN_RATE <= sound.samplerate <= MAX_RATE:
            raise UnsupportedAudioError(
                f"{_shown(source)} has {sound.samplerate} samples per second, hubbub takes {MIN_RATE} to {MAX_RATE}; "
                "convert it with: ffmpeg -i IN -ar 32000 OUT.wav"
            )
        yield sound


def _samples(sound: _Sound, source: Source, rate: int) -> Iterator[Floats]:
    """Decode, mix down, resample: chunks of shape (time,), none empty, at least one."""
    empty = True
    for chunk in resample_blocks(_decoded(sound, source), sound.samplerate, rate):
        empty = False
        yield chunk
    if empty:
        raise EmptyAudioError(f"{_shown(source)} holds no sound: not one sample at {rate} Hz; record or fetch it again")


def _decoded(sound: _Sound, source: Source) -> Iterator[Floats]:
    decoded = 0
    while True:
        try:
            frames = sound.read(_STEP, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            if not decoded:
                raise _unreadable(source, error) from error
            _log.warning("%s is damaged, heard up to %.2f s only", _shown(source), decoded / sound.samplerate)
            return
        if not len(frames):
            return
        decoded += len(frames)
        _require_sound(frames, source)
        yield np.einsum("tc->t", frames) / sound.channels  # the mean; numpy's own is three times slower over so few


def _require_rate(rate: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(f"a sampling rate of {rate} Hz is not possible; give one from {MIN_RATE} to {MAX_RATE} Hz")


def _require_sound(samples: NDArray[np.floating], file: Source | None) -> None:
    if not (np.abs(samples) <= _LOUDEST).all():  # false for NaN as well
        of, advice = ("", "check them") if file is None else (f" of {_shown(file)}", "export it again")
        raise InvalidSamplesError(f"the samples{of} are not a sound (NaN, infinite or huge); {advice}")


def _require_file(path: Path) -> None:
    try:
        status = path.stat()
        regular = stat.S_ISREG(status.st_mode)
        if regular:  # opening anything else could hang
            path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingAudioError(f"cannot read {_shown(path)}: {reason}; check the path and its permissions") from error
    if not regular:
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or device"
        raise MissingAudioError(f"{_shown(path)} is a {kind}, not a sound file; give the path of a file")
    if not status.st_size:
        raise EmptyAudioError(f"{_shown(path)} is empty (0 bytes); record or fetch it again")


def _unreadable(source: Source, error: Exception) -> UnreadableAudioError:
    return UnreadableAudioError(
        f"{_shown(source)} does not decode ({_reason(error)}); convert it with: ffmpeg -i IN OUT.wav"
    )


def _reason(error: Exception) -> str:
    reason = str(getattr(error, "error_string", error)).rstrip(".")
    # libsndfile says that a file does not exist where it found no MP3 frame in it
    return "Format not recognised" if "does not exist" in reason else reason


def _shown(source: Source) -> str:
    """What an error calls a file: one line, and printable, whatever its name holds."""
    if isinstance(source, bytes):
        return "<bytes>"
    path = source if isinstance(source, str | Path) else getattr(source, "name", None)
    return repr(str(path)) if isinstance(path, str | Path) else "<file object>"
