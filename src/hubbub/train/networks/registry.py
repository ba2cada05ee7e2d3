"""The kinds of network that a recipe can name: how each is built, and where its published weights come from.

How many blocks each has is data of `hubbub.train.config`, which works without torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from hubbub.train import published
from hubbub.train.config import Network
from hubbub.train.networks import cnn, efficientnet, mobilenet, resnet
from hubbub.train.networks.chain import MeanMaxPool, MeanPool


@dataclass(frozen=True)
class Published:
    """Weights of a kind of network that others have trained.

    Attributes:
        read: gives the tensors that a recipe's `weights`, or else the file or folder, hold, by the names that their
            authors gave; and where they are from, for messages.
        names: for each module prefix of theirs, the prefix in the trunk; that of the first layer comes first.
    """

    read: Callable[[Network, Path | None], tuple[dict[str, Tensor], Path | str]]
    names: Callable[[Network], dict[str, str]]


@dataclass(frozen=True)
class NetworkKind:
    """What `Network.kind` stands for.

    Attributes:
        convolutions: the blocks before the pooling, with random weights, for log-mel of so many channels; and how many
            channels the last of them gives.
        mean_pool: the pooling that `pool: mean` adds to them.
        published: weights to start from; None if nobody published any.
    """

    convolutions: Callable[[Network, int], tuple[list[nn.Module], int]]
    mean_pool: type[nn.Module] = MeanPool
    published: Published | None = None


NETWORKS = {
    "mobilenet": NetworkKind(
        lambda network, inputs: mobilenet.blocks(network.width),
        published=Published(published.read_audioset, lambda network: mobilenet.published_names()),
    ),
    "resnet": NetworkKind(
        lambda network, inputs: resnet.blocks(resnet.model(network.depth, inputs)),
        published=Published(published.read_resnet, lambda network: resnet.published_names(network.depth)),
    ),
    "cnn": NetworkKind(lambda network, inputs: cnn.blocks(network.width, inputs), MeanMaxPool),
    "efficientnet-lite0": NetworkKind(
        lambda network, inputs: efficientnet.blocks(inputs),
        published=Published(published.read_efficientnet, lambda network: efficientnet.published_names()),
    ),
}
