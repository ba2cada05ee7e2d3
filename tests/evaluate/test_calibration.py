from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.calibration
import sklearn.metrics

from hubbub.evaluate.calibration import (
    calibration_error,
    fit_temperature,
    known_threshold,
    reliability,
    softmax,
    width_calibration_error,
)
from hubbub.evaluate.intervals import mean_interval


def test_softmax_agrees_with_scipy() -> None:
    logits = np.random.default_rng(0).normal(0, 10, (3, 4, 5))
    np.testing.assert_allclose(softmax(logits, 5.0), scipy.special.softmax(logits / 5.0, axis=-1))


def test_softmax_of_huge_and_single_precision_logits() -> None:
    found = softmax(np.array([1e4, -1e4, 1e4], np.float32), 0.1)
    assert found.dtype == np.float64 and found.tolist() == [0.5, 0.0, 0.5]


def held_out(true_temperature: float, clips: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets drawn from calibrated logits; logits as an over- or underconfident model would give; probabilities."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (clips, 6))
    targets = np.array([rng.choice(6, p=row) for row in scipy.special.softmax(logits, axis=1)])
    said = logits * true_temperature
    return targets, said, scipy.special.softmax(said, axis=1)


@pytest.mark.parametrize("true_temperature", [0.3, 2.5])
def test_the_temperature_is_where_scipy_finds_the_least_loss(true_temperature: float) -> None:
    targets, logits, probabilities = held_out(true_temperature)

    def loss(log_temperature: float) -> float:
        scores = scipy.special.softmax(logits / np.exp(log_temperature), axis=1)
        return float(sklearn.metrics.log_loss(targets, scores, labels=range(6)))

    best = scipy.optimize.minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    found = fit_temperature(targets, probabilities)
    assert found == pytest.approx(np.exp(best.x), rel=1e-3)
    assert found == pytest.approx(true_temperature, rel=0.2)


def test_the_temperature_keeps_to_its_bounds() -> None:
    certain = np.full((20, 3), 0.01) + 0.97 * np.eye(3)[np.arange(20) % 3]
    right, wrong = np.arange(20) % 3, (np.arange(20) + 1) % 3
    assert fit_temperature(right, certain) == pytest.approx(0.1)
    assert fit_temperature(wrong, certain) == pytest.approx(10.0)


def test_zero_probabilities_are_no_obstacle() -> None:
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(np.array([0, 0, 1, 1]), probabilities) == pytest.approx(10)  # one of three is quite wrong


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_the_threshold_is_what_a_share_of_clips_stay_under(share: float) -> None:
    temperature = 2.0
    _, logits, probabilities = held_out(1.0)
    scores = scipy.special.softmax(logits / temperature, axis=1).max(1)
    threshold = known_threshold(probabilities, temperature, share)
    assert np.mean(scores < threshold) == pytest.approx(share, abs=1 / len(scores))
    assert threshold == pytest.approx(np.sort(scores)[round(share * (len(scores) - 1))], abs=0.01)


# --- do scores mean what they say? ------------------------------------------------------------------------------------


def claims(temperature: float, clips: int = 400) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Confidence, whether it was right, and recordings of two clips each."""
    targets, _, probabilities = held_out(temperature, clips)
    return probabilities.max(1), probabilities.argmax(1) == targets, [f"r{row // 2}" for row in range(clips)]


def error_by_hand(confidence: np.ndarray, right: np.ndarray, edges: list[float]) -> float:
    """The definition, clip by clip: |how often it was right - what it claimed| of each bin, weighed by its clips."""
    total = 0.0
    for low, high in pairwise(edges):
        inside = [i for i, value in enumerate(confidence) if low < value <= high]
        total += abs(sum(bool(right[i]) for i in inside) - sum(float(confidence[i]) for i in inside))
    return total / len(confidence)


@pytest.mark.parametrize(("equal", "strategy"), [("width", "uniform"), ("clips", "quantile")])
def test_bins_agree_with_sklearn_and_their_error_with_the_definition(equal: str, strategy: str) -> None:
    confidence, right, groups = claims(3.0)
    found = reliability(confidence, right, groups, 10, equal)  # type: ignore[arg-type]
    accuracy, mean = sklearn.calibration.calibration_curve(right, confidence, n_bins=10, strategy=strategy)
    np.testing.assert_allclose([one.accuracy.value for one in found], accuracy)
    np.testing.assert_allclose([one.confidence for one in found], mean)
    inner = np.linspace(0, 1, 11) if equal == "width" else np.percentile(confidence, np.linspace(0, 100, 11))
    edges = [-1.0, *inner[1:-1], 2.0]
    assert calibration_error(found) == pytest.approx(error_by_hand(confidence, right, edges))


def test_an_honest_model_errs_little_and_a_boastful_one_by_what_it_boasts() -> None:
    honest, boastful = (reliability(*claims(temperature, 4000)) for temperature in (1.0, 5.0))
    assert calibration_error(honest) < 0.025
    confidence, right, _ = claims(5.0, 4000)
    boast = confidence.mean() - right.mean()
    assert calibration_error(boastful) == pytest.approx(boast, abs=0.01) and boast > 0.1


def test_bins_of_equal_clips_hold_as_many_each_and_all_of_them() -> None:
    found = reliability(*claims(1.0, 150))
    assert [one.clips for one in found] == [10] * 15
    confidences = [one.confidence for one in found]
    assert confidences == sorted(confidences)


def test_clips_of_one_confidence_share_a_bin_whatever_their_order() -> None:
    confidence = np.array([0.9] * 6 + [0.5] * 2)
    right = np.array([True, True, True, False, False, False, True, False])
    found = reliability(confidence, right, list("abcdefgh"), 4)
    assert [(one.clips, one.confidence, one.accuracy.value) for one in found] == [(2, 0.5, 0.5), (6, 0.9, 0.5)]
    turned = reliability(confidence[::-1], right[::-1], list("hgfedcba"), 4)
    assert [one.clips for one in turned] == [2, 6]
    assert calibration_error(found) == pytest.approx(0.75 * 0.4)


def test_a_bins_interval_is_over_recordings() -> None:
    confidence, right, groups = claims(1.0)
    one = reliability(confidence, right, groups, 1)[0]
    assert one.accuracy == mean_interval(right, groups, draws=500)
    assert one.accuracy.low < one.accuracy.value < one.accuracy.high


def test_no_clips_have_no_bins_and_no_error() -> None:
    none = reliability(np.array([]), np.array([], bool), [])
    assert none == [] and np.isnan(calibration_error(none))


def test_the_quick_calibration_error_is_that_of_the_reliability_diagram() -> None:
    rng = np.random.default_rng(3)
    confidence = np.concatenate([rng.beta(4, 1, 300), [0.0, 1.0, 0.2, 0.4]])  # some on a bin's edge
    right = rng.random(len(confidence)) < confidence**2
    bins = reliability(confidence, right, np.arange(len(confidence)), 15, "width")
    assert width_calibration_error(confidence, right) == pytest.approx(calibration_error(bins), abs=1e-12)
