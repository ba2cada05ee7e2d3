"""From a recipe's `network` to a trunk, with random weights or with pretrained ones."""

from torch import nn

from hubbub.train.config import Network
from hubbub.train.networks import cnn, efficientnet, resnet
from hubbub.train.networks.chain import AttentionPool, Chain, MeanMaxPool, MeanPool
from hubbub.train.networks.mobilenet import MobileNetV3

Trunk = MobileNetV3 | Chain  #: what both have: blocks, embedding_size, forward(x, start), prefix(x, stop, start)
_LAYERS = {"attention": 0, "transformer": 2}


def trunk(network: Network, inputs: int = 1) -> Trunk:
    """The trunk with random weights, for log-mel of `inputs` channels."""
    if network.kind == "mobilenet" and network.pool == "mean":
        return MobileNetV3(network.width, MobileNetV3.BLOCKS - 1 if network.pool_from is None else network.pool_from)
    blocks, channels = convolutions(network, inputs)
    return Chain([*blocks, _pooling(network, channels)], channels)


def convolutions(network: Network, inputs: int) -> tuple[list[nn.Module], int]:
    """The trunk's blocks without the pooling, with random weights, and how many channels they give."""
    if network.kind == "resnet":
        return resnet.blocks(resnet.model(network.depth, inputs))
    if network.kind == "cnn":
        return cnn.blocks(network.width, inputs)
    if network.kind == "efficientnet-lite0":
        return efficientnet.blocks(inputs)
    whole = MobileNetV3(network.width)
    return list(whole.blocks), whole.embedding_size


def _pooling(network: Network, channels: int) -> nn.Module:
    if network.pool in _LAYERS:
        return AttentionPool(channels, _LAYERS[network.pool])
    return MeanMaxPool() if network.kind == "cnn" else MeanPool()
