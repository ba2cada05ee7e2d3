import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubbub.errors import RefusedError
from hubbub.logmel import LogMelSpec, logmel, mel_bands
from hubbub.report import figures, spectrograms
from hubbub.report.figures import figure
from hubbub.report.spectrograms import Stretch, draw_scene, mel_axis


def test_the_mel_axis_stands_where_the_bands_are(tmp_path: Path) -> None:
    spec = LogMelSpec(sample_rate=32_000, n_fft=16_384, win_length=800, n_mels=64)
    with figure(tmp_path / "x.png", 4, 3) as drawing:
        axes = drawing.subplots()
        mel_axis(axes, spec)
    ticks = dict(zip((text.get_text() for text in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    assert list(ticks) == ["0.1", "0.5", "1", "2", "5", "10"]
    for name, place in ticks.items():
        loudest = mel_bands(spec)[:, round(float(name) * 1000 / 32_000 * 16_384)]
        assert loudest[int(place)] == max(loudest) or abs(place - round(place)) < 0.1


# --- scenes ---

SCENE_SPEC = LogMelSpec()
SCENE = np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32)
STRETCHES = [Stretch(0, 1, "rain", True), Stretch(1, 2, "siren", False)]


def test_a_scene(tmp_path: Path) -> None:
    draw_scene(tmp_path / "scene.png", SCENE, SCENE_SPEC, STRETCHES, "two sounds")
    assert (tmp_path / "scene.png").read_bytes().startswith(b"\x89PNG")
    draw_scene(tmp_path / "scene.svg", SCENE, SCENE_SPEC, STRETCHES, "two sounds")
    assert b"<svg" in (tmp_path / "scene.svg").read_bytes()


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RefusedError, match=r"\.\[plot\]"):
        draw_scene(tmp_path / "scene.png", SCENE, SCENE_SPEC, STRETCHES, "two sounds")
    assert not list(tmp_path.iterdir())


# --- views ---

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
    mean, std = spectrograms.scale(SOUND, spec)
    plain = replace(spec, normalise="fixed", mean=0.0, std=1.0)
    np.testing.assert_allclose(logmel(SOUND, spec) * std + mean, logmel(SOUND, plain), atol=1e-3)


@pytest.mark.parametrize(("name", "unit"), [("fixed", "ln power"), ("range", "dB relative"), ("clip", "power [dB]")])
def test_views_are_drawn_on_one_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, unit: str) -> None:
    kept: list[Any] = []
    real = figures.save
    monkeypatch.setattr(figures, "save", lambda figure, path: (kept.append(figure), real(figure, path)))
    spec = SPECS[name]
    array = logmel(SOUND, spec)
    spectrograms.draw_views(tmp_path / "x.png", [("a", array), ("b", array - 1)], SOUND, spec, "two views")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    first, second, bar = kept[0].axes
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert bar.get_ylabel().startswith(unit) and first.get_title() == "a"
    if name == "range":
        assert first.images[0].get_clim() == (-80, 0)


def test_silence(tmp_path: Path) -> None:
    for name, spec in SPECS.items():
        silence = np.zeros_like(SOUND)
        spectrograms.draw_views(tmp_path / f"{name}.png", [("a", logmel(silence, spec))], silence, spec, "nothing")


def test_a_front_end_in_words() -> None:
    assert spectrograms.describe(SPECS["range"], 1.0) == "8 kHz, 32 mels, 24 x 48 input"
