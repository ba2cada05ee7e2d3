import numpy as np
import pytest
import sklearn.metrics

from hubbub.evaluate import metrics

CLASSES = 5


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, predictions and probabilities of 60 clips in 5 classes."""
    rng = np.random.default_rng(0)
    targets = rng.integers(CLASSES, size=60)
    probabilities = rng.dirichlet(np.ones(CLASSES), 60)
    probabilities[np.arange(60), targets] += rng.random(60)
    probabilities /= probabilities.sum(1, keepdims=True)
    return targets, probabilities.argmax(1), probabilities


Answers = tuple[np.ndarray, np.ndarray, np.ndarray]


def test_accuracy(answers: Answers) -> None:
    targets, predicted, _ = answers
    assert metrics.accuracy(targets, predicted) == pytest.approx(sklearn.metrics.accuracy_score(targets, predicted))
    assert 0 < metrics.accuracy(targets, predicted) < 1


def test_accuracy_of_nothing() -> None:
    nothing = np.zeros(0, np.int64)
    assert np.isnan(metrics.accuracy(nothing, nothing))


def test_confusion(answers: Answers) -> None:
    targets, predicted, _ = answers
    expected = sklearn.metrics.confusion_matrix(targets, predicted, labels=range(CLASSES))
    np.testing.assert_array_equal(metrics.confusion(targets, predicted, CLASSES), expected)


def test_confusion_has_a_row_for_every_class() -> None:
    nothing = np.zeros(0, np.int64)
    np.testing.assert_array_equal(metrics.confusion(nothing, nothing, 3), np.zeros((3, 3)))
    counts = metrics.confusion(np.array([1, 1, 1]), np.array([1, 0, 0]), 4)
    assert counts.tolist() == [[0] * 4, [2, 1, 0, 0], [0] * 4, [0] * 4]


def test_recalls(answers: Answers) -> None:
    targets, predicted, _ = answers
    expected = sklearn.metrics.recall_score(targets, predicted, average=None, labels=range(CLASSES))
    np.testing.assert_allclose(metrics.recalls(metrics.confusion(targets, predicted, CLASSES)), expected)


def test_the_recall_of_a_class_without_clips_is_unknown() -> None:
    np.testing.assert_array_equal(metrics.recalls(np.array([[1, 1], [0, 0]])), [0.5, np.nan])


def test_macro_f1(answers: Answers) -> None:
    targets, predicted, _ = answers
    expected = sklearn.metrics.f1_score(targets, predicted, average="macro")
    assert metrics.macro_f1(metrics.confusion(targets, predicted, CLASSES)) == pytest.approx(expected)


def test_macro_f1_leaves_out_what_nobody_named_and_nothing_was() -> None:
    targets, predicted = np.array([0, 0, 1]), np.array([0, 2, 1])  # 2 was named wrongly, 3 not at all
    expected = sklearn.metrics.f1_score(targets, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(metrics.confusion(targets, predicted, 4)) == pytest.approx(expected)
    assert expected == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_log_loss(answers: Answers) -> None:
    targets, _, probabilities = answers
    expected = sklearn.metrics.log_loss(targets, probabilities, labels=range(CLASSES))
    assert metrics.log_loss(targets, probabilities) == pytest.approx(expected)


def test_a_certain_mistake_costs_a_finite_amount() -> None:
    assert metrics.log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(15 * np.log(10))


def test_confused_pairs_count_both_ways() -> None:
    counts = np.array([[9, 1, 4], [2, 9, 0], [0, 0, 9]])
    assert metrics.confused_pairs(counts, ("a", "b", "c")) == [
        {"pair": ["a", "c"], "clips": 4},
        {"pair": ["a", "b"], "clips": 3},
    ]
    assert metrics.confused_pairs(counts, ("a", "b", "c"), top=1) == [{"pair": ["a", "c"], "clips": 4}]


def test_confused_pairs_add_up_to_the_mistakes(answers: Answers) -> None:
    targets, predicted, _ = answers
    pairs = metrics.confused_pairs(metrics.confusion(targets, predicted, CLASSES), tuple("abcde"), top=100)
    assert sum(pair["clips"] for pair in pairs) == (targets != predicted).sum()
    assert [pair["clips"] for pair in pairs] == sorted((pair["clips"] for pair in pairs), reverse=True)
    for pair in pairs:
        a, b = ("abcde".index(name) for name in pair["pair"])
        both = {(a, b), (b, a)}
        assert pair["clips"] == sum((t, p) in both for t, p in zip(targets, predicted, strict=True))
