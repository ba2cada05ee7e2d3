import numpy as np
import pytest
import scipy.signal

from hubbub.data.synth import synthesis
from hubbub.data.synth.synthesis import RATE, Take


def take(seconds: float = 2.0, seed: int = 0) -> Take:
    return Take(np.random.default_rng(seed), seconds)


def strongest(samples: np.ndarray) -> float:
    """Frequency in Hz with the most power, by Welch's method."""
    frequencies, power = scipy.signal.welch(samples, RATE, nperseg=8192)
    return float(frequencies[power.argmax()])


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


@pytest.mark.parametrize(("hertz", "decibels"), [(30, -40), (300, -3.01), (1000, 0), (3000, -3.01), (20_000, -32.96)])
def test_band_follows_butterworth(hertz: float, decibels: float) -> None:
    sine = np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    middle = slice(RATE // 2, -RATE // 2)  # away from the ends, where the tone begins and stops
    made = synthesis.band(sine, 300, 3000)[middle]
    assert 20 * np.log10(level(made) / level(sine[middle])) == pytest.approx(decibels, abs=0.3)


@pytest.mark.parametrize("slope", [-6, -3, 0])
def test_coloured_noise_has_its_slope(slope: float) -> None:
    frequencies, power = scipy.signal.welch(take(20).coloured(slope), RATE, nperseg=4096)
    inside = (frequencies > 100) & (frequencies < 15_000)
    fitted, _ = np.polyfit(np.log2(frequencies[inside]), 10 * np.log10(power[inside]), 1)
    assert fitted == pytest.approx(slope, abs=0.2)


def test_resonance_is_strongest_where_it_is_tuned() -> None:
    assert strongest(synthesis.resonant(take().noise(), [(2500, 30, 1)])) == pytest.approx(2500, abs=60)


def test_hissing_follows_its_centre() -> None:
    made = synthesis.hissing(take(), np.linspace(1000, 3000, 2 * RATE), 50)
    assert strongest(made[: RATE // 4]) == pytest.approx(1125, abs=150)
    assert strongest(made[-RATE // 4 :]) == pytest.approx(2875, abs=150)


def test_harmonics_do_not_fold_back() -> None:
    made = synthesis.harmonics(5000, [1, 1, 1, 1, 1, 1], RATE)
    spectrum = np.abs(np.fft.rfft(made)) / (RATE / 2)
    assert np.flatnonzero(spectrum > 0.01).tolist() == [5000, 10_000, 15_000, 20_000]


def test_modes_lose_60_db_in_their_time() -> None:
    made = synthesis.modes([440, 30_000], [0.5, 0.5], [1, 1], 1.0)
    ends = [level(made[at : at + RATE // 44]) for at in (0, RATE // 2)]
    assert 20 * np.log10(ends[1] / ends[0]) == pytest.approx(-60, abs=0.5)
    assert strongest(made) == pytest.approx(440, abs=6)


def test_fading_loses_60_db_after_its_attack() -> None:
    envelope = synthesis.fading(RATE, 0.5, attack=0.01)
    assert envelope[441] == pytest.approx(1, abs=0.01)
    assert 20 * np.log10(envelope[441 + RATE // 2]) == pytest.approx(-60, abs=0.1)


def test_bubble_starts_at_its_pitch_and_rises() -> None:
    made = synthesis.bubble(1000, 0.2, 1.0)
    crossings = np.flatnonzero(np.diff(np.signbit(made))) / RATE
    pitch = 1 / (2 * np.diff(crossings))
    assert pitch[:4].mean() == pytest.approx(1000, rel=0.05)
    assert pitch[-4:].mean() > 1.3 * pitch[:4].mean()


def test_placed_mixes_and_cuts() -> None:
    made = synthesis.placed(5, [(0, np.ones(2)), (1 / RATE, np.ones(2)), (4 / RATE, np.ones(9)), (1.0, np.ones(3))])
    assert made.tolist() == [1, 2, 1, 0, 1]


def test_gate_opens_between_its_times() -> None:
    opened = synthesis.gate(np.array([0.0, 0.1, 0.15, 0.3, 0.5, 0.6]), 0.1, 0.5, ramp=0.1)
    assert opened == pytest.approx([0, 0, 0.5, 1, 0, 0])


def test_room_decays_in_its_time() -> None:
    impulse = np.zeros(2 * RATE)
    impulse[0] = 1
    tail = synthesis.room(take(), impulse, t60=1.0, wet=1.0)[1:]
    early, late = level(tail[RATE // 10 : RATE // 5]), level(tail[6 * RATE // 10 : 7 * RATE // 10])
    assert 20 * np.log10(late / early) == pytest.approx(-30, abs=2)


def test_take_draws_in_its_ranges() -> None:
    drawn = take(1.0)
    numbers = [drawn.between(2, 8) for _ in range(500)]
    assert min(numbers) >= 2 and max(numbers) <= 8
    assert np.median(numbers) == pytest.approx(4, rel=0.1)  # the geometric middle
    assert drawn.count == len(drawn.times) == RATE
    assert len(take(100).moments(20)) == pytest.approx(2000, rel=0.1)
    assert take(3).beats(0.5, first=0.25).tolist() == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]
    assert np.abs(np.diff(take().wander(3))).max() < 0.01  # smooth


def test_even_leaves_silence_alone() -> None:
    assert synthesis.even(np.zeros(3)).tolist() == [0, 0, 0]
    assert synthesis.even(np.array([-4.0, 2.0])).tolist() == [-1, 0.5]
