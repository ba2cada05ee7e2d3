import numpy as np
import pytest

from hubbub.features.mfcc import HOP, N_FFT, mfcc, slaney_bands, slaney_hertz

RATE = 22_050
NOISE = 0.1 * np.random.default_rng(0).standard_normal(6000)


def test_mels_are_slaneys() -> None:
    """The values that librosa's documentation gives of `mel_frequencies(n_mels=40)`, up to 11,025 Hz."""
    known = {1: 85.317, 2: 170.635, 11: 938.490, 12: 1024.856, 20: 2071.84, 30: 4994.285, 39: 11_025.0}
    top = 15 + 27 * np.log(11.025) / np.log(6.4)
    hertz = slaney_hertz(np.linspace(0, top, 40))
    for index, value in known.items():
        assert hertz[index] == pytest.approx(value, abs=1e-3)


def test_filters_have_area_one() -> None:
    """In hertz: a bin is RATE / N_FFT wide. The narrowest filters are sampled by a few bins only."""
    areas = slaney_bands(RATE, 40).sum(1) * RATE / N_FFT
    assert areas == pytest.approx(np.ones(40), rel=0.02)


@pytest.mark.parametrize("coefficients", [13, 20])
def test_coefficients_by_their_definition(coefficients: int) -> None:
    """One frame by sums over samples, bins and bands, as the formulas stand in a book."""
    frame = 5
    start = frame * HOP - N_FFT // 2
    samples = np.array([NOISE[t] if 0 <= t < len(NOISE) else 0.0 for t in range(start, start + N_FFT)])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(N_FFT // 2 + 1), np.arange(N_FFT)) / N_FFT)
    energies = slaney_bands(RATE) @ np.abs(turns @ (samples * hann)) ** 2
    decibels, bands = 10 * np.log10(energies), np.arange(128)
    for k in range(coefficients):
        scale = np.sqrt((1 if k == 0 else 2) / 128)
        wanted = scale * sum(decibels * np.cos(np.pi * k * (2 * bands + 1) / 256))
        assert mfcc(NOISE, RATE, coefficients)[k, frame] == pytest.approx(wanted, abs=1e-6)


def test_shape_and_silence() -> None:
    assert mfcc(NOISE, RATE, 13).shape == (13, 1 + len(NOISE) // HOP)
    silence = mfcc(np.zeros(4000), RATE)
    np.testing.assert_allclose(silence[0], -100 * np.sqrt(128))
    np.testing.assert_allclose(silence[1:], 0, atol=1e-9)
