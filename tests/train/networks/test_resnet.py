import pytest
import torch

from hubbub.train.config import Network
from hubbub.train.networks import resnet
from hubbub.train.networks.build import trunk as build


@pytest.mark.parametrize(
    ("depth", "parameters", "size"), [(18, 11_176_512, 512), (34, 21_284_672, 512), (50, 23_508_032, 2048)]
)
def test_the_parameters_are_as_many_as_published(depth: int, parameters: int, size: int) -> None:
    """torchvision's counts, 11 689 512 and so on, without their head of a thousand classes."""
    with torch.device("meta"):
        three, one = (build(Network("resnet", depth=depth), inputs) for inputs in (3, 1))  # type: ignore[arg-type]
    assert sum(p.numel() for p in three.parameters()) == parameters
    assert sum(p.numel() for p in one.parameters()) == parameters - 2 * 7 * 7 * 64
    assert three.embedding_size == size == one.embedding_size


def test_blocks_are_the_whole_network() -> None:
    torch.manual_seed(0)
    whole = resnet.model(18, 3).eval()
    blocks, channels = resnet.blocks(whole)
    x = torch.randn(2, 3, 64, 64)
    shapes = []
    with torch.inference_mode():
        expected = whole(x)
        for block in blocks:
            x = block(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 16, 16), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)] and channels == 512
    torch.testing.assert_close(x, expected.last_hidden_state)
    torch.testing.assert_close(x.mean((2, 3)), expected.pooler_output.flatten(1))


def test_names_of_bottlenecks_by_hand() -> None:
    names = resnet.published_names(50)
    assert names["encoder.stages.3.layers.2.layer.1.convolution"] == "blocks.4.layers.2.layer.1.convolution"
    assert names["encoder.stages.0.layers.0.shortcut.normalization"] == "blocks.1.layers.0.shortcut.normalization"
    assert next(iter(names)) == "embedder.embedder.convolution"
