"""Damaged model files: each is refused in one line that names it, or answers with numbers."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import tinymodel
from fuzzing import Rng, changed, damaged, refused, seeds
from hubbub import modelfile, onnxgraph
from hubbub.errors import ModelFileError
from hubbub.listen.classifier import BUILT_IN, Classifier
from hubbub.modelfile import TrainingRecord

pytestmark = pytest.mark.slow
NOISE = np.random.default_rng(0).normal(0, 0.1, 12_000).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    record = TrainingRecord.of("mine", ["a.wav"], ["a"], ["00112233445566aa"])
    meta = tinymodel.meta(training=record, figures={"accuracy": 0.5, "interval": [0.4, 0.6]})
    modelfile.write(tmp_path / "tiny.onnx", tinymodel.graph(), meta)
    return tmp_path / "tiny.onnx"


def listened(path: Path, samples: np.ndarray = NOISE) -> bool:
    """Whether the model is one that listens; fails if it is neither that nor refused."""
    try:
        classifier = Classifier(path, threads=1)
    except ModelFileError as error:
        refused(error, path)
        return False
    try:
        answer = classifier.classify(samples, 8000, top=1000)
        embedding = classifier.embed(samples, 8000)
    except ModelFileError as error:
        refused(error)
        return False
    assert embedding.dtype == np.float32 and embedding.ndim == 1 and np.isfinite(embedding).all()
    assert sum(prediction.score for prediction in answer.predictions) == pytest.approx(1)
    assert 0 <= answer.known_score <= 1
    return True


def test_damaged_bytes(model: Path) -> None:
    content = model.read_bytes()
    ends = set()
    for _, rng in seeds(400):
        model.write_bytes(damaged(rng, content))
        ends.add(listened(model))
    assert ends == {True, False}


def test_damaged_bytes_of_the_built_in_model(tmp_path: Path) -> None:
    content = BUILT_IN.read_bytes()
    for _, rng in seeds(12):
        (tmp_path / "x.onnx").write_bytes(damaged(rng, content))
        listened(tmp_path / "x.onnx", NOISE[:8000])


def test_other_metadata(model: Path) -> None:
    stored = onnx.load(model)
    values = json.loads(stored.metadata_props[0].value)
    ends = set()
    for _, rng in seeds(500):
        helper.set_model_props(stored, {"hubbub": json.dumps(changed(rng, values))})
        model.write_bytes(stored.SerializeToString())
        ends.add(listened(model))
    assert ends == {True, False}


def test_damaged_metadata(model: Path) -> None:
    stored = onnx.load(model)
    entry = stored.metadata_props[0].value.encode()
    for _, rng in seeds(300):
        text = damaged(rng, entry).decode("utf-8", "replace")
        helper.set_model_props(stored, {"hubbub": text})
        model.write_bytes(stored.SerializeToString())
        listened(model)


def test_other_graphs(model: Path) -> None:
    """Operators, attributes and shapes swapped for others."""
    for _, rng in seeds(300):
        stored = onnx.load(model)
        for _ in range(int(rng.integers(1, 4))):
            rewired(rng, stored.graph)
        model.write_bytes(stored.SerializeToString())
        listened(model)


def rewired(rng: Rng, graph: onnx.GraphProto) -> None:
    node = graph.node[int(rng.integers(len(graph.node)))]
    kind = rng.integers(5)
    if kind == 0:
        node.op_type = str(rng.choice([*sorted(modelfile.OPERATORS), "Loop", "If", "Scan", "RandomNormal"]))
    elif kind == 1:
        node.domain = str(rng.choice(["", "com.microsoft", "ai.onnx.ml", "mine"]))
    elif kind == 2:
        node.input[0] = str(rng.choice(["", "logmel", "logits", "embedding", "weights", "nowhere"]))
    elif kind == 3 and graph.initializer:
        graph.initializer[0].data_type = int(rng.integers(0, 20))
    else:
        values = [*graph.input, *graph.output]
        tensor = values[int(rng.integers(len(values)))].type.tensor_type
        if rng.random() < 0.3:
            tensor.elem_type = int(rng.integers(0, 17))
        elif tensor.shape.dim:
            tensor.shape.dim[int(rng.integers(len(tensor.shape.dim)))].dim_value = int(
                rng.choice([-1, 0, 1, 3, 15, 9999])
            )


def test_any_bytes_are_read_or_refused() -> None:
    content = tinymodel.graph()
    for _, rng in seeds(2000):
        try:
            contents = onnxgraph.read(damaged(rng, content))
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert contents.graphs <= 10


def test_what_onnx_reads_is_seen() -> None:
    """Of whatever the package onnx takes for a model, no operator is overlooked."""
    content = tinymodel.graph()
    agreed = 0
    for _, rng in seeds(1000):
        raw = damaged(rng, content)
        try:
            stored = onnx.load_from_string(raw)
        except Exception:  # protobuf's own kinds
            continue
        try:
            contents = onnxgraph.read(raw)
        except ValueError:
            continue  # stricter than the package, which does no harm
        names = [(node.domain, node.op_type) for node in stored.graph.node]
        if any(isinstance(name, bytes) for pair in names for name in pair):  # what is not UTF-8
            continue
        wanted = {".".join(filter(None, pair)) for pair in names}
        assert wanted <= contents.operators
        agreed += 1
    assert agreed > 20
