import csv
import hashlib
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch
from torch import Tensor

import reference
from hubbub.errors import RefusedError, UsageError
from hubbub.train import weights
from hubbub.train.networks.mobilenet import MobileNetV3

FILE = "mn04_as_mAP_432.pt"

#: AudioSet's names for ten kinds of clips, with three of each. The network knows most clips of these kinds, not all.
KINDS = {
    "dog": ({"Dog", "Bark"}, "1-100032-A-0", "2-114280-A-0", "3-136288-A-0"),
    "rooster": ({"Chicken, rooster", "Crowing, cock-a-doodle-doo"}, "1-26806-A-1", "2-100786-A-1", "3-107219-A-1"),
    "frog": ({"Frog", "Croak"}, "1-15689-A-4", "2-32515-A-4", "3-102908-A-4"),
    "cat": ({"Cat", "Meow"}, "1-34094-A-5", "2-110010-A-5", "3-146964-A-5"),
    "rain": ({"Rain", "Rain on surface"}, "1-17367-A-10", "3-132852-A-10", "4-160999-A-10"),
    "sea_waves": ({"Waves, surf", "Ocean"}, "1-28135-A-11", "2-102852-A-11", "3-144827-A-11"),
    "thunderstorm": ({"Thunder", "Thunderstorm"}, "1-101296-A-19", "2-104105-A-19", "3-103050-A-19"),
    "crying_baby": ({"Baby cry, infant cry", "Crying, sobbing"}, "2-107351-A-20", "3-151080-A-20", "4-167077-A-20"),
    "siren": ({"Siren", "Civil defense siren"}, "1-31482-A-42", "2-43802-A-42", "3-51376-A-42"),
    "church_bells": ({"Church bell"}, "1-13571-A-46", "2-56926-A-46", "3-111102-A-46"),
}


def checkpoint(pool: int = 16) -> tuple[dict[str, Tensor], MobileNetV3]:
    """A random trunk, and its tensors with a head's, by the names that the AudioSet network's authors gave."""
    torch.manual_seed(0)
    trunk = MobileNetV3(0.4, pool)
    theirs = {ours: name for name, ours in weights.audioset_names().items()}
    state = {}
    for key, value in trunk.state_dict().items():
        prefix, _, leaf = key.rpartition(".")
        state[f"{theirs[prefix]}.{leaf}"] = torch.rand_like(value) if value.is_floating_point() else value + 3
    shapes = {"classifier.2.weight": (9, 384), "classifier.5.weight": (4, 9)}
    shapes |= {"classifier.2.bias": (9,), "classifier.5.bias": (4,)}
    return state | {key: torch.rand(shape) for key, shape in shapes.items()}, trunk


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any) -> Path:
        torch.save(content, tmp_path / "x.pt")
        return tmp_path / "x.pt"

    return write


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_by_hand() -> None:
    """Bottleneck 1 has no expansion; 4 to 6 and 11 to 15 squeeze, so that their projection comes fourth."""
    names = weights.audioset_names()
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


def test_names_cover_the_trunk_and_nothing_twice() -> None:
    names = weights.audioset_names()
    ours = {key.rpartition(".")[0] for key in MobileNetV3(0.4).state_dict()}
    assert set(names.values()) == ours and len(names) == len(ours)


@pytest.mark.parametrize("pool_from", [16, 12])
def test_a_checkpoint_fills_the_trunk(save: Callable[[Any], Path], pool_from: int) -> None:
    state, _ = checkpoint()
    trunk = weights.load_trunk(save(state), pool_from)
    assert not trunk.training and trunk.pool_from == pool_from
    squeezed = "features.13.block.2.conc_se_layers.0.fc2.bias"
    torch.testing.assert_close(trunk.blocks[13].squeeze.restore.bias.data, state[squeezed])
    filled = sum(float(value.double().sum()) for value in trunk.state_dict().values())
    given = sum(float(value.double().sum()) for key, value in state.items() if key.startswith("features"))
    assert filled == pytest.approx(given)


def test_a_checkpoint_fills_the_head(save: Callable[[Any], Path]) -> None:
    state, _ = checkpoint()
    layers = weights.load_audioset_head(save(state))
    x = torch.randn(2, 384)
    hidden = x @ state["classifier.2.weight"].T + state["classifier.2.bias"]
    hidden = hidden * (hidden + 3).clamp(0, 6) / 6
    expected = hidden @ state["classifier.5.weight"].T + state["classifier.5.bias"]
    torch.testing.assert_close(layers(x), expected)


# --- what does not fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["features.0.0.weight", "features.9.block.2.1.running_var"])
def test_a_missing_tensor_is_named(save: Callable[[Any], Path], missing: str) -> None:
    state, _ = checkpoint()
    del state[missing]
    ours = {"features.0.0.weight": r"blocks\.0\.conv\.weight"}.get(missing, r"blocks\.9\.project\.norm\.running_var")
    with pytest.raises(RefusedError, match=rf"x\.pt lacks {ours}: it is not the checkpoint"):
        weights.load_trunk(save(state))


def test_a_tensor_of_another_shape_is_named(save: Callable[[Any], Path]) -> None:
    state, _ = checkpoint()
    state["features.16.0.weight"] = torch.zeros(384, 65, 1, 1)
    expected = r"blocks\.16\.conv\.weight has shape \(384, 65, 1, 1\), the network needs \(384, 64, 1, 1\)"
    with pytest.raises(RefusedError, match=expected):
        weights.load_trunk(save(state))


def test_a_network_of_another_width(save: Callable[[Any], Path]) -> None:
    with pytest.raises(
        RefusedError, match=r"blocks\.0\.conv\.weight has shape \(8, 1, 3, 3\), the network needs \(16, "
    ):
        weights.load_trunk(save(checkpoint()[0]), width=1.0)


def test_a_tensor_too_many_is_named(save: Callable[[Any], Path]) -> None:
    state, _ = checkpoint()
    state["features.0.0.bias"] = torch.zeros(8)  # which, left out, would make other numbers
    with pytest.raises(RefusedError, match=r"x\.pt also holds blocks\.0\.conv\.bias"):
        weights.load_trunk(save(state))


@pytest.mark.parametrize("key", ["classifier.2.weight", "classifier.5.weight", "classifier.5.bias"])
@pytest.mark.parametrize("instead", [None, torch.zeros(5), torch.zeros(())])
def test_a_head_that_does_not_fit(save: Callable[[Any], Path], key: str, instead: Tensor | None) -> None:
    state, _ = checkpoint()
    state.pop(key)
    if instead is not None:
        state[key] = instead
    with pytest.raises(RefusedError, match=r"x\.pt.*(lacks|has shape)"):
        weights.load_audioset_head(save(state))


# --- what is no checkpoint --------------------------------------------------------------------------------------------


class Exploit:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_nothing_but_tensors_is_unpickled(tmp_path: Path, save: Callable[[Any], Path]) -> None:
    path = save({"features.0.0.weight": Exploit(tmp_path / "harm")})
    with pytest.raises(RefusedError, match=r"x\.pt is not a checkpoint of plain tensors: .*"):
        weights.read_checkpoint(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "content", [{"a": 3}, {"a": [torch.zeros(1)]}, torch.zeros(3), [torch.zeros(3)], {1: torch.ones(1)}]
)
def test_other_values_are_refused(save: Callable[[Any], Path], content: Any) -> None:
    with pytest.raises(RefusedError, match=r"x\.pt is not a dictionary of tensors"):
        weights.read_checkpoint(save(content))


@pytest.mark.parametrize("content", [b"", b"Dear hubbub,\n" * 99, b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(RefusedError, match=r"x\.pt is not a (checkpoint of plain tensors: |dictionary)") as caught:
        weights.load_trunk(tmp_path / "x.pt")
    assert "\n" not in str(caught.value)


# --- where they come from ---------------------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The content of a file that stands for the published one; no environment, an empty cache, no network."""
    content = b"weights"
    known = weights.Weights(FILE, hashlib.sha256(content).hexdigest(), 0.4)
    monkeypatch.setitem(weights.PUBLISHED, "mn04_as", known)
    monkeypatch.delenv("HUBBUB_WEIGHTS", raising=False)
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))

    def offline(*_: object, **__: object) -> None:
        raise RefusedError("no network")

    monkeypatch.setattr(weights, "download", offline)
    return content


def test_a_path_that_is_given_is_taken(tmp_path: Path, published: bytes) -> None:
    (tmp_path / "mine.pt").write_bytes(b"my own")
    assert weights.locate(path=tmp_path / "mine.pt") == tmp_path / "mine.pt"


def test_a_path_that_is_not_there(tmp_path: Path, published: bytes) -> None:
    with pytest.raises(RefusedError, match=r"no weights at .*gone\.pt: check the path, or leave it out"):
        weights.locate(path=tmp_path / "gone.pt")
    with pytest.raises(RefusedError, match="no weights at"):
        weights.locate(path=tmp_path)


def test_a_name_that_is_not_published(published: bytes) -> None:
    with pytest.raises(UsageError, match="unknown weights 'mn99': known are mn04_as"):
        weights.locate("mn99")


def test_the_environment_comes_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bytes
) -> None:
    cached, local = tmp_path / "cache" / "weights" / FILE, tmp_path / "local" / FILE
    for path in (cached, local):
        path.parent.mkdir(parents=True)
        path.write_bytes(published)
    assert weights.locate() == cached
    monkeypatch.setenv("HUBBUB_WEIGHTS", str(local.parent))
    assert weights.locate() == local
    local.unlink()
    assert weights.locate() == cached


def test_a_file_that_is_not_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bytes
) -> None:
    monkeypatch.setenv("HUBBUB_WEIGHTS", str(tmp_path))
    (tmp_path / FILE).write_bytes(published + b"!")
    with pytest.raises(
        RefusedError, match=r"mn04_as_mAP_432\.pt is not the published file .*SHA-256.*fetch it from https"
    ):
        weights.locate()


def test_what_is_nowhere_is_downloaded_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bytes
) -> None:
    with pytest.raises(RefusedError, match="no network"):
        weights.locate()
    asked = []

    def download(url: str, target: Path, sha256: str) -> None:
        asked.append((url, sha256))
        target.parent.mkdir(parents=True)
        target.write_bytes(published)

    monkeypatch.setattr(weights, "download", download)
    found = weights.locate()
    assert found == tmp_path / "cache" / "weights" / FILE == weights.locate()
    url = f"https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/{FILE}"
    assert asked == [(url, hashlib.sha256(published).hexdigest())]


# --- the real ones ----------------------------------------------------------------------------------------------------


def test_the_published_file_is_the_one_that_lies_here(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_WEIGHTS", str(weights_folder))
    assert weights.locate() == weights_folder / FILE


def test_a_real_copy_with_one_byte_changed(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copy(weights_folder / FILE, tmp_path / FILE))
    copy.chmod(0o600)
    with copy.open("r+b") as handle:
        handle.seek(1_000_000)
        byte = handle.read(1)[0]
        handle.seek(1_000_000)
        handle.write(bytes([byte ^ 1]))
    monkeypatch.setenv("HUBBUB_WEIGHTS", str(tmp_path))
    with pytest.raises(RefusedError, match="is not the published file"):
        weights.locate()


def test_every_tensor_of_the_real_checkpoint_has_its_place(weights_folder: Path) -> None:
    state = weights.read_checkpoint(weights_folder / FILE)
    names = weights.audioset_names()
    prefixes = {key.rpartition(".")[0] for key in state}
    assert prefixes == set(names) | {"classifier.2", "classifier.5"}
    trunk, head = weights.load_trunk(weights_folder / FILE), weights.load_audioset_head(weights_folder / FILE)
    assert sum(p.numel() for module in (trunk, head) for p in module.parameters()) == 983_599
    placed = [value for module in (trunk, head) for value in module.state_dict().values()]
    assert len(placed) == len(state)
    assert sum(float(v.double().abs().sum()) for v in placed) == pytest.approx(
        sum(float(v.double().abs().sum()) for v in state.values())
    )


@pytest.mark.parametrize("kind", KINDS)
def test_real_clips_get_their_audioset_names(
    weights_folder: Path, esc50_clip: Callable[[str], Path], kind: str
) -> None:
    """By a log-mel that is not ours (tests/reference.py), so that this is about the network alone."""
    with (weights_folder / "audioset_labels.csv").open(newline="", encoding="utf-8") as handle:
        labels = [row["display_name"] for row in csv.DictReader(handle)]
    assert len(labels) == 527
    trunk, head = weights.load_trunk(weights_folder / FILE), weights.load_audioset_head(weights_folder / FILE)
    right, *stems = KINDS[kind]
    waveforms = []
    for stem in stems:
        samples, rate = soundfile.read(esc50_clip(stem))
        waveforms.append(scipy.signal.resample_poly(samples, 32_000, rate))
    arrays = np.stack([reference.logmel(waveform) for waveform in waveforms]).astype(np.float32)
    with torch.inference_mode():
        best = head(trunk(torch.from_numpy(arrays)[:, None])).topk(5).indices.tolist()
    for stem, five in zip(stems, best, strict=True):
        assert right & {labels[index] for index in five}, f"{stem}: {[labels[index] for index in five]}"


# --- written by us ----------------------------------------------------------------------------------------------------


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    state = {"a": torch.randn(3, 4), "b": torch.tensor(7)}
    weights.save(tmp_path / "new" / "x.pt", state)
    assert weights.read_checkpoint(tmp_path / "new" / "x.pt").keys() == state.keys()
    assert torch.equal(weights.read_checkpoint(tmp_path / "new" / "x.pt")["a"], state["a"])


@pytest.mark.parametrize("limit", [0, 500, 3000, 20_000])
def test_a_full_disk_is_an_error_of_the_system_and_leaves_the_old_file(tmp_path: Path, limit: int) -> None:
    weights.save(tmp_path / "x.pt", {"a": torch.zeros(1)})
    before, unlimited = (tmp_path / "x.pt").read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            weights.save(tmp_path / "x.pt", {"a": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
