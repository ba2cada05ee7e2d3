"""FFmpeg's decoders by PyAV, for what libsndfile cannot read: AAC, AMR, WMA, the sound of videos, and MP3.

A file is untrusted. One demuxer, named by the file's signature, reads it through our file object; demuxers that open
other files (playlists, concat, HLS) have no signature in our table, references to other files are off, no protocol is
allowed, and pictures are never decoded. libav logs nothing; `av` is imported when the first such file is opened.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hubbub.audio.decoders import rechunked
from hubbub.audio.errors import UndecodableError
from hubbub.audio.mp4 import require_plausible
from hubbub.audio.mpeg import frame_size, has_length
from hubbub.audio.source import Seekable
from hubbub.formatting import printable
from hubbub.types import Floats

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container.input import InputContainer

_FORMATS = {"mov": "MP4", "matroska": "MKV"}  # whose demuxers have another name than the files
_MPEG = {"mp2": "MPEG_LAYER_II", "mp2float": "MPEG_LAYER_II", "mp3": "MPEG_LAYER_III", "mp3float": "MPEG_LAYER_III"}
_SUBTYPES = _MPEG | {"amrnb": "AMR_NB", "amrwb": "AMR_WB"}
_DECODERS = (
    "aac,ac3,eac3,mp2,mp2float,mp3,mp3float,alac,flac,opus,libopus,vorbis,speex,libspeex,wavpack,amrnb,amrwb,"
    "gsm,gsm_ms,wmav1,wmav2,wmapro,wmalossless,wmavoice,qdm2,mace3,mace6,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,"
    "adpcm_yamaha,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
_EXACT = ("mov", "mp3", "aiff", "caf", "wv", "flac")  # whose length is a count of samples
_UNPROMISED = ("aac", "amr", "asf", "avi")  # whose length FFmpeg guesses from the size of the file
_TOLERANCE = 0.15  # seconds; of the other containers, which round, and count what a codec adds at the start
_MOST_PADDING = 4096  # frames that the last packet of an exact container may have beyond the end
_MOST_PLANES = 8  # channels; PyAV 18 looks for the end of a longer list of planes beyond it, and crashes
_FULL_SCALE = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31}  # by numpy's name of the sample type


class FfmpegDecoder:
    """A `hubbub.audio.decoders.Decoder` of the first audio stream. Raises UndecodableError if nothing decodes."""

    def __init__(self, file: io.FileIO | io.BytesIO, demuxer: str):
        import av

        if demuxer == "mov":
            require_plausible(file)
        av.logging.set_level(None)
        options = {"protocol_whitelist": "none", "codec_whitelist": _DECODERS}
        try:
            self._container: InputContainer = av.open(Seekable(file), "r", format=demuxer, options=options)
        except _errors() as error:
            raise UndecodableError(_reason(error)) from error
        try:
            self._open_stream(demuxer, file)
        except UndecodableError:
            self.close()
            raise

    def _open_stream(self, demuxer: str, file: io.FileIO | io.BytesIO) -> None:
        container = self._container
        if not container.streams.audio:
            raise UndecodableError("no sound is in it")
        stream = container.streams.audio[0]
        if stream.codec_context is None or stream.codec_context.name not in _DECODERS.split(","):
            raise UndecodableError("unknown codec")
        self._stream = stream
        stream.codec_context.thread_count = 1
        self.left_out = 0
        self._frames = self._decoded()
        first = next(self._frames, None)  # what the header says of rate and channels may be half the truth
        if first is None:
            raise UndecodableError("no sound is in it")
        self._first = first
        self.rate, self.channels = first.sample_rate, first.layout.nb_channels
        self.format = _FORMATS.get(demuxer, demuxer.upper())
        name = stream.codec_context.name
        self.subtype = _SUBTYPES.get(name, name.upper())
        self.frames, self.tolerance = self._promised(demuxer, file)

    def _promised(self, demuxer: str, file: io.FileIO | io.BytesIO) -> tuple[int | None, float]:
        seconds = None
        if self._stream.duration and self._stream.time_base:
            seconds = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration:
            seconds = self._container.duration / 1e6
        if not seconds or seconds < 0 or demuxer in _UNPROMISED or (demuxer == "mp3" and not has_length(file)):
            return None, 0.0
        return round(seconds * self.rate), 0.0 if demuxer in _EXACT else _TOLERANCE

    def chunks(self) -> Iterator[Floats]:
        """See `Decoder`. What the last packet of an exact container has beyond the promised end is left away."""
        return rechunked(self._trimmed())

    def close(self) -> None:
        """See `Decoder`."""
        self._container.close()

    def _trimmed(self) -> Iterator[Floats]:
        end = self.frames if self.frames is not None and not self.tolerance else None
        length = 0
        behind: list[Floats] = []
        for frames in self._arrays():
            length += len(frames)
            if end is None or length <= end:
                yield frames
                continue
            cut = max(0, len(frames) - (length - end))
            yield frames[:cut]
            behind.append(frames[cut:])
            if length - end > _MOST_PADDING:  # more than padding: the promise is wrong
                yield from behind
                behind, end = [], None

    def _arrays(self) -> Iterator[Floats]:
        yield _floats(self._first)
        for frame in self._frames:
            if frame.sample_rate != self.rate:
                raise UndecodableError("its sampling rate changes")
            yield _floats(frame)

    def _decoded(self) -> Iterator["AudioFrame"]:
        """The frames; a packet that does not decode is counted and left out, as players do."""
        packets = self._container.demux(self._stream)
        name = self._stream.codec_context.name
        mpeg, raw = name in _MPEG, name.startswith("pcm_")
        while True:
            try:
                packet = next(packets, None)
            except _errors() as error:
                raise UndecodableError(_reason(error)) from error
            if packet is None:
                return
            # the last packet may be cut short: of PCM that is sound, of an MP3's frame FFmpeg would make noise
            damaged = packet.size > 0 and not raw and packet.is_corrupt
            damaged |= mpeg and packet.size < frame_size(bytes(packet)[:3])
            try:
                frames = [] if damaged else packet.decode()
            except EOFError:
                return
            except _errors():
                damaged, frames = True, []
            self.left_out += damaged
            yield from (frame for frame in frames if frame.samples)


def _floats(frame: "AudioFrame") -> Floats:
    """A frame as float32 of shape (time, channels), integers scaled by their full scale. Raises UndecodableError."""
    import av

    try:
        if frame.format.is_planar and frame.layout.nb_channels >= _MOST_PLANES:
            (frame,) = av.AudioResampler("flt").resample(frame)
        samples: Any = frame.to_ndarray()
    except _errors() as error:
        raise UndecodableError(_reason(error)) from error
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    kind = samples.dtype.str[1:]
    if kind in _FULL_SCALE:
        samples = samples.astype(np.float64) / _FULL_SCALE[kind] - (1.0 if kind == "u1" else 0.0)
    return np.asarray(samples, dtype=np.float32)


def _errors() -> tuple[type[Exception], ...]:
    """PyAV's errors, and the plain ones that its conversions raise."""
    import av

    return (av.error.FFmpegError, OSError, ValueError, OverflowError, MemoryError, RuntimeError)


def _reason(error: Exception) -> str:
    import av

    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return "damaged, or cut off"  # its signature is a sound's
    return printable(str(getattr(error, "strerror", None) or error) or type(error).__name__)
