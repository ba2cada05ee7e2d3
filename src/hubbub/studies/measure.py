"""Measurements of a sound file: format, level, pauses, brightness, bandwidth, and the embedding by the built-in model.

Measured once, and kept in a cache under the digest of the file's bytes: what was interrupted goes on from there. A file
is decoded to its end, which tells how long it really is; all other measures are of the mono mix of its first `LONGEST`
seconds, or of as many whole seconds as `MOST` samples hold, so that memory is bounded whatever the file promises.
"""

import base64
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from hubbub import audio
from hubbub.audio.source import shown
from hubbub.errors import AudioError, ExitCode
from hubbub.features.cache import sample_digest
from hubbub.listen.classifier import Classifier, load
from hubbub.storage import cache_dir, digest, file_sha256, write_cache
from hubbub.types import Bools, Floats, Track
from hubbub.workers import mapped

VERSION = 3  #: of what is measured; raised whenever a figure comes to mean something else
LONGEST = 300  #: seconds of a file that are measured, from its beginning,
MOST = LONGEST * 48_000  #: or so many samples, if these are fewer
PAUSE = 0.010  #: seconds of zeros from which they are digital silence, and not two zero crossings
BELOW_PEAK = 80.0  #: dB under the strongest frequency at which a sound's bandwidth ends

_STEP = 2.0**-15  # one step of 16 bit
_FFT, _HOP = 2048, 1024
_QUIET = 60.0  # dB under the loudest frame: what is quieter is a pause, whose hiss has no brightness of interest
_FLAT = 3  # samples in a row at the peak, from which it is cut off


@dataclass(frozen=True)
class Measurements:
    """What is measured of one file. Where it cannot be read, `problem` says why, and the rest says nothing.

    Attributes:
        problem: why the file cannot be read; empty if it can. missing: it is not there, or may not be opened.
        format, subtype: as libsndfile names them, "WAV" and "PCM_16". size: of the file, in bytes.
        rate: in Hz. channels: of the file. duration: in seconds, of all that decodes, whatever the header promises.
        warnings: what is wrong with a file that was heard nevertheless, such as one that was cut off; without its name.
        samples: digest of the decoded samples (`features.cache.sample_digest`).
        peak: highest absolute sample; 1 is full scale.
        level: RMS of all but digital silence, in dB relative to full scale.
        offset: mean of all samples (DC).
        clipped: share of samples in runs of 3 or more at one sign's peak, which is what cutting off leaves.
        silence: share of digital silence, zeros for `PAUSE` or longer.
        lead, tail: seconds of zeros at the beginning and at the end.
        bandwidth: Hz, the highest frequency whose mean power is within `BELOW_PEAK` of the strongest one's, and 6 dB
            above what rounding to 16 bits leaves.
        crossings: sign changes a second, outside digital silence.
        centroid: Hz, the spectral centroid: mean frequency weighted by magnitude on a linear axis, over all frames
            within 60 dB of the loudest (per frame as in librosa).
    """

    problem: str = ""
    missing: bool = False
    format: str = ""
    subtype: str = ""
    size: int = 0
    rate: int = 0
    channels: int = 0
    duration: float = 0.0
    warnings: tuple[str, ...] = ()
    samples: str = ""
    peak: float = 0.0
    level: float = -np.inf
    offset: float = 0.0
    clipped: float = 0.0
    silence: float = 0.0
    lead: float = 0.0
    tail: float = 0.0
    bandwidth: float = 0.0
    crossings: float = 0.0
    centroid: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether a readable file holds nothing but digital silence."""
        return not self.problem and self.peak < _STEP


@dataclass(frozen=True)
class MeasuredFile:
    """A file's measurements, and its embedding by the built-in model: float32, shape (size,); empty if unreadable."""

    measurements: Measurements
    embedding: Floats = field(default_factory=lambda: np.zeros(0, np.float32))


def measure_files(
    paths: Sequence[Path], jobs: int = 1, folder: Path | None = None, track: Track = iter
) -> list[MeasuredFile]:
    """Measurements and embeddings of files, in order, from the cache or measured and put there; no file stops it.

    Args:
        paths: sound files.
        jobs: processes.
        folder: of the cache; the user's cache if left out.
        track: wraps the paths on their way, to show progress.
    """
    work = partial(measure_file, folder=folder or cache_dir("facts"))
    with closing(mapped(work, paths, jobs)) as measured:
        return [file for _, file in zip(track(paths), measured, strict=True)]


def embeddings(files: Sequence[MeasuredFile]) -> Floats:
    """All embeddings, float32 of shape (files, size); a row of NaN for a file without."""
    size = max((len(file.embedding) for file in files), default=0)
    stacked = np.full((len(files), size), np.nan, np.float32)
    for row, file in zip(stacked, files, strict=True):
        if len(file.embedding):
            row[:] = file.embedding
    return stacked


def measure_file(path: Path, folder: Path) -> MeasuredFile:
    """Measurements and embedding of one file; see `measure_files`."""
    cached = None
    try:
        if path.is_file():  # opening a pipe or a device could hang; the audio door says what is wrong with them
            cached = folder / f"{digest(str(VERSION), _trunk(), file_sha256(path))}.json"
            if (file := _read(cached)) is not None:
                return file
    except OSError:
        pass
    try:
        file = _measured(path)
    except AudioError as error:
        return MeasuredFile(Measurements(problem=str(error), missing=error.exit_code == ExitCode.REFUSED))
    if cached is not None:
        write_cache(cached, partial(_write, file=file))
    return file


def _measured(path: Path) -> MeasuredFile:
    """A file, measured afresh. Raises AudioError."""
    info, warnings = audio.probe(path), list[str]()
    seconds = audio.blocks(path, info.rate, info.rate, log=warnings.append)
    samples = np.concatenate(list(islice(seconds, min(LONGEST, max(1, MOST // info.rate)))))
    rest = sum(len(block) for block in seconds)
    measurements = Measurements(
        format=info.format,
        subtype=info.subtype,
        size=path.stat().st_size,
        rate=info.rate,
        channels=info.channels,
        duration=(len(samples) + rest) / info.rate,
        warnings=tuple(line.removeprefix(shown(path)).lstrip(": ") for line in warnings),
        samples=sample_digest(samples, info.rate),
        **measure_samples(samples, info.rate),  # type: ignore[arg-type]
    )
    windows = _model().windows(samples, info.rate, log=lambda line: None)  # whose warnings the file gave already
    embedding = np.mean([window.embedding for window in windows], axis=0)
    return MeasuredFile(measurements, np.asarray(embedding, np.float32))


def measure_samples(samples: Floats, rate: int) -> dict[str, float]:
    """The fields of `Measurements` from `peak` to `centroid`, of samples of shape (time,) at `rate` Hz."""
    quiet = pauses(samples, rate)
    sound = samples[~quiet]
    peak = float(np.abs(samples).max(initial=0))
    zeros = np.flatnonzero(samples)
    lead, tail = (zeros[0], len(samples) - 1 - zeros[-1]) if len(zeros) else (len(samples), len(samples))
    changes = np.diff(np.signbit(samples)) & ~quiet[1:]
    power = float(np.einsum("t,t->", sound, sound, dtype=np.float64)) / max(1, len(sound))
    levels = {
        "peak": peak,
        "level": float(10 * np.log10(power)) if peak else -np.inf,
        "offset": float(samples.mean(dtype=np.float64)),
        "clipped": _clipped(samples, peak),
        "silence": float(quiet.mean()),
        "lead": float(lead / rate),
        "tail": float(tail / rate),
        "crossings": float(changes.sum() * rate / max(1, len(sound))),
    }
    return levels | _spectrum(samples, rate)


def pauses(samples: Floats, rate: int) -> Bools:
    """Where a sound is digital silence: in zeros for `PAUSE` seconds or longer, shape (time,)."""
    return _in_runs(samples == 0, round(PAUSE * rate))


def _clipped(samples: Floats, peak: float) -> float:
    """Share of samples in a row at the highest or the lowest value."""
    if peak < _STEP:
        return 0.0
    sides = [side for side in (samples, -samples) if side.max() >= peak - 2 * _STEP]
    cut = [_in_runs(side >= side.max() - _STEP / 2, _FLAT) for side in sides]
    return float(np.any(cut, axis=0).mean())


def _in_runs(wanted: Bools, least: int) -> Bools:
    """Where `wanted` holds for at least so many in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]])))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= least
    marks = np.zeros(len(wanted) + 1, np.int8)
    marks[starts[long]], marks[ends[long]] = 1, -1
    return np.cumsum(marks[:-1]) > 0


def _spectrum(samples: Floats, rate: int) -> dict[str, float]:
    """Bandwidth and centroid, frame by frame in bounded memory; both 0 for silence."""
    length = min(_FFT, len(samples))  # a window longer than the sound would leave nothing of its first samples
    window = scipy.signal.get_window("hann", length).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[::_HOP]
    energies = np.einsum("ft,ft->f", frames, frames, dtype=np.float64)
    loud = np.flatnonzero(energies > energies.max() * 10 ** (-_QUIET / 10))
    if not len(loud) or not energies.max():
        return {"bandwidth": 0.0, "centroid": 0.0}
    hertz = scipy.fft.rfftfreq(_FFT, 1 / rate)
    power, centroids = np.zeros(len(hertz)), 0.0
    for start in range(0, len(loud), 256):
        magnitude = np.abs(scipy.fft.rfft(frames[loud[start : start + 256]] * window, _FFT))
        power += (magnitude.astype(np.float64) ** 2).sum(0)
        centroids += float(((magnitude @ hertz) / np.maximum(magnitude.sum(1), 1e-12)).sum())
    rounding = _STEP**2 / 12 * float((window**2).sum())
    least = max(power.max() / len(loud) * 10 ** (-BELOW_PEAK / 10), 4 * rounding)
    above = np.flatnonzero(power / len(loud) >= least)
    return {"bandwidth": float(hertz[above[-1]]) if len(above) else 0.0, "centroid": centroids / len(loud)}


@lru_cache(maxsize=1)
def _model() -> Classifier:
    return load(threads=1)


@lru_cache(maxsize=1)
def _trunk() -> str:
    return _model().meta.trunk


def _write(path: Path, file: MeasuredFile) -> None:
    values: dict[str, Any] = asdict(file.measurements)
    values["level"] = None if values["level"] == -np.inf else values["level"]  # JSON has no infinity
    embedding = base64.b64encode(file.embedding.astype("<f2").tobytes()).decode()
    path.write_text(json.dumps({"measurements": values, "embedding": embedding}), encoding="utf-8")


def _read(path: Path) -> MeasuredFile | None:
    """A file of the cache; None if there is none, or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        values = content["measurements"]
        if set(values) != set(Measurements.__dataclass_fields__):
            return None
        values["level"] = -np.inf if values["level"] is None else values["level"]
        values["warnings"] = tuple(values["warnings"])
        embedding = np.frombuffer(base64.b64decode(content["embedding"], validate=True), "<f2")
        return MeasuredFile(Measurements(**values), embedding.astype(np.float32))
    except (OSError, ValueError, KeyError, TypeError):
        return None
