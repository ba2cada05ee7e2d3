"""Multinomial logistic regression on standardised embeddings, its C chosen by grouped cross-validation.

Needs scikit-learn, which the extras 'teach' and 'train' bring.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import DataError, missing_extra
from hubbub.types import Doubles, Floats, Ints, Track

INNER_FOLDS = 4
_ITERATIONS = 1000


@dataclass(frozen=True, eq=False)
class LogisticHead:
    """A linear layer on standardised embeddings.

    Attributes:
        mean: of the training embeddings, shape (size,). std: their deviation, 1 where a column is constant.
        weights: shape (classes, size), also for two classes. bias: shape (classes,).
        c: inverse strength of the L2 penalty.
        inner_accuracy: of each candidate for `c`, its mean over the inner folds; empty if there was one candidate.
    """

    mean: Doubles
    std: Doubles
    weights: Doubles
    bias: Doubles
    c: float
    inner_accuracy: dict[float, float] = field(default_factory=dict)

    def scores(self, embeddings: Floats) -> Doubles:
        """Logits, shape (clips, classes), of embeddings (clips, size); their softmax gives probabilities."""
        return (embeddings - self.mean) / self.std @ self.weights.T + self.bias


def fit(
    embeddings: Floats,
    targets: Ints,
    groups: NDArray[np.str_],
    classes: int,
    c_grid: Sequence[float],
    track: Track = iter,
) -> LogisticHead:
    """Choose C by grouped cross-validation inside the training clips, the smallest of the best; then fit on all.

    Args:
        embeddings: of the training clips, shape (clips, size).
        targets: their classes, 0 to `classes` - 1, every class present.
        groups: their source recordings; the inner folds keep a recording together.
        classes: how many there are.
        c_grid: inverse strengths of the L2 penalty to choose from; a single one is taken as it is, and where a class
            has one recording alone, so that there is nothing to choose by, the middle one.
        track: wraps the candidates, to show progress.

    Raises:
        DataError: there are fewer than two classes, or one has no clips.
        RefusedError: scikit-learn is not installed.
    """
    if find_spec("sklearn") is None:
        raise missing_extra("teach", "learning a head")
    present = len(np.unique(targets))
    if classes < 2:
        raise DataError("the training clips are all of one class: give a second one to tell it from")
    if present < classes:
        raise DataError(f"the training clips show {present} of {classes} classes: add the others")
    accuracies = {}
    folds = inner_folds(targets, groups) if len(c_grid) > 1 else []
    if folds:
        for c in track(c_grid):
            fitted = [(_regression(embeddings[train], targets[train], c), test) for train, test in folds]
            accuracies[c] = float(np.mean([model.score(embeddings[test], targets[test]) for model, test in fitted]))
    best = max(accuracies, key=lambda c: (accuracies[c], -c)) if accuracies else c_grid[len(c_grid) // 2]
    scaler, regression = _regression(embeddings, targets, best)
    weights, bias = regression.coef_.astype(np.float64), regression.intercept_.astype(np.float64)
    if classes == 2:  # scikit-learn keeps one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return LogisticHead(scaler.mean_, scaler.scale_, weights, bias, best, accuracies)


def inner_folds(targets: Ints, groups: NDArray[np.str_]) -> list[tuple[Ints, Ints]]:
    """Rows to train on and rows to score, of each fold: stratified by class, recordings kept together.

    There are as many as the rarest class has recordings, `INNER_FOLDS` at most; none if it has one alone. A fold that
    would not train on every class is left out.
    """
    fewest = min(len(np.unique(groups[targets == target])) for target in np.unique(targets))
    if fewest < 2:
        return []
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(min(INNER_FOLDS, fewest), shuffle=True, random_state=0)
    classes = set(targets.tolist())
    return [part for part in folds.split(targets, targets, groups) if set(targets[part[0]].tolist()) == classes]


def _regression(embeddings: Floats, targets: Ints, c: float) -> Any:
    """A fitted pipeline of `StandardScaler` and `LogisticRegression`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with warnings.catch_warnings():  # a candidate that has not quite converged is still scored for what it is
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=_ITERATIONS)).fit(embeddings, targets)
