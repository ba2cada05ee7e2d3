"""What is wrong with a sound that is heard nevertheless, and what is too long to be read at once."""

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hubbub import audio
from hubbub.audio import reading
from hubbub.errors import UsageError

RATE = 16_000


def noise(seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * RATE), channels))


def encoded(samples: np.ndarray, format: str = "WAV", subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=format, subtype=subtype)
    return file.getvalue()


def read(content: bytes) -> tuple[np.ndarray, list[str]]:
    lines: list[str] = []
    samples, _ = audio.read(content, log=lines.append)
    blocks = list(audio.blocks(content, RATE, 999, log=[].append))
    np.testing.assert_array_equal(np.concatenate(blocks), samples)
    return samples, lines


# --- promised and present lengths -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["WAV", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC", "MP3"])
def test_a_file_that_is_cut_off_says_what_it_promised(format: str) -> None:
    whole = encoded(noise(4.0), format, "MPEG_LAYER_III" if format == "MP3" else "PCM_16")
    assert read(whole)[1] == []
    samples, lines = read(whole[: len(whole) // 2])
    assert 1.5 * RATE < len(samples) <= 2 * RATE and len(lines) == 1
    assert f"heard up to {len(samples) / RATE:.2f} s only, of 4.00 s that it promises" in lines[0]


def test_an_ogg_file_that_is_cut_off_lacks_its_end() -> None:
    whole = encoded(noise(4.0), "OGG", "VORBIS")
    assert read(whole)[1] == []
    samples, lines = read(whole[: len(whole) // 2])
    assert lines == [f"<bytes> is cut off, heard up to {len(samples) / RATE:.2f} s only"]


@pytest.mark.parametrize("format", ["WAV", "AIFF", "CAF", "AU", "OGG"])
def test_a_file_that_is_joined_to_another_says_what_is_not_heard(format: str) -> None:
    content = encoded(noise(1.0), format, "VORBIS" if format == "OGG" else "PCM_16")
    other = encoded(noise(2.0), format, "VORBIS" if format == "OGG" else "PCM_16")
    samples, lines = read(content + other)
    assert len(samples) == RATE
    assert lines == ["<bytes> has another file joined to its end, which is not heard; heard up to 1.00 s"]


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0, 0),
        (8, 0),
        (36, 0),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0, 0xFFFFFFFF),
        (0x7FFFF024, 0x7FFFF000),
        (0x80000024, 0x80000000),
    ],
)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_recorder_that_died_is_heard_to_the_end(riff: int, data: int, subtype: str) -> None:
    content = bytearray(encoded(noise(1.0, 2), subtype=subtype))
    expected = read(bytes(content))[0]
    begin = content.index(b"data")
    content[4:8], content[begin + 4 : begin + 8] = struct.pack("<I", riff), struct.pack("<I", data)
    samples, lines = read(bytes(content))
    np.testing.assert_allclose(samples, expected, atol=1e-7)
    assert lines == [
        "<bytes> does not say how long it is (was the recorder stopped?); heard to the end of the file, 1.00 s"
    ]


def test_an_empty_file_with_a_comment_behind_it_is_no_recording() -> None:
    content = (
        encoded(noise(0)) + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.76.100\0"
    )
    with pytest.raises(audio.EmptyAudioError, match="not one sample"):
        audio.read(content)


# --- channels that cancel ---------------------------------------------------------------------------------------------


def test_opposite_phase_is_heard_from_one_channel() -> None:
    left = noise()
    samples, lines = read(encoded(np.hstack([left, -left])))
    np.testing.assert_allclose(np.abs(samples), np.abs(left[:, 0]), atol=1 / 32768)
    assert lines == [
        "<bytes>: the channels cancel each other (opposite phase); from 0.00 s on, channel 1 is heard alone"
    ]


def test_opposite_phase_in_memory_is_heard_as_in_a_file() -> None:
    left = noise()
    sound = np.vstack([np.zeros((5000, 2)), np.hstack([0.9 * left, -0.92 * left])])
    lines: list[str] = []
    samples = audio.from_array(audio.to_int16(sound), RATE, RATE, log=lines.append)
    in_file, file_lines = read(encoded(sound))
    np.testing.assert_allclose(samples, in_file, atol=1e-4)
    assert [line.replace("the samples", "<bytes>") for line in lines] == file_lines
    assert "from 0.26 s on, channel 2 is heard alone" in lines[0]


@pytest.mark.parametrize("pan", [[1, 0], [1, -0.5], [1, 1], [0, 0], [1e-5, -1e-5]])
def test_other_stereo_is_the_mean_of_its_channels(pan: list[float]) -> None:
    sound = noise() * pan
    samples, lines = read(encoded(sound, subtype="FLOAT"))
    np.testing.assert_allclose(samples, sound.mean(axis=1), atol=1e-7)
    assert not lines


def test_one_of_many_channels_does_not_cancel() -> None:
    sound = np.zeros((RATE, 64))
    sound[:, :1] = noise()
    samples, lines = read(encoded(sound, subtype="FLOAT"))
    np.testing.assert_allclose(samples, sound.mean(axis=1), atol=1e-7)
    assert not lines


# --- scale and shape --------------------------------------------------------------------------------------------------


def test_floats_of_the_scale_of_integers_are_said() -> None:
    sound = np.rint(noise() * 32768)
    for way in (
        lambda log: audio.from_array(sound, RATE, RATE, log=log),
        lambda log: audio.from_array(sound[:, 0].astype(np.float32), RATE, RATE, log=log),
        lambda log: audio.read(encoded(sound, subtype="FLOAT"), log=log)[0],
    ):
        lines: list[str] = []
        np.testing.assert_allclose(way(lines.append), sound[:, 0])
        assert len(lines) == 1 and "if they are 16-bit integers, divide them by 32768" in lines[0]


def test_floats_somewhat_beyond_one_are_not(caplog: pytest.LogCaptureFixture) -> None:
    audio.from_array(noise() * 6, RATE, RATE)
    assert not caplog.text


def test_more_channels_than_samples_are_refused() -> None:
    with pytest.raises(UsageError, match=r"shape \(1, 1000\) have more channels than samples; give \(time, channels\)"):
        audio.from_array(noise()[None, :1000, 0], RATE, RATE)


@pytest.mark.parametrize("rate", ["44100", 44100.5, None, float("nan")])
def test_a_rate_that_is_no_number_of_hertz(rate: object) -> None:
    with pytest.raises(UsageError, match=r"a sampling rate is a whole number of Hz, not .*; give one such as 44100"):
        audio.from_array(noise(), rate, RATE)  # type: ignore[arg-type]


# --- length -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A FLAC of some kB that holds two minutes."""
    path = tmp_path / "bomb.flac"
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for _ in range(120):
            file.write(np.zeros(RATE, np.int16))
    return path


@pytest.mark.parametrize(("limit", "value"), [("MAX_SECONDS", 60), ("MAX_SAMPLES", 60 * RATE)])
def test_a_file_too_long_to_be_read_at_once(
    bomb: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(reading, limit, value)
    tracemalloc.start()
    try:
        with pytest.raises(audio.LongAudioError, match=r"bomb.flac' is longer than 1 minute.*hubbub data cut"):
            audio.read(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * 60 * RATE * 4
    assert audio.probe(bomb).duration == 120
    assert sum(map(len, audio.blocks(bomb, RATE, RATE))) == 120 * RATE


def test_what_counts_is_the_length_at_the_rate_that_is_read(bomb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_SAMPLES", 120 * 8000)
    assert len(audio.read(bomb, 8000)[0]) == 120 * 8000
