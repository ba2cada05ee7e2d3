"""What many tests need: real data where it lies here, a tiny model file, and a tiny release like ESC-50."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import tinyesc50
import tinymodel
from hubbub import modelfile


def folder_of(variable: str) -> Path:
    """The folder that an environment variable names; the test is skipped where there is none."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: it names a folder of real data")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Where the AudioSet checkpoint and its labels lie."""
    return folder_of("HUBBUB_WEIGHTS")


@pytest.fixture(scope="session")
def esc50_root() -> Path:
    """The root of ESC-50: `audio/` and `meta/`."""
    return folder_of("HUBBUB_ESC50")


@pytest.fixture(scope="session")
def esc50_clip(esc50_root: Path) -> Callable[[str], Path]:
    """The path of a clip of the official release (WAV, mono, 5 s) by its name without suffix."""

    def find(stem: str) -> Path:
        path = esc50_root / "audio" / f"{stem}.wav"
        if not path.is_file():
            pytest.skip(f"{path} is not there: HUBBUB_ESC50 must name a folder in the layout of the official release")
        return path

    return find


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that names a sound after the third of the mel axis that is loudest; see tests/tinymodel.py."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    modelfile.write(path, tinymodel.graph(), tinymodel.meta())
    return path


@pytest.fixture(scope="session")
def tiny_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release like ESC-50 with very short clips, for all tests; to be left as it is."""
    return tinyesc50.write(tmp_path_factory.mktemp("esc50"))


@pytest.fixture
def tiny_esc50(tiny_original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that passes for ESC-50 and may be changed; no other one is to be found."""
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path / "data"))
    tinyesc50.taken_for_real(tiny_original, monkeypatch)
    return tinyesc50.copy(tiny_original, tmp_path / "given")
