import io
import logging
import os
import struct
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import scipy.signal
import soundfile

from hubbub import audio
from hubbub.errors import AudioError, ExitCode, UsageError

# name → (libsndfile's format, subtype, how far a decoded sample may be from the one that was written)
EXACT = {
    "u8.wav": ("WAV", "PCM_U8", 1 / 128),
    "s16.wav": ("WAV", "PCM_16", 1 / 32768),
    "s24.wav": ("WAV", "PCM_24", 1e-6),
    "s32.wav": ("WAV", "PCM_32", 1e-6),
    "f32.wav": ("WAV", "FLOAT", 0),
    "f64.wav": ("WAV", "DOUBLE", 0),
    "extensible.wav": ("WAVEX", "PCM_24", 1e-6),
    "sound.flac": ("FLAC", "PCM_16", 1 / 32768),
}
LOSSY = {
    "vorbis.ogg": ("OGG", "VORBIS"),
    "sound.opus": ("OGG", "OPUS"),
    "sound.mp3": ("MP3", "MPEG_LAYER_III"),
}
FORMATS = {name: spec[:2] for name, spec in EXACT.items()} | LOSSY


def sine(rate: int, seconds: float = 1.0, frequency: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def amplitude_at(samples: np.ndarray, rate: int, frequency: float) -> float:
    """Amplitude of one sine in the middle half of the samples, by least squares."""
    quarter = len(samples) // 4
    angle = 2 * np.pi * frequency * np.arange(quarter, 3 * quarter) / rate
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    solution, *_ = np.linalg.lstsq(basis, samples[quarter : 3 * quarter].astype(np.float64), rcond=None)
    return float(np.hypot(*solution))


def write(path: Path, samples: np.ndarray, rate: int = 48_000) -> Path:
    kind, subtype = FORMATS[path.name]
    soundfile.write(path, samples, rate, format=kind, subtype=subtype)
    return path


# --- decoding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 6])
@pytest.mark.parametrize("name", EXACT)
def test_lossless_formats_give_back_the_mean_of_the_channels(tmp_path: Path, name: str, channels: int) -> None:
    written = np.random.default_rng(0).uniform(-0.9, 0.9, (5000, channels))
    samples, rate = audio.read(write(tmp_path / name, written, 22_050))
    assert samples.dtype == np.float32 and samples.shape == (5000,) and rate == 22_050
    np.testing.assert_allclose(samples, written.mean(axis=1), atol=EXACT[name][2] + 1e-7)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_give_back_the_tone_and_the_length(tmp_path: Path, name: str) -> None:
    samples, rate = audio.read(write(tmp_path / name, np.stack([sine(48_000)] * 2, axis=1)))
    assert samples.dtype == np.float32 and samples.shape == (48_000,) and rate == 48_000
    assert amplitude_at(samples, rate, 440) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("rate", [audio.MIN_RATE, 11_025, 44_100, audio.MAX_RATE])
def test_rates(tmp_path: Path, rate: int) -> None:
    samples, found = audio.read(write(tmp_path / "s16.wav", sine(rate), rate))
    assert found == rate and len(samples) == rate


def test_eight_bits_are_read_as_the_format_defines_them(tmp_path: Path) -> None:
    path = tmp_path / "all.wav"
    with wave.open(str(path), "wb") as handle:
        handle.setparams((1, 1, 8000, 256, "NONE", ""))
        handle.writeframes(bytes(range(256)))
    np.testing.assert_array_equal(audio.read(path)[0], (np.arange(256) - 128) / 128)


def test_a_hand_built_extensible_file(tmp_path: Path) -> None:
    values = [0, 1, -1, 2**23 - 1, -(2**23), 123_456]
    data = b"".join(struct.pack("<i", value)[:3] for value in values)
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")  # KSDATAFORMAT_SUBTYPE_PCM
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 44_100, 44_100 * 3, 3, 24, 22, 24, 4) + pcm
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    np.testing.assert_array_equal(audio.read(path)[0], np.array(values) / 2**23)
    assert audio.probe(path).subtype == "PCM_24"


def test_float_samples_beyond_one_are_kept(tmp_path: Path) -> None:
    samples, _ = audio.read(write(tmp_path / "f32.wav", np.array([-3.0, 0.5, 2.0])))
    np.testing.assert_array_equal(samples, [-3.0, 0.5, 2.0])


def test_silence_is_a_sound(tmp_path: Path) -> None:
    samples, _ = audio.read(write(tmp_path / "s16.wav", np.zeros(1000)), 32_000)
    assert len(samples) == 667 and not samples.any()


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"caf\xe9 'x'\n.wav")
    try:
        audio.write_wav(strange, sine(8000), 8000)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(audio.read(strange)[0]) == 8000
    strange.write_bytes(b"no sound")
    with pytest.raises(audio.UnreadableAudioError) as caught:
        audio.read(strange)
    assert str(caught.value).isprintable()


# --- probe ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_probe_agrees_with_what_was_written(tmp_path: Path, name: str) -> None:
    info = audio.probe(write(tmp_path / name, np.zeros((24_000, 2))))
    assert info == audio.AudioInfo(48_000, 2, 24_000, 0.5, *FORMATS[name])


def flac_claiming(path: Path, frames: int) -> Path:
    """A FLAC of 20 000 frames whose header claims another length (0: unknown), in the low 36 bits of bytes 18 to 25."""
    raw = bytearray(write(path, sine(48_000)[:20_000]).read_bytes())
    field = int.from_bytes(raw[18:26], "big") >> 36 << 36 | frames
    raw[18:26] = field.to_bytes(8, "big")
    path.write_bytes(raw)
    return path


def test_probe_counts_where_the_header_does_not_tell(tmp_path: Path) -> None:
    path = flac_claiming(tmp_path / "sound.flac", 0)
    assert audio.probe(path).frames == len(audio.read(path)[0]) == 20_000


def test_a_header_that_promises_years_allocates_nothing(tmp_path: Path) -> None:
    path = flac_claiming(tmp_path / "sound.flac", 2**36 - 1)
    assert audio.probe(path).frames == 2**36 - 1
    samples, _ = audio.read(path)
    assert len(samples) <= 20_000
    np.testing.assert_allclose(samples, sine(48_000)[: len(samples)], atol=1 / 32768)


def test_a_wav_streamed_with_unknown_length(tmp_path: Path) -> None:
    path = write(tmp_path / "s16.wav", sine(48_000))
    raw = bytearray(path.read_bytes())
    raw[4:8] = raw[40:44] = b"\xff" * 4
    path.write_bytes(raw)
    assert len(audio.read(path)[0]) == 48_000


# --- resampling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "to"), [(4_000, 32_000), (44_100, 32_000), (192_000, 8_000), (48_000, 44_100), (11_025, 384_000)]
)
def test_a_tone_keeps_its_frequency_and_amplitude(rate: int, to: int) -> None:
    samples = audio.resample(sine(rate, frequency=1000), rate, to)
    assert samples.dtype == np.float32 and samples.shape == (to,)
    assert amplitude_at(samples, to, 1000) == pytest.approx(0.5, rel=1e-3)


def test_resampling_agrees_with_scipy() -> None:
    noise = np.random.default_rng(0).standard_normal(44_100)
    band = scipy.signal.sosfiltfilt(scipy.signal.butter(8, 4000, fs=44_100, output="sos"), noise)
    expected = scipy.signal.resample_poly(band, 320, 441, window=("kaiser", 12.0))
    samples = audio.resample(band, 44_100, 32_000)
    np.testing.assert_allclose(samples[500:-500], expected[500:-500], atol=2e-3 * np.abs(expected).max())


def test_what_the_new_rate_cannot_hold_is_removed() -> None:
    samples = audio.resample(sine(48_000, frequency=10_000), 48_000, 16_000)
    assert np.abs(samples[1000:-1000]).max() < 1e-4


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    np.testing.assert_array_equal(audio.resample(sine(8000), 8000, 8000), sine(8000).astype(np.float32))


@pytest.mark.parametrize("to", [16_000, 44_100, 96_000])
def test_pieces_are_resampled_as_the_whole(to: int) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 30_000).astype(np.float32)
    pieces = list(audio.resample_blocks(np.split(noise, [0, 1, 700, 20_000, 20_000]), 44_100, to))
    assert all(len(piece) for piece in pieces)
    np.testing.assert_allclose(np.concatenate(pieces), audio.resample(noise, 44_100, to), atol=2e-6)


@pytest.mark.parametrize("rate", [0, 3999, 384_001])
def test_impossible_rates_are_refused(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "s16.wav", sine(48_000))
    with pytest.raises(UsageError, match="4000 to 384000 Hz"):
        audio.read(path, rate)
    with pytest.raises(UsageError, match="4000 to 384000 Hz"):
        next(audio.blocks(path, rate, 100))
    with pytest.raises(UsageError, match="4000 to 384000 Hz"):
        audio.resample(np.zeros(10), 48_000, rate)
    with pytest.raises(UsageError, match="4000 to 384000 Hz"):
        audio.write_wav(tmp_path / "new.wav", np.zeros(10), rate)


# --- blocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "block"), [(16_000, 777), (44_100, 32_000), (48_000, 10**12)])
@pytest.mark.parametrize("name", FORMATS)
def test_blocks_join_to_what_a_library_makes_of_the_whole(tmp_path: Path, name: str, block: int, rate: int) -> None:
    tone = sine(48_000, 1.3, 3000) + np.random.default_rng(0).normal(0, 0.05, 62_400)
    path = write(tmp_path / name, np.stack([tone, -0.3 * tone], axis=1))
    pieces = list(audio.blocks(path, rate, block))
    assert all(len(piece) == block for piece in pieces[:-1]) and 0 < len(pieces[-1]) <= block
    assert all(piece.dtype == np.float32 for piece in pieces)
    joined = np.concatenate(pieces)
    np.testing.assert_allclose(joined, audio.read(path, rate)[0], atol=1e-6)
    decoded, _ = soundfile.read(path)
    np.testing.assert_allclose(joined, audio.resample(decoded.mean(axis=1), 48_000, rate), atol=2e-6)


def test_a_block_that_divides_the_file_leaves_no_empty_rest(tmp_path: Path) -> None:
    path = write(tmp_path / "s16.wav", sine(48_000))
    assert [len(piece) for piece in audio.blocks(path, 48_000, 12_000)] == [12_000] * 4


def test_blocks_may_be_changed_by_who_gets_them(tmp_path: Path) -> None:
    path = write(tmp_path / "s16.wav", sine(48_000))
    kept = []
    for piece in audio.blocks(path, 48_000, 1000):
        kept.append(piece.copy())
        piece[:] = 9
    np.testing.assert_array_equal(np.concatenate(kept), audio.read(path)[0])


def test_blocks_need_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 48_000, 2, "PCM_16") as handle:
        for _ in range(60):
            handle.write(np.zeros((48_000, 2), dtype=np.int16))
    tracemalloc.start()
    try:
        assert sum(map(len, audio.blocks(path, 32_000, 32_000))) == 60 * 32_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000  # one minute as float32 stereo has 23 million bytes


def test_an_empty_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        next(audio.blocks(write(tmp_path / "s16.wav", sine(48_000)), 48_000, 0))


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_file_gives_what_is_there(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, sine(48_000, 10))
    whole, _ = audio.read(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 6 // 10])
    part, _ = audio.read(path)
    assert 0.4 * len(whole) < len(part) < 0.7 * len(whole)
    np.testing.assert_array_equal(part, whole[: len(part)])
    assert sum(map(len, audio.blocks(path, 48_000, 1000))) == len(part)


def test_a_decoder_that_gives_up_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "sound.flac", sine(48_000, 4))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with caplog.at_level(logging.WARNING):
        samples, _ = audio.read(path)
    assert f"heard up to {len(samples) / 48_000:.2f} s only" in caplog.text


@pytest.mark.parametrize("name", FORMATS)
def test_damage_gives_a_sound_or_a_typed_error(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(7)
    path = write(tmp_path / name, rng.uniform(-0.5, 0.5, (48_000, 2)))
    raw = path.read_bytes()
    answered = 0
    for trial in range(200):
        damaged = bytearray(raw)
        if trial % 4 == 0:
            damaged = damaged[: rng.integers(len(raw))]
        else:  # the header more often than the rest
            for place in rng.integers(256 if trial % 2 else len(raw), size=rng.integers(1, 8)):
                damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            audio.probe(path)
            samples, rate = audio.read(path, 16_000)
        except AudioError as error:
            assert str(error).isprintable() and name in str(error)
            continue
        answered += 1
        assert rate == 16_000 and samples.ndim == 1 and samples.dtype == np.float32
        assert len(samples) and np.isfinite(samples).all()
    assert 0 < answered < 200


# --- bytes and file objects -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_and_file_objects_are_read_as_the_path(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, np.stack([sine(48_000)] * 2, axis=1))
    expected = audio.read(path, 16_000)[0]
    np.testing.assert_array_equal(audio.read(path.read_bytes(), 16_000)[0], expected)
    assert audio.probe(path.read_bytes()) == audio.probe(path)
    with path.open("rb") as handle:
        np.testing.assert_array_equal(np.concatenate(list(audio.blocks(handle, 16_000, 777))), expected)


def test_a_file_object_is_read_from_where_it_stands_and_need_not_seek(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, content: bytes):
            self.file = io.BytesIO(content)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            return self.file.readinto(buffer)

    path = write(tmp_path / "s16.wav", sine(48_000))
    pipe = io.BufferedReader(Pipe(b"head" + path.read_bytes()))
    assert pipe.read(4) == b"head"
    np.testing.assert_array_equal(audio.read(pipe)[0], audio.read(path)[0])


def test_errors_name_bytes_and_file_objects(tmp_path: Path) -> None:
    for nothing, name in ((b"", "<bytes>"), (io.BytesIO(), "<file object>")):
        all_ways_to_read(nothing, audio.EmptyAudioError, f"{name} is empty")
    all_ways_to_read(b"Dear hubbub", audio.UnreadableAudioError, "^<bytes> does not decode")
    (tmp_path / "letter.wav").write_text("Dear hubbub")
    with (tmp_path / "letter.wav").open("rb") as handle:
        all_ways_to_read(handle.read(), audio.UnreadableAudioError, "<bytes>")
        handle.seek(0)
        with pytest.raises(audio.UnreadableAudioError, match=r"letter\.wav' does not decode"):
            audio.read(handle)
    with pytest.raises(UsageError, match="open it in binary mode"):
        audio.read(io.StringIO("Dear hubbub"))  # type: ignore[arg-type]


# --- errors -----------------------------------------------------------------------------------------------------------


def all_ways_to_read(path: audio.Source, expected: type[AudioError], match: str) -> None:
    for way in (audio.probe, audio.read, lambda name: list(audio.blocks(name, 16_000, 100))):
        with pytest.raises(expected, match=match) as caught:
            way(path)
        assert str(caught.value).isprintable()


def test_a_missing_file(tmp_path: Path) -> None:
    all_ways_to_read(tmp_path / "none.wav", audio.MissingAudioError, "none.wav': No such file.*check the path")
    assert audio.MissingAudioError.exit_code == ExitCode.REFUSED


def test_a_folder(tmp_path: Path) -> None:
    all_ways_to_read(tmp_path, audio.MissingAudioError, "is a folder, not a sound file")


@pytest.mark.parametrize("name", ["a\0b.wav", "n" * 5000 + ".wav"])
def test_an_impossible_name(name: str) -> None:
    all_ways_to_read(name, audio.MissingAudioError, "cannot read .*(null|long)")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    all_ways_to_read(tmp_path / "pipe.wav", audio.MissingAudioError, "is a pipe or device")


def test_a_device() -> None:
    all_ways_to_read(os.devnull, audio.MissingAudioError, "is a pipe or device")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "s16.wav", sine(48_000))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")  # as open does; root would be let through a mode of 0

    monkeypatch.setattr(Path, "open", refuse)
    all_ways_to_read(path, audio.MissingAudioError, "s16.wav': Permission denied; check")


def test_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "none.wav").touch()
    all_ways_to_read(tmp_path / "none.wav", audio.EmptyAudioError, "none.wav' is empty .0 bytes.; record")


@pytest.mark.parametrize("name", ["s16.wav", "f32.wav"])
def test_no_frames(tmp_path: Path, name: str) -> None:
    all_ways_to_read(write(tmp_path / name, np.zeros(0)), audio.EmptyAudioError, "not one sample")


def test_too_few_frames_for_the_rate(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(10), 384_000)
    with pytest.raises(audio.EmptyAudioError, match="not one sample at 4000 Hz"):
        audio.read(path, 4_000)
    with pytest.raises(audio.EmptyAudioError, match="not one sample at 4000 Hz"):
        list(audio.blocks(path, 4_000, 5))


@pytest.mark.parametrize("suffix", ["wav", "mp3", "raw", "txt"])
def test_what_is_not_audio(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"letter.{suffix}"
    path.write_text("Dear hubbub,\n" * 100)
    all_ways_to_read(path, audio.UnreadableAudioError, r"letter.* does not decode \(.+\); convert it with: ffmpeg")
    with pytest.raises(audio.UnreadableAudioError) as caught:
        audio.read(path)
    assert "exist" not in str(caught.value)


def test_a_header_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.flac", sine(48_000))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(audio.UnreadableAudioError, match=r"does not decode \(.*sync"):
        audio.read(path)


@pytest.mark.parametrize("rate", [3_999, 384_001])
def test_a_rate_that_is_not_supported(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros(100), rate)
    all_ways_to_read(path, audio.UnsupportedAudioError, f"odd.wav' has {rate} samples per second.*ffmpeg")


def test_no_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "s16.wav", sine(48_000))
    raw = bytearray(path.read_bytes())
    raw[22:24] = b"\0\0"
    path.write_bytes(raw)
    all_ways_to_read(path, audio.UnreadableAudioError, "s16.wav' does not decode")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_sound(tmp_path: Path, bad: float) -> None:
    samples = np.zeros((20_000, 2))
    samples[15_000, 1] = bad
    path = write(tmp_path / "f32.wav", samples)
    with pytest.raises(audio.InvalidSamplesError, match=r"f32\.wav' are not a sound .*export it again"):
        audio.read(path)
    assert len(next(audio.blocks(path, 48_000, 4000))) == 4000


# --- writing ----------------------------------------------------------------------------------------------------------


def test_written_samples_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    values = np.arange(-32768, 32768)
    audio.write_wav(tmp_path / "new" / "all.wav", values / 32768, 44_100)
    rate, seen = scipy.io.wavfile.read(io.BytesIO((tmp_path / "new" / "all.wav").read_bytes()))
    assert rate == 44_100 and seen.dtype == np.int16
    np.testing.assert_array_equal(seen, values)
    np.testing.assert_array_equal(audio.read(tmp_path / "new" / "all.wav")[0], values / 32768)


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")])
def test_a_file_object_gets_what_a_path_gets(tmp_path: Path, kind: audio.Format, subtype: str) -> None:
    memory = io.BytesIO()
    audio.write(memory, sine(48_000), 48_000, kind)
    audio.write(tmp_path / "new" / "sound", sine(48_000), 48_000, format=kind)
    assert (tmp_path / "new" / "sound").read_bytes() == memory.getvalue()
    assert audio.probe(memory.getvalue()) == audio.AudioInfo(48_000, 1, 48_000, 1.0, kind, subtype)
    samples, rate = audio.read(memory.getvalue())
    assert amplitude_at(samples, rate, 440) == pytest.approx(0.5, rel=0.03)


def test_a_rate_that_mp3_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MP3 cannot hold 96000 samples per second"):
        audio.write(tmp_path / "x.mp3", sine(96_000), 96_000, "MP3")
    assert not list(tmp_path.iterdir())


def test_writing_clips(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "loud.wav", np.array([-2.0, -1.0, 0.0, 1.0, 7.0]), 8000)
    samples, _ = audio.read(tmp_path / "loud.wav")
    np.testing.assert_array_equal(samples, [-1, -1, 0, 32767 / 32768, 32767 / 32768])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_sound_is_not_written(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "kept.wav"
    audio.write_wav(path, sine(8000), 8000)
    before = path.read_bytes()
    with pytest.raises(audio.InvalidSamplesError, match=r"kept\.wav"):
        audio.write_wav(path, np.array([0.0, bad]), 8000)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


# --- samples in memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_float_samples_are_taken_as_they_are(dtype: str) -> None:
    samples = np.array([-3.0, -1.0, 0.0, 0.5, 1.0], dtype=dtype)
    heard = audio.from_array(samples, 8000, 8000)
    assert heard.dtype == np.float32
    np.testing.assert_array_equal(heard, [-3.0, -1.0, 0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.uint8, [0, 64, 128, 192]),
        (np.int8, [-128, -64, 0, 64]),
        (np.int16, [-32768, -16384, 0, 16384]),
        (">i2", [-32768, -16384, 0, 16384]),
        (np.uint16, [0, 16384, 32768, 49152]),
        (np.int32, [-(2**31), -(2**30), 0, 2**30]),
        (np.uint32, [0, 2**30, 2**31, 3 * 2**30]),
    ],
)
@pytest.mark.parametrize("channels", [None, 1, 2])
def test_integers_are_scaled_by_their_full_scale(dtype: str, values: list[int], channels: int | None) -> None:
    samples = np.array(values, dtype=dtype)
    if channels:
        samples = np.repeat(samples[:, None], channels, axis=1)
    np.testing.assert_array_equal(audio.from_array(samples, 8000, 8000), [-1.0, -0.5, 0.0, 0.5])


@pytest.mark.parametrize(
    ("subtype", "dtype"), [("PCM_16", "int16"), ("PCM_32", "int32"), ("FLOAT", "float32"), ("DOUBLE", "float64")]
)
@pytest.mark.parametrize("to", [16_000, 44_100])
def test_samples_are_heard_as_the_file_that_holds_them(tmp_path: Path, subtype: str, dtype: str, to: int) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.9, 0.9, (20_000, 3)), 44_100, subtype=subtype)
    samples, rate = soundfile.read(path, dtype=dtype)
    assert samples.shape == (20_000, 3) and samples.dtype == dtype
    np.testing.assert_allclose(audio.from_array(samples, rate, to), audio.read(path, to)[0], atol=2e-6)


def test_lists_are_samples_too() -> None:
    assert audio.from_array([[0.5, 0.25], [1.0, 0.0]], 8000, 8000).tolist() == [0.375, 0.5]


def test_samples_are_resampled_from_their_rate() -> None:
    heard = audio.from_array(np.stack([sine(44_100, frequency=1000)] * 2, axis=1), 44_100, 16_000)
    assert heard.shape == (16_000,) and amplitude_at(heard, 16_000, 1000) == pytest.approx(0.5, rel=1e-3)


def test_the_samples_given_are_left_alone() -> None:
    samples = np.random.default_rng(0).integers(-9, 9, (100, 2)).astype(np.int16)
    before = samples.copy()
    audio.from_array(samples, 8000, 16_000)
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (5, 0)])
def test_no_samples(shape: tuple[int, ...]) -> None:
    with pytest.raises(audio.EmptyAudioError, match="not one sample at 8000 Hz"):
        audio.from_array(np.zeros(shape), 8000, 8000)
    with pytest.raises(audio.EmptyAudioError, match="not one sample"):
        audio.from_array([], 8000, 8000)


def test_too_few_samples_for_the_rate() -> None:
    with pytest.raises(audio.EmptyAudioError, match="not one sample at 4000 Hz"):
        audio.from_array(np.zeros(10), 384_000, 4000)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_are_no_sound(bad: float, dtype: type) -> None:
    samples = np.zeros((100, 2), dtype)
    samples[50, 1] = bad
    with pytest.raises(audio.InvalidSamplesError, match=r"the samples are not a sound .*; check them"):
        audio.from_array(samples, 8000, 8000)


def test_doubles_too_large_for_single_precision() -> None:
    with pytest.raises(audio.InvalidSamplesError, match="not a sound"):
        audio.from_array(np.array([1e300]), 8000, 8000)


@pytest.mark.parametrize("shape", [(), (2, 3, 4), (2, 16_000)])
def test_shapes_that_are_no_sound(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"shape \(.*\) are no sound; give \(time,\) or \(time, channels\)"):
        audio.from_array(np.zeros(shape), 8000, 8000)


@pytest.mark.parametrize(
    "samples", [np.zeros(9, complex), np.zeros(9, bool), np.zeros(9, np.int64), [0, 1, 0], ["a"], b"RIFF"]
)
def test_types_that_are_no_sound(samples: object) -> None:
    with pytest.raises(UsageError, match=r"no sound[;:].* give "):
        audio.from_array(samples, 8000, 8000)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "to"), [(3999, 8000), (8000, 384_001)])
def test_rates_that_no_samples_have(rate: int, to: int) -> None:
    with pytest.raises(UsageError, match="4000 to 384000 Hz"):
        audio.from_array(np.zeros(100), rate, to)
