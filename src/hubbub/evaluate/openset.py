"""How like the classes that a model knows a sound is: functions of its calibrated scores and its embedding."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hubbub.types import Doubles


def max_softmax(scores: NDArray[np.floating], embedding: NDArray[np.floating]) -> Doubles:
    """The largest score (Hendrycks and Gimpel, "A baseline for detecting misclassified examples", ICLR 2017).

    Args:
        scores: calibrated, shape (..., classes).
        embedding: shape (..., size); not looked at.

    Returns shape (...), in [0, 1].
    """
    return np.asarray(scores.max(-1), dtype=np.float64)


#: By the name in a model file; each takes scores and embedding, and the parameters that the file holds.
KNOWN_SCORES: dict[str, Callable[..., Doubles]] = {"max_softmax": max_softmax}
