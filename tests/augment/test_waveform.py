import sys
from typing import Any

import numpy as np
import pytest
import scipy.signal

from hubbub.augment.ambience import AMBIENCES
from hubbub.augment.conditions import Clipping, ColouredNoise, Excerpt, Microphone, Speed
from hubbub.augment.loudness import level
from hubbub.augment.waveform import (
    Background,
    Gain,
    Hiss,
    LowPass,
    Noise,
    PitchShift,
    Reverb,
    Shift,
    TimeStretch,
    between_class,
    room_response,
)
from hubbub.data.synth.synthetic import make
from hubbub.errors import RefusedError
from hubbub.logmel import LogMelSpec, logmel

RATE = 32_000
ALL: list[Any] = [
    TimeStretch(0.8, 0.9, RATE),
    PitchShift(2, 4, RATE),
    Noise(10, 20),
    Hiss(0.004, 0.006),
    Gain(0.4, 0.6),
    Shift(0.1, 0.3),
    Reverb(0.3, 0.8, RATE),
    LowPass(2000, 6000, RATE),
    *(Background(10, 20, RATE, kind) for kind in AMBIENCES),
    ColouredNoise(0, 20, RATE),
    Microphone(2000, 6000, RATE),
    Clipping(10, 20),
    Excerpt(0.3, 0.9, RATE),
    Speed(1.1, 1.3),
]
every = pytest.mark.parametrize("transform", ALL, ids=repr)


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def clicks(at: list[float], seconds: float) -> np.ndarray:
    """Short bursts of noise at those times, in seconds."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    for time in at:
        burst = np.random.default_rng(0).normal(0, 0.2, 64)
        samples[round(time * RATE) : round(time * RATE) + 64] = burst
    return samples


def loudest(hertz_of: np.ndarray, rate: int = RATE) -> float:
    """Frequency of the spectrum's peak, by a parabola through three points."""
    spectrum = np.log(np.abs(np.fft.rfft(hertz_of * np.hanning(len(hertz_of)))) + 1e-12)
    k = int(spectrum.argmax())
    left, mid, right = spectrum[k - 1 : k + 2]
    return float((k + 0.5 * (left - right) / (left - 2 * mid + right)) * rate / len(hertz_of))


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return np.asarray(make("chirping_birds", 21, RATE, 2.0))


# --- the contract of every transform ----------------------------------------------------------------------------------


@every
def test_the_contract_of_every_transform(clip: np.ndarray, transform: Any) -> None:
    before = clip.copy()
    parameters = transform.draw(np.random.default_rng(1))
    assert parameters == transform.draw(np.random.default_rng(1))
    assert hash(parameters) == hash(parameters)  # frozen
    first, second = transform.apply(clip, parameters), transform.apply(clip, parameters)
    assert first.shape == clip.shape and first.dtype == np.float32 and np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(clip, before)
    assert first is not clip and not np.shares_memory(first, clip)
    assert transform.draw(np.random.default_rng(2)) != parameters


@every
def test_what_the_network_sees_changes(clip: np.ndarray, transform: Any) -> None:
    """By more than 1 dB in the mean over all bands and frames, in the default front end."""
    spec = LogMelSpec()
    changed = transform.apply(clip, transform.draw(np.random.default_rng(3)))
    decibels = np.abs(logmel(changed, spec) - logmel(clip, spec)) * spec.std * 10 / np.log(10)
    assert decibels.mean() > 1


@every
def test_short_sounds(transform: Any) -> None:
    for count in (1, 2, 3, 100, 1000):
        samples = np.random.default_rng(0).uniform(-1, 1, count).astype(np.float32)
        changed = transform.apply(samples, transform.draw(np.random.default_rng(0)))
        assert changed.shape == (count,) and changed.dtype == np.float32 and np.isfinite(changed).all()


@every
def test_silence_stays_silent_but_for_hiss(transform: Any) -> None:
    for count in (0, RATE):
        changed = transform.apply(np.zeros(count, np.float32), transform.draw(np.random.default_rng(0)))
        assert changed.shape == (count,) and changed.any() == (isinstance(transform, Hiss) and count > 0)


@pytest.mark.parametrize(
    "transform", [each for each in ALL if not isinstance(each, Shift | Microphone | Excerpt)], ids=repr
)
def test_draws_fill_their_range_evenly(transform: Any) -> None:
    rng = np.random.default_rng(0)
    drawn = [transform.draw(rng) for _ in range(2000)]
    values = np.array([value[0] if isinstance(value, tuple) else value for value in drawn])
    assert values.min() >= transform.low and values.max() <= transform.high
    assert np.histogram(values, 5, (transform.low, transform.high))[0].min() > 330


# --- level ------------------------------------------------------------------------------------------------------------


def test_level_is_that_of_what_sounds() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 51_200).astype(np.float32)
    assert level(sound) == pytest.approx(rms(sound))
    assert level(np.pad(sound, (51_200, 102_400))) == pytest.approx(rms(sound))
    assert level(np.concatenate([sound, sound * 1e-4])) == pytest.approx(rms(sound))  # 80 dB under it
    both = np.concatenate([sound, sound * 0.1])
    assert level(both) == pytest.approx(rms(both))  # 20 dB under it still counts
    assert level(np.full(1, 0.3, np.float32)) == pytest.approx(0.3)
    assert level(np.full(700, 0.3, np.float32)) == pytest.approx(0.3)
    assert level(np.zeros(700, np.float32)) == level(np.zeros(0, np.float32)) == 0


# --- time and pitch ---------------------------------------------------------------------------------------------------


def onsets(samples: np.ndarray, expected: list[float], within: float = 0.08) -> list[float]:
    """Centre of energy around each expected time, in seconds."""
    times = []
    for time in expected:
        start = max(round((time - within) * RATE), 0)
        power = samples[start : round((time + within) * RATE)] ** 2
        times.append((start + float((np.arange(len(power)) * power).sum() / power.sum())) / RATE)
    return times


@pytest.mark.parametrize("speed", [0.75, 1.3])
def test_stretching_moves_onsets_and_keeps_the_pitch(speed: float) -> None:
    at = [0.4, 0.8, 1.2, 1.6]
    changed = TimeStretch(1, 1, RATE).apply(clicks(at, 2.0), speed)
    expected = [time / speed for time in at if time / speed < 1.9]
    assert onsets(changed, expected) == pytest.approx(expected, abs=0.004)
    sung = TimeStretch(1, 1, RATE).apply(tone(440, 2.0), speed)
    assert loudest(sung[8000:24_000]) == pytest.approx(440, rel=0.003)


def test_a_faster_clip_is_padded_and_a_slower_one_cropped() -> None:
    faster = TimeStretch(1, 1, RATE).apply(tone(440, 2.0), 1.25)
    assert not faster[round(1.6 * RATE) :].any() and rms(faster[round(1.5 * RATE) : round(1.58 * RATE)]) > 0.2
    slower = TimeStretch(1, 1, RATE).apply(tone(440, 2.0), 0.8)
    assert rms(slower[-3200:]) > 0.25


@pytest.mark.parametrize("semitones", [-4.0, 0.5, 12.0])
def test_shifting_the_pitch_keeps_onsets_in_place(semitones: float) -> None:
    shifted = PitchShift(0, 0, RATE).apply(tone(440, 2.0), semitones)
    assert 12 * np.log2(loudest(shifted[8000:-8000]) / 440) == pytest.approx(semitones, abs=0.08)
    assert rms(shifted[8000:-8000]) == pytest.approx(rms(tone(440)), rel=0.05)
    at = [0.4, 0.9, 1.4]
    assert onsets(PitchShift(0, 0, RATE).apply(clicks(at, 2.0), semitones), at) == pytest.approx(at, abs=0.004)


def test_neutral_parameters_change_nothing(clip: np.ndarray) -> None:
    for transform, parameters in [
        (TimeStretch(1, 1, RATE), 1.0),
        (PitchShift(0, 0, RATE), 0.0),
        (Gain(1, 1), 1.0),
        (Shift(0, 0), 0.0),
        (Hiss(0, 0), (0.0, 1)),
        (Reverb(0, 0, RATE), (0.0, 1)),
        (Noise(100, 100), (100.0, 1)),
        (LowPass(1e6, 1e6, RATE), (1e6, 0.8)),
        (Background(100, 100, RATE), (100.0, 1)),
    ]:
        np.testing.assert_allclose(transform.apply(clip, parameters), clip, atol=1e-5)  # type: ignore[attr-defined]


def test_without_python_stretch_it_says_what_to_install(clip: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_stretch", None)
    with pytest.raises(RefusedError, match=r'stretching time and pitch needs .*"\.\[augment\]"'):
        TimeStretch(1, 2, RATE).apply(clip, 1.1)


# --- noise, gain, shift -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [Noise(0, 0), *(Background(0, 0, RATE, kind) for kind in AMBIENCES)], ids=repr)
def test_the_ratio_to_what_is_added_is_as_drawn(transform: Any) -> None:
    sound = np.pad(tone(700, 2.0), (0, RATE))
    added = transform.apply(sound, (10.0, 5)) - sound
    assert 20 * np.log10(rms(tone(700)) / rms(added)) == pytest.approx(10, abs=0.1)
    assert rms(added[-RATE:]) > 0.05 * rms(added)  # it lies under the padding too


def test_noise_is_white_and_differs_with_its_seed() -> None:
    silence = np.zeros(4 * RATE, np.float32)
    first, second = (Hiss(0, 0).apply(silence, (0.005, seed)) for seed in (1, 2))
    assert first.std() == pytest.approx(0.005, rel=0.01) and abs(np.corrcoef(first, second)[0, 1]) < 0.01
    _, density = scipy.signal.welch(first, RATE, nperseg=256)
    assert 10 * np.log10(density[2:-2] / (0.005**2 / (RATE / 2))) == pytest.approx(0, abs=1)


def test_gain_is_a_factor_and_clips_nothing() -> None:
    np.testing.assert_array_equal(Gain(1, 1).apply(tone(440), 3.0), tone(440) * np.float32(3))
    spec, sound = LogMelSpec(), tone(440)
    louder = logmel(Gain(1, 1).apply(sound, 2.0), spec).max() - logmel(sound, spec).max()
    assert louder * spec.std * 10 / np.log(10) == pytest.approx(20 * np.log10(2), abs=0.01)


def test_shift_rotates_either_way() -> None:
    array = np.arange(10, dtype=np.float32)
    assert Shift(0, 0).apply(array, 0.3).tolist() == [7, 8, 9, 0, 1, 2, 3, 4, 5, 6]
    assert Shift(0, 0).apply(array, -0.3).tolist() == [3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    rng = np.random.default_rng(0)
    drawn = np.array([Shift(0.1, 0.25).draw(rng) for _ in range(1000)])
    assert np.abs(drawn).min() >= 0.1 and np.abs(drawn).max() <= 0.25 and 450 < (drawn > 0).sum() < 550


# --- rooms and dullness -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rt60", [0.2, 1.2])
def test_a_room_loses_60_db_in_its_rt60(rt60: float) -> None:
    """By Schroeder's integration of an impulse that went through it: from -5 to -25 dB, times three (ISO 3382, T20)."""
    impulse = np.zeros(3 * RATE, np.float32)
    impulse[100] = 1
    tail = Reverb(0, 0, RATE).apply(impulse, (rt60, 4))[101:].astype(np.float64)
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2) + 1e-12)
    fifth, twentyfifth = np.argmax(left < -5), np.argmax(left < -25)
    assert 3 * (twentyfifth - fifth) / RATE == pytest.approx(rt60, rel=0.06)


def test_a_room_is_a_convolution_of_energy_one(clip: np.ndarray) -> None:
    response = room_response(0.5, RATE, 9)
    assert np.sum(response**2) == pytest.approx(1, rel=1e-4)
    assert response[0] ** 2 == pytest.approx(0.5, rel=1e-4)  # at 0.5 s, the tail is as strong as the direct sound
    expected = scipy.signal.fftconvolve(clip, response)[: len(clip)]
    np.testing.assert_allclose(Reverb(0, 0, RATE).apply(clip, (0.5, 9)), expected, atol=1e-5)


@pytest.mark.parametrize(("cutoff", "blend"), [(2000.0, 0.3), (5000.0, 1.0)])
def test_the_low_pass_attenuates_like_a_butterworth(cutoff: float, blend: float) -> None:
    for hertz in (cutoff / 4, cutoff, 1.5 * cutoff, 3 * cutoff):
        _, response = scipy.signal.freqs(*scipy.signal.butter(4, cutoff, analog=True), [hertz])
        expected = 1 - blend + blend * abs(response[0])
        changed = LowPass(0, 0, RATE).apply(tone(hertz), (cutoff, blend))
        assert rms(changed[3200:-3200]) / rms(tone(hertz)) == pytest.approx(expected, rel=0.01, abs=1e-4)


def test_the_low_pass_keeps_onsets_in_place_and_draws_its_blend() -> None:
    at = [0.3, 0.6]
    changed = LowPass(0, 0, RATE).apply(clicks(at, 1.0), (2000.0, 1.0))
    assert onsets(changed, at) == pytest.approx(onsets(clicks(at, 1.0), at), abs=0.0005)
    rng = np.random.default_rng(0)
    blends = np.array([LowPass(2000, 6000, RATE).draw(rng)[1] for _ in range(500)])
    assert 0.3 <= blends.min() < 0.32 and 0.78 < blends.max() <= 0.8


# --- between classes --------------------------------------------------------------------------------------------------


def test_between_classes_both_are_heard_in_their_share() -> None:
    """Of two tones near 1 kHz, one 26 dB softer, the mixture's amplitudes are as the shares."""
    loud, soft = tone(1000), 0.05 * tone(1020)
    for share in (0.2, 0.5, 0.9):
        spectrum = np.abs(np.fft.rfft(between_class(loud, soft.astype(np.float32), share, RATE)))
        assert spectrum[1000] / spectrum[1020] == pytest.approx(share / (1 - share), rel=0.03)


@pytest.mark.parametrize("hertz", [100.0, 400.0, 8000.0])
def test_between_classes_loudness_is_a_weighted(hertz: float) -> None:
    """Corrections in dB from the table of IEC 61672-1."""
    table = {100.0: -19.1, 400.0: -4.8, 8000.0: -1.1}
    spectrum = np.abs(np.fft.rfft(between_class(tone(hertz), tone(1000), 0.5, RATE)))
    assert 20 * np.log10(spectrum[1000] / spectrum[round(hertz)]) == pytest.approx(table[hertz], abs=0.2)


def test_between_equally_loud_classes_energy_is_kept() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.normal(0, 0.1, 2 * RATE).astype(np.float32) for _ in range(2))
    mixed = [rms(between_class(first, second, share, RATE)) for share in (0.0, 0.25, 0.5, 1.0)]
    assert mixed == pytest.approx([0.1] * 4, rel=0.03)
    np.testing.assert_array_equal(between_class(first, second, 1.0, RATE), first)
    np.testing.assert_array_equal(between_class(first, second, 0.0, RATE), second)


def test_between_classes_silence_and_short_clips() -> None:
    silence, sound = np.zeros(RATE, np.float32), tone(440)
    assert not between_class(silence, silence, 0.5, RATE).any()
    for share in (0.0, 0.5, 1.0):
        assert np.isfinite(between_class(silence, sound, share, RATE)).all()
        assert np.isfinite(between_class(sound[:1], silence[:1], share, RATE)).all()


@pytest.mark.parametrize(("count", "share"), [(10, 0.5), (20, np.nan)])
def test_between_classes_refuses_what_cannot_be_mixed(count: int, share: float) -> None:
    with pytest.raises(ValueError, match=r"want equal, and 0\.\.1"):
        between_class(np.ones(20, np.float32), np.ones(count, np.float32), share, RATE)
