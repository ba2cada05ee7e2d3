import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import augmented_copies, esc50, folder, sources
from hubbub.data.dataset import Dataset
from hubbub.data.synth import synthetic
from hubbub.errors import DataError, UsageError


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of one dog and one cat."""
    for name in ("dog/a.wav", "cat/b.wav"):
        audio.write_wav(tmp_path / "mine" / name, np.sin(np.arange(800) * 0.1), 8000)
    return tmp_path / "mine"


@pytest.fixture
def made(mine: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The same, which passes for the dataset `synthetic`."""
    dataset = replace(folder.load(mine), name="synthetic")
    monkeypatch.setattr(synthetic, "dataset", lambda: dataset)
    return dataset


@pytest.fixture
def copies(made: Dataset, tmp_path: Path) -> Path:
    """A folder of three copies of it."""
    augmented_copies.expand(made, tmp_path / "copies", augmented_copies.About("synthetic", 5))
    return tmp_path / "copies"


def test_named_datasets(tiny_esc50: Path, made: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    assert sources.open_dataset("esc50") == esc50.load(tiny_esc50)
    assert sources.open_dataset("esc10") == esc50.load_esc10(tiny_esc50)
    assert sources.open_dataset("synthetic") == made
    assert [sources.open_dataset(name).reference for name in sources.SOURCES] == list(sources.SOURCES)


def test_named_datasets_are_verified(tiny_esc50: Path, made: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    next((tiny_esc50 / "audio").iterdir()).unlink()
    made.clips[0].path.unlink()
    assert [len(sources.verify(name)) for name in sources.SOURCES] == [1, 1, 1]


def test_a_folder_of_ones_own(mine: Path) -> None:
    dataset = sources.open_dataset(str(mine))
    assert (dataset.labels, dataset.copies, dataset.reference) == (("cat", "dog"), 0, str(mine))
    (mine / "dog" / "broken.wav").write_bytes(b"no sound")
    assert len(sources.verify(str(mine))) == 1
    assert sources.find(str(mine)).remedy == "record or convert them again"


def test_a_copy_of_the_release(tiny_esc50: Path) -> None:
    dataset = sources.open_dataset(str(tiny_esc50))
    assert (dataset.name, dataset.reference) == ("esc50", str(tiny_esc50))
    next((tiny_esc50 / "audio").iterdir()).unlink()
    assert len(sources.verify(str(tiny_esc50))) == 1
    assert "copy it again" in sources.find(str(tiny_esc50)).remedy


@pytest.mark.parametrize("asked", ["audio", "meta", ".."])
def test_the_release_is_recognised_from_inside_and_from_above(
    tiny_esc50: Path, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_esc50.parent if asked == ".." else tiny_esc50 / asked
    assert sources.open_dataset(str(folder)) == esc50.load(tiny_esc50)
    assert sources.verify(str(folder)) == []
    monkeypatch.chdir(folder)
    assert len(sources.open_dataset(".").clips) == 2000


def test_a_release_beside_other_folders_must_be_named(tiny_esc50: Path) -> None:
    (tiny_esc50.parent / "mine").mkdir()
    with pytest.raises(UsageError, match=rf"holds ESC-50 beside other folders: give the one .* {tiny_esc50}"):
        sources.open_dataset(str(tiny_esc50.parent))
    (tiny_esc50.parent / "metadata.csv").write_text("file_name,label\na.wav,dog\n")
    assert len(sources.open_dataset(str(tiny_esc50.parent)).clips) == 1


def test_augmented_copies(copies: Path) -> None:
    dataset = sources.open_dataset(str(copies))
    assert (dataset.name, dataset.copies, dataset.reference) == ("synthetic+3", 3, str(copies))
    assert len(dataset.originals) == 2
    assert sources.open_dataset(dataset.reference) == dataset
    next((copies / "audio").rglob("*.flac")).write_bytes(b"no sound")
    assert len(sources.verify(str(copies))) == 1


@pytest.mark.parametrize(("source", "said"), [("gone", "which is not here"), ("{copies}", "which are copies")])
def test_copies_of_what_cannot_be(copies: Path, source: str, said: str) -> None:
    about = json.loads((copies / "augmented.json").read_text()) | {"source": source.format(copies=copies)}
    (copies / "augmented.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match=rf"{copies} holds copies of .*, {said}"):
        sources.open_dataset(str(copies))


def test_a_name_goes_before_a_folder(made: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "synthetic").mkdir()
    monkeypatch.chdir(tmp_path)
    assert sources.open_dataset("synthetic") == made


@pytest.mark.parametrize("function", [sources.open_dataset, sources.verify])
def test_an_unknown_name(function: Callable[[str], object]) -> None:
    with pytest.raises(UsageError, match="unknown dataset 'ecs50': known are esc50, esc10, synthetic, and there is no"):
        function("ecs50")
