"""Whatever network a recipe may name, its model file holds only operators that a listener takes."""

from typing import Any

import pytest

from hubbub import onnxgraph
from hubbub.logmel import LogMelSpec
from hubbub.modelfile import OPERATORS
from hubbub.train.config import Network, Recipe, Stage
from hubbub.train.export import to_onnx
from hubbub.train.networks.build import trunk
from hubbub.train.networks.classifier import ClassifierNetwork, head


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "pool"),
    [("mobilenet", "transformer"), ("resnet", "attention"), ("cnn", "mean"), ("efficientnet-lite0", "mean")],
)
def test_every_network_exports_to_operators_on_the_list(kind: Any, pool: Any) -> None:
    network = Network(kind, width=0.1, pool=pool, hidden=4)
    recipe = Recipe("x", "y", "gradient", network=network, frontend=LogMelSpec(), stages=(Stage(0, 1, 0.1),))
    made = trunk(network, 1)
    graph = to_onnx(ClassifierNetwork(made, head(made.embedding_size, 3, network.hidden, 0.0)).eval(), recipe)
    contents = onnxgraph.read(graph)
    assert contents.operators <= OPERATORS and "Conv" in contents.operators and contents.graphs == 1
