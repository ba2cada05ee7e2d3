"""Near copies: one sound in two files that are not the same file; shifted, cut, louder, filtered or re-encoded.

Candidates are the pairs whose embeddings are nearest. Whether they are near copies is decided on the waveforms, with
the phase transform of the generalised cross-correlation (Knapp and Carter, IEEE Trans. ASSP 24, 1976). It compares
phases alone, so that gain and filtering do not matter, and gives the lag. Before it, the sound is made equally loud in
every few milliseconds: else a single click, whose phases are those of any other click, would pass for a copy. What has
a peak is laid over each other at that lag, and compared moment by moment: how many seconds do both hold?

A sound that was played faster or slower, or pitched, is not found. Of a long file, the first `SECONDS` are compared.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d

from hubbub import audio
from hubbub.errors import AudioError
from hubbub.types import Floats, Ints, Track

RATE = 8000  #: Hz at which waveforms are compared: what every encoder keeps
SECONDS = 30  #: of a file that are compared, from its beginning
NEIGHBOURS = 20  #: that are compared with each clip, of other recordings and of its own
LEAST_PEAK = 0.06  #: of a near copy; benchmarks/near_copies.py says how well it and the next two tell copies apart
LEAST_SHARED = 0.5  #: seconds that near copies share,
LEAST_SHARE = 0.6  #: or this share of the shorter one's sound, if that is less
_CLEAR = 12.0  # times what chance gives: a peak of two sounds that are shorter than a second must be higher
_MOMENT = RATE // 10  # samples that are compared at once, at the lag that was found
_SAME = 0.5  # correlation from which a moment is the same sound
_EVEN = 20  # Hz over which the spectrum is evened out before: narrow enough for a hum, too wide to smear a moment

_SILENCE = 2.0**-15  # under one step of 16 bit
_SHORTEST = RATE // 10  # samples between the first and the last that are audible
_LEVELLING = RATE // 100  # samples over which loudness is evened out
_FAINTEST = 1e-3  # of the loudest moment: what is fainter stays faint, so that noise is not raised to the sound's level
_FADE = RATE // 20  # samples: a hard edge would be a click that all clips share
_BLOCK = 4_000_000  # similarities that are held at once
_BUDGET = 256_000_000  # bytes of spectra in memory

Spectrum = NDArray[np.complex64]
Pairs = Ints  #: of numbers of clips, shape (pairs, 2)


@dataclass(frozen=True)
class Match:
    """How far two clips hold one sound.

    Attributes:
        first, second: their numbers, the lower one first.
        shared: seconds of the sound that both hold.
        lag: seconds by which it comes later in the first than in the second; one of several in a sound that repeats
            itself.
        peak: share of what is audible at equal phases, in [0, 1]: 1 for the same samples; two sounds that have nothing
            in common give about 0.02.
    """

    first: int
    second: int
    shared: float
    lag: float
    peak: float


def find(
    paths: Sequence[Path],
    embeddings: Floats,
    groups: Sequence[str],
    order: Sequence[str] | None = None,
    track: Track = iter,
) -> list[Match]:
    """Near copies among clips, those that share most first.

    Args:
        paths: of the clips. One that does not decode is a copy of nothing.
        embeddings: what each sounds like, shape (clips, size); NaN for a clip that is to be left out.
        groups: each clip's source recording; neighbours are sought in the others and, apart, in its own.
        order: of each clip, such as its label: pairs are compared in that order, so that what is alike meets in memory.
        track: wraps the numbers of the pairs on their way, to show progress.
    """
    pairs = _in_order(candidates(embeddings, groups), order)
    spectra = Spectra(paths)
    matches = (spectra.match(*pairs[row].tolist()) for row in track(range(len(pairs))))
    return sorted((match for match in matches if match), key=lambda match: (-match.shared, -match.peak))


def candidates(embeddings: Floats, groups: ArrayLike, neighbours: int = NEIGHBOURS) -> Pairs:
    """Pairs of clips that sound most alike, in blocks of bounded memory.

    Args:
        embeddings: shape (clips, size); a row with NaN is near to nothing.
        groups: each clip's source recording, shape (clips,).
        neighbours: so many of other recordings, and as many of its own, for each clip.

    Returns:
        Pairs of numbers, shape (pairs, 2): the lower one first, sorted, none twice.
    """
    usable = np.flatnonzero(np.isfinite(embeddings).all(1))
    if len(usable) < 2:
        return np.zeros((0, 2), np.int64)
    vectors = _directions(embeddings[usable])
    group = np.unique(np.asarray(groups)[usable], return_inverse=True)[1]
    pairs = []
    rows = max(1, _BLOCK // len(usable))
    for start in range(0, len(usable), rows):
        here = np.arange(start, min(start + rows, len(usable)))
        alike = vectors[here] @ vectors.T
        alike[np.arange(len(here)), here] = -np.inf
        own = group[here, None] == group
        for excluded in (own, ~own):
            near = np.where(excluded, -np.inf, alike)
            best = np.argpartition(-near, min(neighbours, near.shape[1]) - 1, axis=1)[:, :neighbours]
            row, column = np.nonzero(np.isfinite(np.take_along_axis(near, best, 1)))
            pairs.append(np.sort(np.stack([usable[here[row]], usable[best[row, column]]], 1), axis=1))
    return np.unique(np.concatenate(pairs), axis=0)


def _in_order(pairs: Pairs, order: Sequence[str] | None) -> Pairs:
    """The pairs by the ranks of their clips in an order."""
    if order is None:
        return pairs
    rank = np.argsort(np.argsort(np.asarray(order), kind="stable"), kind="stable")
    ranks = np.sort(rank[pairs], axis=1)
    return pairs[np.lexsort((ranks[:, 1], ranks[:, 0]))]


def compare(first: Floats, second: Floats) -> Match | None:
    """What two sounds at `RATE`, each of shape (time,), share, as clips 0 and 1; None if they are no near copies."""
    first, second = level(first), level(second)
    size = _size(max(len(first), len(second)))
    peak, lag = correlate(whiten(first, size), whiten(second, size))
    if peak < least_peak(sounding(first), sounding(second)):
        return None
    shared = in_common(first, second, lag)
    least = min(LEAST_SHARED, LEAST_SHARE * min(sounding(first), sounding(second)) / RATE)
    return Match(0, 1, shared, lag, peak) if shared >= least else None


def level(samples: Floats) -> Floats:
    """A sound made equally loud in every moment, its edges faded; zeros if it is silent or over too soon.

    `samples` at `RATE`, shape (time,); so is what comes of it.
    """
    audible = np.flatnonzero(np.abs(samples) > _SILENCE)
    levelled = np.zeros(len(samples), np.float32)
    if not len(audible) or audible[-1] - audible[0] < _SHORTEST:
        return levelled
    sound = samples[audible[0] : audible[-1] + 1].astype(np.float64)
    loudness = np.sqrt(np.maximum(uniform_filter1d(sound**2, _LEVELLING, mode="constant"), 0))
    sound /= loudness + _FAINTEST * loudness.max()
    fade = min(_FADE, len(sound) // 4)
    ramp = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade) ** 2
    sound[:fade] *= ramp
    sound[-fade:] *= ramp[::-1]
    levelled[audible[0] : audible[-1] + 1] = sound
    return levelled


def whiten(levelled: Floats, size: int) -> Spectrum:
    """The phases of a sound: its spectrum over `size` samples, each bin of magnitude 1; 0 for silence."""
    spectrum = scipy.fft.rfft(np.asarray(levelled, np.float32), size)
    return np.asarray(spectrum / np.maximum(np.abs(spectrum), 1e-9), np.complex64)


def correlate(first: Spectrum, second: Spectrum) -> tuple[float, float]:
    """Peak and lag, in seconds, of two whitened spectra of one size; a sound turned upside down is the same."""
    correlation = np.abs(scipy.fft.irfft(first * second.conj()))
    best = int(correlation.argmax())
    lag = best if best <= len(correlation) // 2 else best - len(correlation)
    return min(1.0, float(correlation[best])), lag / RATE


def in_common(first: Floats, second: Floats, lag: float) -> float:
    """Seconds of two levelled sounds that are the same, once the second is moved by `lag` seconds."""
    first, second = _evened(first), _evened(second)  # at twice the rate, so that half a sample of lag does not matter
    near = round(2 * RATE * lag)
    return max(_same(first, second, near + step) for step in (-1, 0, 1))


def _same(first: Floats, second: Floats, lag: int) -> float:
    first, second = first[max(0, lag) :], second[max(0, -lag) :]
    moments = min(len(first), len(second)) // (2 * _MOMENT)
    if not moments:
        return 0.0
    pair = [sound[: moments * 2 * _MOMENT].reshape(moments, -1) for sound in (first, second)]
    power = np.sqrt(np.prod([np.einsum("mt,mt->m", sound, sound) for sound in pair], axis=0))
    alike = np.einsum("mt,mt->m", *pair) / np.maximum(power, 1e-4 * power.max() + 1e-12)
    return max(int((alike >= _SAME).sum()), int((alike <= -_SAME).sum())) * _MOMENT / RATE


def _evened(levelled: Floats) -> Floats:
    """A sound with all frequencies about equally strong, at twice the rate."""
    size = _size(len(levelled))
    spectrum = scipy.fft.rfft(levelled, size)
    strength = uniform_filter1d(np.abs(spectrum), 2 * round(_EVEN * size / RATE) + 1)
    even = scipy.fft.irfft(spectrum / np.maximum(strength, 1e-9), 2 * size)
    return np.asarray(even[: 2 * len(levelled)], np.float32)


class Spectra:
    """Whitened spectra of clips, those used last cached up to `budget` bytes."""

    def __init__(self, paths: Sequence[Path], budget: int = _BUDGET):
        self._paths = paths
        self._left = budget
        self._spectra: OrderedDict[tuple[int, int], Spectrum] = OrderedDict()
        self._lengths: dict[int, tuple[int, int]] = {}  # samples that are compared, and those between first and last

    def match(self, first: int, second: int) -> Match | None:
        """What two clips share; None if they are no near copies, or one of them cannot be heard."""
        lengths = self._length(first), self._length(second)
        audible = [samples for _, samples in lengths]
        if not all(audible):
            return None
        size = _size(max(length for length, _ in lengths))
        peak, _ = correlate(self._get(first, size), self._get(second, size))
        if peak < least_peak(*audible):
            return None
        match = compare(read(self._paths[first]), read(self._paths[second]))
        return replace(match, first=first, second=second) if match else None

    def _length(self, clip: int) -> tuple[int, int]:
        if clip not in self._lengths:
            levelled = self._read(clip)
            self._lengths[clip] = len(levelled), sounding(levelled)
            if sounding(levelled):
                self._keep(clip, _size(len(levelled)), levelled)
        return self._lengths[clip]

    def _get(self, clip: int, size: int) -> Spectrum:
        if (clip, size) not in self._spectra:
            return self._keep(clip, size, self._read(clip))
        self._spectra.move_to_end((clip, size))
        return self._spectra[clip, size]

    def _keep(self, clip: int, size: int, levelled: Floats) -> Spectrum:
        spectrum = self._spectra[clip, size] = whiten(levelled, size)
        self._left -= spectrum.nbytes
        while self._left < 0 and len(self._spectra) > 1:
            self._left += self._spectra.popitem(last=False)[1].nbytes
        return spectrum

    def _read(self, clip: int) -> Floats:
        try:
            return level(read(self._paths[clip]))
        except AudioError:
            return np.zeros(0, np.float32)


def sounding(levelled: Floats) -> int:
    """Samples from the first to the last that is heard."""
    audible = np.flatnonzero(levelled)
    return int(audible[-1] - audible[0] + 1) if len(audible) else 0


def read(path: Path) -> Floats:
    """The first `SECONDS` of a file at `RATE`, shape (time,). Raises AudioError."""
    return next(audio.blocks(path, RATE, SECONDS * RATE, log=lambda line: None))


def least_peak(first: int, second: int) -> float:
    """The peak from which two sounds are near copies, by how many samples of each are audible.

    Phases of two sounds that have nothing in common give peaks of about 1 / sqrt(samples of both): the shorter, the
    higher.
    """
    return max(LEAST_PEAK, _CLEAR / float(np.sqrt(max(1, first + second))))


def _directions(embeddings: Floats) -> Floats:
    """Embeddings without what all have in common, of length 1."""
    centred = embeddings.astype(np.float32) - embeddings.mean(0, dtype=np.float32)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), np.float32)


def _size(length: int) -> int:
    """Samples over which two sounds of up to `length` do not wrap around; few values, so that spectra are shared."""
    power = 1 << max(10, (length - 1).bit_length() - 1)
    return next(size for size in (2 * power * part // 4 for part in range(4, 9)) if size >= 2 * length)
