import numpy as np
import pytest
import scipy.signal

from hubbub.augment.conditions import Clipping, ColouredNoise, Excerpt, Microphone, Speed
from hubbub.augment.loudness import level

RATE = 32_000


def noise(seconds: float = 4.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def tone(hertz: float, seconds: float = 2.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def slope(samples: np.ndarray) -> float:
    """Exponent of the power's fall with frequency, a line through Welch's estimate from 100 Hz to 10 kHz."""
    hertz, power = scipy.signal.welch(samples.astype(np.float64), RATE, nperseg=4096)
    inside = (hertz > 100) & (hertz < 10_000)
    return float(-np.polyfit(np.log(hertz[inside]), np.log(power[inside]), 1)[0])


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 1.0, 2.0])
def test_noise_has_its_colour_and_lies_so_far_under_the_clip(exponent: float) -> None:
    clip = tone(440)
    added = ColouredNoise(0, 20, RATE).apply(clip, (12.0, exponent, 3)) - clip
    assert slope(added) == pytest.approx(exponent, abs=0.1)
    assert 20 * np.log10(level(clip) / level(added)) == pytest.approx(12, abs=0.2)


def test_a_microphone_hears_between_its_edges() -> None:
    flat = (0.0,) * 10
    microphone = Microphone(4000, 4000, RATE)
    heard = {
        hertz: 20 * np.log10(level(microphone.apply(tone(hertz), (4000.0, 200.0, flat))) / level(tone(hertz)))
        for hertz in (50, 100, 200, 1000, 4000, 8000)
    }
    assert heard[1000] == pytest.approx(0, abs=0.1)
    assert heard[200] == pytest.approx(-3, abs=0.3) and heard[4000] == pytest.approx(-3, abs=0.3)
    assert heard[100] == pytest.approx(-24, abs=1) and heard[8000] == pytest.approx(-24, abs=1)  # an octave beyond
    assert heard[50] < -40


def test_a_microphone_is_uneven_by_its_curve() -> None:
    curve = tuple(6.0 * (-1) ** point for point in range(10))
    lower, upper = 100.0, 10_000.0
    points = lower * (upper / lower) ** (np.arange(10) / 9)
    for point in (3, 4, 5):
        sound = tone(float(points[point]))
        gain = 20 * np.log10(level(Microphone(1000, 10_000, RATE).apply(sound, (upper, lower, curve))) / level(sound))
        assert gain == pytest.approx(curve[point], abs=0.5)


def test_clipping_cuts_the_peak() -> None:
    sound = noise()
    clipped = Clipping(6, 6).apply(sound, 6.0206)
    assert np.abs(clipped).max() == pytest.approx(np.abs(sound).max() / 2, rel=1e-4)
    inside = np.abs(sound) < np.abs(clipped).max()
    np.testing.assert_array_equal(clipped[inside], sound[inside])


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_an_excerpt_is_around_the_loudest_part(place: float, moves: bool) -> None:
    sound = 0.01 * noise()
    sound[64_000:67_200] = 0.5  # the tenth of a second at 2 s
    cut = Excerpt(0.5, 0.5, RATE).apply(sound, (0.5, place, moves))
    sounding = np.flatnonzero(cut)
    start, end = int(sounding[0]), int(sounding[-1]) + 1
    assert end - start == 16_000 and (start == 0) == moves
    origin = 64_000 - round(place * 12_800)
    np.testing.assert_allclose(cut[start:end], sound[origin : origin + 16_000])


def test_an_excerpt_as_long_as_the_clip_is_the_clip() -> None:
    sound = noise(1.0)
    np.testing.assert_array_equal(Excerpt(1, 2, RATE).apply(sound, (1.5, 0.3, True)), sound)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_speed_moves_pitch_and_pace_together(factor: float) -> None:
    sound = tone(1000)
    sound[32_000:] = 0
    changed = Speed(0.5, 2).apply(sound, factor)
    spectrum = np.abs(np.fft.rfft(changed[:24_000] * np.hanning(24_000)))
    assert spectrum.argmax() * RATE / 24_000 == pytest.approx(1000 * factor, abs=2)
    assert np.flatnonzero(np.abs(changed) > 0.25)[-1] == pytest.approx(32_000 / factor, rel=0.01)
    assert np.abs(changed[2000:20_000]).max() == pytest.approx(0.5, abs=0.02)
