"""ResNet-18, -34 and -50 (He et al., CVPR 2016), as `transformers` has them, cut into blocks."""

from typing import Any

from torch import Tensor, nn
from transformers import ResNetConfig, ResNetModel

_LAYERS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def model(depth: int, inputs: int = 1) -> ResNetModel:
    """The network with random weights and `inputs` input channels."""
    basic = depth < 50
    config = ResNetConfig(
        num_channels=inputs,
        layer_type="basic" if basic else "bottleneck",
        depths=list(_LAYERS[depth]),
        hidden_sizes=[64, 128, 256, 512] if basic else [256, 512, 1024, 2048],
    )
    return ResNetModel(config)


def blocks(network: Any) -> tuple[list[nn.Module], int]:
    """The stem and the four layers of a `ResNetModel`, and the channels of the last; block 3 is layer3."""
    return [network.embedder, *network.encoder.stages], network.config.hidden_sizes[-1]


def as_many_inputs(weight: Tensor, inputs: int) -> Tensor:
    """First-layer weights (out, channels, rows, columns) for `inputs` channels, by summing or by sharing out.

    A grey picture in three equal channels gives the same through weights of three channels as it gives in one channel
    through their sum.
    """
    if weight.shape[1] == inputs:
        return weight
    return weight.sum(1, keepdim=True).repeat(1, inputs, 1, 1) / inputs
