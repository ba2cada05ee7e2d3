"""What `hubbub.evaluate.openset.expected_cosine` reads, learnt from embeddings of clips and of sounds of no class.

Needs scikit-learn, which the extras 'teach' and 'train' bring.
"""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import DataError, missing_extra
from hubbub.types import Doubles, Floats, Ints

LAST_FEATURES = 256  #: of the embedding, which the prototypes are of
#: Chosen on training folds with clean clips: sounds whose makers are left out of fitting are kept in 1 % at most.
FAVOUR = 3.0
_BELOW = 1.5  # deviations under the mean at which a feature begins to be active
_CONSTANT = 1e-6  # least deviation of a feature that is scaled
_ITERATIONS = 300


def fit_expected_cosine(
    embeddings: Floats,
    targets: Ints,
    classes: int,
    outliers: Floats,
    features: int = LAST_FEATURES,
    c: float = 0.01,
    favour: float = FAVOUR,
) -> dict[str, NDArray[np.float32]]:
    """The parameters of `expected_cosine`, its bias an array without axes.

    Features begin at 1.5 deviations under their mean, and are divided by their deviation within the classes, so that
    those that tell classes apart weigh most.

    Args:
        embeddings: of the training clips, shape (clips, size). Copies of them in noise, as clips of their own, teach
            that noise behind a sound does not make it unknown.
        targets: their classes, 0 to `classes` - 1, every class present.
        classes: how many there are.
        outliers: embeddings of sounds of no class, such as the family "fitting" of `hubbub.data.synth.unknown`, shape
            (sounds, size); together they weigh as much as all the clips.
        features: how many of the last values of an embedding the prototypes are of; all of it where it is shorter.
        c: inverse strength of the L2 penalty of the logistic regression.
        favour: log-odds that the logistic regression is given in favour of recordings, for the cosine has its own say.

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
    std = np.where(std > _CONSTANT, std, 1.0)
    origin = (mean - _BELOW * std)[-features:]
    last = np.asarray(embeddings[:, -features:], np.float64)
    within = np.sqrt(np.mean((last - _class_means(last, targets, counts)[targets]) ** 2, axis=0))
    scale = np.where(within > _CONSTANT, within, 1.0)
    prototypes = _class_means(np.maximum((last - origin) / scale, 0), targets, counts)
    weights, bias = _recording_or_outlier((embeddings - mean) / std, (outliers - mean) / std, c)
    parameters = {
        "origin": origin,
        "scale": scale,
        "prototypes": prototypes / (np.linalg.norm(prototypes, axis=1, keepdims=True) + 1e-12),
        "weights": weights / std,
        "bias": np.asarray(favour + bias - weights @ (mean / std)),
    }
    return {name: np.asarray(value, np.float32) for name, value in parameters.items()}


def _class_means(features: Doubles, targets: Ints, counts: Ints) -> Doubles:
    """Mean features of each class, shape (classes, features)."""
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, targets, features)
    return sums / counts[:, None]


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
