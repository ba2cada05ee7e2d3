import numpy as np
import pytest
import scipy.stats

from hubbub.evaluate.intervals import Interval, mean_interval, paired_difference


def test_without_clusters_it_is_the_bootstrap_of_scipy() -> None:
    values = (np.random.default_rng(0).random(200) < 0.8).astype(float)
    found = mean_interval(values, np.arange(200), draws=4000)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(expected.low, abs=0.01) and found.high == pytest.approx(expected.high, abs=0.01)


def test_recordings_are_drawn_with_all_their_clips() -> None:
    """Two recordings, one all right and one all wrong: a draw has mean 0, a share or 1, with chances 1, 2, 1 in 4."""
    found = mean_interval([1, 1, 1, 0], ["a", "a", "a", "b"], draws=400)
    assert found == Interval(0.75, 0.0, 1.0)


def test_clips_of_one_recording_are_no_evidence_of_each_other() -> None:
    rng = np.random.default_rng(0)
    recordings = (rng.random(50) < 0.7).astype(float)
    one = mean_interval(recordings, np.arange(50))
    eight = mean_interval(np.repeat(recordings, 8), np.repeat(np.arange(50), 8))
    assert eight == pytest.approx(one)
    naive = mean_interval(np.repeat(recordings, 8), np.arange(400))
    assert naive.high - naive.low < 0.5 * (eight.high - eight.low)


def test_it_covers_the_truth_about_95_times_in_100() -> None:
    """Recordings of three clips that mostly succeed together, 80 % right in truth."""
    rng = np.random.default_rng(0)
    covered = 0
    groups = np.repeat(np.arange(80), 3)
    for trial in range(300):
        right = np.where(rng.random(240) < 0.9, np.repeat(rng.random(80) < 0.8, 3), rng.random(240) < 0.8)
        found = mean_interval(right, groups, draws=200, seed=trial)
        assert found.low <= found.value <= found.high
        covered += found.low <= 0.8 <= found.high
    assert 0.90 < covered / 300 < 0.985


def test_the_seed_decides() -> None:
    values, groups = np.random.default_rng(0).random(30), np.arange(30)
    assert mean_interval(values, groups, 100, 1) == mean_interval(values, groups, 100, 1)
    assert mean_interval(values, groups, 100, 1) != mean_interval(values, groups, 100, 2)


def test_no_clips() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        mean_interval([], [])


def test_a_group_for_each_clip() -> None:
    with pytest.raises(ValueError, match="same length"):
        mean_interval([1, 0, 1], ["a", "b"])


def test_a_difference_pairs_the_clips() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(400) < 0.8
    second = first.copy()
    second[np.flatnonzero(~first)[:20]] = True  # never worse, right on 20 more
    found = paired_difference(first, second, np.arange(400))
    assert found.value == pytest.approx(20 / 400)
    assert 0 < found.low < 0.05 < found.high < 0.1  # unpaired, ±0.05 would reach 0
    back = paired_difference(second, first, np.arange(400))
    assert back == pytest.approx((-found.value, -found.high, -found.low), abs=1e-9)
