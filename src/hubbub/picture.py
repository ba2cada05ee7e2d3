"""From log-mel power to the picture that a network is shown: unit, dynamic range, normalisation, size.

Plain arithmetic on any array library that numpy's operators work on; `hubbub.logmel` feeds it numpy, and
`hubbub.train.frontend` does the same in torch.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DECIBELS = float(10.0 / np.log(10.0))  #: decibels of power per unit of its natural logarithm
LEAST_STD = 1e-5  #: of a clip that is normalised by its own deviation; silence is divided by this


@lru_cache(maxsize=16)
def resizing(source: int, target: int) -> Floats:
    """Matrix of shape (target, source) that resizes a column of `source` values to `target`.

    Linear interpolation with pixel centres aligned; where it shrinks, the triangle is as wide as the step, so that no
    value is skipped (the antialiased bilinear filter of Pillow and torch).

    >>> (7 * resizing(4, 2)).round().astype(int).tolist()
    [[3, 3, 1, 0], [0, 1, 3, 3]]
    """
    step = source / target
    centres = (np.arange(target) + 0.5) * step - 0.5
    distance = np.abs(np.arange(source) - centres[:, None])
    weights = np.clip(1.0 - distance / max(step, 1.0), 0.0, None)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def resize(picture: Floats, height: int, width: int) -> Floats:
    """`picture` (..., rows, columns) as (..., height, width); 0 keeps a side as it is. See `resizing`."""
    if height:
        picture = resizing(picture.shape[-2], height) @ picture
    return picture @ resizing(picture.shape[-1], width).T if width else picture
