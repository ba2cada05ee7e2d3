"""A folder of one's own sounds with all that can be wrong with one; and sounds in what phones and cameras write."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hubbub import audio

RATE = 16_000
HOSTILE = "<img src=x onerror=alert(1)> \"&' 🐶.wav"


def noise(seed: int, seconds: float = 0.6) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def write(root: Path) -> Path:
    """Five dogs (two the same, one of them of a hostile name, one padded, one clipped); four cats, and a broken one."""
    dog, cat = root / "dog", root / "cat"
    audio.write_wav(dog / "a.wav", noise(1), RATE)
    audio.write_wav(dog / HOSTILE, noise(1), RATE)
    audio.write_wav(dog / "padded.wav", np.concatenate([noise(2), np.zeros(RATE)]), RATE)
    audio.write_wav(dog / "clipped.wav", 20 * noise(3), RATE)
    audio.write_wav(dog / "b.wav", noise(4), RATE)
    for number in range(3):
        tone = np.sin(2 * np.pi * (500 + 50 * number) * np.arange(RATE) / RATE)
        audio.write_wav(cat / f"{number}.wav", 0.2 * tone, RATE)
    audio.write_wav(cat / "offset.wav", noise(5) + 0.05, RATE)
    (cat / "broken.wav").write_bytes(b"no sound")
    return root


#: Of files that FFmpeg reads: suffix → (muxer, encoder).
ENCODINGS = {
    ".m4a": ("ipod", "aac"),
    ".mp4": ("mp4", "aac"),
    ".alac.m4a": ("ipod", "alac"),
    ".mov": ("mov", "pcm_s16le"),
    ".3gp": ("3gp", "libopencore_amrnb"),
    ".webm": ("webm", "libopus"),
    ".mkv": ("matroska", "aac"),
    ".flac.mka": ("matroska", "flac"),
    ".wma": ("asf", "wmav2"),
    ".amr": ("amr", "libopencore_amrnb"),
    ".aac": ("adts", "aac"),
    ".avi": ("avi", "mp3"),
    ".wv": ("wv", "wavpack"),
    ".mp2": ("mp2", "mp2"),
    ".aifc": ("aiff", "adpcm_ima_qt"),
    ".mp3.wav": ("wav", "mp3"),
}


def encode(suffix: str, samples: np.ndarray, rate: int) -> bytes:
    """Samples of shape (time, channels) as a file of `ENCODINGS`, by PyAV."""
    muxer, encoder = ENCODINGS[suffix]
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[samples.shape[1]]
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        stream = container.add_stream(encoder, rate=rate, layout=layout)
        context = stream.codec_context
        if encoder.startswith("libopencore"):
            context.bit_rate = 12_200
        elif not encoder.startswith("pcm"):
            context.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32).reshape(1, -1), "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        context.open()
        fitting = av.AudioResampler(context.format, layout, rate, context.frame_size or None)
        for part in [*fitting.resample(frame), *fitting.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()
