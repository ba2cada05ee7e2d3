import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from numpy.typing import NDArray

from hubbub import audio
from hubbub.logmel import Floats
from hubbub.studies import measure
from hubbub.studies.measure import MeasuredFile, Measurements, embeddings, measure_files, measure_samples, pauses

RATE = 44_100


def noise(seconds: float = 2.0, rate: int = RATE) -> Floats:
    return (0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate))).astype(np.float32)


def tone(hertz: float, amplitude: float = 0.5, seconds: float = 1.0) -> Floats:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def rounded(samples: NDArray[np.floating]) -> Floats:
    """As 16 bit keep it."""
    return (np.rint(samples * 32768) / 32768).astype(np.float32)


class TestMeasure:
    def test_level_and_peak_of_a_sine(self) -> None:
        measured = measure_samples(tone(1000), RATE)
        assert measured["peak"] == pytest.approx(0.5, abs=1e-4)
        assert measured["level"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
        assert measured["crossings"] == pytest.approx(2000, abs=3)
        assert measured["offset"] == pytest.approx(0, abs=1e-4)

    def test_silence_does_not_dilute_the_level_nor_the_crossings(self) -> None:
        sound = tone(1000)
        padded = np.concatenate([np.zeros(RATE, np.float32), sound, np.zeros(2 * RATE, np.float32)])
        measured, plain = measure_samples(padded, RATE), measure_samples(sound, RATE)
        assert measured["silence"] == pytest.approx(3 / 4, abs=1e-4)
        assert measured["lead"] == pytest.approx(1, abs=1e-3)
        assert measured["tail"] == pytest.approx(2, abs=1e-3)
        assert measured["level"] == pytest.approx(plain["level"], abs=0.01)
        assert measured["crossings"] == pytest.approx(plain["crossings"], rel=0.01)
        assert measured["centroid"] == pytest.approx(plain["centroid"], rel=0.05)

    def test_an_offset(self) -> None:
        assert measure_samples(noise() + np.float32(0.03), RATE)["offset"] == pytest.approx(0.03, abs=1e-3)

    def test_the_centroid_is_in_hertz_on_a_linear_axis(self) -> None:
        """White noise has its mean frequency in the middle of the linear axis; in mel bands it would lie far lower."""
        assert measure_samples(noise(), RATE)["centroid"] == pytest.approx(RATE / 4, rel=0.01)
        assert measure_samples(tone(3000), RATE)["centroid"] == pytest.approx(3000, rel=0.05)

    def test_the_centroid_agrees_with_scipys_spectrogram(self) -> None:
        sound = scipy.signal.lfilter([1], [1, -0.9], noise()).astype(np.float32)
        hertz, _, spectra = scipy.signal.stft(sound, RATE, "hann", 2048, 1024, boundary=None, padded=False)
        magnitude = np.abs(spectra)
        wanted = float(((magnitude * hertz[:, None]).sum(0) / magnitude.sum(0)).mean())
        assert measure_samples(sound, RATE)["centroid"] == pytest.approx(wanted, rel=1e-3)

    def test_bandwidth_of_what_was_cut_off(self) -> None:
        low = scipy.signal.sosfiltfilt(scipy.signal.butter(16, 4000, fs=RATE, output="sos"), noise())
        assert measure_samples(rounded(low), RATE)["bandwidth"] == pytest.approx(4000 * 1.15, rel=0.15)

    def test_bandwidth_of_what_was_recorded_at_a_lower_rate(self) -> None:
        measured = measure_samples(rounded(audio.resample(noise(rate=8000), 8000, RATE)), RATE)
        assert measured["bandwidth"] == pytest.approx(4000, rel=0.05)

    def test_bandwidth_of_all_there_is(self) -> None:
        assert measure_samples(noise(), RATE)["bandwidth"] == pytest.approx(RATE / 2)

    @pytest.mark.parametrize("length", [1, 500])
    def test_bandwidth_of_a_few_samples(self, length: int) -> None:
        """A click holds all frequencies."""
        click = np.zeros(length, np.float32)
        click[length // 2] = 0.5
        assert measure_samples(click, RATE)["bandwidth"] == pytest.approx(RATE / 2)
        assert measure_samples(click, RATE)["centroid"] == pytest.approx(RATE / 4, rel=0.01)

    def test_rounding_is_no_bandwidth(self) -> None:
        """Faint sound in 16 bit has the white noise of rounding up to the top, less than 80 dB under it."""
        low = scipy.signal.sosfiltfilt(scipy.signal.butter(8, 500, fs=RATE, output="sos"), noise()) * 0.1
        assert measure_samples(rounded(low), RATE)["bandwidth"] < 1500

    def test_clipping(self) -> None:
        sound = tone(100, 2.0)
        cut = np.clip(sound, -1, 1)
        share = float((np.abs(sound) >= 1).mean())
        assert measure_samples(cut, RATE)["clipped"] == pytest.approx(share, rel=0.02)
        assert measure_samples(cut * np.float32(0.4), RATE)["clipped"] == pytest.approx(share, rel=0.02), (
            "turned down later"
        )
        assert measure_samples(tone(5000), RATE)["clipped"] == 0
        assert measure_samples(noise(), RATE)["clipped"] == 0

    @pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(1, np.float32)])
    def test_silence(self, samples: Floats) -> None:
        measured = measure_samples(samples, RATE)
        assert (measured["peak"], measured["level"]) == (0, -np.inf)
        assert measured["lead"] == measured["tail"] == pytest.approx(len(samples) / RATE)
        assert not any(measured[name] for name in ("clipped", "bandwidth", "centroid", "crossings"))

    def test_a_pause_is_long(self) -> None:
        sound = np.ones(1000, np.float32)
        sound[100:105] = 0  # half a millisecond
        sound[500:900] = 0
        assert np.flatnonzero(pauses(sound, 10_000)).tolist() == list(range(500, 900))


class TestFiles:
    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        audio.write_wav(tmp_path / "a.wav", noise(1), RATE)
        soundfile.write(tmp_path / "b.flac", np.stack([tone(440), tone(440)], 1), RATE, subtype="PCM_24")
        (tmp_path / "broken.wav").write_bytes(b"no sound")
        return [tmp_path / name for name in ("a.wav", "b.flac", "broken.wav", "gone.wav")]

    def test_measurements_of_files(self, paths: list[Path], tmp_path: Path) -> None:
        first, second, broken, gone = (file.measurements for file in measure_files(paths, folder=tmp_path / "cache"))
        assert (first.format, first.subtype, first.rate, first.channels, first.duration) == (
            "WAV",
            "PCM_16",
            RATE,
            1,
            1,
        )
        assert first.size == paths[0].stat().st_size
        assert (second.format, second.channels) == ("FLAC", 2)
        assert "broken.wav" in broken.problem
        assert not broken.missing
        assert gone.missing

    def test_embeddings_are_the_models(self, paths: list[Path], tmp_path: Path) -> None:
        import hubbub

        vectors = embeddings(measure_files(paths, folder=tmp_path / "cache"))
        np.testing.assert_allclose(vectors[0], hubbub.embed(paths[0]), rtol=1e-2, atol=1e-2)
        assert np.isnan(vectors[2:]).all()

    def test_what_is_known_is_not_found_again(
        self, paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = measure_files(paths, folder=tmp_path / "cache")

        def refuse(*_: object) -> None:
            raise AssertionError("it was in the cache")

        monkeypatch.setattr(measure, "measure_samples", refuse)
        again = measure_files([paths[0].rename(tmp_path / "renamed.wav"), *paths[1:]], folder=tmp_path / "cache")
        assert [one.measurements for one in again[:2]] == [one.measurements for one in before[:2]]
        np.testing.assert_array_equal(again[0].embedding, before[0].embedding.astype(np.float16).astype(np.float32))

    def test_a_damaged_cache_is_made_anew(self, paths: list[Path], tmp_path: Path) -> None:
        before = measure_files(paths[:1], folder=tmp_path / "cache")
        for cached in (tmp_path / "cache").iterdir():
            cached.write_text('{"measurements": {"level": 1}, "embedding": ""}')
        assert measure_files(paths[:1], folder=tmp_path / "cache")[0].measurements == before[0].measurements

    def test_another_content_under_the_same_name(self, paths: list[Path], tmp_path: Path) -> None:
        before = measure_files(paths[:1], folder=tmp_path / "cache")[0].measurements
        audio.write_wav(paths[0], tone(1000), RATE)
        assert measure_files(paths[:1], folder=tmp_path / "cache")[0].measurements != before

    def test_silence_comes_back_from_the_cache(self, tmp_path: Path) -> None:
        audio.write_wav(tmp_path / "a.wav", np.zeros(RATE), RATE)
        paths = [tmp_path / "a.wav"]
        first, again = (measure_files(paths, folder=tmp_path / "cache")[0].measurements for _ in range(2))
        assert first == again
        assert first.silent
        assert not replace(first, peak=0.1).silent

    def test_several_processes_give_the_same(self, paths: list[Path], tmp_path: Path) -> None:
        alone = measure_files(paths, 1, tmp_path / "one")
        together = measure_files(paths, 2, tmp_path / "two")
        assert [one.measurements for one in alone] == [one.measurements for one in together]

    def test_a_long_file_is_measured_from_its_beginning(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(measure, "LONGEST", 1)
        audio.write_wav(tmp_path / "a.wav", np.concatenate([tone(1000), np.zeros(RATE)]), RATE)
        measured = measure_files([tmp_path / "a.wav"], folder=tmp_path / "cache")[0].measurements
        assert measured.duration == pytest.approx(2)
        assert measured.silence == 0

    def test_memory_is_bounded_at_any_rate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lengths: list[int] = []
        real = measure.measure_samples
        monkeypatch.setattr(measure, "MOST", 2 * 96_000 + 5)
        monkeypatch.setattr(
            measure, "measure_samples", lambda samples, rate: (lengths.append(len(samples)), real(samples, rate))[1]
        )
        audio.write_wav(tmp_path / "a.wav", noise(4, 96_000), 96_000)
        measured = measure_files([tmp_path / "a.wav"], folder=tmp_path / "cache")[0].measurements
        assert lengths == [2 * 96_000]
        assert measured.duration == pytest.approx(4)

    def test_a_truncated_file_is_as_long_as_what_it_holds(self, tmp_path: Path) -> None:
        audio.write_wav(tmp_path / "whole.wav", noise(5), RATE)
        for name, size in (("whole.wav", None), ("cut.wav", 44 + 2 * 1323)):  # 0.03 s
            (tmp_path / name).write_bytes((tmp_path / "whole.wav").read_bytes()[:size])
        whole, cut = (
            file.measurements
            for file in measure_files([tmp_path / "whole.wav", tmp_path / "cut.wav"], folder=tmp_path / "cache")
        )
        assert (whole.duration, whole.warnings) == (5, ())
        assert cut.duration == pytest.approx(0.03)
        assert cut.warnings == ("is cut off, heard up to 0.03 s only, of 5.00 s that it promises",)
        (tmp_path / "cut.wav").rename(tmp_path / "other.wav")
        assert measure_files([tmp_path / "other.wav"], folder=tmp_path / "cache")[0].measurements == cut

    def test_a_pipe_and_a_device_are_not_opened(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.wav")
        (tmp_path / "device.wav").symlink_to("/dev/zero")
        for name in ("pipe.wav", "device.wav"):
            (file,) = measure_files([tmp_path / name], folder=tmp_path / "cache")
            assert "is a pipe or device, not a sound file" in file.measurements.problem

    def test_a_cache_that_cannot_be_written_stops_nothing(
        self, paths: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "cache").write_text("a file, not a folder")
        assert measure_files(paths[:1], folder=tmp_path / "cache")[0].measurements.duration == 1
        assert "set HUBBUB_CACHE" in caplog.text


def test_embeddings_of_nothing() -> None:
    assert embeddings([]).shape == (0, 0)
    assert embeddings([MeasuredFile(Measurements(problem="broken"))]).shape == (1, 0)
