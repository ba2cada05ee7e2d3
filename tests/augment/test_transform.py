from dataclasses import dataclass

import numpy as np
import pytest

from hubbub.augment.transform import Choose, Either, Sometimes, apply_all, generator


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


def test_transforms_are_applied_in_order_with_draws_of_their_own() -> None:
    array = np.arange(4.0, dtype=np.float32)
    rng = np.random.default_rng(5)
    a, b = rng.random(), rng.random()
    np.testing.assert_allclose(
        apply_all([Add(1), Add(10)], array, np.random.default_rng(5)), (array * 2 + a) * 2 + 10 * b, rtol=1e-6
    )
    np.testing.assert_array_equal(apply_all([], array, rng), array)


# --- transforms of transforms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_sometimes_is_as_often_as_asked(probability: float) -> None:
    rng, transform = np.random.default_rng(0), Sometimes(Add(1), probability)
    drawn = [transform.draw(rng) for _ in range(2000)]
    assert np.mean([each is not None for each in drawn]) == pytest.approx(probability, abs=0.03)
    array = np.arange(4.0, dtype=np.float32)
    np.testing.assert_array_equal(transform.apply(array, None), array)
    np.testing.assert_array_equal(transform.apply(array, 0.25), array * 2 + 0.25)


def test_choose_applies_the_chosen_in_order() -> None:
    transform = Choose((Add(1), Add(10), Add(100)), 0, 3)
    array = np.zeros(2, np.float32)
    np.testing.assert_array_equal(transform.apply(array, ((0, 1.0), (2, 1.0))), [102, 102])
    np.testing.assert_array_equal(transform.apply(array, ()), array)


def test_choose_makes_all_numbers_and_choices_equally_likely() -> None:
    rng = np.random.default_rng(0)
    drawn = [Choose((Add(1), Add(1), Add(1), Add(1)), 1, 2).draw(rng) for _ in range(4000)]
    chosen = [tuple(index for index, _ in each) for each in drawn]
    assert all(list(each) == sorted(set(each)) for each in chosen)
    assert np.mean([len(each) == 1 for each in chosen]) == pytest.approx(0.5, abs=0.03)
    pairs = [each for each in chosen if len(each) == 2]
    assert len(set(pairs)) == 6 and min(pairs.count(each) for each in set(pairs)) > len(pairs) / 6 * 0.8
    assert len({parameters for each in drawn for _, parameters in each}) > 5000


@pytest.mark.parametrize(("least", "most"), [(2, 1), (0, 3)])
def test_choose_refuses_impossible_numbers(least: int, most: int) -> None:
    with pytest.raises(ValueError, match=f"cannot choose {least} to {most} of 2 transforms"):
        Choose((Add(1), Add(2)), least, most)


def test_either_applies_one_of_two() -> None:
    rng, transform = np.random.default_rng(0), Either(Add(1), Add(10), 0.8)
    assert np.mean([transform.draw(rng)[0] for _ in range(2000)]) == pytest.approx(0.8, abs=0.03)
    array = np.zeros(2, np.float32)
    np.testing.assert_array_equal(transform.apply(array, (True, 1.0)), [1, 1])
    np.testing.assert_array_equal(transform.apply(array, (False, 1.0)), [10, 10])
