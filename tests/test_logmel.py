import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import scipy.signal
import soundfile
import torch

import reference
from hubbub.logmel import DECIBELS, LogMelSpec, hann, logmel, mel_bands, resize, resizing

SPEC = LogMelSpec()
#: Some numbers of the golden waveform's log-mel, from reference.py: (mel band, frame) → value
GOLDEN = {
    (0, 0): 0.93997,
    (1, 0): 1.23181,
    (20, 0): -0.33551,
    (127, 0): -1.40052,
    (20, 10): -1.37969,
    (42, 10): 2.09246,
    (85, 40): 2.76014,
    (100, 40): -1.40143,
    (0, 75): -1.40259,
    (108, 75): 2.70393,
    (119, 99): 1.53726,
}
REAL = ["1-100032-A-0", "1-172649-A-40", "2-37806-A-40", "4-133047-A-5", "5-103415-A-2"]


def noise(seed: int = 0, seconds: float = 0.5, loudness: float = 0.1) -> np.ndarray:
    return (loudness * np.random.default_rng(seed).standard_normal(round(32_000 * seconds))).astype(np.float32)


def assert_close(ours: np.ndarray, expected: np.ndarray) -> None:
    assert ours.shape == expected.shape and ours.dtype == np.float32
    error = np.abs(ours - expected)
    assert error.max() < 1e-3 and np.median(error) < 5e-5


@pytest.mark.parametrize("loudness", [1e-6, 1e-3, 0.1, 1.0])
def test_noise_by_the_book(loudness: float) -> None:
    waveform = noise(1, loudness=loudness)
    assert_close(logmel(waveform, SPEC), reference.logmel(waveform))


@pytest.mark.parametrize("samples", [514, 800, 801, 1024, 9599, 9600, 9601])
def test_every_length_by_the_book(samples: int) -> None:
    waveform = noise(2)[:samples]
    ours = logmel(waveform, SPEC)
    assert_close(ours, reference.logmel(waveform))
    assert ours.shape[1] == SPEC.frames(samples)


@pytest.mark.parametrize("window", [200, 201])  # an odd window's middle lies half a sample aside
def test_another_front_end_by_the_book(window: int) -> None:
    spec = LogMelSpec(16_000, 512, window, 128, 20, 125.0, 7500.0)
    waveform = noise(3, 0.2)
    expected = reference.logmel(waveform, 16_000, 512, window, 128, 20, 125, 7500)
    assert_close(logmel(waveform, spec), expected)


def test_preemphasis_floor_and_normalisation_are_the_specs() -> None:
    plain = LogMelSpec(preemphasis=0.0, floor=1e-3, mean=0.0, std=1.0)
    tone = np.sin(2 * np.pi * 1000 * np.arange(3200) / 32_000)
    frame = tone[1601 - 400 : 1601 + 400] * reference.window()[112:912]  # the frame about the fifth hop after the first
    power = np.abs(np.fft.rfft(frame, 1024)) ** 2
    expected = np.log(reference.filterbank() @ power + 1e-3)
    np.testing.assert_allclose(logmel(tone, plain)[:, 5], expected, atol=1e-3)


@pytest.mark.parametrize("stem", REAL)
def test_real_clips_by_the_book(esc50_clip: Callable[[str], Path], stem: str) -> None:
    samples, rate = soundfile.read(esc50_clip(stem), dtype="float64")
    waveform = scipy.signal.resample_poly(samples, 32_000, rate).astype(np.float32)
    assert_close(logmel(waveform, SPEC), reference.logmel(waveform))


def test_golden_numbers() -> None:
    spectrogram = logmel(reference.chirp(), SPEC)
    assert spectrogram.shape == (128, 100)
    assert {place: float(spectrogram[place]) for place in GOLDEN} == pytest.approx(GOLDEN, abs=2e-5)
    assert spectrogram.mean() == pytest.approx(-1.2033, abs=1e-4)


def test_the_spectrum_agrees_with_scipy() -> None:
    waveform = noise(4)
    emphasised = scipy.signal.lfilter([1, -0.97], [1], waveform.astype(np.float64))[1:]
    window = np.pad(scipy.signal.get_window("hann", 800, fftbins=False), 112)
    _, _, stft = scipy.signal.stft(
        emphasised, window=window, nperseg=1024, noverlap=1024 - 320, boundary="even", padded=False
    )
    power = np.abs(stft * window.sum()) ** 2
    expected = (np.log(reference.filterbank() @ power + 1e-5) + 4.5) / 5
    frames = min(expected.shape[1], SPEC.frames(len(waveform)))
    assert frames >= 49
    assert_close(logmel(waveform, SPEC)[:, :frames], expected[:, :frames])


def test_silence_is_the_floor() -> None:
    np.testing.assert_allclose(logmel(np.zeros(5000), SPEC), (np.log(1e-5) + 4.5) / 5, atol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 1, 1), (0,)])
def test_batches_are_waveforms_side_by_side(shape: tuple[int, ...]) -> None:
    waveforms = np.random.default_rng(5).uniform(-1, 1, (*shape, 3000)).astype(np.float32)
    together = logmel(waveforms, SPEC)
    assert together.shape == (*shape, 128, 10) and together.dtype == np.float32
    for index in np.ndindex(*shape):
        np.testing.assert_allclose(together[index], logmel(waveforms[index], SPEC), atol=1e-5)


def test_five_seconds_are_five_hundred_frames() -> None:
    assert logmel(np.zeros(160_000), SPEC).shape == (128, 500)


def test_the_waveform_is_left_alone() -> None:
    waveform = noise()
    before = waveform.copy()
    logmel(waveform, SPEC)
    np.testing.assert_array_equal(waveform, before)


@pytest.mark.parametrize("samples", [0, 1, 513])
def test_too_short_a_waveform(samples: int) -> None:
    with pytest.raises(ValueError, match=f"at least 514 samples, got {samples}; zero-pad"):
        logmel(np.zeros((2, samples)), SPEC)


@pytest.mark.parametrize("length", [2, 5, 800])
def test_hann_agrees_with_scipy(length: int) -> None:
    expected = scipy.signal.get_window("hann", length, fftbins=False)
    np.testing.assert_allclose(hann(length), expected, atol=1e-7)


def test_bands_by_the_book() -> None:
    bands = mel_bands(SPEC)
    np.testing.assert_allclose(bands, reference.filterbank(), atol=1e-6)
    assert bands.shape == (128, 513) and not bands[:, -1].any()
    assert mel_bands(LogMelSpec(fmax=16_000.0))[:, -1].max() == 0  # unused even where a band reaches it


def test_a_tone_lands_in_its_band() -> None:
    for frequency in (300, 1000, 4000, 12_000):
        tone = np.sin(2 * np.pi * frequency * np.arange(6400) / 32_000)
        centres = [reference.mel(15_000) * (band + 1) / 129 for band in range(128)]
        nearest = int(np.argmin(np.abs(np.array(centres) - reference.mel(frequency))))
        assert abs(int(logmel(tone, SPEC)[:, 10].argmax()) - nearest) <= 1


# --- decibels, range, normalisation, size -----------------------------------------------------------------------------


def power(waveform: np.ndarray) -> np.ndarray:
    """Mel power by the book, shape (mels, frames)."""
    return np.exp(5 * reference.logmel(waveform) - 4.5) - 1e-5


def changed(**changes: Any) -> LogMelSpec:
    return dataclasses.replace(SPEC, floor=1e-10, mean=0.0, std=1.0, **changes)


def test_decibels_are_ten_times_the_decimal_logarithm() -> None:
    waveform = noise(6)
    np.testing.assert_allclose(
        logmel(waveform, changed(decibels=True)), 10 * np.log10(power(waveform) + 1e-10), atol=2e-3
    )
    np.testing.assert_allclose(logmel(np.zeros(5000), changed(decibels=True)), -100, atol=1e-4)


@pytest.mark.parametrize("range_db", [20.0, 80.0])
def test_a_range_lies_under_the_loudest_point_as_in_librosa(range_db: float) -> None:
    """power_to_db(power, ref=np.max, top_db=range_db), written out: 10 log10(max(amin, S) / max(S)), clipped below."""
    waveform = reference.chirp()
    powers = np.maximum(power(waveform), 1e-10)
    expected = np.maximum(10 * np.log10(powers / powers.max()), -range_db)
    ours = logmel(waveform, changed(range_db=range_db))
    np.testing.assert_allclose(ours, expected, atol=5e-3)
    assert ours.max() == 0 and ours.min() == -range_db
    np.testing.assert_allclose(
        logmel(0.01 * waveform, changed(range_db=range_db)), expected, atol=0.05
    )  # no level left


def test_each_clip_of_a_batch_has_its_own_range() -> None:
    both = np.stack([noise(7), 0.01 * noise(8)])
    together = logmel(both, changed(range_db=30.0))
    assert together.max((1, 2)).tolist() == [0, 0]
    np.testing.assert_allclose(together[1], logmel(both[1], changed(range_db=30.0)), atol=1e-4)


def test_a_range_is_normalised_after() -> None:
    waveform = noise(9)
    plain = logmel(waveform, changed(range_db=40.0))
    ours = logmel(waveform, dataclasses.replace(changed(range_db=40.0), mean=-20.0, std=8.0))
    np.testing.assert_allclose(ours, (plain + 20) / 8, atol=1e-5)


@pytest.mark.parametrize("loudness", [1e-4, 0.1])
def test_a_clip_may_be_normalised_by_itself(loudness: float) -> None:
    waveform = loudness * reference.chirp()
    ours = logmel(waveform, dataclasses.replace(SPEC, normalise="clip", floor=1e-12))
    logs = np.log(power(reference.chirp()).clip(0) * loudness**2 + 1e-12)
    assert ours.mean() == pytest.approx(0, abs=1e-4) and ours.std() == pytest.approx(1, abs=1e-4)
    loud = logs > logs.max() - 8  # where rounding does not show
    np.testing.assert_allclose(ours[loud], ((logs - logs.mean()) / logs.std())[loud], atol=0.05)


def test_each_clip_of_a_batch_is_normalised_by_itself() -> None:
    together = logmel(np.stack([noise(1), 0.01 * noise(2)]), dataclasses.replace(SPEC, normalise="clip"))
    np.testing.assert_allclose(together.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(together.std((1, 2)), 1, atol=1e-4)


@pytest.mark.parametrize(
    "changes", [{"normalise": "clip"}, {"range_db": 80.0}, {"normalise": "clip", "range_db": 80.0}]
)
def test_silence_is_finite(changes: dict[str, Any]) -> None:
    np.testing.assert_allclose(logmel(np.zeros(5000), changed(**changes)), 0, atol=0.05)


def test_a_picture_has_the_size_that_was_asked_for() -> None:
    waveform = reference.chirp()
    whole = logmel(waveform, SPEC)
    for height, width in ((64, 0), (0, 64), (224, 224), (64, 30)):
        ours = logmel(waveform, dataclasses.replace(SPEC, height=height, width=width))
        assert ours.shape == (height or 128, width or 100) and ours.dtype == np.float32
    halved = logmel(waveform, dataclasses.replace(SPEC, height=64))
    inner = (whole[:-1:2] + whole[1::2])[1:-1] * 3 / 8 + (whole[1:-3:2] + whole[4::2]) / 8  # a triangle over four rows
    np.testing.assert_allclose(halved[1:-1], inner, atol=1e-4)


# --- the specification ------------------------------------------------------------------------------------------------


def test_a_spec_survives_plain_values() -> None:
    spec = LogMelSpec(16_000, 512, 400, 160, 64, 125.0, 7500.0, 0.0, 1e-3, 0.0, 1.0, True, 80.0, "clip", 64, 32, 3)
    assert LogMelSpec(**spec.to_dict()) == spec != LogMelSpec()


@pytest.mark.parametrize(
    ("changes", "samples", "shape"),
    [
        ({}, 160_000, (1, 128, 500)),
        ({"channels": 3}, 9601, (3, 128, 31)),
        ({"height": 64}, 9600, (1, 64, 30)),
        ({"width": 224, "channels": 3}, 9600, (3, 128, 224)),
        ({"height": 224, "width": 224}, 9600, (1, 224, 224)),
    ],
)
def test_the_shape_is_that_of_the_picture(changes: dict[str, Any], samples: int, shape: tuple[int, int, int]) -> None:
    spec = dataclasses.replace(SPEC, **changes)
    assert spec.shape(samples) == shape
    assert logmel(np.zeros((2, samples)), spec).shape == (2, *shape[1:])  # channels are copies, which are made later


@pytest.mark.parametrize(
    ("changes", "absolute"),
    [
        ({}, True),
        ({"decibels": True, "channels": 3}, True),
        ({"range_db": 80.0}, False),
        ({"normalise": "clip"}, False),
        ({"height": 64}, False),
        ({"width": 64}, False),
    ],
)
def test_whether_level_is_kept(changes: dict[str, Any], absolute: bool) -> None:
    assert dataclasses.replace(SPEC, **changes).absolute is absolute


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"n_fft": 1023}, "n_fft must be even.*1023"),
        ({"n_fft": 0}, r"n_fft must be in 2\.\.65536, got 0"),
        ({"n_fft": 1 << 20}, r"n_fft must be in 2\.\.65536"),
        ({"win_length": 1025}, "win_length in 2..n_fft.*1025"),
        ({"win_length": 1}, "win_length must be in 2"),
        ({"hop_length": 0}, "hop_length must be in 1"),
        ({"n_mels": 0}, r"n_mels must be in 1\.\.4096"),
        ({"sample_rate": -1}, "sample_rate must be in 1"),
        ({"fmax": 16_001.0}, "fmin must be 1 Hz or more under fmax.*16001"),
        ({"fmin": 15_000.0}, "fmin must be 1 Hz or more under fmax"),
        ({"fmin": -1.0}, "fmin must be 1 Hz or more under fmax"),
        ({"floor": 0.0}, "floor must be in 1e-30"),
        ({"mean": float("inf")}, "mean must be in"),
        ({"std": 0.0}, "std must be in 1e-06"),
        ({"std": float("nan")}, "std must be in .*got nan"),
        ({"range_db": -1.0}, r"range_db must be in 0\.\.1000, got -1"),
        ({"height": -1}, "height must be in 0"),
        ({"width": 100_000}, r"width must be in 0\.\.4096, got 100000"),
        ({"normalise": "mean"}, "normalise must be fixed or clip and channels 1 or 3, got mean and 1"),
        ({"channels": 2}, "channels 1 or 3, got fixed and 2"),
        ({"channels": 0}, "channels 1 or 3, got fixed and 0"),
    ],
)
def test_a_spec_that_makes_no_sense(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        LogMelSpec(**changes)


SIZES = [(4, 2), (5, 3), (128, 64), (100, 224), (431, 128), (7, 7), (3, 20), (1, 5), (5, 1), (128, 127)]


def picture(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows * columns).normal(0, 1, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_resizing_agrees_with_torch(source: int, target: int) -> None:
    given = picture(source, 9)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(given).double()[None, None], (target, 9), mode="bilinear", antialias=True
    )[0, 0]
    np.testing.assert_allclose(resizing(source, target) @ given, expected, atol=1e-5)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_resizing_agrees_with_pillow(source: int, target: int) -> None:
    given = picture(6, source)
    expected = PIL.Image.fromarray(given).resize((target, 6), PIL.Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize(given, 0, target), np.asarray(expected), atol=1e-5)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_weights_are_shares_and_no_value_is_skipped(source: int, target: int) -> None:
    matrix = resizing(source, target)
    assert matrix.shape == (target, source) and matrix.dtype == np.float32 and matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert (matrix.sum(0) > 0).all()


def test_both_sides_at_once_for_a_batch() -> None:
    batch = np.random.default_rng(0).normal(0, 1, (2, 3, 40, 50)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(batch), (24, 64), mode="bilinear", antialias=True
    ).numpy()
    np.testing.assert_allclose(resize(batch, 24, 64), expected, atol=1e-5)


def test_nothing_is_resized_unless_asked() -> None:
    given = picture(5, 6)
    assert resize(given, 0, 0) is given
    np.testing.assert_allclose(resize(given, 5, 6), given, atol=1e-6)


def test_decibels() -> None:
    assert np.log(1000.0) * DECIBELS == pytest.approx(30)


# --- the level taken out ----------------------------------------------------------------------------------------------

LEVELLED = dataclasses.replace(SPEC, level_db=20.0)


def sounding(seconds: float = 5.0) -> np.ndarray:
    """A tenth of a second of noise at 1 s, over noise 40 dB under it."""
    samples = noise(3, seconds, 0.002)
    samples[32_000:35_200] = noise(4, 0.1, 0.2)
    return samples


def test_the_loudest_tenth_of_a_second_has_the_level() -> None:
    power = reference_power(sounding())
    loudest = max(power[:, start : start + 10].sum(0).mean() for start in range(power.shape[1] - 9))
    expected = (np.log(power * 100 / loudest + 1e-5) + 4.5) / 5
    assert_close(logmel(sounding(), LEVELLED), expected)


def reference_power(samples: np.ndarray) -> np.ndarray:
    return np.maximum(np.exp(reference.logmel(samples) * 5 - 4.5) - 1e-5, 0)


@pytest.mark.parametrize("decibels", [-50, -20, 20])
def test_a_softer_sound_looks_as_a_loud_one(decibels: float) -> None:
    scaled = sounding() * np.float32(10 ** (decibels / 20))
    np.testing.assert_allclose(logmel(scaled, LEVELLED), logmel(sounding(), LEVELLED), atol=1e-3)


def test_each_sound_of_a_batch_has_its_own_level() -> None:
    loud, soft = sounding(), sounding() * np.float32(1e-3)
    np.testing.assert_allclose(*logmel(np.stack([loud, soft]), LEVELLED), atol=1e-3)


def test_a_click_does_not_set_the_level() -> None:
    """A single sample at 14 dB over the peak of a steady sound moves the level by less than a decibel."""
    steady = noise(5, 5.0, 0.05)
    clicked = steady.copy()
    clicked[80_000] = 1.0
    moved = np.median(logmel(steady, LEVELLED) - logmel(clicked, LEVELLED)) * 5 * DECIBELS
    assert 0 <= moved < 1
    by_peak = 20 * np.log10(1.0 / np.abs(steady).max())
    assert by_peak > 12


def test_silence_stays_silent_at_any_level() -> None:
    silent = np.zeros(32_000, np.float32)
    np.testing.assert_array_equal(logmel(silent, LEVELLED), logmel(silent, SPEC))


def test_a_window_shorter_than_the_loudest_part_is_loud_as_a_whole() -> None:
    short = noise(6)[:1600]
    power = reference_power(short)
    expected = (np.log(power * 100 / power.sum(0).mean() + 1e-5) + 4.5) / 5
    assert_close(logmel(short, LEVELLED), expected)
