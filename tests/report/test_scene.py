import sys
from pathlib import Path

import numpy as np
import pytest
from hubbub.report.scene import Stretch, draw

from hubbub.errors import RefusedError
from hubbub.logmel import LogMelSpec

SPEC = LogMelSpec()
SOUND = np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32)
STRETCHES = [Stretch(0, 1, "rain", True), Stretch(1, 2, "siren", False)]


def test_a_picture(tmp_path: Path) -> None:
    draw(tmp_path / "scene.png", SOUND, SPEC, STRETCHES, "two sounds")
    assert (tmp_path / "scene.png").read_bytes().startswith(b"\x89PNG")
    draw(tmp_path / "scene.svg", SOUND, SPEC, STRETCHES, "two sounds")
    assert b"<svg" in (tmp_path / "scene.svg").read_bytes()


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RefusedError, match=r"hubbub\[plot\]"):
        draw(tmp_path / "scene.png", SOUND, SPEC, STRETCHES, "two sounds")
    assert not list(tmp_path.iterdir())
