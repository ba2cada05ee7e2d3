"""Checkpoint files: where the AudioSet network's is, how tensors are read, fitted into a module, and written.

The AudioSet network is from https://github.com/fschmid56/EfficientAT, release v0.0.1, MIT licence (Florian Schmid,
2022). Its file is never part of hubbub: it is at a given path, under `$HUBBUB_WEIGHTS`, in the cache, or downloaded.
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hubbub.data.download import download
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.storage import cache_dir, file_sha256, write_bytes

_RELEASE = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/"


@dataclass(frozen=True)
class Weights:
    """One published checkpoint: its file, SHA-256 and the network's width."""

    file: str
    sha256: str
    width: float


PUBLISHED = {
    "mn04_as": Weights("mn04_as_mAP_432.pt", "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c", 0.4)
}


def locate(name: str = "mn04_as", path: Path | None = None) -> Path:
    """The weights file: `path` if given, else under `$HUBBUB_WEIGHTS`, in the cache, or downloaded into it.

    Raises:
        UsageError: the name is not in `PUBLISHED`.
        RefusedError: `path` is not there, a file is not the published one, or there is no network to fetch it.
    """
    if path is not None:
        if not path.is_file():
            raise RefusedError(f"no weights at {path}: check the path, or leave it out to download them")
        return path
    if name not in PUBLISHED:
        raise UsageError(f"unknown weights {name!r}: known are {', '.join(PUBLISHED)}")
    weights = PUBLISHED[name]
    folder = os.environ.get("HUBBUB_WEIGHTS")
    if folder and (local := Path(folder) / weights.file).is_file():
        if file_sha256(local) != weights.sha256:
            raise RefusedError(f"{local} is not the published file (its SHA-256 differs): fetch it from {_RELEASE}")
        return local
    cached = cache_dir("weights") / weights.file
    if not cached.is_file():
        download(_RELEASE + weights.file, cached, sha256=weights.sha256)
    return cached


def load(path: Path) -> dict[str, Any]:
    """What a training wrote into its run folder: tensors and plain values. Nothing else is unpickled.

    Raises DataError if the file is missing, damaged or holds anything else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise TypeError("no mapping of names to values")
    except Exception as error:  # torch raises half a dozen kinds
        raise DataError(
            f"{path} is damaged, or no checkpoint of plain values ({_reason(error)}): --fresh starts the run over"
        ) from error
    return content


def _reason(error: Exception) -> str:
    """The first sentence of what torch says, which goes on about how to unpickle it all the same."""
    lines = str(error).splitlines() or [type(error).__name__]
    return next((line.strip() for line in lines if "WeightsUnpickler" in line), lines[0]).partition(". ")[0]


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by the names its authors gave. Nothing but tensors is unpickled.

    Raises RefusedError if the file holds anything else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a file that is not a checkpoint
        raise RefusedError(f"{path} is not a checkpoint of plain tensors: {_reason(error)}") from error
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise RefusedError(f"{path} is not a dictionary of tensors")
    return state


def save(path: Path, content: Any) -> None:
    """Write tensors, and what plain values stand beside them, whole or not at all.

    A disk that is full is an OSError, as elsewhere; torch, writing by itself, calls it a RuntimeError.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


_HEAD = {"classifier.2": "0", "classifier.5": "2"}


def load_audioset_head(path: Path) -> nn.Sequential:
    """The AudioSet network's own head: 384-d embedding to 527 logits, one sigmoid each.

    Raises RefusedError naming the layer that is missing or of another shape.
    """
    state = read_checkpoint(path)
    first, last = (state.get(f"{name}.weight") for name in _HEAD)
    if first is None or last is None or first.ndim != 2 or last.ndim != 2:
        raise RefusedError(f"{path} lacks the head's matrices: it is not the checkpoint of such a network")
    (hidden, size), classes = first.shape, len(last)
    layers = nn.Sequential(nn.Linear(size, hidden), nn.Hardswish(), nn.Linear(hidden, classes))
    fill(layers, state, _HEAD, path)
    return layers.eval()


def fill(module: nn.Module, state: dict[str, Tensor], names: dict[str, str], path: Path | str) -> None:
    """Give `module` the tensors of `state`, renamed by module prefixes; what `names` does not hold is left out.

    Raises RefusedError naming the layer that is missing, unknown or of another shape; `path` is for the message.
    """
    renamed = {}
    for key, value in state.items():
        prefix, _, leaf = key.rpartition(".")
        if prefix in names:
            renamed[f"{names[prefix]}.{leaf}"] = value
    expected = module.state_dict()
    if unknown := sorted(set(renamed) - set(expected)):
        raise RefusedError(f"{path} also holds {unknown[0]}: it is not the checkpoint of such a network")
    for name, value in expected.items():
        if name not in renamed:
            raise RefusedError(f"{path} lacks {name}: it is not the checkpoint of such a network")
        if renamed[name].shape != value.shape:
            raise RefusedError(
                f"{path}: {name} has shape {tuple(renamed[name].shape)}, the network needs {tuple(value.shape)}"
            )
    module.load_state_dict(renamed)
