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
from hubbub.errors import AudioError
from hubbub.evaluate.calibration import CALIBRATIONS
from hubbub.evaluate.openset import KNOWN_SCORES
from hubbub.listen.answer import Answer, Prediction
from hubbub.listen.backend import Backend, open_onnx, run_pictures, run_waveforms
from hubbub.listen.windows import sliding_windows
from hubbub.modelfile import ModelMeta
from hubbub.types import Doubles, Floats

BUILT_IN = Path(__file__).parent.parent / "assets" / "esc50.onnx"

#: Samples of shape (time,) or (time, channels): floats in [-1, 1], or integers of up to 32 bits.
Samples: TypeAlias = NDArray[Any] | list[float] | list[list[float]]
#: A file (path, content or binary file object) or an array, of which a list may hold many. A type checker takes a `str`
#: for such a list as well; the first of two overloads, for one sound, comes before.
Sound: TypeAlias = audio.Source | NDArray[Any]

_BATCH = 8  # windows a call: enough to fill the network, little enough to stay in the cache
_SILENCE = 2.0**-15  # under one step of 16 bit


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
        threads: for the network; 0 leaves the choice to onnxruntime.
        open_model: gives what runs the file's network, and its metadata.

    Raises:
        ModelFileError: the file is not there or not a model file.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        threads: int = 0,
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
            UsageError: samples of another shape or type, or a `rate` that no sound has.
            ValueError: samples without `rate`, or `top` below 1.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        if _is_many(source):
            return [self.classify(sound, rate, top) for sound in source]
        results = list(self.windows(source, rate))
        scores = self.calibrate(np.mean([result.logits for result in results], axis=0))
        embedding = np.mean([result.embedding for result in results], axis=0)
        silent = max(result.peak for result in results) < _SILENCE
        known = 0.0 if silent else self.known_score(scores, embedding)
        return Answer(
            duration=results[-1].end,
            predictions=tuple(
                Prediction(self.labels[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")[:top]
            ),
            unknown=silent or known < self.meta.known_score.threshold,
            known_score=known,
            path=str(source) if isinstance(source, str | Path) else None,
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

    def windows(self, source: audio.Source | Samples, rate: int | None = None) -> Iterator[WindowResult]:
        """One result for each window of a sound, in order; `classify` tells of their mean, and what arguments mean.

        At least one. Errors arise while iterating. A long file is read piece by piece, in bounded memory.
        """
        spec = self.meta.frontend
        length, hop = (
            round(seconds * spec.sample_rate) for seconds in (self.meta.window_seconds, self.meta.hop_seconds)
        )
        blocks: Iterable[Floats]
        if _is_file(source):
            blocks = audio.blocks(source, spec.sample_rate, hop)
        elif rate is None:
            raise ValueError("samples need their rate: classify(samples, rate=44100)")
        else:
            samples: Any = source
            blocks = [audio.from_array(samples, rate, spec.sample_rate)]
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
        rule = self.meta.known_score
        return float(KNOWN_SCORES[rule.name](scores, embedding, **rule.parameters))


@lru_cache(maxsize=4)
def load(path: str | Path | None = None, threads: int = 0) -> Classifier:
    """A classifier from a model file, or the built-in one; kept, so that a second call is free. See `Classifier`."""
    return Classifier(path, threads)


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


def answer_all(classifier: Classifier, paths: Iterable[Path], top: int = 3) -> Iterator[Answer | AudioError]:
    """For each file, in order, its answer, or the error that kept it from being heard."""
    for path in paths:
        try:
            yield classifier.classify(path, top=top)
        except AudioError as error:
            yield error


def _is_file(source: object) -> TypeGuard[audio.Source]:
    return isinstance(source, str | Path | bytes) or hasattr(source, "read")


def _is_many(source: object) -> bool:
    """Whether a list holds sounds, not numbers; its first item tells."""
    return isinstance(source, list | tuple) and (
        not source or _is_file(source[0]) or (isinstance(source[0], np.ndarray) and source[0].ndim > 0)
    )
