import numpy as np

from hubbub.augment.babble import babble

RATE = 16_000


def test_the_same_seed_gives_the_same_crowd_at_one_level() -> None:
    first = babble(2.0, RATE, 1)
    assert np.array_equal(first, babble.__wrapped__(2.0, RATE, 1))
    assert not np.array_equal(first, babble(2.0, RATE, 2))
    assert len(first) == 32_000
    assert np.isclose(np.sqrt(np.mean(first**2)), 1.0)


def test_it_has_the_spectrum_and_the_rhythm_of_speech() -> None:
    sound = babble(8.0, RATE, 3)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[hertz < 4000].sum() > 0.85 * power.sum()
    assert power[hertz < 60].sum() < 0.02 * power.sum()
    envelope = np.sqrt(np.mean(sound.reshape(-1, 160) ** 2, axis=1))  # every 10 ms
    assert 0.1 < envelope.std() / envelope.mean() < 1.0  # it neither drones nor stops
