import numpy as np
import PIL.Image
import pytest
import torch

from hubbub.picture import DECIBELS, resize, resizing

SIZES = [(4, 2), (5, 3), (128, 64), (100, 224), (431, 128), (7, 7), (3, 20), (1, 5), (5, 1), (128, 127)]


def picture(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows * columns).normal(0, 1, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_resizing_agrees_with_torch(source: int, target: int) -> None:
    given = picture(source, 9)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(given).double()[None, None], (target, 9), mode="bilinear", antialias=True
    )[0, 0]
    np.testing.assert_allclose(resizing(source, target) @ given, expected, atol=1e-5)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_resizing_agrees_with_pillow(source: int, target: int) -> None:
    given = picture(6, source)
    expected = PIL.Image.fromarray(given).resize((target, 6), PIL.Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize(given, 0, target), np.asarray(expected), atol=1e-5)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_weights_are_shares_and_no_value_is_skipped(source: int, target: int) -> None:
    matrix = resizing(source, target)
    assert matrix.shape == (target, source) and matrix.dtype == np.float32 and matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert (matrix.sum(0) > 0).all()


def test_both_sides_at_once_for_a_batch() -> None:
    batch = np.random.default_rng(0).normal(0, 1, (2, 3, 40, 50)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(batch), (24, 64), mode="bilinear", antialias=True
    ).numpy()
    np.testing.assert_allclose(resize(batch, 24, 64), expected, atol=1e-5)


def test_nothing_is_resized_unless_asked() -> None:
    given = picture(5, 6)
    assert resize(given, 0, 0) is given
    np.testing.assert_allclose(resize(given, 5, 6), given, atol=1e-6)


def test_decibels() -> None:
    assert np.log(1000.0) * DECIBELS == pytest.approx(30)
