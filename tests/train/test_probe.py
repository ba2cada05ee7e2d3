import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hubbub.errors import DataError
from hubbub.train import probe

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def data(classes: int, recordings: int = 6, size: int = 8, noise: float = 0.3, seed: int = 0) -> Data:
    """Embeddings around a centre a class; two clips of every recording are all but the same."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(classes), 2 * recordings)
    groups = np.repeat(np.arange(classes * recordings), 2).astype(str)
    centres = rng.normal(0, 1, (classes, size))
    own = np.repeat(rng.normal(0, noise, (classes * recordings, size)), 2, axis=0)
    embeddings = 3 + (centres[targets] + own + rng.normal(0, 0.01, own.shape)) * np.linspace(0.1, 20, size)
    return embeddings.astype(np.float32), targets, groups


def probabilities(found: probe.Probe, embeddings: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return torch.softmax(found.head.eval()(torch.from_numpy(embeddings)), 1).numpy()


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("c", [0.01, 1.0])
def test_the_head_answers_as_scikit_learn(classes: int, c: float) -> None:
    embeddings, targets, groups = data(classes, noise=0.9)
    found = probe.fit(embeddings, targets, groups, classes, [c])
    unheard = data(classes, noise=2.0, seed=1)[0]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)).fit(embeddings, targets)
    expected = pipeline.predict_proba(unheard)
    np.testing.assert_allclose(probabilities(found, unheard), expected, atol=1e-5)
    assert found.c == c and found.inner_accuracy == {} and np.std(expected) > 0.03


def test_an_embedding_that_never_varies_does_no_harm() -> None:
    embeddings, targets, groups = data(3)
    embeddings[:, 2] = 4.0
    found = probe.fit(embeddings, targets, groups, 3, [0.1])
    answers = probabilities(found, embeddings)
    assert np.isfinite(answers).all() and (answers.argmax(1) == targets).all()


def test_c_is_the_best_of_grouped_cross_validation() -> None:
    """Recordings are memorable and classes are not: ungrouped folds would favour the largest C."""
    embeddings, targets, groups = data(3, recordings=10, size=30, noise=3.0)
    grid = (1e-4, 1e-2, 1e2)
    found = probe.fit(embeddings, targets, groups, 3, grid)
    assert tuple(found.inner_accuracy) == grid
    best = max(found.inner_accuracy.values())
    assert found.c == min(c for c, accuracy in found.inner_accuracy.items() if accuracy == best)
    alone = probe.fit(embeddings, targets, np.arange(len(groups)).astype(str), 3, grid)
    assert alone.inner_accuracy[1e2] > 0.85 > 0.7 > found.inner_accuracy[1e2]


def test_inner_accuracy_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, targets, groups = data(3, recordings=8, noise=1.5)
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    inner = probe._inner

    def watched(*facts: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        seen.extend(inner(*facts))
        return seen

    monkeypatch.setattr(probe, "_inner", watched)
    found = probe.fit(embeddings, targets, groups, 3, [0.01, 0.3])
    assert sorted(row for _, test in seen for row in test) == list(range(len(targets)))
    scores = []
    for train, test in seen:
        assert not set(groups[train]) & set(groups[test]) and set(targets[train]) == {0, 1, 2}
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1000))
        scores.append(pipeline.fit(embeddings[train], targets[train]).score(embeddings[test], targets[test]))
    assert found.inner_accuracy[0.3] == pytest.approx(np.mean(scores)) and 0.4 < np.mean(scores) < 1


def test_the_candidates_can_be_watched() -> None:
    watched: list[float] = []

    def track(items: object) -> list[float]:
        watched.extend(items)  # type: ignore[arg-type]
        return watched

    probe.fit(*data(2), 2, [0.1, 1.0], track)
    assert watched == [0.1, 1.0]


def test_too_few_recordings_to_choose_by() -> None:
    embeddings, targets, groups = data(3, recordings=3)
    with pytest.raises(DataError, match=r"has 3 source recordings, choosing C needs 4: .*c_grid hold one"):
        probe.fit(embeddings, targets, groups, 3, [0.1, 1.0])
    assert probe.fit(embeddings, targets, groups, 3, [0.1]).c == 0.1


def test_a_class_without_clips() -> None:
    embeddings, targets, groups = data(3)
    with pytest.raises(DataError, match="show 3 of 4 classes: add the others"):
        probe.fit(embeddings, targets, groups, 4, [0.1])
