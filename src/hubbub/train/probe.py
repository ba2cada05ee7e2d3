"""The probe: logistic regression on a frozen network's standardised embedding."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from torch import nn

from hubbub.errors import DataError
from hubbub.train.networks.classifier import Standardise, head

_INNER_FOLDS = 4
_STEPS = 1000


@dataclass(frozen=True)
class Probe:
    """A head found in closed form, and the strength of regularisation that was chosen for it."""

    head: nn.Sequential
    c: float
    inner_accuracy: dict[float, float]


def fit(
    embeddings: NDArray[np.float32],
    targets: NDArray[np.int64],
    groups: NDArray[np.str_],
    classes: int,
    c_grid: Iterable[float],
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Probe:
    """Choose C by grouped cross-validation inside the training clips, then fit on all of them.

    Args:
        embeddings: of the training clips, shape (clips, size).
        targets: their classes, every class present.
        groups: their source recordings; the inner folds keep a recording together.
        classes: how many there are.
        c_grid: inverse strengths of the L2 penalty to choose from; a single one is taken as it is.
        track: wraps the candidates, to show progress.

    Raises DataError if a class has too few recordings for the inner folds.
    """
    grid = tuple(c_grid)
    if len(set(targets.tolist())) < classes:
        raise DataError(f"the training clips show {len(set(targets.tolist()))} of {classes} classes: add the others")
    scores = {}
    if len(grid) > 1:
        folds = list(_inner(targets, groups))
        scores = {c: float(np.mean([_score(embeddings, targets, c, *fold) for fold in folds])) for c in track(grid)}
    chosen = max(scores, key=lambda c: (scores[c], -c)) if scores else grid[0]
    scaler, regression = _fit(embeddings, targets, chosen)
    return Probe(_as_head(scaler, regression, classes), chosen, scores)


def _inner(targets: NDArray[np.int64], groups: NDArray[np.str_]) -> Iterator[tuple[Any, Any]]:
    fewest = min(len(set(groups[targets == value].tolist())) for value in set(targets.tolist()))
    if fewest < _INNER_FOLDS:
        raise DataError(
            f"a class has {fewest} source recordings, choosing C needs {_INNER_FOLDS}: add some, or let c_grid hold one"
        )
    yield from StratifiedGroupKFold(_INNER_FOLDS, shuffle=True, random_state=0).split(targets, targets, groups)


def _score(embeddings: Any, targets: Any, c: float, train: Any, test: Any) -> float:
    scaler, regression = _fit(embeddings[train], targets[train], c)
    return float(regression.score(scaler.transform(embeddings[test]), targets[test]))


def _fit(embeddings: Any, targets: Any, c: float) -> tuple[StandardScaler, LogisticRegression]:
    scaler = StandardScaler().fit(embeddings)
    with warnings.catch_warnings():  # a candidate that has not quite converged is still scored for what it is
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression = LogisticRegression(C=c, max_iter=_STEPS).fit(scaler.transform(embeddings), targets)
    return scaler, regression


def _as_head(scaler: StandardScaler, regression: LogisticRegression, classes: int) -> nn.Sequential:
    layers = head(len(scaler.mean_), classes)
    standardise, linear = layers[0], layers[-1]
    assert isinstance(standardise, Standardise) and isinstance(linear, nn.Linear)
    weights, bias = regression.coef_, regression.intercept_
    if classes == 2:  # scikit-learn keeps one row for two classes
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    with torch.no_grad():
        standardise.mean.copy_(torch.from_numpy(scaler.mean_))
        standardise.std.copy_(torch.from_numpy(scaler.scale_))
        linear.weight.copy_(torch.from_numpy(weights))
        linear.bias.copy_(torch.from_numpy(bias))
    return layers
