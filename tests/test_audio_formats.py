"""Sounds that FFmpeg decodes: what phones, cameras and browsers write. `tinysounds` makes them."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import scipy.signal
import soundfile

import tinysounds
from hubbub import audio, soundfiles

RATE = 48_000
#: where the file's length is a count of samples, and what the codec adds at the start is left away by the container
EXACT = [".m4a", ".mp4", ".alac.m4a", ".mov", ".webm", ".flac.mka", ".wv", ".aifc"]
GRAIN = 2 * 2048  # samples that a codec may add at the start and lose or add at the end


def band(channels: int = 1, rate: int = RATE, seconds: float = 1.0) -> np.ndarray:
    """Noise up to 2 kHz, the same in all channels, of shape (time, channels)."""
    noise = np.random.default_rng(0).standard_normal(round(rate * seconds))
    low = scipy.signal.sosfilt(scipy.signal.butter(4, min(2000, rate / 8), fs=rate, output="sos"), noise)
    return np.repeat(0.3 * low[:, None] / np.abs(low).max(), channels, axis=1)


def rate_of(suffix: str) -> int:
    return 8000 if "amr" in tinysounds.ENCODINGS[suffix][1] else RATE


@pytest.mark.parametrize("suffix", tinysounds.ENCODINGS)
def test_what_was_encoded_is_heard(suffix: str) -> None:
    rate = rate_of(suffix)
    sound = band(1 if rate == 8000 else 2, rate)
    lines: list[str] = []
    samples, decoded_rate = audio.read(tinysounds.encode(suffix, sound, rate), log=lines.append)
    assert samples.dtype == np.float32 and samples.ndim == 1 and decoded_rate == rate and not lines
    assert len(samples) == len(sound) if suffix in EXACT else abs(len(samples) - len(sound)) <= GRAIN
    padded = np.pad(samples, len(sound))
    products = scipy.signal.correlate(padded, sound[:, 0], mode="valid")
    norms = np.sqrt(np.convolve(padded**2, np.ones(len(sound)), "valid").max() * (sound[:, 0] ** 2).sum())
    delay = int(np.abs(products).argmax()) - len(sound)
    assert delay == 0 if suffix in EXACT else abs(delay) <= GRAIN
    assert np.abs(products).max() / norms > (0.6 if rate == 8000 else 0.95)  # AMR models a voice, and this is none


@pytest.mark.parametrize("suffix", [".m4a", ".alac.m4a", ".mov", ".webm", ".aifc"])
def test_paths_bytes_files_and_blocks_are_heard_alike(tmp_path: Path, suffix: str) -> None:
    content = tinysounds.encode(suffix, band(2, seconds=0.5), RATE)
    path = tmp_path / f"sound{suffix}"
    path.write_bytes(content)
    expected = audio.read(content, 16_000)[0]
    np.testing.assert_array_equal(audio.read(path, 16_000)[0], expected)
    np.testing.assert_array_equal(np.concatenate(list(audio.blocks(path, 16_000, 777))), expected)
    with path.open("rb") as file:
        np.testing.assert_array_equal(audio.read(file, 16_000)[0], expected)
    assert audio.probe(path) == audio.probe(content)


@pytest.mark.parametrize(
    ("suffix", "format", "subtype"),
    [(".m4a", "MP4", "AAC"), (".webm", "MKV", "OPUS"), (".amr", "AMR", "AMR_NB"), (".mp2", "MP3", "MPEG_LAYER_II")],
)
def test_probe_names_them_and_their_length(suffix: str, format: str, subtype: str) -> None:
    rate = rate_of(suffix)
    info = audio.probe(tinysounds.encode(suffix, band(1, rate), rate))
    assert (info.rate, info.channels, info.format, info.subtype) == (rate, 1, format, subtype)
    assert info.duration == pytest.approx(1.0, abs=0.1) and info.frames == round(info.duration * rate)


def test_six_channels_are_mixed_down() -> None:
    sound = band(6)
    sound[:, :5] = 0
    samples, _ = audio.read(tinysounds.encode(".alac.m4a", sound, RATE))
    np.testing.assert_allclose(samples, sound.mean(axis=1), atol=1e-4)


def test_eight_channels_are_mixed_down() -> None:
    # in a process of its own: PyAV's planes of eight channels and more end in a crash
    code = """
import numpy as np, test_audio_formats as here
sound = here.band(8) * np.array([1, 0, 0.5, 0, 0, 0, 0, 0])
samples, _ = here.audio.read(here.tinysounds.encode(".mp4", sound, here.RATE))
assert samples.shape == (here.RATE,)
assert np.corrcoef(samples, sound.mean(axis=1))[0, 1] > 0.95
"""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_sound_of_a_video_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "cat.mkv"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for _ in range(5):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        frame = av.AudioFrame.from_ndarray(audio.to_int16(band().T), "s16", "mono")
        frame.sample_rate = RATE
        container.mux([*pictures.encode(None), *sound.encode(frame), *sound.encode(None)])
    np.testing.assert_allclose(audio.read(path)[0], band()[:, 0], atol=1 / 32768)


def test_pictures_alone_are_no_sound() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        pictures = container.add_stream("mpeg4", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(pictures.encode(None))
    with pytest.raises(audio.UnreadableAudioError, match=r"<bytes> does not decode \(no sound is in it\)"):
        audio.read(file.getvalue())


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".amr", ".aac", ".wma", ".avi", ".wv"])
def test_what_is_cut_off_is_heard_as_far_as_it_goes_and_that_is_said(suffix: str) -> None:
    rate = rate_of(suffix)
    content = tinysounds.encode(suffix, band(1, rate, 2.0), rate)
    lines: list[str] = []
    samples, _ = audio.read(content[: len(content) * 6 // 10], log=lines.append)
    assert 0.4 * 2 * rate < len(samples) < 0.7 * 2 * rate
    assert len(lines) == 1 and ("is cut off, heard up to" in lines[0] or "is damaged" in lines[0])


def test_an_mp4_without_its_index_says_that_it_is_cut_off() -> None:
    content = tinysounds.encode(".m4a", band(), RATE)
    with pytest.raises(audio.UnreadableAudioError, match=r"does not decode \(damaged, or cut off\); convert"):
        audio.read(content[: len(content) // 2])


@pytest.mark.parametrize(("table", "offset"), [(b"stsz", 12), (b"stsc", 16)])
def test_an_index_that_promises_gigabytes_allocates_none(table: bytes, offset: int) -> None:
    content = bytearray(tinysounds.encode(".mov", band(), RATE))
    begin = content.index(table) + offset
    content[begin : begin + 4] = (2**31 - 1).to_bytes(4, "big")
    with pytest.raises(audio.UnreadableAudioError, match="its index promises more than the file can hold"):
        audio.read(bytes(content))


def test_a_damaged_stretch_is_left_out_and_that_is_said() -> None:
    content = bytearray(tinysounds.encode(".mp3.wav", band(1, seconds=4.0), RATE))
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    lines: list[str] = []
    samples, _ = audio.read(bytes(content), log=lines.append)
    assert 3.0 * RATE < len(samples) < 4.1 * RATE and len(lines) == 1


def test_without_a_log_the_warning_goes_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    content = tinysounds.encode(".webm", band(), RATE)
    with caplog.at_level(logging.WARNING):
        audio.read(content[: len(content) // 2])
    assert "<bytes> is cut off, heard up to" in caplog.text


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    audio.write_wav(secret, band()[:, 0], RATE)
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
        f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\na=control:{secret}\r\n",
    ):
        for name in ("list.mp4", "list.m4a", "list.wav", "list.m3u8", "list.mp3"):
            (tmp_path / name).write_text(text)
            with pytest.raises(audio.UnreadableAudioError, match="Format not recognised"):
                audio.read(tmp_path / name)


@pytest.mark.parametrize("name", ["page.au", "page.snd", "page.vox", "page.gsm", "page.raw", "page.amr"])
def test_nothing_is_guessed_from_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<!doctype html><title>Dogs</title>" * 200)
    with pytest.raises(audio.UnreadableAudioError, match=f"{name}' does not decode .Format not recognised."):
        audio.read(tmp_path / name)


def test_a_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(tinysounds.encode(".m4a", band(), RATE))
    assert len(audio.read(path)[0]) == RATE


def test_mp3_is_decoded_as_libsndfile_does_and_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    soundfile.write(file, band(2), RATE, format="MP3", subtype="MPEG_LAYER_III")
    expected = soundfile.read(io.BytesIO(file.getvalue()))[0].mean(axis=1)
    np.testing.assert_allclose(audio.read(file.getvalue())[0], expected, atol=2e-5)
    capfd.readouterr()
    lines: list[str] = []
    audio.read(file.getvalue()[: len(file.getvalue()) // 2], log=lines.append)
    assert len(lines) == 1 and "<bytes> is cut off" in lines[0]
    assert capfd.readouterr() == ("", "")


def test_ffmpeg_is_loaded_when_it_is_needed() -> None:
    code = "import sys, hubbub.audio, hubbub.soundfiles; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_folders_are_looked_through_for_what_can_be_read() -> None:
    suffixes = {f".{suffix.rsplit('.')[-1]}" for suffix in tinysounds.ENCODINGS}
    assert suffixes <= {*soundfiles.SUFFIXES, ".mp2"}
