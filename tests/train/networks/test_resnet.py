import pytest
import torch
from torch import nn

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


@pytest.mark.parametrize(("given", "wanted"), [(3, 1), (1, 3), (3, 3), (1, 1)])
def test_a_grey_picture_gives_the_same_in_one_channel_as_in_three(given: int, wanted: int) -> None:
    weight = torch.randn(8, given, 7, 7, generator=torch.Generator().manual_seed(0))
    fitted = resnet.as_many_inputs(weight, wanted)
    grey = torch.randn(2, 1, 20, 20, generator=torch.Generator().manual_seed(1))
    assert fitted.shape == (8, wanted, 7, 7)
    expected = nn.functional.conv2d(grey.expand(-1, given, -1, -1), weight)
    found = nn.functional.conv2d(grey.expand(-1, wanted, -1, -1), fitted)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
