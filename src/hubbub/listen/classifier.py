"""Names sounds with a model file: onnxruntime and numpy, no torch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubbub import audio
from hubbub.errors import AudioError
from hubbub.evaluate.calibration import CALIBRATIONS
from hubbub.evaluate.openset import KNOWN_SCORES
from hubbub.listen.answer import Answer, Prediction
from hubbub.listen.backend import hear, see
from hubbub.listen.windows import windows
from hubbub.logmel import Floats
from hubbub.modelfile import ModelMeta, open_session
from hubbub.types import Doubles

BUILT_IN = Path(__file__).parent.parent / "assets" / "esc50.onnx"
_BATCH = 8  # windows a call: enough to fill the network, little enough to stay in the cache
_SILENCE = 2.0**-15  # under one step of 16 bit


@dataclass(frozen=True)
class _Heard:
    """What the network made of one sound: means over its windows."""

    logits: Floats
    embedding: Floats
    duration: float
    silent: bool


class Classifier:
    """A model that listens. Make one with `hubbub.load()`; it is safe to share between threads.

    Args:
        path: the model file; the built-in 50-class model if left out.
        threads: for the network; 0 leaves the choice to onnxruntime.

    Raises:
        ModelFileError: the file is not there or not a model file.
    """

    def __init__(self, path: str | Path | None = None, threads: int = 0):
        self._session, self.meta = open_session(Path(path) if path is not None else BUILT_IN, threads)

    meta: ModelMeta

    @property
    def labels(self) -> tuple[str, ...]:
        """The names it knows, in the order of the logits."""
        return self.meta.labels

    def classify(self, source: str | Path | ArrayLike, rate: int | None = None, top: int = 3) -> Answer:
        """Name a sound.

        Args:
            source: a file, or samples of shape (time,) or (time, channels): floats in [-1, 1], or integers of up to
                32 bits.
            rate: samples a second, if `source` is samples.
            top: how many names to give.

        Returns:
            An `Answer`. A sound longer than the model's window is heard in overlapping windows whose logits are
            averaged; a shorter one is zero-padded.

        Raises:
            AudioError: the file or the samples cannot be heard.
            UsageError: samples of another shape or type, or a `rate` that no sound has.
            ValueError: samples without `rate`, or `top` below 1.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        heard = self._hear(source, rate)
        scores = self.calibrate(heard.logits)
        best = np.argsort(-scores, kind="stable")[:top]
        known = 0.0 if heard.silent else self.known_score(scores, heard.embedding)
        return Answer(
            duration=heard.duration,
            predictions=tuple(Prediction(self.labels[i], float(scores[i])) for i in best),
            unknown=known < self.meta.known_score.threshold or heard.silent,
            known_score=known,
            path=str(source) if isinstance(source, str | Path) else None,
        )

    def embed(self, source: str | Path | ArrayLike, rate: int | None = None) -> Floats:
        """The embedding of a sound, float32 of shape (size,): the mean over its windows. See `classify`."""
        return self._hear(source, rate).embedding

    def run(self, waveforms: Floats) -> tuple[Floats, Floats]:
        """Logits (batch, classes) and embeddings (batch, size) of windows (batch, time) at the model's rate."""
        return hear(self._session, self.meta.frontend, waveforms)

    def run_pictures(self, pictures: Floats) -> tuple[Floats, Floats]:
        """The same of pictures (batch, rows, columns), as `hubbub.logmel.logmel` makes them of windows."""
        return see(self._session, self.meta.frontend, pictures)

    def calibrate(self, logits: NDArray[np.floating]) -> Doubles:
        """Scores that sum to 1 from logits, both of shape (..., classes), as the model file says."""
        rule = self.meta.calibration
        return CALIBRATIONS[rule.name](logits, **rule.parameters)

    def known_score(self, scores: Doubles, embedding: Floats) -> float:
        """How like the known classes a sound is, in [0, 1], as the model file says."""
        rule = self.meta.known_score
        return float(KNOWN_SCORES[rule.name](scores, embedding, **rule.parameters))

    def _hear(self, source: str | Path | ArrayLike, rate: int | None) -> _Heard:
        spec = self.meta.frontend
        length, hop = (
            round(self.meta.window_seconds * spec.sample_rate),
            round(self.meta.hop_seconds * spec.sample_rate),
        )
        if isinstance(source, str | Path):
            blocks: Iterable[Floats] = audio.blocks(Path(source), spec.sample_rate, hop)
        else:
            if rate is None:
                raise ValueError("samples need their rate: classify(samples, rate=44100)")
            blocks = [audio.from_array(source, rate, spec.sample_rate)]
        count = _Count()
        batches = _batched(windows(count.watch(blocks), length, hop), _BATCH)
        outputs = [self.run(np.stack(batch)) for batch in batches]
        logits, embeddings = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
        return _Heard(logits.mean(0), embeddings.mean(0), count.samples / spec.sample_rate, count.peak < _SILENCE)


@lru_cache(maxsize=4)
def load(path: str | Path | None = None, threads: int = 0) -> Classifier:
    """A classifier from a model file, or the built-in one; kept, so that a second call is free. See `Classifier`."""
    return Classifier(path, threads)


def classify(source: str | Path | ArrayLike, rate: int | None = None, top: int = 3) -> Answer:
    """Name a sound with the built-in model. See `Classifier.classify`."""
    return load().classify(source, rate, top)


def embed(source: str | Path | ArrayLike, rate: int | None = None) -> Floats:
    """The embedding of a sound by the built-in model. See `Classifier.embed`."""
    return load().embed(source, rate)


def answer_all(classifier: Classifier, paths: Iterable[Path], top: int = 3) -> Iterator[Answer | AudioError]:
    """For each file, in order, its answer, or the error that kept it from being heard."""
    for path in paths:
        try:
            yield classifier.classify(path, top=top)
        except AudioError as error:
            yield error


class _Count:
    """Counts samples and finds the peak of blocks on their way."""

    def __init__(self) -> None:
        self.samples, self.peak = 0, 0.0

    def watch(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        for block in blocks:
            self.samples += len(block)
            self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)))
            yield block


def _batched(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(islice(items, size)):
        yield batch
