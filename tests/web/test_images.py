import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hubbub import audio
from hubbub.errors import RefusedError
from hubbub.logmel import hz_to_mel
from hubbub.web import images

RATE = 16_000


def opened(uri: str) -> Image.Image:
    kind, _, text = uri.partition(",")
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(text)))


def brightness(uri: str) -> NDArray[np.float64]:
    return np.asarray(opened(uri).convert("RGB"), dtype=float).mean(2)


def tone(hertz: float, seconds: float = 5.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("hertz", [300, 1000, 6000])
def test_a_tone_is_a_bright_line_at_its_pitch(hertz: float) -> None:
    rows = brightness(images.logmel_png(tone(hertz), RATE))[:, 60:180].mean(1)
    height = (len(rows) - 1 - rows.argmax()) / len(rows)
    assert height == pytest.approx(hz_to_mel(hertz) / hz_to_mel(20_000), abs=0.03)


def test_time_runs_to_the_right() -> None:
    sound = np.concatenate([tone(1000, 1), np.zeros(4 * RATE, np.float32)])
    columns = brightness(images.logmel_png(sound, RATE)).mean(0)
    assert columns[:40].min() > columns[60:].max()


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(1, np.float32)])
def test_silence_is_dark(samples: NDArray[np.float32]) -> None:
    assert brightness(images.logmel_png(samples, RATE)).max() < 5


def test_size_and_colours() -> None:
    picture = opened(images.logmel_png(tone(1000), RATE))
    assert picture.size == (images.WIDTH, images.HEIGHT)
    light = images.palette(40).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > 0).all(), "brightness alone must tell the level"


def test_a_waveform_spans_its_box_and_marks_the_peak() -> None:
    sound = np.zeros(RATE, np.float32)
    sound[RATE // 2] = 0.01
    path = images.waveform(sound, RATE)
    points = [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
    assert min(x for x, _ in points) == 0
    assert max(x for x, _ in points) == images.WIDTH
    top = min(points, key=lambda point: point[1])
    assert top[1] == 0
    assert top[0] == pytest.approx(images.WIDTH / 2, abs=3)


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_waveform_of_few_samples(length: int) -> None:
    assert images.waveform(np.zeros(length, np.float32), RATE).startswith("M")


def test_a_short_sound_keeps_its_length() -> None:
    """A second takes a fifth of a picture of five; the rest is empty, not silent."""
    picture = opened(images.logmel_png(tone(1000, 1.0), RATE, 5)).convert("RGBA")
    filled = np.asarray(picture)[:, :, 3].max(0) > 0
    assert picture.size == (images.WIDTH, images.HEIGHT)
    assert filled.tolist() == [True] * (images.WIDTH // 5) + [False] * (images.WIDTH * 4 // 5)
    path = images.waveform(tone(1000, 1.0), RATE, 5)
    assert max(float(x) for x, _ in re.findall(r"([\d.]+) ([\d.]+)", path)) == images.WIDTH // 5
    assert images.logmel_png(tone(1000, 0.001), RATE, 5)


def test_axes_stand_where_seconds_and_hertz_are() -> None:
    marks = images.axes(5)
    assert marks["seconds"] == [["0", 0], ["1", 0.2], ["2", 0.4], ["3", 0.6], ["4", 0.8], ["5", 1]]
    for text, place in marks["kilohertz"]:
        assert place == pytest.approx(hz_to_mel(1000 * float(text)) / hz_to_mel(20_000), abs=0.006)
    assert [text for text, _ in images.axes(0.6)["seconds"]] == ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]
    assert images.axes(5, start=2.5)["seconds"][0] == ["3", 0.1]


def test_pictures_span_the_longest_of_their_sounds(tmp_path: Path) -> None:
    for name, seconds in (("a", 0.5), ("b", 1.5), ("c", 9.0)):
        audio.write_wav(tmp_path / f"{name}.wav", tone(300, seconds), RATE)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    paths = [tmp_path / f"{name}.wav" for name in ("broken", "a", "b", "c")]
    assert (images.span(paths[:3]), images.span(paths)) == (1.5, images.SECONDS)
    assert images.span([]) == images.SECONDS


def test_without_pillow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(RefusedError, match=r"\.\[report\]"):
        images.logmel_png(tone(1000), RATE)
