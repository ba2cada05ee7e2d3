import pytest
import torch
from torch import Tensor, nn

from hubbub.train.networks.mobilenet import ROWS, ConvNorm, MobileNetV3, SqueezeExcite, divisible, published_names

# Channels at width 0.4 by hand: round(channels * 0.4) to the nearest multiple of 8, up where that loses over 10 %.
STEM = 8
OUT = [8, 16, 16, 16, 16, 16, 32, 32, 32, 32, 48, 48, 64, 64, 64]
EXPANDED = [8, 24, 32, 32, 48, 48, 96, 80, 72, 72, 192, 272, 272, 384, 384]
LAST = 384


@pytest.fixture(scope="module")
def trunk() -> MobileNetV3:
    """Random weights, and batch norm statistics that differ from channel to channel."""
    torch.manual_seed(0)
    network = MobileNetV3(0.4, pool_from=12)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.05, 0.3)
    return network.eval()


def spectrogram(batch: int = 2, frames: int = 100) -> Tensor:
    return torch.randn(batch, 1, 128, frames, generator=torch.Generator().manual_seed(1))


def parameters_by_hand() -> int:
    """Weights of convolutions without bias, two numbers a channel of batch norm, two linear layers a squeeze."""
    count = 9 * STEM + 2 * STEM
    for row, channels, expanded, out in zip(ROWS, [STEM, *OUT], EXPANDED, OUT, strict=False):
        if expanded != channels:
            count += channels * expanded + 2 * expanded
        count += row.kernel**2 * expanded + 2 * expanded + expanded * out + 2 * out
        if row.squeeze:
            squeezed = divisible(expanded // 4)
            count += 2 * expanded * squeezed + squeezed + expanded
    return count + OUT[-1] * LAST + 2 * LAST


def test_the_parameters_are_as_many_as_the_audioset_networks() -> None:
    trunk = MobileNetV3(0.4)
    head = nn.Sequential(nn.Linear(384, 512), nn.Hardswish(), nn.Linear(512, 527))
    counted = sum(p.numel() for module in (trunk, head) for p in module.parameters())
    assert counted == 983_599  # as published
    assert sum(p.numel() for p in trunk.parameters()) == parameters_by_hand()


def test_channels_of_each_block(trunk: MobileNetV3) -> None:
    x = spectrogram()
    shapes = []
    for block in trunk.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert [shape[0] for shape in shapes] == [STEM, *OUT, LAST]
    assert [shape[1] for shape in shapes] == [64, 64, *[32] * 2, *[16] * 3, *[8] * 6, *[4] * 4]
    assert [shape[2] for shape in shapes] == [50, 50, *[25] * 2, *[13] * 3, *[7] * 6, *[4] * 4]


def test_divisible_loses_no_more_than_a_tenth() -> None:
    for channels in range(1, 2000):
        found = divisible(channels)
        assert found % 8 == 0 and found >= 0.9 * channels and (found - channels <= 8 or channels < 8)


@pytest.mark.parametrize(("pool_from", "size"), [(16, 384), (15, 512), (12, 864), (0, None)])
def test_embedding_sizes(pool_from: int, size: int | None) -> None:
    network = MobileNetV3(0.4, pool_from).eval()
    expected = size or 2 * (STEM + sum(OUT)) + LAST
    assert network.embedding_size == expected
    assert network(spectrogram(3, 40)).shape == (3, expected)


def test_the_embedding_joins_means_and_maxima(trunk: MobileNetV3) -> None:
    x = spectrogram()
    expected = []
    for index, block in enumerate(trunk.blocks):
        x = block(x)
        if index >= 12:
            expected.append(x.flatten(2).mean(2))
        if 12 <= index < 16:
            expected.append(torch.stack([column.mean(-1) for column in x.unbind(3)], -1).max(-1).values)
    torch.testing.assert_close(trunk(x=spectrogram()), torch.cat(expected, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stop", [0, 7, 12, 17])
def test_prefix_and_rest_are_the_whole(trunk: MobileNetV3, stop: int) -> None:
    x = spectrogram()
    torch.testing.assert_close(trunk(trunk.prefix(x, stop), start=stop), trunk(x))


@pytest.mark.parametrize(("start", "stop"), [(2, 7), (11, 17)])
def test_a_prefix_can_be_gone_on_with(trunk: MobileNetV3, start: int, stop: int) -> None:
    x = spectrogram()
    torch.testing.assert_close(trunk.prefix(trunk.prefix(x, start), stop, start), trunk.prefix(x, stop))


def test_what_is_pooled_cannot_be_skipped(trunk: MobileNetV3) -> None:
    with pytest.raises(ValueError, match="cannot start at block 13: the embedding needs block 12"):
        trunk(spectrogram(), start=13)


@pytest.mark.parametrize("pool_from", [-1, 17])
def test_blocks_that_are_not_there(pool_from: int) -> None:
    with pytest.raises(ValueError, match=rf"pool_from must be in 0\.\.16, got {pool_from}"):
        MobileNetV3(0.4, pool_from)


def test_clips_of_a_batch_do_not_touch_each_other(trunk: MobileNetV3) -> None:
    x = spectrogram(3)
    torch.testing.assert_close(trunk(x)[1:2], trunk(x[1:2]), rtol=1e-3, atol=1e-3)


def test_memory_format_does_not_matter(trunk: MobileNetV3) -> None:
    x = spectrogram()
    torch.testing.assert_close(trunk(x.to(memory_format=torch.channels_last)), trunk(x), rtol=1e-3, atol=1e-3)


def test_residuals_are_where_nothing_changes_size() -> None:
    blocks = MobileNetV3(0.4).blocks
    assert [index for index in range(1, 16) if blocks[index].residual] == [1, 3, 5, 6, 8, 9, 10, 12, 14, 15]


def test_a_residual_adds_its_input() -> None:
    block = MobileNetV3(0.4).eval().blocks[1]
    nn.init.zeros_(block.project.conv.weight)
    x = torch.rand(1, 8, 5, 5)
    torch.testing.assert_close(block(x), x)  # the projection of nothing, normalised, is nothing


def test_batch_norm_is_the_papers() -> None:
    for module in MobileNetV3(0.4).modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.eps, module.momentum) == (1e-3, 0.01)


def test_conv_norm_by_hand() -> None:
    layer = ConvNorm(2, 4, 3, 2, act=nn.ReLU()).eval()
    layer.norm.running_mean.uniform_(-1, 1)
    layer.norm.weight.data.uniform_(0.5, 2)
    x = torch.randn(1, 2, 7, 7)
    convolved = nn.functional.conv2d(x, layer.conv.weight, stride=2, padding=1)
    mean, gain = layer.norm.running_mean[:, None, None], layer.norm.weight[:, None, None]
    expected = ((convolved - mean) / (1 + 1e-3) ** 0.5 * gain).clamp(min=0)
    assert expected.shape == (1, 4, 4, 4)
    torch.testing.assert_close(layer(x), expected)


def test_squeeze_and_excite_by_hand() -> None:
    layer = SqueezeExcite(32)
    x = torch.randn(2, 32, 3, 5)
    hidden = (x.mean(3).mean(2) @ layer.reduce.weight.T + layer.reduce.bias).clamp(min=0)
    scale = 1 / (1 + (-(hidden @ layer.restore.weight.T + layer.restore.bias)).exp())
    assert hidden.shape == (2, 8)
    torch.testing.assert_close(layer(x), torch.einsum("bchw,bc->bchw", x, scale))


def test_names_by_hand() -> None:
    """Bottleneck 1 has no expansion; 4 to 6 and 11 to 15 squeeze, so that their projection comes fourth."""
    names = published_names()
    assert {key: names[key] for key in names if key.startswith(("features.0.", "features.1.", "features.16."))} == {
        "features.0.0": "blocks.0.conv",
        "features.0.1": "blocks.0.norm",
        "features.1.block.0.0": "blocks.1.depthwise.conv",
        "features.1.block.0.1": "blocks.1.depthwise.norm",
        "features.1.block.1.0": "blocks.1.project.conv",
        "features.1.block.1.1": "blocks.1.project.norm",
        "features.16.0": "blocks.16.conv",
        "features.16.1": "blocks.16.norm",
    }
    assert {key: names[key] for key in names if key.startswith("features.5.")} == {
        "features.5.block.0.0": "blocks.5.expand.conv",
        "features.5.block.0.1": "blocks.5.expand.norm",
        "features.5.block.1.0": "blocks.5.depthwise.conv",
        "features.5.block.1.1": "blocks.5.depthwise.norm",
        "features.5.block.2.conc_se_layers.0.fc1": "blocks.5.squeeze.reduce",
        "features.5.block.2.conc_se_layers.0.fc2": "blocks.5.squeeze.restore",
        "features.5.block.3.0": "blocks.5.project.conv",
        "features.5.block.3.1": "blocks.5.project.norm",
    }
