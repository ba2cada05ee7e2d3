"""MobileNetV3-Large of any width over a log-mel spectrogram.

Howard et al., "Searching for MobileNetV3" (ICCV 2019), table 1, with what Schmid et al. changed for AudioSet
("Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation", ICASSP 2023): one input channel,
squeeze-and-excitation by a sigmoid with a quarter of the channels, batch norm with eps 1e-3 and momentum 0.01.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class BottleneckSize(NamedTuple):
    """One bottleneck of table 1, at width 1."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    hardswish: bool
    stride: int


STEM = 16
ROWS = (
    BottleneckSize(3, 16, 16, False, False, 1),
    BottleneckSize(3, 64, 24, False, False, 2),
    BottleneckSize(3, 72, 24, False, False, 1),
    BottleneckSize(5, 72, 40, True, False, 2),
    BottleneckSize(5, 120, 40, True, False, 1),
    BottleneckSize(5, 120, 40, True, False, 1),
    BottleneckSize(3, 240, 80, False, True, 2),
    BottleneckSize(3, 200, 80, False, True, 1),
    BottleneckSize(3, 184, 80, False, True, 1),
    BottleneckSize(3, 184, 80, False, True, 1),
    BottleneckSize(3, 480, 112, True, True, 1),
    BottleneckSize(3, 672, 112, True, True, 1),
    BottleneckSize(5, 672, 160, True, True, 2),
    BottleneckSize(5, 960, 160, True, True, 1),
    BottleneckSize(5, 960, 160, True, True, 1),
)


def divisible(channels: float, by: int = 8) -> int:
    """The multiple of `by` nearest to `channels`, never more than 10 % below it.

    >>> [divisible(channels * 0.4) for channels in (16, 24, 112, 160)]
    [8, 16, 48, 64]
    """
    rounded = max(by, int(channels + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * channels else rounded


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, activation; padded so that stride 1 keeps the size."""

    def __init__(
        self, channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: nn.Module | None = None
    ):
        super().__init__()
        self.add_module("conv", nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("norm", nn.BatchNorm2d(out, eps=1e-3, momentum=0.01))
        if act is not None:
            self.add_module("act", act)


class SqueezeExcite(nn.Module):
    """Scales each channel by a sigmoid of what all channels hold on average (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int):
        super().__init__()
        squeezed = divisible(channels // 4)
        self.reduce = nn.Linear(channels, squeezed)
        self.restore = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, channels, height, width) in and out."""
        scale = torch.sigmoid(self.restore(torch.relu(self.reduce(x.mean((2, 3))))))
        return x * scale[:, :, None, None]


class Bottleneck(nn.Module):
    """Inverted residual: expand, convolve each channel, squeeze and excite, project."""

    def __init__(self, row: BottleneckSize, channels: int, width: float):
        super().__init__()
        expanded, out = divisible(row.expanded * width), divisible(row.out * width)
        act: type[nn.Module] = nn.Hardswish if row.hardswish else nn.ReLU
        self.residual = row.stride == 1 and channels == out
        self.expand = ConvNorm(channels, expanded, act=act()) if expanded != channels else nn.Identity()
        self.depthwise = ConvNorm(expanded, expanded, row.kernel, row.stride, groups=expanded, act=act())
        self.squeeze = SqueezeExcite(expanded) if row.squeeze else nn.Identity()
        self.project = ConvNorm(expanded, out)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, channels, height, width) to (batch, out, height / stride, width / stride)."""
        result = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + result if self.residual else result


def block_channels(width: float) -> list[int]:
    """What the stem and each bottleneck give."""
    return [divisible(STEM * width), *(divisible(row.out * width) for row in ROWS)]


def blocks(width: float = 1.0) -> tuple[list[nn.Module], int]:
    """Stem, fifteen bottlenecks and the last 1×1 convolution, for log-mel of one channel; and the last's channels."""
    sizes = block_channels(width)
    last = 6 * sizes[-1]
    convolutions = [
        ConvNorm(1, sizes[0], 3, 2, act=nn.Hardswish()),
        *(Bottleneck(row, before, width) for row, before in zip(ROWS, sizes, strict=False)),
        ConvNorm(sizes[-1], last, act=nn.Hardswish()),
    ]
    return convolutions, last


class MobileNetV3(nn.Module):
    """The trunk: log-mel in, one embedding a clip out.

    The network is 17 blocks: the stem, fifteen bottlenecks, the last 1×1 convolution. The embedding joins the time and
    frequency means of the blocks from `pool_from` to the last and, for all of those but the last, the maximum over
    time of the frequency mean: what sounds all along, and what sounded once.

    Args:
        width: channels relative to MobileNetV3-Large; the AudioSet network here has 0.4.
        pool_from: first block that is pooled, 0..16. 16 gives the network's own embedding (384 values at width 0.4),
            12 gives 864.
    """

    BLOCKS = len(ROWS) + 2

    def __init__(self, width: float = 0.4, pool_from: int = BLOCKS - 1):
        super().__init__()
        if not 0 <= pool_from < self.BLOCKS:
            raise ValueError(f"pool_from must be in 0..{self.BLOCKS - 1}, got {pool_from}")
        self.pool_from = pool_from
        convolutions, last = blocks(width)
        self.blocks = nn.ModuleList(convolutions)
        pooled = [*block_channels(width), last][pool_from:]
        self.embedding_size = 2 * sum(pooled) - last

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """Embedding, shape (batch, embedding_size).

        Args:
            x: log-mel of shape (batch, 1, mels, frames), or what block `start` - 1 made of it. With `start` past the
                last block, `x` is the embedding already.
            start: first block to run; not after `pool_from`, unless all are skipped.
        """
        if start >= self.BLOCKS:
            return x
        if start > self.pool_from:
            raise ValueError(f"cannot start at block {start}: the embedding needs block {self.pool_from}")
        pooled = []
        for index in range(start, self.BLOCKS):
            x = self.blocks[index](x)
            if index >= self.pool_from:
                over_time = x.mean(2)
                pooled.append(over_time.mean(2))
                if index < self.BLOCKS - 1:
                    pooled.append(over_time.amax(2))
        return torch.cat(pooled, 1)

    def prefix(self, x: Tensor, stop: int, start: int = 0) -> Tensor:
        """What `forward(..., start=stop)` continues from: blocks `start` to `stop` - 1, or all of them and the pooling.

        `x` is as `forward` takes it.
        """
        if stop >= self.BLOCKS:
            return self(x, start)
        for block in self.blocks[start:stop]:
            x = block(x)
        return x


def published_names() -> dict[str, str]:
    """For each module prefix of the AudioSet checkpoint, the prefix here.

    Theirs numbers layers in order of use (`features.4.block.2.conc_se_layers.0.fc1`), so that the number of a layer
    depends on which layers a bottleneck has; ours says what a layer is (`blocks.4.squeeze.reduce`).

    >>> published_names()["features.4.block.2.conc_se_layers.0.fc1"]
    'blocks.4.squeeze.reduce'
    """
    layers = ("conv", "norm")
    names = {"features.0": "blocks.0", f"features.{len(ROWS) + 1}": f"blocks.{len(ROWS) + 1}"}
    names = {f"{theirs}.{i}": f"{ours}.{part}" for theirs, ours in names.items() for i, part in enumerate(layers)}
    for index, row in enumerate(ROWS, start=1):
        parts = ["expand"] if index > 1 else []  # the first bottleneck's expansion is its input
        parts += ["depthwise", *(["squeeze"] if row.squeeze else []), "project"]
        for position, part in enumerate(parts):
            theirs, ours = f"features.{index}.block.{position}", f"blocks.{index}.{part}"
            if part == "squeeze":
                names[f"{theirs}.conc_se_layers.0.fc1"] = f"{ours}.reduce"
                names[f"{theirs}.conc_se_layers.0.fc2"] = f"{ours}.restore"
            else:
                names |= {f"{theirs}.{i}": f"{ours}.{layer}" for i, layer in enumerate(layers)}
    return names
