"""Names or embeds many sounds, in several processes if asked; a sound that cannot be heard costs itself only."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hubbub.audio import Source
from hubbub.errors import AudioError
from hubbub.listen.answer import Answer
from hubbub.listen.classifier import load
from hubbub.types import Floats
from hubbub.workers import mapped


@dataclass(frozen=True)
class Embedding:
    """The embedding of one sound, float32 of shape (size,), and what to know of the sound, as `Answer.warnings`."""

    values: Floats
    warnings: tuple[str, ...] = ()


def answers(
    sources: Sequence[Source], model: Path | None = None, top: int = 3, jobs: int = 1
) -> Generator[Answer | AudioError, None, None]:
    """For each sound, in order and as they come, its answer, or the error that kept it from being heard.

    Args:
        sources: files: paths, contents, or binary file objects (with several processes, ones that can be pickled).
        model: the model file; the built-in model if left out.
        top: how many labels to name.
        jobs: processes, each with a model of its own.

    Raises:
        ModelFileError: the model cannot be opened or run.
        RefusedError: a process was killed.
    """
    return mapped(partial(_answer, model=model, top=top), sources, jobs)


def embeddings(
    sources: Sequence[Source], model: Path | None = None, jobs: int = 1
) -> Generator[Embedding | AudioError, None, None]:
    """The same with each sound's embedding."""
    return mapped(partial(_embedding, model=model), sources, jobs)


def _answer(source: Source, model: Path | None, top: int) -> Answer | AudioError:
    try:
        return load(model).classify(source, top=top)
    except AudioError as error:
        return error


def _embedding(source: Source, model: Path | None) -> Embedding | AudioError:
    warnings: list[str] = []
    try:
        windows = [window.embedding for window in load(model).windows(source, log=warnings.append)]
    except AudioError as error:
        return error
    return Embedding(np.asarray(np.mean(windows, axis=0), np.float32), tuple(warnings))
