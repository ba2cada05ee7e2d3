"""The trunk that a recipe starts from: random, or with the weights that it names, or with those of a given file."""

from pathlib import Path

import torch
from torch import Tensor, nn

from hubbub.errors import RefusedError
from hubbub.train import weights
from hubbub.train.config import Network
from hubbub.train.networks.build import Trunk, trunk
from hubbub.train.networks.chain import Chain
from hubbub.train.networks.registry import NETWORKS


def load(network: Network, inputs: int, seed: int, path: Path | None = None) -> Trunk:
    """The trunk, in evaluation mode.

    Args:
        network: what to build; its `weights` are looked up, unless `path` is given.
        inputs: channels of the log-mel. Weights of a first layer for more or fewer are summed.
        seed: of random weights.
        path: a checkpoint file, or for a ResNet also a folder that `transformers` wrote.

    Raises:
        UsageError: unknown weights.
        RefusedError: they cannot be had here, or do not fit; the message names the layer.
    """
    torch.manual_seed(seed)
    built = trunk(network, inputs)
    if network.weights is None and path is None:
        return built.eval()
    published = NETWORKS[network.kind].published
    if published is None:
        raise RefusedError(
            f"there are no pretrained weights for a {network.kind}: leave out network.weights and --weights"
        )
    state, source = published.read(network, path)
    names = published.names(network)
    first_layer = f"{next(iter(names))}.weight"
    if first_layer in state:
        state = state | {first_layer: as_many_inputs(state[first_layer], inputs)}
    convolutions = nn.Module()
    convolutions.blocks = built.blocks[:-1] if isinstance(built, Chain) else built.blocks
    weights.fill(convolutions, state, names, source)
    return built.eval()


def as_many_inputs(weight: Tensor, inputs: int) -> Tensor:
    """First-layer weights (out, channels, rows, columns) for `inputs` channels, by summing or by sharing out.

    A grey picture in three equal channels gives the same through weights of three channels as it gives in one channel
    through their sum.
    """
    if weight.shape[1] == inputs:
        return weight
    return weight.sum(1, keepdim=True).repeat(1, inputs, 1, 1) / inputs
