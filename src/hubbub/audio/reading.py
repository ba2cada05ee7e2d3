"""A sound file described, read whole, or in blocks."""

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hubbub.audio.containers import Container, recognise
from hubbub.audio.decoders import Decoder, SndfileDecoder
from hubbub.audio.errors import (
    EmptyAudioError,
    LongAudioError,
    UndecodableError,
    UnreadableAudioError,
    UnsupportedAudioError,
)
from hubbub.audio.ffmpeg import FfmpegDecoder
from hubbub.audio.mixdown import Mixdown
from hubbub.audio.resampling import MAX_RATE, MIN_RATE, resample_blocks
from hubbub.audio.source import Source, opened, shown
from hubbub.errors import UsageError
from hubbub.types import Floats, Log

MAX_SECONDS = 3600  #: of a file that is read whole
MAX_SAMPLES = 2**28  #: of a file that is read whole, 1 GiB; `blocks` has no such limits

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says; a damaged file may hold fewer frames than it promises.

    `rate` in Hz, `frames` per channel, `duration` in seconds, `format` and `subtype` as libsndfile names them ("WAV",
    "PCM_16"), or after FFmpeg's names ("MP4", "AAC"). What FFmpeg reads may be some milliseconds longer or shorter.
    """

    rate: int
    channels: int
    frames: int
    duration: float
    format: str
    subtype: str


def probe(source: Source) -> AudioInfo:
    """Describe a sound file; it is decoded only where the header does not give the length. Raises as `read`."""
    with _opened(source) as file:
        sound = file.decoder
        frames = sound.frames
        if frames is None:  # this may take its time, but no memory
            frames = sum(map(len, file.samples(sound.rate, warn=lambda line: None)))
        return AudioInfo(sound.rate, sound.channels, frames, frames / sound.rate, sound.format, sound.subtype)


def read(source: Source, rate: int | None = None, *, log: Log | None = None) -> tuple[Floats, int]:
    """Read a whole file, of up to `MAX_SECONDS` and `MAX_SAMPLES`.

    Args:
        source: the sound file: its path, its content, or a binary file object.
        rate: Hz to resample to; None keeps the file's own.
        log: hears a line for each thing that is wrong with a file that is heard nevertheless: cut off, damaged, of
            opposite phase, and so on; None warns through `logging`.

    Returns:
        Mono float32, shape (time,), at least one sample; and its rate in Hz.

    Raises:
        AudioError: a subclass of `hubbub.audio`; `LongAudioError` for a longer file.
        UsageError: `rate` is outside `MIN_RATE` to `MAX_RATE`.
    """
    with _opened(source) as file:
        rate = file.decoder.rate if rate is None else rate
        parts: list[Floats] = []
        length = 0
        for chunk in file.samples(rate, log or _log.warning):
            length += len(chunk)
            if length > min(MAX_SECONDS * rate, MAX_SAMPLES):
                raise LongAudioError(
                    f"{shown(source)} is longer than {min(MAX_SECONDS, MAX_SAMPLES / rate) / 60:.0f} minutes, too much "
                    "to read at once; cut it into clips with: hubbub data cut FILE --out FOLDER"
                )
            parts.append(chunk)
        return np.concatenate(parts), rate


def blocks(source: Source, rate: int, block: int, *, log: Log | None = None) -> Iterator[Floats]:
    """Read a file of any length piece by piece, in bounded memory.

    Joined, the blocks are what `read(path, rate)` gives. Errors arise while iterating: most with the first block, but
    `InvalidSamplesError` when the bad samples are reached. So do warnings; most are known at the end of the file only.

    Args:
        source: the sound file, as for `read`.
        rate: Hz to resample to.
        block: samples per block, at least 1.
        log: as for `read`.

    Yields:
        Mono float32, shape (block,); the last one may be shorter, never empty.

    Raises:
        AudioError: a subclass of `hubbub.audio`.
        UsageError: `rate` is outside `MIN_RATE` to `MAX_RATE`, or `block` below 1.
    """
    if block < 1:
        raise UsageError(f"a block of {block} samples makes no sense; give at least 1")
    with _opened(source) as file:
        parts: list[Floats] = []
        waiting = 0  # samples in `parts`
        for chunk in file.samples(rate, log or _log.warning):
            while waiting + len(chunk) >= block:
                cut = block - waiting
                yield np.concatenate([*parts, chunk[:cut]])
                parts, waiting, chunk = [], 0, chunk[cut:]
            parts.append(chunk)
            waiting += len(chunk)
        if waiting:
            yield np.concatenate(parts)


@dataclass(frozen=True)
class _SoundFile:
    """An open file: what it is by its first bytes, and what decodes it."""

    name: str
    container: Container
    decoder: Decoder

    def samples(self, rate: int, warn: Log) -> Iterator[Floats]:
        """Decode, mix down, resample: chunks of shape (time,), none empty, at least one."""
        empty = True
        for chunk in resample_blocks(self._mono(warn), self.decoder.rate, rate):
            empty = False
            yield chunk
        if empty:
            raise EmptyAudioError(f"{self.name} holds no sound: not one sample at {rate} Hz; record or fetch it again")

    def _mono(self, warn: Log) -> Iterator[Floats]:
        mix = Mixdown(self.name, self.decoder.rate, warn)
        decoded = 0
        damaged = False
        try:
            for frames in self.decoder.chunks():
                decoded += len(frames)
                yield mix(frames)
        except UndecodableError as error:
            if not decoded:
                raise _unreadable(self.name, error) from error
            damaged = True
        for warning in _warnings(self.container, self.decoder, decoded, damaged):
            warn(f"{self.name} {warning}")


def _warnings(container: Container, decoder: Decoder, decoded: int, damaged: bool) -> Iterator[str]:
    """What is wrong with a file that was decoded to its end, or to where it gave up."""
    seconds = decoded / decoder.rate
    promised = None if decoder.frames is None or container.unwritten else decoder.frames / decoder.rate
    if container.promised and container.present and container.present < container.promised:
        promised = seconds * container.promised / container.present
    there = f"heard up to {seconds:.2f} s only" + (f", of {promised:.2f} s that it promises" if promised else "")
    short = promised is not None and promised > seconds + decoder.tolerance
    if damaged:
        yield f"is damaged, {there}"
    elif short:
        yield f"is cut off, {there}"
    elif promised is not None and seconds > promised + max(decoder.tolerance, 0.15):
        yield f"promises {promised:.2f} s and goes on to {seconds:.2f} s, all of which is heard; were files joined?"
    if container.unwritten and decoded:
        yield f"does not say how long it is (was the recorder stopped?); heard to the end of the file, {seconds:.2f} s"
    if container.joined:
        yield f"has another file joined to its end, which is not heard; {seconds:.2f} s were"
    if decoder.left_out and not (damaged or short):
        yield f"is damaged: {decoder.left_out} of its pieces do not decode, and are left out"


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[_SoundFile]:
    name = shown(source)
    with opened(source) as file:
        container = recognise(file)
        if container is None:
            raise _unreadable(name, UndecodableError("Format not recognised"))
        try:
            decoder = _decoder(file, container)
        except UndecodableError as error:
            raise _unreadable(name, error) from error
        with contextlib.closing(decoder):
            if not MIN_RATE <= decoder.rate <= MAX_RATE:
                raise UnsupportedAudioError(
                    f"{name} has {decoder.rate} samples per second, hubbub takes {MIN_RATE} to {MAX_RATE}; "
                    "convert it with: ffmpeg -i IN -ar 32000 OUT.wav"
                )
            yield _SoundFile(name, container, decoder)


def _decoder(file: io.FileIO | io.BytesIO, container: Container) -> Decoder:
    """What can read it: libsndfile if possible, else FFmpeg. Raises UndecodableError."""
    if not container.sndfile:
        return FfmpegDecoder(file, container.ffmpeg)
    try:
        return SndfileDecoder(file)
    except UndecodableError as refused:
        file.seek(0)
        try:
            return FfmpegDecoder(file, container.ffmpeg)
        except UndecodableError:
            raise refused from None


def _unreadable(name: str, error: Exception) -> UnreadableAudioError:
    return UnreadableAudioError(f"{name} does not decode ({error}); convert it with: ffmpeg -i IN OUT.wav")
