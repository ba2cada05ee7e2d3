"""What runs the network of a model file: one small protocol, and onnxruntime, which is the default."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

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
        """See `Backend`."""
        logits, embedding = self._session.run(list(OUTPUTS), {INPUT: inputs})
        return logits, embedding


def open_onnx(path: Path, threads: int = 0) -> tuple[Backend, ModelMeta]:
    """The model file at `path` for onnxruntime, and its metadata. Raises ModelFileError as `modelfile.open_session`."""
    session, meta = open_session(path, threads)
    return OnnxRuntime(session), meta


def run_waveforms(backend: Backend, spec: LogMelSpec, waveforms: Floats) -> tuple[Floats, Floats]:
    """Logits (batch, classes) and embeddings (batch, size) of windows (batch, time) at the front end's rate."""
    return run_pictures(backend, spec, logmel(waveforms, spec))


def run_pictures(backend: Backend, spec: LogMelSpec, pictures: Floats) -> tuple[Floats, Floats]:
    """The same of pictures (batch, rows, columns) that `hubbub.logmel.logmel` made with `spec`."""
    return backend.run(np.repeat(pictures[:, None], spec.channels, axis=1))
