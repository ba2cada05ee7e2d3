"""What is read off an ONNX file's bytes, against the package `onnx`."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tinymodel
from hubbub import onnxgraph
from hubbub.listen.classifier import BUILT_IN
from hubbub.modelfile import OPERATORS


def model_of(*nodes: onnx.NodeProto, tensors: tuple[onnx.TensorProto, ...] = ()) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(nodes, "g", [], [], list(tensors)))


def inner(operator: str) -> onnx.GraphProto:
    return helper.make_graph([helper.make_node(operator, ["a"], ["b"])], "inner", [], [])


@pytest.mark.parametrize("path", [BUILT_IN, None])
def test_operators_and_metadata_are_those_that_onnx_reads(path: Path | None) -> None:
    content = path.read_bytes() if path else tinymodel.graph()
    model, contents = onnx.load_from_string(content), onnxgraph.read(content)
    assert contents.operators == {node.op_type for node in model.graph.node} <= OPERATORS
    assert contents.metadata == [(entry.key, entry.value) for entry in model.metadata_props]
    assert (contents.graphs, contents.external, contents.texts) == (1, False, False)


def test_operators_inside_operators_and_functions_are_seen() -> None:
    loop = helper.make_node("Loop", ["n"], ["x"], body=inner("Tan"))
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner("Sinh"), else_branch=inner("Cosh"))
    model = model_of(loop, branch, helper.make_node("Gelu", ["x"], ["z"], domain="com.microsoft"))
    body = [helper.make_node("Acos", ["a"], ["b"])]
    model.functions.append(helper.make_function("mine", "F", ["a"], ["b"], body, [helper.make_opsetid("", 17)]))
    contents = onnxgraph.read(model.SerializeToString())
    assert contents.operators == {"Loop", "If", "Tan", "Sinh", "Cosh", "Acos", "com.microsoft.Gelu"}
    assert contents.graphs == 4


def test_graphs_nested_without_end_take_no_recursion() -> None:
    graph = inner("Tan").SerializeToString()
    for _ in range(3000):
        attribute = b"\x32" + length(graph) + graph
        node = b"\x22\x02If\x2a" + length(attribute) + attribute
        graph = b"\x0a" + length(node) + node
    contents = onnxgraph.read(b"\x3a" + length(graph) + graph)
    assert contents.graphs == 3001 and contents.operators == {"If", "Tan"}


def length(content: bytes) -> bytes:
    """A length as Protocol Buffers write it."""
    digits, rest = [], len(content)
    while rest >= 0x80:
        digits.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*digits, rest])


def test_data_kept_elsewhere_and_texts_are_seen() -> None:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    onnx.external_data_helper.set_external_data(tensor, "../secret.bin")
    as_attribute = model_of(helper.make_node("Constant", [], ["x"], value=tensor))
    for model in (model_of(tensors=(tensor,)), as_attribute):
        assert onnxgraph.read(model.SerializeToString()).external
    words = model_of(tensors=(helper.make_tensor("t", TensorProto.STRING, [1], [b"word"]),))
    assert onnxgraph.read(words.SerializeToString()).texts


def test_what_is_no_message() -> None:
    content = tinymodel.graph()
    assert onnxgraph.read(b"").graphs == 0
    for broken in (content[:-1], b"\x3a\xff\xff\xff\x7f", b"\x80" * 12, b"\x0b", b"\x00\x00", b"Dear hubbub,"):
        with pytest.raises(ValueError, match=r"^a (field|number) "):
            onnxgraph.read(broken)
