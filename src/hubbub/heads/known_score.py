"""What `hubbub.evaluate.openset.expected_cosine` reads, learnt from embeddings of clips and of sounds of no class.

Needs scikit-learn, which the extras 'teach' and 'train' bring.
"""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import DataError, missing_extra
from hubbub.types import Doubles, Floats, Ints

LAST_FEATURES = 256  #: of the embedding, which the prototypes are of; all 384 of MobileNetV3's last block do no better
_ITERATIONS = 300


def fit_expected_cosine(
    embeddings: Floats, targets: Ints, classes: int, outliers: Floats, features: int = LAST_FEATURES, c: float = 0.01
) -> dict[str, NDArray[np.float32]]:
    """The parameters of `expected_cosine`, its bias an array without axes.

    Args:
        embeddings: of the training clips, shape (clips, size).
        targets: their classes, 0 to `classes` - 1, every class present.
        classes: how many there are.
        outliers: embeddings of sounds of no class, such as the family "fitting" of `hubbub.data.synth.unknown`, shape
            (sounds, size); together they weigh as much as all the clips.
        features: how many of the last values of an embedding the prototypes are of; all of it where it is shorter.
        c: inverse strength of the L2 penalty of the logistic regression.

    Raises:
        DataError: a class has no clips, or there are no outliers.
        RefusedError: scikit-learn is not installed.
    """
    if find_spec("sklearn") is None:
        raise missing_extra("teach", "learning what is unknown")
    counts = np.bincount(targets, minlength=classes)
    if not counts.all() or not len(outliers):
        raise DataError("a score for known sounds takes clips of every class, and sounds of none")
    mean, std = embeddings.mean(0, np.float64), embeddings.std(0, dtype=np.float64)
    std = np.where(std > 1e-6, std, 1.0)
    standardised = (embeddings - mean) / std
    prototypes = np.zeros((classes, min(features, embeddings.shape[1])))
    np.add.at(prototypes, targets, np.maximum(standardised[:, -features:], 0))
    prototypes /= np.linalg.norm(prototypes, axis=1, keepdims=True) + 1e-12
    weights, bias = _recording_or_outlier(standardised, (outliers - mean) / std, c)
    parameters = {
        "mean": mean[-features:],
        "std": std[-features:],
        "prototypes": prototypes,
        "weights": weights / std,
        "bias": np.asarray(bias - weights @ (mean / std)),
    }
    return {name: np.asarray(value, np.float32) for name, value in parameters.items()}


def _recording_or_outlier(
    clips: NDArray[np.floating], outliers: NDArray[np.floating], c: float
) -> tuple[Doubles, float]:
    """Weights and bias of a logistic regression that is positive for clips, both sides weighing the same."""
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate([clips, outliers])
    known = np.arange(len(both)) < len(clips)
    weigh = np.where(known, 1.0, len(clips) / len(outliers))
    regression = LogisticRegression(C=c, max_iter=_ITERATIONS).fit(both, known, weigh)
    return regression.coef_[0], float(regression.intercept_[0])
