"""Names sounds with a model file: onnxruntime and numpy, no torch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard, overload

import numpy as np
from numpy.typing import NDArray

from hubbub import audio
from hubbub.errors import UsageError
from hubbub.evaluate.calibration import CALIBRATIONS
from hubbub.listen.answer import Answer, Prediction
from hubbub.listen.backend import Backend, open_onnx, run_pictures, run_waveforms
from hubbub.listen.windows import sliding_windows
from hubbub.modelfile import ModelMeta
from hubbub.types import Doubles, Floats, Log

BUILT_IN = Path(__file__).parent.parent / "assets" / "esc50.onnx"

#: Samples of shape (time,) or (time, channels): floats in [-1, 1], or integers of up to 32 bits.
Samples: TypeAlias = NDArray[Any] | list[float] | list[list[float]]
#: A file (path, content or binary file object) or an array, of which a list may hold many. A type checker takes a `str`
#: for such a list as well; the first of two overloads, for one sound, comes before.
Sound: TypeAlias = audio.Source | NDArray[Any]

_BATCH = 8  # windows a call: enough to fill the network, little enough to stay in the cache
SILENCE = 2.0**-18  #: a sound whose peak is under this, an eighth of a step of 16 bit, is unknown


@dataclass(frozen=True)
class WindowResult:
    """What the network makes of one window of a sound.

    Attributes:
        start: of the window, in seconds from the beginning of the sound.
        end: of what it holds of the sound, in seconds; the last window's is the sound's duration.
        logits: shape (classes,).
        embedding: shape (size,).
        peak: the largest absolute sample.
    """

    start: float
    end: float
    logits: Floats
    embedding: Floats
    peak: float


class Classifier:
    """A model that listens. Make one with `hubbub.load()`; it is safe to share between threads.

    Args:
        path: the model file; the built-in 50-class model if left out.
        threads: for the network. One costs the least: a sound of 5 s takes the built-in model 11 ms of CPU with one
            thread, 17 to 22 ms with two or with 0, which leaves the choice to onnxruntime (`benchmarks/threads.py`,
            two busy cores). Many sounds gain more from several processes.
        open_model: gives what runs the file's network, and its metadata.

    Raises:
        ModelFileError: the file is not there or not a model file.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        threads: int = 1,
        open_model: Callable[[Path, int], tuple[Backend, ModelMeta]] = open_onnx,
    ):
        self._backend, self.meta = open_model(Path(path) if path is not None else BUILT_IN, threads)

    meta: ModelMeta

    @property
    def labels(self) -> tuple[str, ...]:
        """The names it knows, in the order of the logits."""
        return self.meta.labels

    @overload
    def classify(self, source: audio.Source | Samples, rate: int | None = None, top: int = 3) -> Answer: ...  # type: ignore[overload-overlap]
    @overload
    def classify(self, source: Sequence[Sound], rate: int | None = None, top: int = 3) -> list[Answer]: ...
    def classify(self, source: Any, rate: int | None = None, top: int = 3) -> Answer | list[Answer]:
        """Name a sound, or each of a list of sounds.

        Args:
            source: a file (its path, its content as bytes, or a binary file object), or samples of shape (time,) or
                (time, channels): floats in [-1, 1], or integers of up to 32 bits. Or a list of any of these; a list of
                plain numbers, or of lists of them, is samples.
            rate: samples a second, if `source` is samples.
            top: how many names to give.

        Returns:
            An `Answer`, or a list of them in order. A sound longer than the model's window is heard in overlapping
            windows whose logits are averaged; a shorter one is zero-padded.

        Raises:
            AudioError: the file or the samples cannot be heard; of a list, the first that cannot.
            UsageError: what is no sound, samples of another shape or type or without `rate`, a `rate` that no sound has
                or that is no whole number, or a `top` that is none of at least 1.
            ModelFileError: the network cannot be run, or what it gives is not finite.
        """
        _require_whole(top, "top")
        if _is_many(source):
            return [self.classify(sound, rate, top) for sound in source]
        warnings: list[str] = []
        results = list(self.windows(source, rate, warnings.append))
        scores = self.calibrate(np.mean([result.logits for result in results], axis=0))
        embedding = np.mean([result.embedding for result in results], axis=0)
        silent = max(result.peak for result in results) < SILENCE
        known = 0.0 if silent else self.known_score(scores, embedding)
        return Answer(
            duration=results[-1].end,
            predictions=tuple(
                Prediction(self.labels[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")[:top]
            ),
            unknown=silent or known < self.meta.known_score.threshold,
            known_score=known,
            path=str(source) if isinstance(source, str | Path) else None,
            warnings=tuple(warnings),
        )

    @overload
    def embed(self, source: audio.Source | Samples, rate: int | None = None) -> Floats: ...  # type: ignore[overload-overlap]
    @overload
    def embed(self, source: Sequence[Sound], rate: int | None = None) -> list[Floats]: ...
    def embed(self, source: Any, rate: int | None = None) -> Floats | list[Floats]:
        """The embedding of a sound, float32 of shape (size,): the mean over its windows. See `classify`."""
        if _is_many(source):
            return [self.embed(sound, rate) for sound in source]
        return np.asarray(np.mean([result.embedding for result in self.windows(source, rate)], axis=0), np.float32)

    def windows(
        self, source: audio.Source | Samples, rate: int | None = None, log: Log | None = None
    ) -> Iterator[WindowResult]:
        """One result for each window of a sound, in order; `classify` tells of their mean, and what arguments mean.

        At least one. Errors arise while iterating. A long file is read piece by piece, in bounded memory. `log` hears
        what `Answer.warnings` has; None warns through `logging`.
        """
        if rate is not None:
            _require_whole(rate, "rate")
        spec = self.meta.frontend
        length, hop = (
            round(seconds * spec.sample_rate) for seconds in (self.meta.window_seconds, self.meta.hop_seconds)
        )
        blocks: Iterable[Floats]
        if _is_file(source):
            blocks = audio.blocks(source, spec.sample_rate, hop, log=log)
        elif not isinstance(source, list | tuple) and not hasattr(source, "__array__"):
            kind = type(source).__name__
            raise UsageError(f"a {kind} is no sound: give a path, bytes, a binary file object, or an array of samples")
        elif rate is None:
            raise UsageError("samples need their rate: classify(samples, rate=44100)")
        else:
            samples: Any = source
            blocks = [audio.from_array(samples, rate, spec.sample_rate, log=log)]
        windows = sliding_windows(blocks, length, hop)
        while batch := list(islice(windows, _BATCH)):
            outputs = run_waveforms(self._backend, spec, np.stack([window.samples for window in batch]))
            for window, logits, embedding in zip(batch, *outputs, strict=True):
                start, end = window.start / spec.sample_rate, window.end / spec.sample_rate
                yield WindowResult(start, end, logits, embedding, float(np.abs(window.samples).max()))

    def run(self, waveforms: Floats) -> tuple[Floats, Floats]:
        """Logits (batch, classes) and embeddings (batch, size) of windows (batch, time) at the model's rate."""
        return run_waveforms(self._backend, self.meta.frontend, waveforms)

    def run_pictures(self, pictures: Floats) -> tuple[Floats, Floats]:
        """The same of pictures (batch, rows, columns), as `hubbub.logmel.logmel` makes them of windows."""
        return run_pictures(self._backend, self.meta.frontend, pictures)

    def calibrate(self, logits: NDArray[np.floating]) -> Doubles:
        """Scores that sum to 1 from logits, both of shape (..., classes), as the model file says."""
        rule = self.meta.calibration
        return CALIBRATIONS[rule.name](logits, **rule.parameters)

    def known_score(self, scores: Doubles, embedding: Floats) -> float:
        """How like the known classes a sound is, in [0, 1], as the model file says."""
        return float(self.meta.known_score.score(scores, embedding))


def load(path: str | Path | None = None, threads: int = 1) -> Classifier:
    """A classifier from a model file, or the built-in one; kept, so that a second call is free. See `Classifier`.

    A file that has changed since is read again.
    """
    file = (BUILT_IN if path is None else Path(path)).absolute()
    try:
        status = file.stat()
    except OSError:
        return Classifier(file, threads)  # which says what is wrong
    return _opened(file, threads, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=4)
def _opened(file: Path, threads: int, version: tuple[int, ...]) -> Classifier:
    return Classifier(file, threads)


@overload
def classify(source: audio.Source | Samples, rate: int | None = None, top: int = 3) -> Answer: ...  # type: ignore[overload-overlap]
@overload
def classify(source: Sequence[Sound], rate: int | None = None, top: int = 3) -> list[Answer]: ...
def classify(source: Any, rate: int | None = None, top: int = 3) -> Answer | list[Answer]:
    """Name a sound, or each of a list of sounds, with the built-in model. See `Classifier.classify`."""
    answers: Answer | list[Answer] = load().classify(source, rate, top)
    return answers


@overload
def embed(source: audio.Source | Samples, rate: int | None = None) -> Floats: ...  # type: ignore[overload-overlap]
@overload
def embed(source: Sequence[Sound], rate: int | None = None) -> list[Floats]: ...
def embed(source: Any, rate: int | None = None) -> Floats | list[Floats]:
    """The embedding of a sound, or of each of a list, by the built-in model. See `Classifier.embed`."""
    embeddings: Floats | list[Floats] = load().embed(source, rate)
    return embeddings


def _is_file(source: object) -> TypeGuard[audio.Source]:
    return isinstance(source, str | Path | bytes) or hasattr(source, "read")


def _is_many(source: object) -> bool:
    """Whether a list holds sounds, not numbers; its first item tells."""
    return isinstance(source, list | tuple) and (
        not source or _is_file(source[0]) or (isinstance(source[0], np.ndarray) and source[0].ndim > 0)
    )


def _require_whole(value: object, name: str) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name} must be a whole number, at least 1, got {value!r}")
