"""What reading asks of a decoder; one for each of the two libraries."""

import io
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import soundfile

from hubbub.audio.errors import UndecodableError
from hubbub.types import Floats

STEP = 4096  #: frames decoded at once, and the most that is lost where a decoder gives up

_UNKNOWN_LENGTH = 2**63 - 1  # what libsndfile says when the header does not tell


class Decoder(Protocol):
    """An open file of sound, read once from front to back."""

    rate: int  #: Hz
    channels: int
    frames: int | None  #: that the header promises; None if it does not say
    tolerance: float  #: seconds by which `frames` may be wrong in a sound file
    format: str  #: "WAV", "MP4"
    subtype: str  #: "PCM_16", "AAC"
    left_out: int  #: pieces that did not decode so far, between others that did

    def chunks(self) -> Iterator[Floats]:
        """Float32 of shape (`STEP`, channels), the last one shorter. Raises UndecodableError where it gives up."""

    def close(self) -> None:
        """Free what the library holds; the file itself stays open."""


class SndfileDecoder:
    """libsndfile. Raises UndecodableError if it cannot read the file's beginning."""

    tolerance = 0.0
    left_out = 0

    def __init__(self, file: io.FileIO | io.BytesIO):
        try:
            # by its descriptor, so that nothing is guessed from a name
            self._sound = _Sound(file.fileno() if isinstance(file, io.FileIO) else file, closefd=False)
        except (soundfile.SoundFileError, TypeError) as error:
            raise UndecodableError(_reason(error)) from error
        self.rate, self.channels = self._sound.samplerate, self._sound.channels
        self.format, self.subtype = self._sound.format, self._sound.subtype
        self.frames = self._sound.frames if 0 < self._sound.frames < _UNKNOWN_LENGTH else None

    def chunks(self) -> Iterator[Floats]:
        """See `Decoder`."""
        while True:
            try:
                frames = self._sound.read(STEP, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                raise UndecodableError(_reason(error)) from error
            if not len(frames):
                return
            yield frames

    def close(self) -> None:
        """See `Decoder`."""
        self._sound.close()


class _Sound(soundfile.SoundFile):  # type: ignore[misc]
    # soundfile seeks to where it already is after each block, which fails at the end of a truncated FLAC and trusts
    # the header's length for what is left. We read front to back and let the decoder say where the end is.
    def seekable(self) -> bool:
        return False


def _reason(error: Exception) -> str:
    reason: Any = getattr(error, "error_string", error)
    return str(reason).rstrip(".")


def rechunked(pieces: Iterator[Floats], step: int = STEP) -> Iterator[Floats]:
    """Pieces of shape (any, channels) as ones of `step` frames; shorter at the end and where channels change."""
    waiting: list[Floats] = []
    length = 0
    try:
        for piece in pieces:
            if waiting and piece.shape[1] != waiting[0].shape[1]:
                yield np.concatenate(waiting)
                waiting, length = [], 0
            waiting.append(piece)
            length += len(piece)
            if length >= step:
                joined = np.concatenate(waiting)
                whole = length - length % step
                yield from (joined[start : start + step] for start in range(0, whole, step))
                waiting, length = [joined[whole:]], length - whole
    except UndecodableError:
        if length:
            yield np.concatenate(waiting)
        raise
    if length:
        yield np.concatenate(waiting)
