import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hubbub import __version__, audio, storage
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


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [(["train", "cnn"], True), (["data", "fetch", "esc50"], True), (["data", "info", "x"], False), (["embed"], False)],
)
def test_ctrl_c_says_what_is_kept(
    hubbub: Callable, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kept: bool
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    code, _, err = hubbub(*arguments)
    assert code == 1 and err.startswith("hubbub: interrupted; ") and err.count("\n") == 1
    assert ("what was finished is kept" in err) == kept != ("from the beginning" in err)


def test_every_command_that_is_said_to_go_on_is_there(hubbub: Callable) -> None:
    for name in cli._RESUMED:
        assert hubbub(*name, "--help")[0] == 0


def test_ctrl_c_inside_a_command(hubbub: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hubbub.data.sources.open_dataset", interrupted)
    code, out, err = hubbub("data", "info", "synthetic")
    assert (code, out) == (1, "") and err.startswith("hubbub: interrupted; ")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_sigterm_cleans_up_as_ctrl_c_does(hubbub: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def ended() -> None:
        with storage.temporary_folder(tmp_path) as folder:
            (folder / "half").touch()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    monkeypatch.setattr(cli, "app", ended)
    code, _, err = hubbub("embed")
    assert code == 1 and err.startswith("hubbub: interrupted; ") and list(tmp_path.iterdir()) == []


def test_errors_cannot_write_escapes_to_a_terminal(hubbub: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise DataError("the server says \x1b[2J\r\nhubbub: all is well")

    monkeypatch.setattr(cli, "app", fails)
    assert hubbub()[2] == "hubbub: the server says \\x1b[2J\\r\\nhubbub: all is well\n"


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
