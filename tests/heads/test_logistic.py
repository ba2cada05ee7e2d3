import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hubbub.errors import DataError, RefusedError
from hubbub.evaluate.calibration import softmax
from hubbub.heads import logistic
from hubbub.types import Floats, Ints

Data = tuple[Floats, Ints, np.ndarray]


def data(classes: int, recordings: int = 6, size: int = 8, noise: float = 0.3, seed: int = 0) -> Data:
    """Embeddings around a centre a class; two clips of every recording are all but the same."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(classes), 2 * recordings)
    groups = np.repeat(np.arange(classes * recordings), 2).astype(str)
    centres = rng.normal(0, 1, (classes, size))
    own = np.repeat(rng.normal(0, noise, (classes * recordings, size)), 2, axis=0)
    embeddings = 3 + (centres[targets] + own + rng.normal(0, 0.01, own.shape)) * np.linspace(0.1, 20, size)
    return embeddings.astype(np.float32), targets, groups


@pytest.mark.parametrize("classes", [2, 3])
def test_its_scores_are_scikit_learns(classes: int) -> None:
    embeddings, targets, groups = data(classes, noise=0.9)
    head = logistic.fit(embeddings, targets, groups, classes, [0.1])
    unseen = data(classes, noise=2.0, seed=1)[0]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(embeddings, targets)
    expected = pipeline.predict_proba(unseen)
    np.testing.assert_allclose(softmax(head.scores(unseen)), expected, atol=1e-5)
    assert head.weights.shape == (classes, 8) and head.bias.shape == (classes,)
    assert head.c == 0.1 and head.inner_accuracy == {} and np.std(expected) > 0.03


def test_an_embedding_that_never_varies_does_no_harm() -> None:
    embeddings, targets, groups = data(3)
    embeddings[:, 2] = 4.0
    scores = logistic.fit(embeddings, targets, groups, 3, [0.1]).scores(embeddings)
    assert np.isfinite(scores).all() and (scores.argmax(1) == targets).all()


def test_c_is_the_best_of_grouped_cross_validation() -> None:
    """Recordings are memorable and classes are not: ungrouped folds would favour the largest C."""
    embeddings, targets, groups = data(3, recordings=10, size=30, noise=3.0)
    grid = (1e-4, 1e-2, 1e2)
    head = logistic.fit(embeddings, targets, groups, 3, grid)
    assert tuple(head.inner_accuracy) == grid
    best = max(head.inner_accuracy.values())
    assert head.c == min(c for c, accuracy in head.inner_accuracy.items() if accuracy == best)
    ungrouped = logistic.fit(embeddings, targets, np.arange(len(groups)).astype(str), 3, grid)
    assert ungrouped.inner_accuracy[1e2] > 0.85 > 0.7 > head.inner_accuracy[1e2]


def test_inner_accuracy_by_hand() -> None:
    embeddings, targets, groups = data(3, recordings=8, noise=1.5)
    folds = logistic.inner_folds(targets, groups)
    assert sorted(row for _, test in folds for row in test) == list(range(len(targets)))
    accuracies = []
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test]) and set(targets[train]) == {0, 1, 2}
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1000))
        accuracies.append(pipeline.fit(embeddings[train], targets[train]).score(embeddings[test], targets[test]))
    head = logistic.fit(embeddings, targets, groups, 3, [0.01, 0.3])
    assert head.inner_accuracy[0.3] == pytest.approx(np.mean(accuracies)) and 0.4 < np.mean(accuracies) < 1


def test_the_candidates_can_be_watched() -> None:
    watched: list[float] = []

    def track(items: object) -> list[float]:
        watched.extend(items)  # type: ignore[call-overload]
        return watched

    logistic.fit(*data(2), 2, [0.1, 1.0], track)
    assert watched == [0.1, 1.0]


def test_too_few_recordings_to_choose_by() -> None:
    """As many inner folds as the rarest class has recordings; with one there is no choice, and the middle is taken."""
    for recordings, folds in ((3, 3), (2, 2), (1, 0)):
        embeddings, targets, groups = data(3, recordings=recordings)
        made = logistic.inner_folds(targets, groups)
        assert len(made) == folds and all(set(targets[train]) == {0, 1, 2} for train, _ in made)
        head = logistic.fit(embeddings, targets, groups, 3, [0.01, 0.1, 1.0])
        assert set(head.inner_accuracy) == ({0.01, 0.1, 1.0} if folds else set())
    assert head.c == 0.1
    assert logistic.fit(embeddings, targets, groups, 3, [0.3]).c == 0.3


def test_a_single_class() -> None:
    embeddings, _, groups = data(2)
    with pytest.raises(DataError, match="all of one class: give a second one"):
        logistic.fit(embeddings, np.zeros(len(groups), int), groups, 1, [0.1])


def test_a_class_without_clips() -> None:
    with pytest.raises(DataError, match="show 3 of 4 classes: add the others"):
        logistic.fit(*data(3), 4, [0.1])


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(RefusedError, match="the extra 'teach'"):
        logistic.fit(*data(3), 3, [0.1])
