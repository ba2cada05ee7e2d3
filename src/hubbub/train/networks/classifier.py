"""A trunk and a head: what is trained, exported and listened with."""

import torch
from torch import Tensor, nn

from hubbub.heads.logistic import LogisticHead
from hubbub.train.networks.build import Trunk


class Standardise(nn.Module):
    """Subtracts a mean and divides by a deviation that were measured once, on training clips."""

    mean: Tensor
    std: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def measure(self, x: Tensor) -> None:
        """Take mean and deviation from `x`, shape (clips, size); a constant column is left unscaled."""
        std = x.std(0, correction=0)
        self.mean.copy_(x.mean(0))
        self.std.copy_(torch.where(std > 1e-6, std, torch.ones_like(std)))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, size) in and out."""
        return (x - self.mean) / self.std


def head(size: int, classes: int, hidden: int = 0, dropout: float = 0.0) -> nn.Sequential:
    """The layers from embedding to logits: linear, or with one hidden layer of `hidden` units.

    Dropout stands on the embedding and on the hidden layer.
    """
    layers: list[nn.Module] = [Standardise(size), nn.Dropout(dropout)]
    if hidden:
        layers += [nn.Linear(size, hidden), nn.Hardswish(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(hidden or size, classes))


def linear_head(logistic: LogisticHead) -> nn.Sequential:
    """The layers, as `head` makes them, whose logits are the scores of a logistic regression."""
    classes, size = logistic.weights.shape
    layers = head(size, classes)
    standardise, linear = layers[0], layers[-1]
    assert isinstance(standardise, Standardise) and isinstance(linear, nn.Linear)
    with torch.no_grad():
        standardise.mean.copy_(torch.from_numpy(logistic.mean))
        standardise.std.copy_(torch.from_numpy(logistic.std))
        linear.weight.copy_(torch.from_numpy(logistic.weights))
        linear.bias.copy_(torch.from_numpy(logistic.bias))
    return layers


class ClassifierNetwork(nn.Module):
    """A trunk with an `embedding_size`, and a head on its embedding."""

    trunk: Trunk
    head: nn.Sequential

    def __init__(self, trunk: Trunk, head: nn.Sequential):
        super().__init__()
        self.trunk = trunk
        self.head = head

    @property
    def classes(self) -> int:
        """How many logits it gives."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        return last.out_features

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch, classes) and embedding (batch, size) of a log-mel (batch, channels, rows, columns)."""
        embedding = self.trunk(x)
        return self.head(embedding), embedding
