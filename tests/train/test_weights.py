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
from torch import Tensor, nn

import reference
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.train import pretrained, weights
from hubbub.train.config import Network
from hubbub.train.networks.mobilenet import published_names

FILE = "mn04_as_mAP_432.pt"

#: AudioSet's names for four kinds of clips, with three of each. The network knows most clips of these kinds, not all.
KINDS = {
    "dog": ({"Dog", "Bark"}, "1-100032-A-0", "2-114280-A-0", "3-136288-A-0"),
    "rain": ({"Rain", "Rain on surface"}, "1-17367-A-10", "3-132852-A-10", "4-160999-A-10"),
    "crying_baby": ({"Baby cry, infant cry", "Crying, sobbing"}, "2-107351-A-20", "3-151080-A-20", "4-167077-A-20"),
    "church_bells": ({"Church bell"}, "1-13571-A-46", "2-56926-A-46", "3-111102-A-46"),
}
AUDIOSET = Network(weights="mn04_as")


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any) -> Path:
        torch.save(content, tmp_path / "x.pt")
        return tmp_path / "x.pt"

    return write


# --- tensors and modules ----------------------------------------------------------------------------------------------


def test_a_module_is_filled_by_renamed_prefixes() -> None:
    state = {"first.weight": torch.ones(2, 3), "first.bias": torch.ones(2), "another": torch.ones(5)}
    module = nn.Sequential(nn.Linear(3, 2))
    weights.fill(module, state, {"first": "0"}, "x.pt")
    assert torch.equal(module[0].weight, state["first.weight"]) and torch.equal(module[0].bias, state["first.bias"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first.bias": None}, r"x\.pt lacks 0\.bias: it is not the checkpoint"),
        ({"first.bias": torch.zeros(5)}, r"x\.pt: 0\.bias has shape \(5,\), the network needs \(2,\)"),
        ({"first.scale": torch.zeros(2)}, r"x\.pt also holds 0\.scale"),  # which, left out, would make other numbers
    ],
)
def test_a_tensor_that_does_not_fit_is_named(change: dict[str, Tensor | None], message: str) -> None:
    state = {"first.weight": torch.ones(2, 3), "first.bias": torch.ones(2)} | change
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(RefusedError, match=message):
        weights.fill(nn.Sequential(nn.Linear(3, 2)), state, {"first": "0"}, "x.pt")


HEAD = {
    "classifier.2.weight": torch.randn(9, 384),
    "classifier.2.bias": torch.randn(9),
    "classifier.5.weight": torch.randn(4, 9),
    "classifier.5.bias": torch.randn(4),
}


def test_a_checkpoint_fills_the_head(save: Callable[[Any], Path]) -> None:
    layers = weights.load_audioset_head(save(HEAD))
    x = torch.randn(2, 384)
    hidden = x @ HEAD["classifier.2.weight"].T + HEAD["classifier.2.bias"]
    hidden = hidden * (hidden + 3).clamp(0, 6) / 6  # hard swish
    expected = hidden @ HEAD["classifier.5.weight"].T + HEAD["classifier.5.bias"]
    torch.testing.assert_close(layers(x), expected)


@pytest.mark.parametrize("change", [{"classifier.2.weight": torch.zeros(5)}, {"classifier.5.bias": torch.zeros(5)}])
def test_a_head_that_does_not_fit(save: Callable[[Any], Path], change: dict[str, Tensor]) -> None:
    with pytest.raises(RefusedError, match=r"x\.pt.*(lacks|has shape)"):
        weights.load_audioset_head(save(HEAD | change))


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


@pytest.mark.parametrize("content", [{"a": 3}, [torch.zeros(3)], {1: torch.ones(1)}])
def test_other_values_are_refused(save: Callable[[Any], Path], content: Any) -> None:
    with pytest.raises(RefusedError, match=r"x\.pt is not a dictionary of tensors"):
        weights.read_checkpoint(save(content))


@pytest.mark.parametrize("content", [b"", b"Dear hubbub,\n" * 99, b"PK\x03\x04"])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(RefusedError, match=r"x\.pt is not a (checkpoint of plain tensors: |dictionary)") as caught:
        weights.read_checkpoint(tmp_path / "x.pt")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"Dear hubbub,\n" * 99, b"PK\x03\x04", b"\x80\x02N."])
def test_a_damaged_checkpoint_of_a_run_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(DataError, match=r"last\.ckpt is damaged, or no checkpoint .*: --fresh starts") as caught:
        weights.load(tmp_path / "last.ckpt")
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_a_run_holds_plain_values(tmp_path: Path, save: Callable[[Any], Path]) -> None:
    assert weights.load(save({"badness": 0.5, "state": {"w": torch.ones(2)}}))["badness"] == 0.5
    with pytest.raises(DataError, match="is damaged, or no checkpoint of plain values"):
        weights.load(save({"state": Exploit(tmp_path / "harm")}))
    assert not (tmp_path / "harm").exists()


# --- where they come from ---------------------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The content of a file that stands for the published one; no environment, an empty cache, no network."""
    content = b"weights"
    published = weights.Weights(FILE, hashlib.sha256(content).hexdigest(), 0.4)
    monkeypatch.setitem(weights.PUBLISHED, "mn04_as", published)
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
    requests = []

    def download(url: str, target: Path, sha256: str) -> None:
        requests.append((url, sha256))
        target.parent.mkdir(parents=True)
        target.write_bytes(published)

    monkeypatch.setattr(weights, "download", download)
    assert weights.locate() == tmp_path / "cache" / "weights" / FILE == weights.locate()
    url = f"https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/{FILE}"
    assert requests == [(url, hashlib.sha256(published).hexdigest())]


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
    assert {key.rpartition(".")[0] for key in state} == {*published_names(), "classifier.2", "classifier.5"}
    modules = [
        pretrained.load(AUDIOSET, 1, 0, weights_folder / FILE),
        weights.load_audioset_head(weights_folder / FILE),
    ]
    assert sum(p.numel() for module in modules for p in module.parameters()) == 983_599
    loaded = [value for module in modules for value in module.state_dict().values()]
    assert len(loaded) == len(state)
    assert sum(float(v.double().abs().sum()) for v in loaded) == pytest.approx(
        sum(float(v.double().abs().sum()) for v in state.values())
    )


def test_real_clips_get_their_audioset_names(weights_folder: Path, esc50_clip: Callable[[str], Path]) -> None:
    """By a log-mel that is not ours (tests/reference.py), so that this is about the network alone."""
    with (weights_folder / "audioset_labels.csv").open(newline="", encoding="utf-8") as handle:
        labels = [row["display_name"] for row in csv.DictReader(handle)]
    assert len(labels) == 527
    trunk = pretrained.load(AUDIOSET, 1, 0, weights_folder / FILE)
    head = weights.load_audioset_head(weights_folder / FILE)
    for names, *stems in KINDS.values():
        waveforms = []
        for stem in stems:
            samples, rate = soundfile.read(esc50_clip(stem))
            waveforms.append(scipy.signal.resample_poly(samples, 32_000, rate))
        logmels = np.stack([reference.logmel(waveform) for waveform in waveforms]).astype(np.float32)
        with torch.inference_mode():
            best = head(trunk(torch.from_numpy(logmels)[:, None])).topk(5).indices.tolist()
        for stem, indices in zip(stems, best, strict=True):
            top_5 = {labels[index] for index in indices}
            assert names & top_5, f"{stem}: {top_5}"


# --- written by us ----------------------------------------------------------------------------------------------------


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    state = {"a": torch.randn(3, 4), "b": torch.tensor(7)}
    weights.save(tmp_path / "new" / "x.pt", state)
    assert weights.read_checkpoint(tmp_path / "new" / "x.pt").keys() == state.keys()
    assert torch.equal(weights.read_checkpoint(tmp_path / "new" / "x.pt")["a"], state["a"])


def test_a_full_disk_is_an_error_of_the_system_and_leaves_the_old_file(tmp_path: Path) -> None:
    weights.save(tmp_path / "x.pt", {"a": torch.zeros(1)})
    before, unlimited = (tmp_path / "x.pt").read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, unlimited[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            weights.save(tmp_path / "x.pt", {"a": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
