import base64
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hubbub import audio
from hubbub.web.sounds import RATE, SECONDS, Sounds, encoded


def tone(path: Path, hertz: float, seconds: float, rate: int = 16_000) -> Path:
    audio.write_wav(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), rate)
    return path


def decoded(text: str) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(text)))
    assert rate == RATE
    return samples


def test_the_sound_survives(tmp_path: Path) -> None:
    heard = decoded(encoded(tone(tmp_path / "a.wav", 1000, 2)))
    assert abs(len(heard) - 2 * RATE) < 0.1 * RATE  # MP3 pads to whole frames
    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(spectrum.argmax() * RATE / len(heard) - 1000) < 5
    assert 0.3 < np.abs(heard).max() < 0.7


def test_a_long_file_is_cut(tmp_path: Path) -> None:
    heard = decoded(encoded(tone(tmp_path / "a.wav", 500, SECONDS + 5)))
    assert abs(len(heard) - SECONDS * RATE) < 0.1 * RATE


def test_a_sound_beyond_full_scale_is_clipped_and_not_wrapped(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(16_000, 3.0), 16_000, subtype="FLOAT")
    heard = decoded(encoded(tmp_path / "a.wav"))
    assert np.median(heard) == pytest.approx(1, abs=0.1)  # MP3 rings at the ends


def test_the_budget_holds_and_one_key_is_added_once(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 500, 2)
    size = len(encoded(path))
    sounds = Sounds(budget=2 * size + 1)
    assert [sounds.add(key, path) for key in ("a", "a", "b", "c", "c")] == [True, True, True, False, False]
    assert len(sounds) == 2
    assert list(sounds) == ["a", "b"]
    assert "c" not in sounds


def test_a_file_that_does_not_decode_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"not a sound")
    sounds = Sounds()
    assert not sounds.add("a", tmp_path / "a.wav")
    assert not sounds.add("b", tmp_path / "missing.wav")
    assert len(sounds) == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_are_added_in_order_until_one_does_not_fit(jobs: int, tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 500, 1)
    (tmp_path / "broken.wav").write_bytes(b"not a sound")
    sounds = Sounds(budget=3 * len(encoded(path)) + 1)
    files = [("a", path), ("broken", tmp_path / "broken.wav"), *((str(number), path) for number in range(5))]
    sounds.add_all(files, jobs)
    assert list(sounds) == ["a", "0", "1"]
