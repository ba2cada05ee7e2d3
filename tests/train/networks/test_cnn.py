import pytest
import torch

from hubbub.train.networks import cnn


@pytest.mark.parametrize(
    ("width", "channels", "inputs"), [(1.0, (32, 64, 128, 256), 1), (0.3, (8, 20, 40, 76), 3), (0.01, (4, 4, 4, 4), 1)]
)
def test_parameters_and_shapes_by_hand(width: float, channels: tuple[int, ...], inputs: int) -> None:
    blocks, last = cnn.blocks(width, inputs)
    assert last == channels[-1] and len(blocks) == 4
    x, before, expected = torch.randn(2, inputs, 32, 50), inputs, 0
    for block, out in zip(blocks, channels, strict=True):
        expected += 9 * before * out + 9 * out * out + 2 * 2 * out  # two convolutions, two batch norms
        x, before = block(x), out
        assert x.shape[1] == out and x.min() >= 0
    assert x.shape[2:] == (2, 3)
    assert sum(p.numel() for block in blocks for p in block.parameters()) == expected


def test_a_block_by_hand() -> None:
    torch.manual_seed(0)
    block = cnn.blocks(0.1)[0][0].eval()
    x = torch.randn(1, 1, 6, 8)
    expected = x
    for convolution in (block[0], block[3]):
        expected = torch.nn.functional.conv2d(expected, convolution.weight, padding=1)
        expected = expected.div(1 + 1e-5).clamp(min=0)  # batch norm that has measured nothing
    expected = expected.unflatten(2, (3, 2)).unflatten(4, (4, 2)).mean((3, 5))
    torch.testing.assert_close(block(x), expected, rtol=1e-3, atol=1e-5)
