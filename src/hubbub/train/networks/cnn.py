"""A small convolutional network for log-mel spectrograms, trained from scratch."""

from torch import nn

_CHANNELS = (32, 64, 128, 256)


def _block(channels: int, out: int) -> nn.Sequential:
    """Two 3×3 convolutions with batch norm, then half the size, as in the CNN10 of PANNs (Kong et al., TASLP 2020)."""
    layers: list[nn.Module] = []
    for inputs in (channels, out):
        layers += [nn.Conv2d(inputs, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers, nn.AvgPool2d(2))


def blocks(width: float = 1.0, inputs: int = 1) -> tuple[list[nn.Module], int]:
    """Four blocks without pooling, and the channels of the last: 1.2 million parameters at width 1.

    Args:
        width: factor on the channels (32, 64, 128, 256), which are rounded to multiples of 4 for attention's heads.
        inputs: channels of the log-mel.
    """
    sizes = [max(4, 4 * round(width * size / 4)) for size in _CHANNELS]
    return [_block(before, out) for before, out in zip([inputs, *sizes], sizes, strict=False)], sizes[-1]
