import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import tinymodel
from hubbub.augment.spectrogram import Equalise, Mask, RepeatOverSilence, Roll
from hubbub.augment.transform import generator
from hubbub.train.material import Material, augmented, batches, clean, fast, transforms
from hubbub.train.settings import Augment, Recipe

RECIPE = Recipe("x", "y", "finetune", frontend=tinymodel.SPEC)
OFF = Augment(roll=False, gain_db=0, tilt_db=0, repeat_over_silence=0)


def material(clips: int = 5, frames: int = 40, mels: int = 16) -> Material:
    arrays = np.random.default_rng(0).normal(0, 0.5, (clips, mels, frames)).astype(np.float32)
    numbers = np.arange(clips)
    names = tuple(f"clip {number}" for number in numbers)
    return Material("tiny", ("a", "b"), names, arrays, numbers % 2, numbers.astype(str), numbers % 3, names)


def test_rows_of_clips() -> None:
    assert material().rows(["clip 3", "clip 0", "clip 3"]).tolist() == [3, 0, 3]
    assert material().rows([]).dtype == np.int64
    with pytest.raises(KeyError, match="clip 9"):
        material().rows(["clip 9"])


# --- augmentation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        (OFF, []),
        (Augment(), [RepeatOverSilence(tinymodel.SPEC, 0.5), Roll(), Equalise(tinymodel.SPEC, 8.0, 4.0)]),
        (dataclasses.replace(OFF, tilt_db=2.0), [Equalise(tinymodel.SPEC, 0.0, 2.0)]),
        (dataclasses.replace(OFF, mask_frames=9), [Mask(0, 9)]),
        (dataclasses.replace(OFF, roll=True, mask_bands=4), [Roll(), Mask(4, 0)]),
    ],
)
def test_the_recipe_says_what_a_clip_goes_through(augment: Augment, expected: list[Any]) -> None:
    assert transforms(dataclasses.replace(RECIPE, augment=augment)) == expected


def test_augmented_clips_derive_from_seed_epoch_and_clip_alone() -> None:
    given = material()
    before = given.arrays.copy()
    whole = augmented(given, np.arange(5), RECIPE, seed=1, epoch=2)
    assert whole.shape == (5, 1, 16, 40) and whole.dtype == torch.float32
    torch.testing.assert_close(augmented(given, np.array([3, 1]), RECIPE, 1, 2), whole[[3, 1]], rtol=0, atol=0)
    for seed, epoch in ((1, 3), (2, 2)):
        other = augmented(given, np.arange(5), RECIPE, seed, epoch)
        assert (other - whole).abs().amax((1, 2, 3)).min() > 0.01
    np.testing.assert_array_equal(given.arrays, before)


def test_augmentation_by_hand() -> None:
    given = material()
    recipe = dataclasses.replace(RECIPE, augment=dataclasses.replace(OFF, roll=True))
    shift = round(generator(7, 4, "clip 2").random() * 40)
    found = augmented(given, np.array([2]), recipe, seed=7, epoch=4)
    np.testing.assert_array_equal(found[0, 0].numpy(), np.roll(given.arrays[2], shift, axis=1))
    assert shift % 40


def test_clean_clips_are_as_they_are() -> None:
    given = material()
    found = clean(given, np.array([4, 0]))
    np.testing.assert_array_equal(found[:, 0].numpy(), given.arrays[[4, 0]])
    found += 1
    np.testing.assert_array_equal(given.arrays, material().arrays)  # a copy


@pytest.mark.parametrize("clips", [1, 50, 51, 120])
def test_batches_join_to_the_whole(clips: int) -> None:
    given = material(clips, 8, 4)
    sizes = []

    def double(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        assert torch.is_inference_mode_enabled() and x.is_contiguous(memory_format=torch.channels_last)
        return 2 * x.sum((1, 2, 3)).double()

    rows = np.random.default_rng(0).permutation(clips)
    found = batches(double, lambda part: clean(given, part), rows)
    assert max(sizes) <= 50 and sum(sizes) == clips and found.dtype == torch.float32
    np.testing.assert_allclose(found, 2 * given.arrays[rows].sum((1, 2)), atol=1e-4)
    found.add_(1)  # usable outside of inference mode
    assert not found.requires_grad and not found.is_inference()


def test_batches_are_single_precision_and_images_channels_last() -> None:
    image = fast(torch.zeros(2, 3, 4, 5, dtype=torch.float16))
    assert image.dtype == torch.float32 and image.is_contiguous(memory_format=torch.channels_last)
    assert fast(torch.zeros(2, 3, dtype=torch.float16)).dtype == torch.float32
