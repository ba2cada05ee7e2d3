import hashlib

import numpy as np
import pytest
import scipy.signal

from hubbub.augment.corruptions import CONDITIONS, CORRUPTIONS, corrupt
from hubbub.augment.loudness import level
from hubbub.types import Floats

RATE = 44_100
CLIP = "1-100032-A-0.wav"


def _sound(seed: int = 0) -> Floats:
    """A struck bar in faint noise: with an onset, so that the loudest part is somewhere."""
    rng = np.random.default_rng(seed)
    times = np.arange(5 * RATE) / RATE
    struck = np.where(times < 2.0, 0.0, np.exp(-6 * (times - 2.0)) * np.sin(2 * np.pi * 1234.5 * times))
    return np.asarray(0.3 * struck + 0.003 * rng.standard_normal(len(times)), np.float32)


def _corrupted(name: str, severity: int, clip: str = CLIP) -> Floats:
    return corrupt(_sound(), RATE, name, severity, clip, _sound(1) if CORRUPTIONS[name].with_background else None)


def _decibels(samples: Floats) -> float:
    return float(20 * np.log10(level(samples)))


#: SHA-256 of float32 samples at severity 3, the first 12 digits. They change with the suite's VERSION only.
GOLDEN = {
    "gaussian_snr": "b7a6a183fb6f",
    "pink_snr": "dbd3e8458ed4",
    "babble_snr": "36d1fa30aca2",
    "background_snr": "12ca0ae80be0",
    "reverb": "f987f4f04cf9",
    "microphone": "949c50f81a2f",
    "gain": "a5a00e53940f",
    "gain_16bit": "d10d2a5ea807",
    "clipping": "7e7accdee404",
    "lowpass": "fd464deb5875",
    "resample": "a07a7b15b39a",
    "mu_law": "9173a9a2d488",
    "speed": "8dd2089d1585",
    "silence_edge": "0d09f7898986",
    "excerpt": "899236643f7c",
}


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in ("opus", "mp3")])
def test_the_suite_is_frozen(name: str) -> None:
    assert hashlib.sha256(_corrupted(name, 3).tobytes()).hexdigest()[:12] == GOLDEN[name]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_condition_is_a_sound_as_long_as_the_clip(name: str) -> None:
    for severity in (1, len(CORRUPTIONS[name].amounts)):
        changed = _corrupted(name, severity)
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert len(changed) == (
            round(CORRUPTIONS[name].amounts[severity - 1] * RATE) if name == "excerpt" else 5 * RATE
        )
        assert level(changed) > 0


def test_there_are_eighty_three_conditions() -> None:
    assert len(CONDITIONS) == len(set(CONDITIONS)) == 83


def test_draws_are_of_the_clip_and_shared_by_severities() -> None:
    first, second = (_corrupted("gaussian_snr", severity) - _sound() for severity in (2, 4))
    assert np.corrcoef(first, second)[0, 1] > 0.999
    other = _corrupted("gaussian_snr", 2, "1-100038-A-14.wav") - _sound()
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.02


@pytest.mark.parametrize("name", ["gaussian_snr", "pink_snr", "babble_snr", "background_snr"])
def test_noise_lies_as_far_under_the_sound_as_it_says(name: str) -> None:
    noise = _corrupted(name, 4) - _sound()
    assert _decibels(_sound()) - _decibels(noise) == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize("name", ["reverb", "microphone"])
def test_what_is_no_question_of_level_keeps_it(name: str) -> None:
    assert _decibels(_corrupted(name, 5)) == pytest.approx(_decibels(_sound()), abs=0.1)


@pytest.mark.parametrize(
    ("name", "severity", "hertz"), [("lowpass", 2, 4_000), ("resample", 3, 4_000), ("resample", 5, 2_000)]
)
def test_what_is_above_the_band_is_gone(name: str, severity: int, hertz: float) -> None:
    noise = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)
    power = np.abs(np.fft.rfft(corrupt(noise, RATE, name, severity, "a"))) ** 2
    axis = np.fft.rfftfreq(5 * RATE, 1 / RATE)
    above = 10 * np.log10(power[axis > 1.3 * hertz].mean() / power[axis < 0.7 * hertz].mean())
    assert above < -15


def test_gain_after_rounding_is_whole_steps_of_16_bit() -> None:
    assert _decibels(_corrupted("gain", 5)) == pytest.approx(_decibels(_sound()) - 50, abs=0.001)
    steps = _corrupted("gain_16bit", 5) * 32768
    assert np.array_equal(steps, np.rint(steps))


def test_clipping_flattens_the_peaks_and_leaves_the_rest() -> None:
    changed, sound = _corrupted("clipping", 3), _sound()
    assert np.abs(changed).max() == pytest.approx(np.abs(sound).max() * 10 ** (-12 / 20), rel=1e-6)
    quiet = np.abs(sound) < np.abs(changed).max() * 0.99
    assert np.array_equal(changed[quiet], sound[quiet])


def test_mu_law_has_so_many_values() -> None:
    assert len(np.unique(_corrupted("mu_law", 5))) <= 7
    assert len(np.unique(_corrupted("mu_law", 1))) > 100


def test_speed_moves_the_pitch_by_its_factor() -> None:
    spectrum = np.abs(np.fft.rfft(_corrupted("speed", 5)))
    heard = np.fft.rfftfreq(5 * RATE, 1 / RATE)[spectrum.argmax()]
    assert min(abs(heard - 1234.5 * 1.5), abs(heard - 1234.5 / 1.5)) < 5


def test_excerpts_hold_the_loudest_part_and_silent_edges_are_silent() -> None:
    loudest = np.abs(_sound()).max()
    for severity in (1, 2, 3):
        assert np.abs(_corrupted("excerpt", severity)).max() == loudest
    edged = _corrupted("silence_edge", 5)
    assert np.abs(edged).max() == loudest
    assert np.count_nonzero(edged) <= round(0.5 * RATE)


@pytest.mark.parametrize("name", ["opus", "mp3"])
def test_codecs_lose_more_at_lower_rates_and_shift_nothing(name: str) -> None:
    likeness = [np.corrcoef(_sound(), _corrupted(name, severity))[0, 1] for severity in (1, 4)]
    assert likeness[0] > 0.9
    assert likeness[0] > likeness[1]


def test_impossible_conditions_are_refused() -> None:
    with pytest.raises(KeyError):
        corrupt(_sound(), RATE, "fog", 1, "a")
    for severity in (0, 6):
        with pytest.raises(IndexError):
            corrupt(_sound(), RATE, "gain", severity, "a")
    with pytest.raises(ValueError, match="missing"):
        corrupt(_sound(), RATE, "background_snr", 1, "a")
    with pytest.raises(ValueError, match="not wanted"):
        corrupt(_sound(), RATE, "gain", 1, "a", _sound())


def _busy() -> Floats:
    """Sounds of many pitches all the time, so that every part of them, and every band, tells of damage."""
    rng = np.random.default_rng(7)
    times = np.arange(5 * RATE) / RATE
    sound = 0.002 * rng.standard_normal(len(times))
    for number in range(25):
        start = number * RATE // 5
        rest = times[: len(times) - start]
        sound[start:] += rng.uniform(0.05, 0.2) * np.exp(-12 * rest) * np.sin(2 * np.pi * rng.uniform(300, 9000) * rest)
    return np.asarray(sound, np.float32)


def _spectrogram(samples: Floats) -> np.ndarray:
    whole = np.pad(samples.astype(float), (0, 5 * RATE - len(samples)))
    return 10 * np.log10(scipy.signal.spectrogram(whole, RATE, nperseg=1024)[2] + 1e-12)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "microphone"])  # whose level is kept
def test_each_severity_does_more_damage(name: str) -> None:
    sound = _busy()
    background = _sound(1) if CORRUPTIONS[name].with_background else None
    spectra = [
        _spectrogram(corrupt(sound, RATE, name, severity, CLIP, background))
        for severity in range(1, len(CORRUPTIONS[name].amounts) + 1)
    ]
    assert (np.diff([np.abs(spectrum - _spectrogram(sound)).mean() for spectrum in spectra]) > 0).all()


def test_each_microphone_hears_less_of_the_treble_and_more_of_itself() -> None:
    sound = np.where(np.arange(5 * RATE) < 3 * RATE, _busy(), 0).astype(np.float32)
    heard = [corrupt(sound, RATE, "microphone", severity, CLIP) for severity in (1, 2, 3, 4, 5)]
    floors = [np.sqrt(np.mean(samples[4 * RATE :].astype(float) ** 2)) for samples in heard]
    assert (np.diff(floors) > 0).all()
    hertz = np.fft.rfftfreq(3 * RATE, 1 / RATE)
    power = [np.abs(np.fft.rfft(samples[: 3 * RATE])) ** 2 for samples in heard]
    treble = [spectrum[(hertz > 6000) & (hertz < 9000)].sum() / spectrum.sum() for spectrum in power]
    assert (np.diff(treble) < 0).all()


@pytest.mark.parametrize("name", ["gaussian_snr", "pink_snr", "babble_snr"])
def test_the_ratio_is_that_of_powers_where_a_sound_is_steady(name: str) -> None:
    steady = np.asarray(0.1 * np.sin(2 * np.pi * 441 * np.arange(5 * RATE) / RATE), np.float32)
    noise = corrupt(steady, RATE, name, 3, CLIP).astype(float) - steady
    assert 10 * np.log10(np.mean(steady.astype(float) ** 2) / np.mean(noise**2)) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(
    ("name", "octaves"),
    [("opus", (0.6, -0.1, -0.1, -0.3, -0.4, -1.4)), ("mp3", (0.1, 0.2, -0.5, -0.5, -0.4, -3.7))],
)
def test_codecs_are_frozen_by_tolerance(name: str, octaves: tuple[float, ...]) -> None:
    """What severity 3 leaves of six octaves from 125 Hz on, in dB."""
    spectra = [np.abs(np.fft.rfft(samples)) ** 2 for samples in (_busy(), corrupt(_busy(), RATE, name, 3, CLIP))]
    hertz = np.fft.rfftfreq(5 * RATE, 1 / RATE)
    edges = [125 * 2**number for number in range(7)]
    before, after = (
        np.array([spectrum[(hertz >= low) & (hertz < 2 * low)].sum() for low in edges[:-1]]) for spectrum in spectra
    )
    assert 10 * np.log10(after / before) == pytest.approx(octaves, abs=1.0)
