from dataclasses import dataclass

import numpy as np

from hubbub.augment.spectrogram import Mask, Roll
from hubbub.augment.transform import apply_all, generator


@dataclass(frozen=True)
class Add:
    """Draws a number and adds it, times `factor`."""

    factor: float

    def draw(self, rng: np.random.Generator) -> float:
        return float(rng.random())

    def apply(self, array: np.ndarray, parameters: float) -> np.ndarray:
        return array * 2 + self.factor * parameters


def test_draws_derive_from_seed_epoch_and_clip() -> None:
    keys = [(0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b"), (0, 0, "ab"), (0, 0, ""), (0, 0, "ä")]
    draws = [generator(*key).random() for key in keys]
    assert len(set(draws)) == len(keys)
    assert draws == [generator(*key).random() for key in keys]


def test_draws_are_uniform_over_clips() -> None:
    draws = np.array([generator(0, 0, f"1-{clip}-A-0.wav").random() for clip in range(2000)])
    assert abs(draws.mean() - 0.5) < 0.025 and np.histogram(draws, 10, (0, 1))[0].min() > 140


def test_global_randomness_plays_no_part() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first = apply_all([Roll(), Mask()], np.ones((32, 60), np.float32), generator(0, 0, "a"))
    np.random.random(7)  # noqa: NPY002
    second = apply_all([Roll(), Mask()], np.ones((32, 60), np.float32), generator(0, 0, "a"))
    np.testing.assert_array_equal(first, second)
    assert len(before) == 624


def test_transforms_are_applied_in_order_with_draws_of_their_own() -> None:
    array = np.arange(4.0, dtype=np.float32)
    rng = np.random.default_rng(5)
    a, b = rng.random(), rng.random()
    np.testing.assert_allclose(
        apply_all([Add(1), Add(10)], array, np.random.default_rng(5)), (array * 2 + a) * 2 + 10 * b, rtol=1e-6
    )
    np.testing.assert_array_equal(apply_all([], array, rng), array)
