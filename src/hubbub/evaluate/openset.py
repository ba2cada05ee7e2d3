"""How like the classes that a model knows a sound is, and how well that tells known sounds from unknown ones.

The scores are functions of a model's calibrated scores and of its embedding, with parameters that ride in the model
file. The figures compare the scores that clips of known classes and unknown sounds got: a sound is kept as known if its
score is at or above a threshold. tests/evaluate compares them with scikit-learn's, and with sums over all pairs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.types import Bools, Doubles

_KEPT = 0.95  #: share of known clips that thresholds keep where nothing else is asked for
_SMALL = 1e-12


def max_softmax(scores: NDArray[np.floating], embedding: NDArray[np.floating]) -> Doubles:
    """The largest score (Hendrycks and Gimpel, "A baseline for detecting misclassified examples", ICLR 2017).

    Args:
        scores: calibrated, shape (..., classes).
        embedding: shape (..., size); not looked at.

    Returns shape (...), in [0, 1].
    """
    return np.asarray(scores.max(-1), dtype=np.float64)


def expected_cosine(
    scores: NDArray[np.floating],
    embedding: NDArray[np.floating],
    origin: NDArray[np.floating],
    scale: NDArray[np.floating],
    prototypes: NDArray[np.floating],
    weights: NDArray[np.floating],
    bias: float,
) -> Doubles:
    """The cosine of a sound to the prototype of its class, averaged over the scores, times how much it is a recording.

    The cosine is between active features: those of a class that is not known pull it down, and a sound between two
    classes has a low average. The second factor is a logistic regression that was shown recordings, and noise, tones,
    speech and the like that belong to no class (outlier exposure: Hendrycks, Mazeika and Dietterich, ICLR 2019).

    Args:
        scores: calibrated, shape (..., classes).
        embedding: shape (..., size).
        origin: where the last features of the embedding begin to be active, shape (features,).
        scale: what they are divided by, shape (features,).
        prototypes: mean active features of each class, of length 1, shape (classes, features).
        weights: of the logistic regression, shape (size,).
        bias: of the logistic regression.

    Returns shape (...), in [0, 1].
    """
    active = active_features(embedding, origin, scale)
    length = np.maximum(np.linalg.norm(active, axis=-1, keepdims=True), _SMALL)
    cosine = (scores * (active / length @ np.asarray(prototypes, np.float64).T)).sum(-1)
    logit = np.asarray(embedding, np.float64) @ np.asarray(weights, np.float64) + bias
    return np.asarray(np.clip(cosine, 0, 1) * (1 + np.tanh(logit / 2)) / 2)


def active_features(
    embedding: NDArray[np.floating], origin: NDArray[np.floating], scale: NDArray[np.floating]
) -> Doubles:
    """How far the last features of embeddings (..., size) are above their `origin`, in `scale`; 0 for those under it.

    Scales under 1e-6 count as 1e-6.
    """
    last = np.asarray(embedding, np.float64)[..., -len(origin) :]
    return np.asarray(np.maximum((last - np.asarray(origin, np.float64)) / np.maximum(scale, 1e-6), 0.0))


#: By the name in a model file; each takes scores and embedding, and the parameters that the file holds.
KNOWN_SCORES: dict[str, Callable[..., Doubles]] = {"max_softmax": max_softmax, "expected_cosine": expected_cosine}

#: The axes of each parameter, by name; one without axes is a number.
_AXES: dict[str, dict[str, tuple[str, ...]]] = {
    "max_softmax": {},
    "expected_cosine": {
        "origin": ("features",),
        "scale": ("features",),
        "prototypes": ("classes", "features"),
        "weights": ("size",),
        "bias": (),
    },
}


def sizes(name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """How long each axis of a score's parameters is: "classes", "size" of the embedding, and "features" of it.

    Args:
        name: one of `KNOWN_SCORES`.
        shapes: of its parameters, by name; () for numbers.

    Raises:
        ValueError: a parameter is missing or one too many, or their shapes do not fit each other.

    >>> sizes("max_softmax", {})
    {}
    """
    wanted = _AXES[name]
    if sorted(shapes) != sorted(wanted):
        raise ValueError(f"parameters of {name} must be: {', '.join(wanted) or 'none'}")
    lengths: dict[str, int] = {}
    for parameter, axes in wanted.items():
        shape = shapes[parameter]
        if len(shape) != len(axes):
            raise ValueError(f"{parameter} of {name} must have {len(axes)} axes, got {len(shape)}")
        for axis, length in zip(axes, shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                raise ValueError(f"{parameter} of {name} has {length} {axis}, another parameter {lengths[axis]}")
    if lengths.get("features", 0) > lengths.get("size", 0):
        raise ValueError(f"{name} has more features than the embedding")
    return lengths


@dataclass(frozen=True)
class OpenSetFigures:
    """How well scores tell known clips from unknown sounds. All in [0, 1].

    Attributes:
        auroc: area under the ROC curve: how often a known clip scores above an unknown sound.
        fpr: share of unknown sounds that are kept where `share` of the known clips are.
        oscr: area under the share of known clips that are kept and rightly named, over the share of unknown sounds kept
            (Dhamija, Günther and Boult, "Reducing network agnostophobia", NeurIPS 2018).
        share: of the known clips.
    """

    auroc: float
    fpr: float
    oscr: float
    share: float = _KEPT


def open_set_figures(known: Doubles, right: Bools, unknown: Doubles, share: float = _KEPT) -> OpenSetFigures:
    """The figures of scores of known clips, shape (clips,), and of unknown sounds, shape (sounds,).

    `right` says which known clips were rightly named. NaN where there are no clips or no sounds.
    """
    if not len(known) or not len(unknown):
        return OpenSetFigures(*3 * (float("nan"),), share)
    above = share_below(known, unknown)
    kept = float(np.mean(unknown >= threshold(known, share)))
    return OpenSetFigures(float(above.mean()), kept, float((above * right).mean()), share)


def share_below(known: Doubles, unknown: Doubles) -> Doubles:
    """For each known clip, the share of the unknown sounds that score below it; those alike count half.

    Its mean is the area under the ROC curve (Mann and Whitney, 1947), and its mean over all clips with 0 for those
    wrongly named is the area of `OpenSetFigures.oscr`.

    >>> share_below(np.array([0.5, 0.9]), np.array([0.1, 0.5])).tolist()
    [0.75, 1.0]
    """
    ordered = np.sort(unknown)
    below, upto = (np.searchsorted(ordered, known, side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2 * len(unknown)))


def threshold(known: Doubles, share: float = _KEPT) -> float:
    """The largest score at or above which at least `share` of the known clips are.

    >>> threshold(np.array([0.1, 0.2, 0.3, 0.4]), 0.75)
    0.2
    """
    needed = int(np.ceil(share * len(known) - 1e-9))
    return float(np.sort(known)[len(known) - max(needed, 1)])
