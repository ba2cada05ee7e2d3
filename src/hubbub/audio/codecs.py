"""Sound through a lossy codec and back, in memory: what a call, a messenger or a stream makes of it."""

import io
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np

from hubbub.types import Floats

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

Codec: TypeAlias = Literal["opus", "mp3"]

_ENCODERS: dict[Codec, tuple[str, str]] = {"opus": ("libopus", "ogg"), "mp3": ("libmp3lame", "mp3")}


def round_trip(samples: Floats, rate: int, codec: Codec, bit_rate: int) -> Floats:
    """Encode and decode mono samples.

    Args:
        samples: shape (time,), in [-1, 1].
        rate: in Hz, one that the codec takes: 48,000 for Opus.
        codec: which.
        bit_rate: in bits a second.

    Returns:
        float32 at `rate`; the codec's own delay at the beginning is taken off where the container tells it, and a
        little may follow the end.
    """
    import av

    name, container = _ENCODERS[codec]
    encoded = io.BytesIO()
    with av.open(encoded, "w", format=container) as output:
        stream = cast("AudioStream", output.add_stream(name, rate=rate, layout="mono"))
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.codec_context.frame_size or None)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    encoded.seek(0)
    with av.open(encoded, "r") as source:
        back = av.AudioResampler("flt", "mono", rate)
        pieces = [piece for decoded in source.decode(audio=0) for piece in back.resample(decoded)]
        pieces += back.resample(None)
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])
