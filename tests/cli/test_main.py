import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hubbub import __version__, audio
from hubbub.cli import main as cli
from hubbub.errors import DataError, HubbubError, RefusedError, UsageError

HEAVY = ("torch", "pytorch_lightning", "onnxruntime", "scipy", "sklearn", "matplotlib", "soundfile", "numpy")


def test_version(hubbub: Callable) -> None:
    assert hubbub("--version") == (0, f"hubbub {__version__}\n", "")


def test_help_names_every_command(hubbub: Callable) -> None:
    code, out, _ = hubbub("--help")
    assert code == 0
    for command in ("classify", "embed", "demo", "cv", "train", "export", "report", "data"):
        assert f"\n  {command} " in out


def test_an_unknown_command_is_wrong_usage(hubbub: Callable) -> None:
    code, _, err = hubbub("clasify")
    assert code == 2 and "No such command 'clasify'" in err


@pytest.mark.parametrize(("kind", "code"), [(DataError, 1), (UsageError, 2), (RefusedError, 3)])
def test_an_error_is_one_line_and_an_exit_code(
    hubbub: Callable, monkeypatch: pytest.MonkeyPatch, kind: type[HubbubError], code: int
) -> None:
    def fails() -> None:
        raise kind("this is wrong: do that")

    monkeypatch.setattr(cli, "app", fails)
    assert hubbub() == (code, "", "hubbub: this is wrong: do that\n")


def test_ctrl_c_says_that_what_was_finished_is_kept(hubbub: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    code, _, err = hubbub()
    assert code == 1 and "interrupted" in err and err.count("\n") == 1


def test_ctrl_c_inside_a_command(hubbub: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hubbub.data.sources.open_dataset", interrupted)
    code, out, err = hubbub("data", "info", "synthetic")
    assert (code, out) == (1, "") and err.startswith("hubbub: interrupted; what was finished is kept")


def test_a_folder_that_may_not_be_written_is_one_line(hubbub: Callable, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    sound = tmp_path / "sound.wav"
    audio.write_wav(sound, np.zeros(8000), 8000)
    code, out, err = hubbub("embed", sound, "-o", tmp_path / "taken" / "x.npz", "--model", tiny_model)
    assert (code, out) == (3, "") and err.startswith("hubbub: ") and err.count("\n") == 1 and "taken" in err


@pytest.mark.parametrize("module", ["hubbub", "hubbub.cli.main"])
def test_importing_is_light(module: str) -> None:
    code = f"import {module}, sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_listening_needs_no_torch() -> None:
    imports = "import hubbub.listen.classifier, hubbub.data.synth.synthetic, hubbub.data.esc50, sys"
    code = f"{imports}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_learning_without_torch_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "sys.argv = ['hubbub', 'cv', 'probe']\n"
        "from hubbub.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "hubbub: learning needs the extra 'train': in hubbub's folder, pip install \".[train]\"\n"
