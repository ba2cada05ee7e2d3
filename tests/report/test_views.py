from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubbub.logmel import LogMelSpec, logmel
from hubbub.report import views

SPEC = LogMelSpec(sample_rate=8000, n_fft=512, win_length=400, hop_length=160, n_mels=32, fmax=3900.0)
SOUND = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
SPECS = {
    "fixed": SPEC,
    "range": replace(SPEC, range_db=80.0, mean=-40.0, std=20.0, height=48, width=24),
    "clip": replace(SPEC, decibels=True, normalise="clip", height=48, width=24),
}


@pytest.mark.parametrize("name", SPECS)
def test_normalisation_is_undone(name: str) -> None:
    spec = SPECS[name]
    mean, std = views.scale(SOUND, spec)
    plain = replace(spec, normalise="fixed", mean=0.0, std=1.0)
    np.testing.assert_allclose(logmel(SOUND, spec) * std + mean, logmel(SOUND, plain), atol=1e-3)


@pytest.mark.parametrize(("name", "unit"), [("fixed", "ln power"), ("range", "dB relative"), ("clip", "power [dB]")])
def test_views_are_drawn_on_one_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, unit: str) -> None:
    kept: list[Any] = []
    real = views.save
    monkeypatch.setattr(views, "save", lambda figure, path: (kept.append(figure), real(figure, path)))
    spec = SPECS[name]
    array = logmel(SOUND, spec)
    views.draw(tmp_path / "x.png", [("a", array), ("b", array - 1)], SOUND, spec, "two views")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    first, second, bar = kept[0].axes
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert bar.get_ylabel().startswith(unit) and first.get_title() == "a"
    if name == "range":
        assert first.images[0].get_clim() == (-80, 0)


def test_silence(tmp_path: Path) -> None:
    for name, spec in SPECS.items():
        silence = np.zeros_like(SOUND)
        views.draw(tmp_path / f"{name}.png", [("a", logmel(silence, spec))], silence, spec, "nothing")


def test_a_front_end_in_words() -> None:
    assert views.describe(SPECS["range"], 1.0) == "8 kHz, 32 mels, 24 x 48 input"
