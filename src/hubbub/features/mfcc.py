"""Mel-frequency cepstral coefficients as teaching books and librosa have them; no network here takes them.

Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", IEEE Trans. ASSP
28, 1980; with the choices of librosa's `feature.mfcc`: the power spectrum of Hann windows, Slaney's mel filters,
decibels with a floor 80 under the loudest, and an orthonormal DCT-II.
"""

import numpy as np
import scipy.fft
import scipy.signal

from hubbub.types import Doubles, Floats

N_FFT, HOP, MELS = 2048, 512, 128  #: samples, samples and bands, librosa's own
_TOP_DB, _FAINTEST = 80.0, 1e-10
_LINEAR, _BREAK, _LOG_STEP = 200 / 3, 1000.0, np.log(6.4) / 27  # Hz a mel up to the break, and what follows it


def mfcc(samples: Floats, rate: int, coefficients: int = 20) -> Doubles:
    """The first coefficients of each frame, shape (coefficients, 1 + time // `HOP`).

    Args:
        samples: shape (time,); frames are centred, with zeros around the sound.
        rate: of the samples, in Hz.
        coefficients: 13 and 20 are usual, `MELS` at most; the first is the level.
    """
    window = scipy.signal.get_window("hann", N_FFT)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, N_FFT // 2), N_FFT)[::HOP]
    power = np.abs(scipy.fft.rfft(frames * window, axis=1)) ** 2
    decibels = 10 * np.log10(np.maximum(power @ slaney_bands(rate).T, _FAINTEST))
    floored = np.maximum(decibels, decibels.max() - _TOP_DB)
    return np.asarray(scipy.fft.dct(floored, type=2, norm="ortho", axis=1)[:, :coefficients].T)


def slaney_bands(rate: int, mels: int = MELS) -> Doubles:
    """Triangular filters of area 1 over FFT bins, 0 Hz to half the rate, shape (mels, `N_FFT` // 2 + 1).

    Their mel axis is Slaney's ("Auditory Toolbox", 1998): linear up to 1 kHz, logarithmic above.
    """
    corners = slaney_hertz(np.linspace(0, _mel(rate / 2), mels + 2))
    bins = np.fft.rfftfreq(N_FFT, 1 / rate)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return np.asarray(np.maximum(triangles, 0) * 2 / (right - left))


def slaney_hertz(mel: Doubles) -> Doubles:
    """Frequencies of Slaney's mels."""
    knee = _BREAK / _LINEAR
    return np.where(mel < knee, mel * _LINEAR, _BREAK * np.exp(_LOG_STEP * (np.maximum(mel, knee) - knee)))


def _mel(hertz: float) -> float:
    if hertz < _BREAK:
        return hertz / _LINEAR
    return float(_BREAK / _LINEAR + np.log(hertz / _BREAK) / _LOG_STEP)
