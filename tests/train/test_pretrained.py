from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from hubbub.errors import RefusedError, UsageError
from hubbub.train import pretrained
from hubbub.train.config import Network
from hubbub.train.networks.build import trunk as build
from hubbub.train.networks.mobilenet import published_names

SMALL = transformers.ResNetConfig(
    layer_type="basic", depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], num_labels=7
)
RESNET = Network("resnet", depth=18)


def lively(network: nn.Module) -> nn.Module:
    """Random weights with batch norm statistics that differ from channel to channel."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def published() -> Any:
    """A classifier for pictures, as somebody might have trained it."""
    torch.manual_seed(3)
    return lively(transformers.ResNetForImageClassification(SMALL))


@pytest.fixture(scope="module")
def folder(published: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It, as `transformers` writes it."""
    path = tmp_path_factory.mktemp("published")
    published.save_pretrained(path)
    assert {"config.json", "model.safetensors"} <= {entry.name for entry in path.iterdir()}
    return path


def picture(channels: int = 3) -> Tensor:
    return torch.randn(2, channels, 64, 64, generator=torch.Generator().manual_seed(1))


def features(published: Any, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return published.resnet(x).pooler_output.flatten(1)


def same(trunk: nn.Module, published: Any, x: Tensor, theirs: Tensor | None = None) -> None:
    expected = features(published, x if theirs is None else theirs)
    assert not trunk.training and expected.std(0).max() > 0.1
    with torch.inference_mode():
        torch.testing.assert_close(trunk(x), expected, rtol=1e-3, atol=1e-3)


# --- a ResNet ---------------------------------------------------------------------------------------------------------


def test_a_folder_that_transformers_wrote(published: Any, folder: Path) -> None:
    same(pretrained.load(RESNET, 3, 0, folder), published, picture())


def test_its_file_of_safetensors(published: Any, folder: Path) -> None:
    same(pretrained.load(RESNET, 3, 0, folder / "model.safetensors"), published, picture())


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_of_tensors(published: Any, tmp_path: Path, whole: bool) -> None:
    torch.save((published if whole else published.resnet).state_dict(), tmp_path / "x.pt")
    same(pretrained.load(RESNET, 3, 0, tmp_path / "x.pt"), published, picture())


def test_a_name_is_looked_up_where_transformers_does(published: Any, folder: Path) -> None:
    """A name may be a folder as well as one on the hub."""
    same(pretrained.load(Network("resnet", depth=18, weights=str(folder)), 3, 0), published, picture())


def test_one_channel_hears_what_three_equal_ones_do(published: Any, folder: Path) -> None:
    same(pretrained.load(RESNET, 1, 0, folder), published, picture(1), picture(1).expand(-1, 3, -1, -1))


def test_another_pooling_is_left_random(published: Any, folder: Path) -> None:
    attention = Network("resnet", depth=18, pool="attention")
    trunk, again = pretrained.load(attention, 3, 0, folder), pretrained.load(attention, 3, 0, folder)
    with torch.inference_mode():
        expected = published.resnet(picture()).last_hidden_state
        torch.testing.assert_close(trunk.prefix(picture(), 5), expected, rtol=1e-3, atol=1e-3)
        assert torch.equal(trunk(picture()), again(picture()))  # the same random
        assert not torch.equal(trunk(picture()), pretrained.load(attention, 3, 1, folder)(picture()))


@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3)])
def test_a_grey_picture_gives_the_same_in_one_channel_as_in_three(before: int, after: int) -> None:
    weight = torch.randn(8, before, 7, 7, generator=torch.Generator().manual_seed(0))
    fitted = pretrained.as_many_inputs(weight, after)
    grey = torch.randn(2, 1, 20, 20, generator=torch.Generator().manual_seed(1))
    expected = nn.functional.conv2d(grey.expand(-1, before, -1, -1), weight)
    actual = nn.functional.conv2d(grey.expand(-1, after, -1, -1), fitted)
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-4)


# --- random weights ---------------------------------------------------------------------------------------------------


def test_without_weights_the_seed_decides() -> None:
    network = Network("cnn", width=0.1)
    first, again, other = (pretrained.load(network, 1, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


# --- the AudioSet network ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", ["mean", "attention"])
def test_a_mobilenet_with_any_pooling(tmp_path: Path, pool: Any) -> None:
    network = Network(width=0.1, pool=pool)
    source = lively(build(Network(width=0.1), 1))
    theirs = {ours: name for name, ours in published_names().items()}
    state = {}
    for key, value in source.state_dict().items():
        prefix, _, leaf = key.rpartition(".")
        state[f"{theirs[prefix]}.{leaf}"] = value
    torch.save(state, tmp_path / "x.pt")
    trunk = pretrained.load(network, 1, 0, tmp_path / "x.pt")
    assert not trunk.training and len(trunk.blocks) == network.blocks
    loaded = trunk.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in source.state_dict().items())


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture
def state(published: Any) -> dict[str, Tensor]:
    return dict(published.state_dict())


def refused(path: Path, match: str, network: Network = RESNET, error: type[Exception] = RefusedError) -> None:
    with pytest.raises(error, match=match) as caught:
        pretrained.load(network, 3, 0, path)
    assert "\n" not in str(caught.value)


def test_a_layer_of_another_shape_is_named(tmp_path: Path, state: dict[str, Tensor]) -> None:
    key = "resnet.encoder.stages.1.layers.0.layer.0.convolution.weight"
    torch.save(state | {key: torch.zeros(128, 64, 5, 5)}, tmp_path / "x.pt")
    name = r"blocks\.2\.layers\.0\.layer\.0\.convolution\.weight"
    refused(tmp_path / "x.pt", rf"x\.pt: {name} has shape \(128, 64, 5, 5\), the network needs \(128, 64, 3, 3\)")


def test_a_layer_that_is_missing_is_named(tmp_path: Path, state: dict[str, Tensor]) -> None:
    del state["resnet.encoder.stages.3.layers.1.layer.1.normalization.bias"]
    torch.save(state, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", r"lacks blocks\.4\.layers\.1\.layer\.1\.normalization\.bias")


def test_another_depth(folder: Path) -> None:
    refused(folder, "lacks blocks|also holds|has shape", Network("resnet", depth=34))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for network in (RESNET, Network("efficientnet-lite0"), Network(width=0.1)):
        refused(tmp_path / "gone.pt", r"no weights at .*gone\.pt: check the path", network)


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_a_file_that_holds_no_tensors(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"Dear hubbub,")
    refused(tmp_path / name, "is not a checkpoint of plain tensors|is not a safetensors file")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    refused(tmp_path, "are neither here nor to be had from the Hugging Face hub")


def test_a_folder_that_is_damaged(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    refused(tmp_path, f"the weights {tmp_path} are damaged: ")


def test_a_folder_that_lacks_a_layer(published: Any, tmp_path: Path) -> None:
    """It would be left random."""
    state = published.resnet.state_dict()
    del state["encoder.stages.2.layers.1.layer.0.convolution.weight"]
    published.resnet.save_pretrained(tmp_path, state_dict=state)
    refused(tmp_path, r"lacks encoder\.stages\.2\.layers\.1\.layer\.0\.convolution\.weight")


def test_a_network_that_nobody_published(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "there are no pretrained weights for a cnn: leave out", Network("cnn"))
    with pytest.raises(RefusedError, match="no pretrained weights for a cnn"):
        pretrained.load(Network("cnn", weights="some"), 1, 0)


def test_weights_by_a_name_that_is_unknown() -> None:
    with pytest.raises(UsageError, match="unknown weights 'mn99': known are mn04_as"):
        pretrained.load(Network(weights="mn99"), 1, 0)


def test_what_is_not_here_cannot_be_had_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    name = "hubbub/no-such-resnet"
    with pytest.raises(RefusedError) as caught:
        pretrained.load(Network("resnet", depth=50, weights=name), 3, 0)
    said = str(caught.value)
    assert said.startswith(f"the weights {name} are neither here nor to be had from the Hugging Face hub (")
    assert said.endswith("): go online, or give a file or folder with --weights") and "\n" not in said
