"""What runs the network of a model file: one small protocol, and onnxruntime, which is the default."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hubbub.errors import ModelFileError
from hubbub.logmel import LogMelSpec, logmel
from hubbub.modelfile import INPUT, OUTPUTS, ModelMeta, open_session
from hubbub.types import Floats


class Backend(Protocol):
    """Runs a network; threads may share it."""

    def run(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Logits (batch, classes) and embeddings (batch, size) of inputs (batch, channels, rows, columns)."""
        ...


class OnnxRuntime:
    """The `Backend` of a session that `hubbub.modelfile.open_session` gave."""

    def __init__(self, session: Any):
        self._session = session

    def run(self, inputs: Floats) -> tuple[Floats, Floats]:
        """See `Backend`. Raises ModelFileError if the graph cannot be run to its end."""
        try:
            logits, embedding = self._session.run(list(OUTPUTS), {INPUT: inputs})
        except Exception as error:  # onnxruntime raises a dozen kinds of its own
            raise ModelFileError("the model file's network cannot be run: export the model again") from error
        return logits, embedding


def open_onnx(path: Path, threads: int = 1) -> tuple[Backend, ModelMeta]:
    """The model file at `path` for onnxruntime, and its metadata. Raises ModelFileError as `modelfile.open_session`."""
    session, meta = open_session(path, threads)
    return OnnxRuntime(session), meta


def run_waveforms(backend: Backend, spec: LogMelSpec, waveforms: Floats) -> tuple[Floats, Floats]:
    """Logits (batch, classes) and embeddings (batch, size) of windows (batch, time) at the front end's rate.

    Raises ModelFileError if one of them is not finite.
    """
    return run_pictures(backend, spec, logmel(waveforms, spec))


def run_pictures(backend: Backend, spec: LogMelSpec, pictures: Floats) -> tuple[Floats, Floats]:
    """The same of pictures (batch, rows, columns) that `hubbub.logmel.logmel` made with `spec`."""
    logits, embeddings = backend.run(np.repeat(pictures[:, None], spec.channels, axis=1))
    if not (np.isfinite(logits).all() and np.isfinite(embeddings).all()):
        raise ModelFileError("the model file's network gives NaN or infinity, so it is damaged: export the model again")
    return logits, embeddings
