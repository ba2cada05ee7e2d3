from typing import Any

import numpy as np
import pytest
import scipy.signal

from hubbub.augment.ambience import AMBIENCES, synthesise

RATE = 32_000


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize("kind", AMBIENCES)
def test_every_place_sounds_and_differs_with_its_seed(kind: Any) -> None:
    first, second = (synthesise(kind, 5 * RATE, RATE, seed) for seed in (1, 2))
    assert first.dtype == np.float32 and rms(first) == pytest.approx(1, rel=1e-4)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2
    np.testing.assert_array_equal(first, synthesise(kind, 5 * RATE, RATE, 1))
    assert np.abs(first).max() < 12
    for count in (0, 1, 2, 50, 3000):
        assert synthesise(kind, count, RATE, 0).shape == (count,)


def centroid(samples: np.ndarray) -> float:
    hertz, density = scipy.signal.welch(samples, RATE, nperseg=4096)
    return float((hertz * density).sum() / density.sum())


def test_places_differ_as_they_do_in_the_world() -> None:
    """Indoors, the mains stand out; outdoors and in town, the level comes and goes more than indoors."""
    sounds = {kind: synthesise(kind, 20 * RATE, RATE, 3) for kind in AMBIENCES}
    hertz, density = scipy.signal.welch(sounds["indoor"], RATE, nperseg=RATE)
    mains = max(density[at] / np.median(density[at - 20 : at + 20]) for at in (100, 120))
    assert hertz[1] == 1 and mains > 10
    swings = {
        kind: np.std([20 * np.log10(rms(part)) for part in np.split(sound, 40)]) for kind, sound in sounds.items()
    }
    assert swings["outdoor"] > 2 * swings["indoor"] and swings["urban"] > 2 * swings["indoor"]
    assert all(centroid(sound) < 1500 for sound in sounds.values())
