import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hubbub.errors import DataError, RefusedError
from hubbub.evaluate.openset import active_features, expected_cosine
from hubbub.heads.known_score import fit_expected_cosine


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of clips of three classes, the classes, and embeddings of sounds of none."""
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(3), 20)
    clips = 3 * np.eye(8)[targets] + rng.standard_normal((60, 8)) * np.linspace(0.2, 0.6, 8) + 5
    return (
        clips.astype(np.float32),
        targets,
        (rng.standard_normal((30, 8)) + np.array([5, 5, 5, 9, 9, 5, 5, 5])).astype(np.float32),
    )


def test_prototypes_are_mean_active_features(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    clips, targets, outliers = data
    fitted = fit_expected_cosine(clips, targets, 3, outliers, features=6)
    active = active_features(clips, fitted["origin"], fitted["scale"])
    for label in range(3):
        wanted = active[targets == label].mean(0)
        np.testing.assert_allclose(fitted["prototypes"][label], wanted / np.linalg.norm(wanted), atol=1e-5)
    assert {name: value.shape for name, value in fitted.items()} == {
        "origin": (6,),
        "scale": (6,),
        "prototypes": (3, 6),
        "weights": (8,),
        "bias": (),
    }


def test_features_are_scaled_by_their_deviation_within_classes(
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    clips, targets, outliers = data
    fitted = fit_expected_cosine(clips, targets, 3, outliers)
    analysis = LinearDiscriminantAnalysis(store_covariance=True).fit(clips.astype(float), targets)
    np.testing.assert_allclose(fitted["scale"], np.sqrt(np.diag(analysis.covariance_)), rtol=1e-5)
    np.testing.assert_allclose(fitted["origin"], clips.mean(0) - 1.5 * clips.std(0), rtol=1e-4)


def test_the_second_factor_is_a_logistic_regression_on_standardised_embeddings(
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    clips, targets, outliers = data
    fitted = fit_expected_cosine(clips, targets, 3, outliers, c=0.1, favour=2.5)
    scaler = StandardScaler().fit(clips)
    both = np.r_[clips, outliers]
    weights = np.r_[np.ones(60), np.full(30, 2.0)]
    pipeline = make_pipeline(scaler, LogisticRegression(C=0.1))
    pipeline[-1].fit(scaler.transform(both), np.r_[np.ones(60), np.zeros(30)], weights)
    logits = both @ fitted["weights"] + fitted["bias"]
    np.testing.assert_allclose(logits - 2.5, pipeline.decision_function(both), atol=1e-2)


def test_clips_score_above_sounds_of_no_class(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    clips, targets, outliers = data
    fitted = fit_expected_cosine(clips, targets, 3, outliers)
    known = expected_cosine(np.eye(3)[targets], clips, **fitted)
    assert np.median(known) > 0.6 > 0.4 > np.median(expected_cosine(np.full((30, 3), 1 / 3), outliers, **fitted))


def test_more_features_than_there_are_means_all(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    assert fit_expected_cosine(*data[:2], 3, data[2], features=100)["prototypes"].shape == (3, 8)


def test_a_constant_feature_is_left_unscaled(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    clips, targets, outliers = data
    clips[:, 4] = 5
    fitted = fit_expected_cosine(clips, targets, 3, outliers)
    assert fitted["scale"][4] == 1 and all(np.isfinite(value).all() for value in fitted.values())


def test_what_cannot_be_learnt_from(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    clips, targets, outliers = data
    with pytest.raises(DataError, match="clips of every class"):
        fit_expected_cosine(clips, targets, 4, outliers)
    with pytest.raises(DataError, match="sounds of none"):
        fit_expected_cosine(clips, targets, 3, outliers[:0])


def test_without_scikit_learn(data: tuple[np.ndarray, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubbub.heads.known_score.find_spec", lambda name: None)
    with pytest.raises(RefusedError, match="extra 'teach'"):
        fit_expected_cosine(*data[:2], 3, data[2])
