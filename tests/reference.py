"""The log-mel written a second time, in float64 and slowly, from the words of the AudioSet network's description.

Nothing here comes from hubbub. The defaults are those of the description.
"""

import math

import numpy as np


def mel(frequency: float) -> float:
    """Kaldi's mel scale."""
    return 1127 * math.log(1 + frequency / 700)


def filterbank(
    rate: int = 32_000, fft: int = 1024, mels: int = 128, low: float = 0, high: float = 15_000
) -> np.ndarray:
    """Triangles linear in mel over the bins of an FFT, shape (mels, fft // 2 + 1); the last bin is unused."""
    step = (mel(high) - mel(low)) / (mels + 1)
    bank = np.zeros((mels, fft // 2 + 1))
    for band in range(mels):
        centre = mel(low) + (band + 1) * step
        for bin_ in range(fft // 2):
            distance = abs(mel(bin_ * rate / fft) - centre)
            bank[band, bin_] = max(0.0, 1 - distance / step)
    return bank


def framed(waveform: np.ndarray, fft: int = 1024, hop: int = 320) -> np.ndarray:
    """Frames of `fft` samples around every `hop`-th sample after pre-emphasis, ends reflected, shape (frames, fft)."""
    x = waveform.astype(np.float64)
    y = [x[t + 1] - 0.97 * x[t] for t in range(len(x) - 1)]
    last = len(y) - 1
    folded = [abs(t) if t <= last else 2 * last - t for t in range(-(fft // 2), last + fft // 2 + 1)]
    reflected = np.array(y)[folded]
    return np.stack([reflected[start : start + fft] for start in range(0, len(y) + 1, hop)])


def window(length: int = 800, fft: int = 1024) -> np.ndarray:
    """Symmetric Hann window in the middle of `fft` points."""
    inside = [0.5 - 0.5 * math.cos(2 * math.pi * n / (length - 1)) for n in range(length)]
    before = (fft - length) // 2
    return np.array([0.0] * before + inside + [0.0] * (fft - length - before))


def logmel(
    waveform: np.ndarray,
    rate: int = 32_000,
    fft: int = 1024,
    length: int = 800,
    hop: int = 320,
    mels: int = 128,
    low: float = 0,
    high: float = 15_000,
) -> np.ndarray:
    """(ln(mel power + 1e-5) + 4.5) / 5, float64 of shape (mels, frames); the Fourier transform is a matrix."""
    angle = 2 * np.pi * np.outer(np.arange(fft), np.arange(fft // 2 + 1)) / fft
    frames = framed(waveform, fft, hop) * window(length, fft)
    power = (frames @ np.cos(angle)) ** 2 + (frames @ np.sin(angle)) ** 2
    return (np.log(filterbank(rate, fft, mels, low, high) @ power.T + 1e-5) + 4.5) / 5


def chirp(seconds: float = 1.0, rate: int = 32_000) -> np.ndarray:
    """The golden waveform: a sweep from 50 Hz up to 12 050 Hz in a second, 0.5 loud, whose second half fades out."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (50 * t + 6000 * t**2)) * np.minimum(1, 2 - 2 * t)).astype(np.float32)
