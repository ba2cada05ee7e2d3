import pytest
import torch
from torch import Tensor, nn

from hubbub.train.config import Network
from hubbub.train.networks.build import trunk as build
from hubbub.train.networks.chain import AttentionPool, Chain, MeanMaxPool, MeanPool, positions

NETWORKS = [
    Network("cnn", width=0.1),
    Network("cnn", width=0.1, pool="attention"),
    Network("mobilenet", width=0.1, pool="transformer"),
    Network("resnet", depth=18),
    Network("efficientnet-lite0"),
]


def lively(network: nn.Module) -> nn.Module:
    """Random weights whose signals do not die out on the way."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(0.2)
    return network.eval()


def spectrogram(batch: int = 2, frames: int = 50) -> Tensor:
    return torch.randn(batch, 1, 32, frames, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("network", NETWORKS)
def test_prefix_and_rest_are_the_whole(network: Network) -> None:
    torch.manual_seed(0)
    trunk = lively(build(network))
    x = spectrogram()
    with torch.inference_mode():
        whole = trunk(x)
        assert whole.shape == (2, trunk.embedding_size) and whole.std(0).max() > 1e-4  # clips differ
        for stop in (0, 1, network.blocks // 2, network.blocks - 1, network.blocks):
            torch.testing.assert_close(trunk(trunk.prefix(x, stop), start=stop), whole)
        middle = trunk.prefix(x, 1)
        torch.testing.assert_close(trunk.prefix(middle, 3, 1), trunk.prefix(x, 3))


def test_blocks_run_in_order() -> None:
    class Append(nn.Module):
        def __init__(self, value: float):
            super().__init__()
            self.value = value

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, torch.tensor([self.value])])

    chain = Chain([Append(1), Append(2), Append(3)], 3)
    assert chain(torch.zeros(0)).tolist() == [1, 2, 3] and chain(torch.zeros(0), start=2).tolist() == [3]
    assert chain.prefix(torch.zeros(0), 2).tolist() == [1, 2] and chain.prefix(torch.zeros(0), 3, 1).tolist() == [2, 3]
    x = torch.ones(1)
    assert chain(x, start=3) is x


# --- pooling ----------------------------------------------------------------------------------------------------------


def test_mean_and_maximum_by_hand() -> None:
    x = torch.tensor([[[[1.0, 5.0], [3.0, 1.0]]]])  # columns have the means 2 and 3
    assert MeanPool()(x).tolist() == [[2.5]]
    assert MeanMaxPool()(x).tolist() == [[2.5 + 3]]


def features(frames: int = 9) -> Tensor:
    return torch.randn(3, 8, 4, frames, generator=torch.Generator().manual_seed(2))


def attention(layers: int = 0) -> AttentionPool:
    torch.manual_seed(0)
    return AttentionPool(8, layers).eval()


def test_attention_by_hand() -> None:
    pool, x = attention(), features()
    moments = x.mean(2).transpose(1, 2)
    normed = (moments - moments.mean(2, keepdim=True)) / (moments.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
    first, last = pool.score[0], pool.score[2]
    scores = torch.tanh(normed @ first.weight.T + first.bias) @ last.weight.T + last.bias
    weights = scores.exp() / scores.exp().sum(1, keepdim=True)  # over time, for each channel
    torch.testing.assert_close(weights.sum(1), torch.ones(3, 8))
    torch.testing.assert_close(pool(x), (weights * normed).sum(1), rtol=1e-4, atol=1e-5)


def test_weights_over_time_sum_to_one() -> None:
    """So that of moments which are all alike the embedding is one of them, however many there are."""
    pool, moment = attention(), features(1)
    torch.testing.assert_close(pool(moment.expand(-1, -1, -1, 7)), pool(moment))
    torch.testing.assert_close(pool(moment), pool.norm(moment.mean(2)[:, :, 0]))


def test_attention_alone_does_not_hear_the_order() -> None:
    x, order = features(), torch.randperm(9, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(attention()(x[..., order]), attention()(x), rtol=1e-4, atol=1e-5)


def test_a_transformer_hears_the_order() -> None:
    x, order = features(), torch.arange(9).flip(0)
    pool = attention(layers=1)
    assert (pool(x[..., order]) - pool(x)).abs().max() > 1e-2


def test_a_transformer_hears_the_order_by_its_positions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(length: int, channels: int, like: Tensor) -> Tensor:
        return torch.zeros(length, channels)

    x, order = features(), torch.arange(9).flip(0)
    pool = attention(layers=1)
    monkeypatch.setattr("hubbub.train.networks.chain.positions", nowhere)
    torch.testing.assert_close(pool(x[..., order]), pool(x), rtol=1e-4, atol=1e-5)


def test_positions_by_the_paper() -> None:
    """sin and cos of place / 10000^(2 i / channels)."""
    found = positions(30, 8, torch.zeros(0, dtype=torch.float64))
    angle = torch.arange(30)[:, None].double() / 10_000 ** (2 * torch.arange(4).double() / 8)
    torch.testing.assert_close(found, torch.cat([angle.sin(), angle.cos()], 1), rtol=1e-4, atol=1e-4)


def test_rows_are_averaged_and_clips_do_not_touch_each_other() -> None:
    for pool in (attention(), attention(1)):
        x = features()
        torch.testing.assert_close(pool(x.flip(2)), pool(x), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(pool(x[1:2]), pool(x)[1:2], rtol=1e-4, atol=1e-5)
