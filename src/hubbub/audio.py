"""The only door for sound: probe, read whole or in blocks, resample, mix down, write.

Whatever the file holds (WAV, FLAC, Ogg Vorbis, Opus, MP3 and what else libsndfile knows; 4 to 384 kHz; any number of
channels), what comes out is mono float32: the mean of the channels, nominally in [-1, 1]. A float file that goes
beyond is kept as it is, not clipped. Silence is a valid sound.

A file that is cut off or damaged on the way is heard as far as it decodes: nothing is padded, and a decoder that
gives up before the end is logged as a warning. Where not even the beginning decodes, `UnreadableAudioError` says so.
Every error that a file can cause is an `AudioError` whose one line names the path and says what to do.
"""

import contextlib
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr  # type: ignore[import-untyped]
from numpy.typing import ArrayLike, NDArray

from hubbub.errors import AudioError, ExitCode, UsageError
from hubbub.storage import write_with

Floats = NDArray[np.float32]

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


def probe(path: str | Path) -> AudioInfo:
    """Describe a sound file; it is decoded only where the header does not give the length. Raises as `read`."""
    with _opened(path) as sound:
        known = 0 < sound.frames < _UNKNOWN_LENGTH
        frames = sound.frames if known else sum(map(len, _samples(sound, path, sound.samplerate)))
        seconds = frames / sound.samplerate
        return AudioInfo(sound.samplerate, sound.channels, frames, seconds, sound.format, sound.subtype)


def read(path: str | Path, rate: int | None = None) -> tuple[Floats, int]:
    """Read a whole file.

    Args:
        path: the sound file.
        rate: Hz to resample to; None keeps the file's own.

    Returns:
        Mono float32, shape (time,), at least one sample; and its rate in Hz.

    Raises:
        AudioError: a subclass of this module.
        UsageError: `rate` is outside `MIN_RATE` to `MAX_RATE`.
    """
    with _opened(path) as sound:
        rate = sound.samplerate if rate is None else rate
        return np.concatenate(list(_samples(sound, path, rate))), rate


def blocks(path: str | Path, rate: int, block: int) -> Iterator[Floats]:
    """Read a file of any length piece by piece, in bounded memory.

    Joined, the blocks are what `read(path, rate)` gives. Errors arise while iterating: most with the first block, but
    `InvalidSamplesError` when the bad samples are reached.

    Args:
        path: the sound file.
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
    with _opened(path) as sound:
        parts: list[Floats] = []
        held = 0
        for chunk in _samples(sound, path, rate):
            while held + len(chunk) >= block:
                cut = block - held
                yield np.concatenate([*parts, chunk[:cut]])
                parts, held, chunk = [], 0, chunk[cut:]
            parts.append(chunk)
            held += len(chunk)
        if held:
            yield np.concatenate(parts)


def resample(samples: NDArray[np.floating], rate: int, to: int) -> Floats:
    """Samples of shape (time,) at `rate` Hz, as float32 at `to` Hz: about time * to / rate of them.

    soxr's "HQ" quality: a linear-phase low-pass, no delay. Raises UsageError for rates outside `MIN_RATE` to
    `MAX_RATE`.
    """
    _require_rate(rate)
    _require_rate(to)
    given = np.asarray(samples, dtype=np.float32)
    return given if rate == to else np.asarray(soxr.resample(given, rate, to), dtype=np.float32)


def write_wav(path: str | Path, samples: NDArray[np.floating], rate: int) -> None:
    """Write mono samples of shape (time,) as 16-bit WAV, whole or not at all; what exceeds [-1, 1] is clipped.

    What was read from a 16-bit file is written bit for bit. Raises InvalidSamplesError for NaN or infinity, UsageError
    for a rate outside `MIN_RATE` to `MAX_RATE`, OSError as `open` does.
    """
    _require_rate(rate)
    _require_sound(samples, path)
    pcm = np.clip(np.rint(np.asarray(samples, dtype=np.float64) * 32768), -32768, 32767).astype(np.int16)
    write_with(Path(path), lambda part: soundfile.write(_native(part), pcm, rate, subtype="PCM_16", format="WAV"))


def from_array(samples: ArrayLike, rate: int, to: int) -> Floats:
    """Samples in memory, heard as a file that holds them would be.

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
    given = np.asarray(samples)
    if given.ndim not in (1, 2) or (given.ndim == 2 and given.shape[1] > _MOST_CHANNELS):
        raise UsageError(f"samples of shape {given.shape} are no sound; give (time,) or (time, channels)")
    heard = np.zeros(0, np.float32)
    if given.size:
        frames = _scaled(given)
        heard = resample(frames if frames.ndim == 1 else frames.mean(axis=1), rate, to)
    if not len(heard):
        raise EmptyAudioError(f"the samples hold no sound: not one sample at {to} Hz; give more of them")
    return heard


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
def _opened(path: str | Path) -> Iterator[_Sound]:
    _require_file(Path(path))
    try:
        sound = _Sound(_native(Path(path)))
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: headerless, named *.raw
        raise _unreadable(path, error) from error
    with sound:
        if not MIN_RATE <= sound.samplerate <= MAX_RATE:
            raise UnsupportedAudioError(
                f"{_shown(path)} has {sound.samplerate} samples per second, hubbub takes {MIN_RATE} to {MAX_RATE}; "
                "convert it with: ffmpeg -i IN -ar 32000 OUT.wav"
            )
        yield sound


def _samples(sound: _Sound, path: str | Path, rate: int) -> Iterator[Floats]:
    """Decode, mix down, resample: chunks of shape (time,), none empty, at least one."""
    empty = True
    for chunk in _resampled(_decoded(sound, path), sound.samplerate, rate):
        if len(chunk):
            empty = False
            yield chunk
    if empty:
        raise EmptyAudioError(f"{_shown(path)} holds no sound: not one sample at {rate} Hz; record or fetch it again")


def _decoded(sound: _Sound, path: str | Path) -> Iterator[Floats]:
    heard = 0
    while True:
        try:
            frames = sound.read(_STEP, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            if not heard:
                raise _unreadable(path, error) from error
            _log.warning("%s is damaged, heard up to %.2f s only", _shown(path), heard / sound.samplerate)
            return
        if not len(frames):
            return
        heard += len(frames)
        _require_sound(frames, path)
        yield np.einsum("tc->t", frames) / sound.channels  # the mean; numpy's own is three times slower over so few


def _resampled(chunks: Iterable[Floats], rate: int, to: int) -> Iterator[Floats]:
    _require_rate(to)
    if rate == to:
        yield from chunks
        return
    stream = soxr.ResampleStream(rate, to, num_channels=1, dtype="float32")
    for chunk in chunks:
        yield stream.resample_chunk(chunk)
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def _require_rate(rate: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UsageError(f"a sampling rate of {rate} Hz is not possible; give one from {MIN_RATE} to {MAX_RATE} Hz")


def _require_sound(samples: NDArray[np.floating], path: str | Path | None) -> None:
    if not (np.abs(samples) <= _LOUDEST).all():  # false for NaN as well
        of, advice = ("", "check them") if path is None else (f" of {_shown(path)}", "export it again")
        raise InvalidSamplesError(f"the samples{of} are not a sound (NaN, infinite or huge); {advice}")


def _require_file(path: Path) -> None:
    try:
        status = path.stat()
        regular = stat.S_ISREG(status.st_mode)
        if regular:  # opening anything else could hang
            path.open("rb").close()
    except (OSError, ValueError) as error:
        raise _missing(path, error) from error
    if not regular:
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or device"
        raise MissingAudioError(f"{_shown(path)} is a {kind}, not a sound file; give the path of a file")
    if not status.st_size:
        raise EmptyAudioError(f"{_shown(path)} is empty (0 bytes); record or fetch it again")


def _missing(path: Path, error: OSError | ValueError) -> MissingAudioError:
    reason = getattr(error, "strerror", None) or error
    return MissingAudioError(f"cannot read {_shown(path)}: {reason}; check the path and its permissions")


def _unreadable(path: str | Path, error: Exception) -> UnreadableAudioError:
    reason = getattr(error, "error_string", str(error)).rstrip(".")
    if "does not exist" in reason:  # libsndfile's way of saying that it found no MP3 frame
        reason = "Format not recognised"
    return UnreadableAudioError(f"{_shown(path)} does not decode ({reason}); convert it with: ffmpeg -i IN OUT.wav")


def _shown(path: str | Path) -> str:
    return repr(str(path))  # one line, and printable, whatever the name holds


def _native(path: Path) -> str | bytes:
    # soundfile cannot encode a name that is not valid UTF-8; on Windows it takes text only.
    return str(path) if sys.platform == "win32" else os.fsencode(path)
