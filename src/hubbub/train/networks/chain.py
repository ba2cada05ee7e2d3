"""Trunks that are a chain of blocks, the last of which pools: one embedding a clip out."""

import torch
from torch import Tensor, nn


class Chain(nn.Module):
    """Blocks in a row, from log-mel (batch, channels, rows, columns) to embedding (batch, embedding_size)."""

    def __init__(self, blocks: list[nn.Module], embedding_size: int):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.embedding_size = embedding_size

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """Embedding of what the blocks before `start` made of the log-mel; with none left, of itself."""
        return self.prefix(x, len(self.blocks), start)

    def prefix(self, x: Tensor, stop: int, start: int = 0) -> Tensor:
        """What blocks `start` to `stop` - 1 make of `x`."""
        for block in self.blocks[start:stop]:
            x = block(x)
        return x


class MeanPool(nn.Module):
    """Mean over rows and columns: (batch, channels, rows, columns) to (batch, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        """See class."""
        return x.mean((2, 3))


class MeanMaxPool(nn.Module):
    """Mean over rows, then mean and maximum over columns added, as in PANNs (Kong et al., TASLP 2020)."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to (batch, channels)."""
        over_time = x.mean(2)
        return over_time.mean(2) + over_time.amax(2)


class AttentionPool(nn.Module):
    """Weighs the columns, which are moments in time, by what they hold, and takes their mean.

    Frame-wise features are the mean over rows. With `layers`, a transformer encoder (Vaswani et al., NeurIPS 2017;
    pre-norm, sinusoidal positions) lets moments see each other first. Each channel has its own attention over time
    (attentive pooling: Okabe et al., Interspeech 2018).
    """

    def __init__(self, channels: int, layers: int = 0, heads: int = 4, dropout: float = 0.1):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.encoder = nn.ModuleList(
            nn.TransformerEncoderLayer(
                channels, heads, 2 * channels, dropout, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.score = nn.Sequential(nn.Linear(channels, channels // 4), nn.Tanh(), nn.Linear(channels // 4, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to (batch, channels)."""
        moments = self.norm(x.mean(2).transpose(1, 2))
        if len(self.encoder):
            moments = moments + positions(moments.shape[1], moments.shape[2], moments)
        for layer in self.encoder:
            moments = layer(moments)
        return (moments * self.score(moments).softmax(1)).sum(1)


def positions(length: int, channels: int, like: Tensor) -> Tensor:
    """Sinusoidal position codes, shape (length, channels): sines in the first half, cosines in the second."""
    position = torch.arange(length, dtype=like.dtype, device=like.device)[:, None]
    half = channels // 2
    rates = torch.exp(torch.arange(half, dtype=like.dtype, device=like.device) * (-9.21034 / half))
    return torch.cat([torch.sin(position * rates), torch.cos(position * rates)], 1)
