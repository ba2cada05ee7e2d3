"""From a recipe's `network` to a trunk with random weights."""

from hubbub.train.config import Network
from hubbub.train.networks.chain import AttentionPool, Chain
from hubbub.train.networks.mobilenet import MobileNetV3
from hubbub.train.networks.registry import NETWORKS

Trunk = MobileNetV3 | Chain  #: what both have: blocks, embedding_size, forward(x, start), prefix(x, stop, start)
_TRANSFORMER_LAYERS = {"attention": 0, "transformer": 2}


def trunk(network: Network, inputs: int = 1) -> Trunk:
    """The trunk with random weights, for log-mel of `inputs` channels."""
    if network.kind == "mobilenet" and network.pool == "mean":
        return MobileNetV3(network.width, MobileNetV3.BLOCKS - 1 if network.pool_from is None else network.pool_from)
    kind = NETWORKS[network.kind]
    convolutions, channels = kind.convolutions(network, inputs)
    if network.pool == "mean":
        return Chain([*convolutions, kind.mean_pool()], channels)
    return Chain([*convolutions, AttentionPool(channels, _TRANSFORMER_LAYERS[network.pool])], channels)
