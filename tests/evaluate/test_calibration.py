import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.metrics

from hubbub.evaluate.calibration import fit_temperature, known_threshold, softmax


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_softmax_agrees_with_scipy(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 10, (3, 4, 5))
    np.testing.assert_allclose(softmax(logits, temperature), scipy.special.softmax(logits / temperature, axis=-1))


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


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 2.5, 6.0])
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


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_the_threshold_is_what_a_share_of_clips_stay_under(share: float, temperature: float) -> None:
    _, logits, probabilities = held_out(1.0)
    scores = scipy.special.softmax(logits / temperature, axis=1).max(1)
    threshold = known_threshold(probabilities, temperature, share)
    assert np.mean(scores < threshold) == pytest.approx(share, abs=1 / len(scores))
    assert threshold == pytest.approx(np.sort(scores)[round(share * (len(scores) - 1))], abs=0.01)
