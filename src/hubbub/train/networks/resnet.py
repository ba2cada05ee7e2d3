"""ResNet-18, -34 and -50 (He et al., CVPR 2016), as `transformers` has them, cut into blocks."""

from typing import Any

import torch
from torch import nn
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


def published_names(depth: int) -> dict[str, str]:
    """For each module prefix of a `ResNetModel`, the prefix here.

    >>> published_names(18)["encoder.stages.0.layers.1.layer.0.convolution"]
    'blocks.1.layers.1.layer.0.convolution'
    """
    with torch.device("meta"):
        keys = model(depth).state_dict()
    names = {}
    for key in keys:
        theirs = key.rpartition(".")[0]
        if theirs.startswith("embedder."):
            names[theirs] = f"blocks.0.{theirs.removeprefix('embedder.')}"
        else:
            stage, _, rest = theirs.removeprefix("encoder.stages.").partition(".")
            names[theirs] = f"blocks.{int(stage) + 1}.{rest}"
    return names
