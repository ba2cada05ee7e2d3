import json

import numpy as np
import pytest
import sklearn.metrics

from hubbub.evaluate.summary import brief, full

LABELS = ("a", "b", "c", "nobody")


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    """Targets in the first three of four classes, and probabilities that are right about two times in three."""
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=90)
    probabilities = rng.dirichlet(np.ones(4), 90)
    probabilities[np.arange(90), targets] += 0.5 * rng.random(90)
    return targets, probabilities / probabilities.sum(1, keepdims=True)


Answers = tuple[np.ndarray, np.ndarray]


def test_brief_figures(answers: Answers) -> None:
    targets, probabilities = answers
    found = probabilities.argmax(1)
    assert brief(targets, probabilities) == {
        "clips": 90,
        "accuracy": pytest.approx(sklearn.metrics.accuracy_score(targets, found)),
        "loss": pytest.approx(sklearn.metrics.log_loss(targets, probabilities, labels=range(4))),
    }


def test_no_clips() -> None:
    expected = {"clips": 0, "accuracy": None, "loss": None}
    assert brief(np.zeros(0, np.int64), np.zeros((0, 4))) == expected


def test_full_figures(answers: Answers) -> None:
    targets, probabilities = answers
    found = probabilities.argmax(1)
    figures = json.loads(json.dumps(full(targets, probabilities, np.arange(90) // 2, LABELS), allow_nan=False))
    assert {key: figures[key] for key in ("clips", "accuracy", "loss")} == pytest.approx(brief(targets, probabilities))
    assert figures["macro_f1"] == pytest.approx(sklearn.metrics.f1_score(targets, found, average="macro"))
    assert figures["confusion"] == sklearn.metrics.confusion_matrix(targets, found, labels=range(4)).tolist()
    recall = sklearn.metrics.recall_score(targets, found, average=None, labels=range(3), zero_division=0)
    assert list(figures["recall"]) == list(LABELS) and figures["recall"]["nobody"] is None
    assert [figures["recall"][label] for label in LABELS[:3]] == pytest.approx(list(recall))
    low, high = figures["interval"]
    half = 1.96 * np.sqrt(figures["accuracy"] * (1 - figures["accuracy"]) / 90)
    assert low < figures["accuracy"] < high and high - low == pytest.approx(2 * half, rel=0.4)
    assert figures["confused"][0]["clips"] == max(
        sum({t, f} == {a, b} for t, f in zip(targets, found, strict=True)) for a in range(4) for b in range(a)
    )
