"""The honest baseline on real ESC-50, through the commands; minutes long."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_five_fold_probe(tmp_path: Path, esc50_root: Path, weights_folder: Path) -> None:
    hubbub = str(Path(sys.executable).with_name("hubbub"))
    done = subprocess.run([hubbub, "cv", "probe"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = re.fullmatch(r"five-fold accuracy: (\d\d\.\d\d) %", done.stdout.splitlines()[-1])
    assert found and float(found[1]) >= 94.0, done.stdout

    exported = subprocess.run([hubbub, "export", "runs/probe-esc50"], cwd=tmp_path, capture_output=True, text=True)
    assert exported.returncode == 0, exported.stderr
    clip = esc50_root / "audio" / "5-208030-A-0.wav"  # kept out of the final model's training
    command = [hubbub, "classify", "--model", "runs/probe-esc50/model.onnx", "--json", str(clip)]
    named = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert '"label": "dog"' in named.stdout
