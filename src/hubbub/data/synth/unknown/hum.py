"""What electricity and steady fans leave in recordings: mains hum, buzz and whine. No engine and no vacuum cleaner."""

import numpy as np
from scipy.signal import butter, lfilter, sawtooth, sosfilt, square

from hubbub.data.synth.synthesis import RATE, Samples, Take, even, harmonics


def mains(take: Take) -> Samples:
    """Harmonics of 50 or 60 Hz that fall off, the odd or the even ones stronger, on coloured noise."""
    levels = np.arange(1, 30) ** -take.rng.uniform(0.5, 2.0) * take.rng.uniform(0.1, 1, 29)
    levels[int(take.rng.integers(2)) :: 2] *= take.between(0.05, 1)
    hum = even(harmonics(take.rng.choice([50.0, 60.0]) * take.rng.uniform(0.998, 1.002), levels.tolist(), take.count))
    return hum + take.between(0.003, 0.3) * take.coloured(take.rng.uniform(-6, 0))


def transformer(take: Take) -> Samples:
    """Twice the mains' frequency and its multiples, slowly beating, as of a transformer or a lamp's ballast."""
    base = take.rng.choice([100.0, 120.0])
    levels = take.rng.uniform(0, 1, 20) / np.arange(1, 21) ** take.rng.uniform(0.2, 1.2)
    buzz = harmonics(base, levels.tolist(), take.count) * (1 + 0.1 * take.wander(0.5))
    return even(buzz) + take.between(0.003, 0.1) * take.coloured(-3)


def whine(take: Take) -> Samples:
    """A coil's whine: one to three steady high tones over hiss."""
    tones = [np.sin(2 * np.pi * take.between(3000, 16000) * take.times) for _ in range(int(take.rng.integers(1, 4)))]
    return np.asarray(sum(tones) + take.between(0.05, 1) * take.coloured(take.rng.uniform(-4, 0)))


def cabinet_fan(take: Take) -> Samples:
    """A computer's fan: low noise that is even all along, and the faint tone of its blades."""
    blades = take.between(60, 400)
    air = take.coloured(take.rng.uniform(-7, -3))
    return air + take.between(0.02, 0.3) * harmonics(blades, [1, 0.5, 0.2], take.count)


def rectified(take: Take) -> Samples:
    """A rectified, clipped mains wave through a low-pass filter, on uneven hiss."""
    hertz = take.rng.choice([50.0, 60.0]) * take.rng.uniform(0.997, 1.003)
    wave = np.tanh(take.between(1, 20) * np.sin(2 * np.pi * hertz * take.times))
    wave = np.abs(wave) if take.chance(0.5) else wave + take.between(0.05, 0.5)
    smooth = sosfilt(butter(int(take.rng.integers(1, 3)), take.between(200, 5000), fs=RATE, output="sos"), wave)
    return _levelled(smooth) + take.between(0.003, 0.3) * take.rng.laplace(size=take.count)


def dimmer(take: Take) -> Samples:
    """A lamp dimmer: the wave is switched on late in every half period, which buzzes sharply."""
    hertz, late = take.rng.choice([50.0, 60.0]), take.rng.uniform(0.2, 0.8)
    phase = (2 * hertz * take.times) % 1
    wave = np.sin(np.pi * phase) * (phase > late) * np.where((hertz * take.times) % 1 < 0.5, 1, -1)
    high = sosfilt(butter(1, take.between(50, 1500), "highpass", fs=RATE, output="sos"), wave)
    return _levelled(high) + take.between(0.001, 0.1) * take.rng.uniform(-1, 1, take.count)


def ground_loop(take: Take) -> Samples:
    """A sawtooth or a thin pulse at the mains' frequency, as of badly earthed cables."""
    angle = 2 * np.pi * take.rng.choice([50.0, 60.0, 100.0, 120.0]) * take.times
    wave = sawtooth(angle, take.rng.uniform(0, 1)) if take.chance(0.5) else square(angle, take.rng.uniform(0.02, 0.3))
    dark = lfilter([1], [1, -take.rng.uniform(0.3, 0.97)], wave - wave.mean())
    return _levelled(dark) + take.between(0.001, 0.1) * take.rng.laplace(size=take.count)


def switching(take: Take) -> Samples:
    """A switched power supply: a square wave at some kilohertz whose frequency the mains modulates."""
    hertz = take.between(2000, 12000) * (1 + take.between(1e-4, 0.01) * np.sin(2 * np.pi * 100 * take.times))
    wave = square(2 * np.pi * np.cumsum(hertz) / RATE, take.rng.uniform(0.2, 0.5))
    hiss = lfilter([1], [1, -take.rng.uniform(0.0, 0.9)], take.rng.laplace(size=take.count))
    return _levelled(wave) + take.between(0.03, 1) * _levelled(hiss)


def _levelled(samples: Samples) -> Samples:
    return np.asarray(samples / (samples.std() or 1.0))


FITTING = (mains, transformer, whine, cabinet_fan)
TEST = (rectified, dimmer, ground_loop, switching)
