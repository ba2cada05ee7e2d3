import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.preprocessing import StandardScaler

from hubbub.evaluate.openset import (
    KNOWN_SCORES,
    active_features,
    expected_cosine,
    max_softmax,
    open_set_figures,
    share_below,
    sizes,
    threshold,
)


def test_the_largest_score_of_each_sound() -> None:
    scores = np.array([[0.2, 0.8], [0.5, 0.5]])
    np.testing.assert_array_equal(max_softmax(scores, np.zeros((2, 7))), [0.8, 0.5])
    assert KNOWN_SCORES["max_softmax"](scores[0], np.zeros(7)) == 0.8


# --- the expected cosine ----------------------------------------------------------------------------------------------


def parameters(size: int, features: int, classes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    prototypes = rng.random((classes, features))
    return {
        "origin": rng.standard_normal(features),
        "scale": rng.uniform(0.5, 2, features),
        "prototypes": prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True),
        "weights": rng.standard_normal(size),
        "bias": np.float64(0.3),
    }


def test_expected_cosine_clip_by_clip_and_class_by_class() -> None:
    rng, given = np.random.default_rng(1), parameters(9, 6, 4)
    scores, embeddings = rng.dirichlet(np.ones(4), 5), rng.standard_normal((5, 9))
    computed = expected_cosine(scores, embeddings, **given)
    for score, embedding, value in zip(scores, embeddings, computed, strict=True):
        active = [max((embedding[3 + i] - given["origin"][i]) / given["scale"][i], 0) for i in range(6)]
        cosines = [np.dot(active, prototype) / np.linalg.norm(active) for prototype in given["prototypes"]]
        recording = 1 / (1 + np.exp(-(np.dot(embedding, given["weights"]) + 0.3)))
        assert value == pytest.approx(np.dot(score, cosines) * recording)
        assert expected_cosine(score, embedding, **given) == pytest.approx(value)


def test_active_features_are_the_last_ones_scaled() -> None:
    embeddings = np.random.default_rng(2).standard_normal((30, 8))
    scaler = StandardScaler().fit(embeddings[:, 3:])
    wanted = np.maximum(scaler.transform(embeddings[:, 3:]), 0)
    np.testing.assert_allclose(active_features(embeddings, scaler.mean_, scaler.scale_), wanted)


@pytest.mark.parametrize("value", [0.0, 3e38, -3e38])
def test_extreme_embeddings_and_scales_have_a_score(value: float) -> None:
    given = parameters(9, 6, 4) | {"scale": np.zeros(6)}
    score = expected_cosine(np.full(4, 0.25), np.full(9, value, np.float32), **given)
    assert 0 <= score <= 1


def test_a_sound_at_a_prototype_is_known_and_one_between_two_less() -> None:
    given = parameters(4, 4, 2) | {"origin": np.zeros(4), "scale": np.ones(4), "prototypes": np.eye(4)[:2]}
    given |= {"weights": np.zeros(4), "bias": np.float64(50)}
    assert expected_cosine(np.array([1.0, 0.0]), np.array([3.0, -1, -1, -1]), **given) == pytest.approx(1)
    assert expected_cosine(np.array([0.5, 0.5]), np.array([1.0, 1, 0, 0]), **given) == pytest.approx(0.5**0.5)
    assert expected_cosine(np.array([1.0, 0.0]), np.array([0.0, 0, 2, 0]), **given) == pytest.approx(0)


# --- shapes of parameters ---------------------------------------------------------------------------------------------


def test_sizes_of_axes() -> None:
    shapes = {name: value.shape for name, value in parameters(9, 6, 4).items()}
    assert sizes("expected_cosine", shapes) == {"features": 6, "classes": 4, "size": 9}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"scale": (5,)}, "scale of expected_cosine has 5 features, another parameter 6"),
        ({"origin": ()}, "origin of expected_cosine must have 1 axes, got 0"),
        ({"bias": (1,)}, "bias of expected_cosine must have 0 axes, got 1"),
        ({"weights": (5,)}, "more features than the embedding"),
        ({"more": ()}, "parameters of expected_cosine must be: origin, scale, prototypes, weights, bias"),
    ],
)
def test_shapes_that_do_not_fit(change: dict[str, tuple[int, ...]], match: str) -> None:
    shapes = {name: value.shape for name, value in parameters(9, 6, 4).items()}
    with pytest.raises(ValueError, match=match):
        sizes("expected_cosine", shapes | change)


def test_every_score_has_its_axes() -> None:
    for name in KNOWN_SCORES:
        with pytest.raises(ValueError, match=f"parameters of {name} must be"):
            sizes(name, {"colour": ()})


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of known clips, which were named right, and scores of unknown sounds; many are alike."""
    rng = np.random.default_rng(3)
    known, unknown = np.round(rng.beta(5, 2, 200), 2), np.round(rng.beta(2, 3, 90), 2)
    return known, rng.random(200) < 0.6 + 0.4 * known, unknown


def test_area_under_the_curve_is_scikit_learns(scored: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    known, right, unknown = scored
    is_known = np.r_[np.ones(200), np.zeros(90)]
    figures = open_set_figures(known, right, unknown)
    assert figures.auroc == pytest.approx(roc_auc_score(is_known, np.r_[known, unknown]))
    fpr, tpr, _ = roc_curve(is_known, np.r_[known, unknown], drop_intermediate=False)
    assert figures.fpr == pytest.approx(fpr[np.argmax(tpr >= 0.95)])
    assert figures.share == 0.95


def test_oscr_by_sweeping_the_threshold(scored: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """As Dhamija et al. draw it: each threshold is a point, straight lines between them."""
    known, right, unknown = scored
    cuts = np.r_[np.inf, np.unique(np.r_[known, unknown])[::-1]]
    correct = [np.mean(right & (known >= cut)) for cut in cuts]
    kept = [np.mean(unknown >= cut) for cut in cuts]
    assert open_set_figures(known, right, unknown).oscr == pytest.approx(np.trapezoid(correct, kept))


def test_oscr_is_accuracy_where_nothing_unknown_scores_as_high() -> None:
    figures = open_set_figures(np.array([0.8, 0.9, 0.7]), np.array([True, False, True]), np.array([0.1, 0.2]))
    assert (figures.auroc, figures.fpr) == (1.0, 0.0) and figures.oscr == pytest.approx(2 / 3)


def test_figures_of_nothing_are_not_numbers() -> None:
    empty = np.zeros(0)
    for known, unknown in ((empty, np.ones(2)), (np.ones(2), empty)):
        figures = open_set_figures(known, np.ones(len(known), bool), unknown)
        assert np.isnan([figures.auroc, figures.fpr, figures.oscr]).all()


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 1.0])
def test_a_threshold_keeps_its_share_and_no_clip_more_than_needed(share: float) -> None:
    known = np.random.default_rng(4).random(137)
    cut = threshold(known, share)
    assert np.mean(known >= cut) >= share > np.mean(known > cut)


def test_share_below_by_all_pairs(scored: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    known, _, unknown = scored
    pairs = (known[:, None] > unknown) + 0.5 * (known[:, None] == unknown)
    np.testing.assert_allclose(share_below(known, unknown), pairs.mean(1))
