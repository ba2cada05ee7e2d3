import base64
import io

import numpy as np
import pytest
from hubbub.report.occlusion_view import AGAINST, FOR, HEIGHT, WIDTH, draw
from PIL import Image

from hubbub.studies.occlusion import Occlusion, Patch


def found(fall: np.ndarray) -> Occlusion:
    """All of the picture is equally loud, but for its darkest corner and its lightest."""
    picture = np.ones((64, 200), np.float32)
    picture[:, :10], picture[:, -10:] = 0.0, 2.0
    return Occlusion("dog", 0.9, 0.0, 5.0, picture, fall.astype(np.float32), Patch((0, 1), (0, 100), 0.1))


def pixels(uri: str) -> np.ndarray:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(float)


def tint(pixel: np.ndarray) -> float:
    """Above 0 where a colour leans to orange, below 0 to blue."""
    return float(pixel[0] - pixel[2])


def test_what_speaks_for_the_class_is_orange_and_what_speaks_against_it_blue() -> None:
    fall = np.zeros((64, 200))
    fall[:16, 50:80], fall[48:, 120:150] = 2.0, -1.0  # low and early; high and late
    plain, mapped = (pixels(uri) for uri in draw(found(fall)))
    assert plain.shape == mapped.shape == (HEIGHT, WIDTH, 3)
    low, high = HEIGHT - 8, 8  # the first row of a PNG is its top
    early, late = WIDTH * 65 // 200, WIDTH * 135 // 200
    assert tint(mapped[low, early]) > 80
    assert tint(mapped[high, late]) < -30
    assert abs(tint(mapped[high, early])) < 10 and abs(tint(mapped[low, late])) < 10
    assert FOR[0] > FOR[2] and AGAINST[2] > AGAINST[0]


def test_the_stronger_the_more_colour() -> None:
    fall = np.zeros((64, 200))
    fall[:, 50:80], fall[:, 120:150] = 2.0, 0.5
    _, mapped = (pixels(uri) for uri in draw(found(fall)))
    strong, weak = (tint(mapped[HEIGHT // 2, WIDTH * column // 200]) for column in (65, 135))
    assert strong > 2 * weak > 20


@pytest.mark.parametrize("height", [0.0, 0.02])
def test_a_map_of_next_to_nothing_has_next_to_no_colour(height: float) -> None:
    _, mapped = (pixels(uri) for uri in draw(found(np.full((64, 200), height))))
    assert np.abs(mapped[..., 0] - mapped[..., 2]).max() < 20
