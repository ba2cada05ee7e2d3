"""A model file that is made in no time: one class for each third of the mel axis, the loudest wins."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hubbub.logmel import LogMelSpec
from hubbub.modelfile import Calibration, KnownScore, ModelMeta

SPEC = LogMelSpec(sample_rate=8000, n_fft=256, win_length=200, hop_length=80, n_mels=15, fmax=3900.0)
LABELS = ("low", "middle", "high")
THRESHOLD = 0.6
#: logits = embedding @ WEIGHTS; the embedding is the mean over frames of each mel band
WEIGHTS = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)


def graph(
    inputs: str = "logmel",
    outputs: tuple[str, str] = ("logits", "embedding"),
    batch: str | int = "batch",
    frames: str | int = "frames",
    weights: np.ndarray = WEIGHTS,
    channels: int = 1,
) -> bytes:
    """A serialised ONNX graph without metadata."""
    mels, classes = weights.shape
    logits, embedding = outputs
    nodes = [
        helper.make_node("ReduceMean", [inputs], [embedding], axes=[1, 3], keepdims=0),
        helper.make_node("MatMul", [embedding, "weights"], [logits]),
    ]
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(inputs, TensorProto.FLOAT, [batch, channels, mels, frames])],
        [
            helper.make_tensor_value_info(logits, TensorProto.FLOAT, [batch, classes]),
            helper.make_tensor_value_info(embedding, TensorProto.FLOAT, [batch, mels]),
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    return with_opset(made)


def with_opset(made: onnx.GraphProto) -> bytes:
    """The graph as a model of opset 17 and IR 8, serialised."""
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def meta(temperature: float = 0.5, threshold: float = THRESHOLD, **changes: Any) -> ModelMeta:
    """Metadata that fits `graph()`."""
    facts: dict[str, Any] = {
        "name": "tiny 1",
        "labels": LABELS,
        "frontend": SPEC,
        "trunk": "bands 1",
        "calibration": Calibration("temperature", {"temperature": temperature}),
        "known_score": KnownScore("max_softmax", {}, threshold),
        "licence": "CC0",
    }
    return ModelMeta(**facts | changes)
