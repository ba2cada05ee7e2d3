"""An occlusion map for a page: a sound's log-mel, and the same with what the model goes by laid over it."""

import numpy as np

from hubbub.logmel import Floats, resize
from hubbub.studies.occlusion import Occlusion
from hubbub.web import images

WIDTH, HEIGHT = 320, 128  #: of both pictures, in pixels
#: Where the sound speaks for the class, and where against it: two colours that no kind of colour vision confuses.
FOR, AGAINST = (230, 159, 0), (0, 114, 178)

_LEAST = 0.5  # nats of log-odds at which the colour is full at least: less is no reason for a strong one
_COVER = 0.85  # how much of the log-mel the fullest colour hides
_RANGE = (1.0, 99.5)  # percentiles of the log-mel that are black and white


def draw(found: Occlusion) -> tuple[str, str]:
    """The log-mel as the network sees it, and with the map over it, as data URIs of PNGs; low frequencies below.

    Orange is what speaks for the class, blue what speaks against it, the stronger the more. Raises RefusedError if
    Pillow is not installed.
    """
    levels = _levels(found.picture)
    return images.png(levels), _laid_over(levels, found.fall)


def _levels(picture: Floats) -> Floats:
    """Between 0 and 1, shape (`HEIGHT`, `WIDTH`)."""
    low, high = np.percentile(picture, _RANGE)
    scaled = np.clip((picture - low) / max(high - low, 1e-6), 0, 1)
    return resize(scaled.astype(np.float32), HEIGHT, WIDTH)


def _laid_over(levels: Floats, fall: Floats) -> str:
    strength = resize(fall, HEIGHT, WIDTH) / max(float(np.abs(fall).max()), _LEAST)
    cover = _COVER * np.abs(strength)[..., None]
    colour = np.where((strength > 0)[..., None], FOR, AGAINST)
    grey = 255 * levels[..., None]
    mixed = (1 - cover) * grey + cover * colour * (0.5 + 0.5 * levels[..., None])  # the sound shows through
    return images.colour_png(np.round(mixed).astype(np.uint8))
