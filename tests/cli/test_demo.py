from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import esc50
from hubbub.data.synth.synthetic import SAMPLES, make
from hubbub.listen.classifier import load


@pytest.mark.parametrize(("label", "seed"), SAMPLES)
def test_the_built_in_model_names_every_sample(label: str, seed: int) -> None:
    answer = load().classify(make(label, seed, 32_000), 32_000)
    assert answer.label == label and not answer.unknown, str(answer)


def test_the_demo_names_its_sounds_and_draws_them(
    hubbub: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBBUB_ESC50", raising=False)
    monkeypatch.setenv("HUBBUB_DATA", str(tmp_path / "data"))
    code, out, _ = hubbub("demo", "--out", tmp_path)
    assert code == 0
    assert out.count("✓") == 8 and "✗" not in out
    assert "made by code" in out and "hubbub data fetch esc50" in out
    assert (tmp_path / "hubbub-demo.png").read_bytes().startswith(b"\x89PNG")
    scene, rate = audio.read(tmp_path / "hubbub-demo.wav")
    assert len(scene) == 8 * 5 * rate


def test_the_demo_goes_on_with_recordings_that_the_model_never_heard(
    hubbub: Callable, tmp_path: Path, esc50_root: Path
) -> None:
    code, out, _ = hubbub("demo", "--out", tmp_path)
    recorded = out.split("kept out of the model's training")[1]
    assert code == 0 and all(clip in recorded for clip in esc50.SHOWCASE)
    heard = load().meta.training
    groups = {clip.id: clip.group for clip in esc50.load(esc50_root).clips}
    assert not any(heard.has_heard(clip, groups[clip]) for clip in esc50.SHOWCASE)
    assert heard.has_heard("1-100032-A-0.wav", groups["1-100032-A-0.wav"])


def test_your_own_file(hubbub: Callable, tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "my sound.wav", make(*SAMPLES[0]), 44_100)
    code, out, _ = hubbub("demo", tmp_path / "my sound.wav")
    assert code == 0 and "siren" in out


def test_your_own_bad_file(hubbub: Callable, tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "empty.wav", np.zeros(0), 44_100)
    code, _, err = hubbub("demo", tmp_path / "empty.wav")
    assert code == 1 and err.startswith("hubbub: ")
