"""The listening stack's arithmetic: windows of samples to logits and embeddings, with numpy and onnxruntime."""

from typing import Any

import numpy as np

from hubbub.logmel import Floats, LogMelSpec, logmel
from hubbub.modelfile import INPUT, OUTPUTS


def hear(session: Any, spec: LogMelSpec, waveforms: Floats) -> tuple[Floats, Floats]:
    """Logits (batch, classes) and embeddings (batch, size) of windows (batch, time) at the front end's rate.

    `session` and `spec` come from `hubbub.modelfile.open_session`.
    """
    return see(session, spec, logmel(waveforms, spec))


def see(session: Any, spec: LogMelSpec, pictures: Floats) -> tuple[Floats, Floats]:
    """The same of pictures (batch, rows, columns) that `hubbub.logmel.logmel` made with `spec`."""
    inputs = np.repeat(pictures[:, None], spec.channels, axis=1)
    logits, embedding = session.run(list(OUTPUTS), {INPUT: inputs})
    return logits, embedding
