"""The log-mel spectrogram for listening: arrays in, arrays out, numpy and scipy.fft only.

The default is the front end of the AudioSet networks of Schmid, Koutini and Widmer ("Efficient large-scale audio
tagging via transformer-to-CNN knowledge distillation", ICASSP 2023; EfficientAT on GitHub): pre-emphasis, short-time
Fourier transform, power, triangular bands equally wide in mel (O'Shaughnessy's formula as in Kaldi), logarithm.
`hubbub.train.frontend` is its twin in torch.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DECIBELS = float(10.0 / np.log(10.0))  #: decibels of power per unit of its natural logarithm
LEAST_STD = 1e-5  #: of a clip that is normalised by its own deviation; silence is divided by this
FULL_SCALE = 32768  #: of 16 bit integers: what 1.0 would be, one more than the largest
LOUDEST_SECONDS = 0.1  #: of a window that tell its level, see `LogMelSpec.level_db`
LEAST_POWER = 1e-9  #: that a window's loudest part is taken for; silence is not brought to any level
_BLOCK = 4  # mel bands that are computed together

#: Least and most of a front end: what 32 bit floats and a machine's memory stand.
_LIMITS: dict[str, tuple[float, float]] = {
    "sample_rate": (1, 1_000_000),
    "n_fft": (2, 65_536),
    "win_length": (2, 65_536),
    "hop_length": (1, 1_000_000),
    "n_mels": (1, 4096),
    "preemphasis": (-1, 1),
    "floor": (1e-30, 1e6),
    "mean": (-1e6, 1e6),
    "std": (1e-6, 1e6),
    "range_db": (0, 1000),
    "height": (0, 4096),
    "width": (0, 4096),
    "level_db": (-100, 100),
}


@dataclass(frozen=True)
class LogMelSpec:
    """All that a listener must know to turn samples into what a network expects. Frequencies in Hz.

    `win_length` and `hop_length` are in samples at `sample_rate`; the window is zero-padded to `n_fft` points. Then, in
    this order:

    - `level_db`: the mel power is scaled so that the loudest `LOUDEST_SECONDS` of what is heard at once have this
      level, in decibels of the power of all bands together (see `loudest_power`); None leaves it as it is;
    - the logarithm ``ln(mel power + floor)``, times 10 / ln 10 if `decibels`;
    - `range_db` above 0: relative to the clip's loudest point, and cut off that many decibels under it (what librosa
      calls ``ref=np.max, top_db=...``; it implies `decibels`);
    - `normalise`: "fixed" is ``(x - mean) / std``, "clip" the same with the clip's own mean and deviation;
    - `height` and `width` above 0: resized to that many rows and columns;
    - `channels`: that many copies, for networks that expect pictures in colour.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # a recipe may hold one, and is validated by pydantic
    sample_rate: int = 32_000
    n_fft: int = 1024
    win_length: int = 800
    hop_length: int = 320
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float = 15_000.0
    preemphasis: float = 0.97
    floor: float = 1e-5
    mean: float = -4.5
    std: float = 5.0
    decibels: bool = False
    range_db: float = 0.0
    normalise: Literal["fixed", "clip"] = "fixed"
    height: int = 0
    width: int = 0
    channels: int = 1
    level_db: float | None = None

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:  # true of NaN as well
                raise ValueError(f"{name} must be in {least:g}..{most:.10g}, got {value:g}")
        if self.n_fft % 2 or self.win_length > self.n_fft:
            raise ValueError(f"n_fft must be even and win_length in 2..n_fft, got {self.n_fft} and {self.win_length}")
        if not 0 <= self.fmin <= self.fmax - 1 <= self.sample_rate / 2 - 1:
            raise ValueError(
                f"fmin must be 1 Hz or more under fmax, in 0..sample_rate / 2, got {self.fmin} and {self.fmax}"
            )
        if self.normalise not in ("fixed", "clip") or self.channels not in (1, 3):
            raise ValueError(
                f"normalise must be fixed or clip and channels 1 or 3, got {self.normalise} and {self.channels}"
            )

    def frames(self, samples: int) -> int:
        """Number of frames for that many samples.

        >>> LogMelSpec().frames(160_000)
        500
        """
        return 1 + max(samples - 1, 0) // self.hop_length

    def shape(self, samples: int) -> tuple[int, int, int]:
        """Channels, rows and columns of the network's input for that many samples.

        >>> LogMelSpec().shape(160_000)
        (1, 128, 500)
        """
        return self.channels, self.height or self.n_mels, self.width or self.frames(samples)

    @property
    def absolute(self) -> bool:
        """Whether a value tells the power in its band and frame, up to one gain for all (see `level_db`)."""
        return self.normalise == "fixed" and not (self.range_db or self.height or self.width)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a model file or a cache key; `LogMelSpec(**spec.to_dict())` gives it back."""
        return asdict(self)


def logmel(waveforms: NDArray[np.floating], spec: LogMelSpec) -> Floats:
    """Log-mel spectrogram of one or many waveforms, as the network sees it, but for copies in `spec.channels`.

    Args:
        waveforms: samples in [-1, 1] at `spec.sample_rate`, shape (..., time); at least `spec.n_fft` // 2 + 2 samples,
            because the ends are padded by reflection.
        spec: the front end.

    Returns:
        float32, shape (..., rows, columns): mels and frames, unless the front end resizes them.
    """
    power = mel_power(waveforms, spec)
    if spec.level_db is not None:
        power *= np.float32(10 ** (spec.level_db / 10)) / loudest_power(power, spec)[..., None, None]
    return pictured(np.log(power + np.float32(spec.floor)), spec)


def loudest_power(power: Floats, spec: LogMelSpec) -> Floats:
    """Mean power, all bands together, of the loudest `LOUDEST_SECONDS`; `LEAST_POWER` at the least.

    A tenth of a second is long enough that a single click does not decide for all that follows, and short enough that
    a bark in four seconds of silence is as loud as barking throughout. Measured in mel bands after pre-emphasis, where
    the network hears: a rumble under its bands does not count.

    Args:
        power: of mel bands, shape (..., mels, frames).
        spec: the front end.

    Returns shape (...).
    """
    total = power.sum(-2, dtype=np.float64)
    frames = loudest_frames(spec, power.shape[-1])
    means = np.lib.stride_tricks.sliding_window_view(total, frames, axis=-1).mean(-1)
    return np.asarray(np.maximum(means.max(-1), LEAST_POWER), np.float32)


def loudest_frames(spec: LogMelSpec, frames: int) -> int:
    """How many of those frames `LOUDEST_SECONDS` are, at least one."""
    return min(max(round(LOUDEST_SECONDS * spec.sample_rate / spec.hop_length), 1), frames)


def pictured(logarithm: Floats, spec: LogMelSpec) -> Floats:
    """What follows the logarithm, for ``ln(mel power + floor)`` of shape (..., mels, frames). See `LogMelSpec`."""
    if spec.decibels or spec.range_db:
        logarithm = logarithm * np.float32(DECIBELS)
    if spec.range_db:
        logarithm = np.maximum(logarithm - logarithm.max((-2, -1), keepdims=True), np.float32(-spec.range_db))
    mean, std = np.float32(spec.mean), np.float32(spec.std)
    if spec.normalise == "clip":
        mean = logarithm.mean((-2, -1), keepdims=True)
        std = np.maximum(logarithm.std((-2, -1), keepdims=True), np.float32(LEAST_STD))
    return np.asarray(resize((logarithm - mean) / std, spec.height, spec.width), np.float32)


def mel_power(waveforms: NDArray[np.floating], spec: LogMelSpec) -> Floats:
    """Power in mel bands, float32 of shape (..., mels, frames). Arguments as `logmel`."""
    samples = np.asarray(waveforms, dtype=np.float32)
    if samples.shape[-1] < spec.n_fft // 2 + 2:
        raise ValueError(
            f"a log-mel needs at least {spec.n_fft // 2 + 2} samples, got {samples.shape[-1]}; zero-pad first"
        )
    emphasised = samples[..., 1:] - np.float32(spec.preemphasis) * samples[..., :-1]
    half = spec.n_fft // 2
    padded = np.pad(emphasised, [(0, 0)] * (samples.ndim - 1) + [(half, half)], mode="reflect")
    # Only the window's own samples are not zero after windowing; rfft pads them back to spec.n_fft points. Where the
    # frame starts changes the phase alone, and the power forgets it.
    offset = (spec.n_fft - spec.win_length) // 2
    frames = np.lib.stride_tricks.sliding_window_view(padded, spec.win_length, axis=-1)[
        ..., offset :: spec.hop_length, :
    ]
    frames = frames[..., : spec.frames(samples.shape[-1]), :]
    spectrum = scipy.fft.rfft(frames * hann(spec.win_length), n=spec.n_fft, axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    return _banded(np.swapaxes(power, -1, -2), spec)


@lru_cache(maxsize=8)
def hann(length: int) -> Floats:
    """Symmetric Hann window, shape (length,)."""
    return np.hanning(length).astype(np.float32)


@lru_cache(maxsize=8)
def mel_bands(spec: LogMelSpec) -> Floats:
    """Triangular mel filters, shape (mels, fft // 2 + 1), peak 1, linear in mel between their corners.

    mel = 1127 ln(1 + f / 700). As in Kaldi, the last FFT bin (the Nyquist frequency) is unused.
    """
    corners = np.linspace(hz_to_mel(spec.fmin), hz_to_mel(spec.fmax), spec.n_mels + 2)
    bins = hz_to_mel(np.arange(spec.n_fft // 2) * (spec.sample_rate / spec.n_fft))
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    bands = np.clip(np.minimum(rising, falling), 0.0, None)
    return np.pad(bands, ((0, 0), (0, 1))).astype(np.float32)


def _banded(power: Floats, spec: LogMelSpec) -> Floats:
    """Power in mel bands, shape (..., mels, frames), from power in FFT bins, shape (..., bins, frames)."""
    result = np.empty((*power.shape[:-2], spec.n_mels, power.shape[-1]), np.float32)
    for bands, bins, filters in _filter_blocks(spec):
        np.matmul(filters, power[..., bins, :], out=result[..., bands, :])
    return result


@lru_cache(maxsize=8)
def _filter_blocks(spec: LogMelSpec) -> tuple[tuple[slice, slice, Floats], ...]:
    """The filters of a few neighbouring bands at a time, cut to the bins that they reach.

    All of them at once are zeros for the most part, and a product so large that BLAS starts threads for it, which get
    in the way of those of other processes.
    """
    filters, blocks = mel_bands(spec), []
    for first in range(0, spec.n_mels, _BLOCK):
        bands = slice(first, min(first + _BLOCK, spec.n_mels))
        reached = np.flatnonzero(filters[bands].any(0))
        bins = slice(int(reached[0]), int(reached[-1]) + 1) if len(reached) else slice(0, 0)
        blocks.append((bands, bins, np.ascontiguousarray(filters[bands, bins])))
    return tuple(blocks)


def hz_to_mel(frequency: Any) -> Any:
    """O'Shaughnessy's mel of a frequency in Hz, as Kaldi computes it."""
    return 1127.0 * np.log1p(np.asarray(frequency, dtype=np.float64) / 700.0)


def mel_to_hz(mel: Any) -> Any:
    """The inverse of `hz_to_mel`.

    >>> round(float(mel_to_hz(hz_to_mel(440.0))), 6)
    440.0
    """
    return 700.0 * np.expm1(np.asarray(mel, dtype=np.float64) / 1127.0)


@lru_cache(maxsize=16)
def resizing(source: int, target: int) -> Floats:
    """Matrix of shape (target, source) that resizes a column of `source` values to `target`.

    Linear interpolation with pixel centres aligned; where it shrinks, the triangle is as wide as the step, so that no
    value is skipped (the antialiased bilinear filter of Pillow and torch).

    >>> (7 * resizing(4, 2)).round().astype(int).tolist()
    [[3, 3, 1, 0], [0, 1, 3, 3]]
    """
    step = source / target
    centres = (np.arange(target) + 0.5) * step - 0.5
    distance = np.abs(np.arange(source) - centres[:, None])
    weights = np.clip(1.0 - distance / max(step, 1.0), 0.0, None)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def resize(picture: Floats, height: int, width: int) -> Floats:
    """`picture` (..., rows, columns) as (..., height, width); 0 keeps a side as it is. See `resizing`."""
    if height:
        picture = resizing(picture.shape[-2], height) @ picture
    return picture @ resizing(picture.shape[-1], width).T if width else picture
