import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import tinylearning as tiny
import tinymodel
from hubbub.augment.loudness import level
from hubbub.augment.plan import Augment, spectrogram_chain
from hubbub.augment.spectrogram import Equalise, Mask, RepeatOverSilence, Roll
from hubbub.augment.steps import Step
from hubbub.augment.transform import generator
from hubbub.augment.waveform import between_class
from hubbub.logmel import logmel
from hubbub.train.arrays import ClipArrays, augmented, batches, clean, fast, mixed_targets, partners
from hubbub.train.config import Recipe

ON, OFF = Augment(roll=True, gain_db=8, tilt_db=4, repeat_over_silence=0.5), Augment()
RECIPE = Recipe("x", "y", "gradient", frontend=tinymodel.SPEC, augment=ON)
COLOUR = dataclasses.replace(RECIPE, frontend=dataclasses.replace(tinymodel.SPEC, channels=3))


def arrays(clips: int = 5, frames: int = 40, mels: int = 16) -> ClipArrays:
    arrays = np.random.default_rng(0).normal(0, 0.5, (clips, mels, frames)).astype(np.float32)
    numbers = np.arange(clips)
    names = tuple(f"clip {number}" for number in numbers)
    return ClipArrays("tiny", ("a", "b"), names, arrays, numbers % 2, numbers.astype(str), numbers % 3, names)


def test_rows_of_clips() -> None:
    assert arrays().rows(["clip 3", "clip 0", "clip 3"]).tolist() == [3, 0, 3]
    assert arrays().rows([]).dtype == np.int64
    with pytest.raises(KeyError, match="clip 9"):
        arrays().rows(["clip 9"])


# --- augmentation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        (OFF, []),
        (ON, [RepeatOverSilence(tinymodel.SPEC, 0.5), Roll(), Equalise(tinymodel.SPEC, 8.0, 4.0)]),
        (dataclasses.replace(OFF, tilt_db=2.0), [Equalise(tinymodel.SPEC, 0.0, 2.0)]),
        (dataclasses.replace(OFF, mask_frames=9), [Mask(0, 9)]),
        (dataclasses.replace(OFF, roll=True, mask_bands=4), [Roll(), Mask(4, 0)]),
    ],
)
def test_the_recipe_says_what_a_clip_goes_through(augment: Augment, expected: list[Any]) -> None:
    assert spectrogram_chain(augment, tinymodel.SPEC) == expected


def test_augmented_clips_derive_from_seed_epoch_and_clip_alone() -> None:
    given = arrays()
    before = given.logmels.copy()
    whole = augmented(given, np.arange(5), RECIPE, seed=1, epoch=2)
    assert whole.shape == (5, 1, 16, 40) and whole.dtype == torch.float32
    torch.testing.assert_close(augmented(given, np.array([3, 1]), RECIPE, 1, 2), whole[[3, 1]], rtol=0, atol=0)
    for seed, epoch in ((1, 3), (2, 2)):
        other = augmented(given, np.arange(5), RECIPE, seed, epoch)
        assert (other - whole).abs().amax((1, 2, 3)).min() > 0.01
    np.testing.assert_array_equal(given.logmels, before)


def test_augmentation_by_hand() -> None:
    given = arrays()
    recipe = dataclasses.replace(RECIPE, augment=dataclasses.replace(OFF, roll=True))
    shift = round(generator(7, 4, "clip 2").random() * 40)
    found = augmented(given, np.array([2]), recipe, seed=7, epoch=4)
    np.testing.assert_array_equal(found[0, 0].numpy(), np.roll(given.logmels[2], shift, axis=1))
    assert shift % 40


def test_a_waveform_is_changed_before_its_log_mel() -> None:
    given = tiny.sounding()
    louder = Augment(waveform=(Step("gain", 0.5, 0.5),))
    found = augmented(given, np.array([5]), tiny.changed(tiny.SCRATCH, augment=louder), seed=0, epoch=0)
    assert given.waveforms is not None
    expected = logmel(given.waveforms[5].astype(np.float32) / 32768 / 2, tiny.SPEC)
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-5)
    assert np.abs(found[0, 0].numpy() - given.logmels[5]).max() > 0.2


def test_a_background_clip_is_of_the_same_fold_and_another_class_at_its_level() -> None:
    given = tiny.sounding()
    assert given.waveforms is not None
    recipe = tiny.changed(tiny.SCRATCH, augment=Augment(background_clip=1.0, background_snr_db=(6, 6)))
    for row in range(len(given.ids)):
        found = augmented(given, np.array([row]), recipe, seed=0, epoch=0)[0, 0].numpy()
        own = given.sound(row)
        distances = {}
        for other in range(len(given.ids)):
            under = given.sound(other) * np.float32(level(own) / level(given.sound(other)) * 10 ** (-6 / 20))
            distances[other] = np.abs(logmel(own + under, tiny.SPEC) - found).max()
        partner = min(distances, key=lambda other: distances[other])
        assert distances[partner] < 1e-4
        assert given.folds[partner] == given.folds[row] and given.targets[partner] != given.targets[row]


def test_without_folds_or_by_chance_a_clip_sounds_alone() -> None:
    given, rows = tiny.sounding(), np.arange(4)
    recipe = tiny.changed(tiny.SCRATCH, augment=Augment(background_clip=1.0))
    alone = augmented(dataclasses.replace(given, folds=np.zeros_like(given.folds)), rows, recipe, 0, 0)
    np.testing.assert_allclose(alone[:, 0].numpy(), given.logmels[rows], atol=1e-5)
    often = tiny.changed(tiny.SCRATCH, augment=Augment(background_clip=0.5))
    every = np.arange(len(given.ids))
    changed = [
        np.abs(augmented(given, every, often, 0, epoch)[:, 0].numpy() - given.logmels).max((1, 2)) > 1e-3
        for epoch in range(20)
    ]
    assert 0.3 < np.mean(changed) < 0.7


def test_rules_know_category_and_strength_of_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    def view(sound: Any, spec: Any, plan: Any, rng: Any, category: str, strength: float) -> Any:
        used.append((category, strength, rng.random() == generator(3, 2, given.ids[rows[len(used)]]).random()))
        return given.logmels[0]

    used: list[tuple[str, float, bool]] = []
    given, rows = tiny.sounding(), np.array([4, 2, 0])
    monkeypatch.setattr("hubbub.train.arrays.view", view)
    recipe = tiny.changed(tiny.SCRATCH, augment=Augment(rules="balanced"))
    augmented(given, rows, recipe, 3, 2, np.array([0.5, 0.7, 0.9]))
    assert used == [("category of hiss", 0.7, True), ("category of ring", 0.9, True), ("category of bark", 0.5, True)]
    used.clear()
    augmented(dataclasses.replace(given, categories=()), rows, recipe, 3, 2)
    assert used == [("", 1.0, True)] * 3


def test_between_class_learning_mixes_sounds_and_their_classes_alike() -> None:
    given, rows = tiny.sounding(), np.arange(12)
    recipe = tiny.changed(tiny.SCRATCH, mixup=1.0, mixup_of="waveform", augment=Augment())
    others, shares = partners(given, rows, recipe, 0, 3)
    assert set(others.tolist()) <= set(rows.tolist()) and np.all((shares >= 0) & (shares <= 1))
    wanted = mixed_targets(given, rows, recipe, 0, 3).numpy()
    for row, other, share, found in zip(rows, others, shares, wanted, strict=True):
        expected = np.zeros(len(given.labels))
        expected[given.targets[row]] += share
        expected[given.targets[other]] += 1 - share
        np.testing.assert_allclose(found, expected, atol=1e-6)
    shown = augmented(given, rows, recipe, 0, 3)
    assert given.waveforms is not None
    first, second = (given.waveforms[row].astype(np.float32) / 32768 for row in (rows[4], others[4]))
    np.testing.assert_allclose(
        shown[4, 0], logmel(between_class(first, second, float(shares[4]), tiny.SPEC.sample_rate), tiny.SPEC), atol=1e-5
    )
    assert not torch.equal(shown, augmented(given, rows, recipe, 0, 4))
    assert len(set(shares.tolist())) == len(rows)


def test_channels_are_copies() -> None:
    given = arrays()
    for found in (clean(given, np.array([1, 2]), 3), augmented(given, np.array([1, 2]), COLOUR, 0, 0)):
        assert found.shape == (2, 3, 16, 40)
        assert torch.equal(found[:, 0], found[:, 1]) and torch.equal(found[:, 0], found[:, 2])


def test_a_fingerprint_is_of_the_arrays() -> None:
    given = arrays()
    quieter = dataclasses.replace(given, logmels=given.logmels - 0.001)
    assert given.fingerprint == arrays().fingerprint != quieter.fingerprint
    assert dataclasses.replace(given, logmels=given.logmels[:, :, ::-1]).fingerprint != given.fingerprint


def test_clean_clips_are_as_they_are() -> None:
    given = arrays()
    found = clean(given, np.array([4, 0]))
    np.testing.assert_array_equal(found[:, 0].numpy(), given.logmels[[4, 0]])
    found += 1
    np.testing.assert_array_equal(given.logmels, arrays().logmels)  # a copy


@pytest.mark.parametrize("clips", [1, 50, 51, 120])
def test_batches_join_to_the_whole(clips: int) -> None:
    given = arrays(clips, 8, 4)
    sizes = []

    def double(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        assert torch.is_inference_mode_enabled() and x.is_contiguous(memory_format=torch.channels_last)
        return 2 * x.sum((1, 2, 3)).double()

    rows = np.random.default_rng(0).permutation(clips)
    found = batches(double, lambda part: clean(given, part), rows)
    assert max(sizes) <= 50 and sum(sizes) == clips and found.dtype == torch.float32
    np.testing.assert_allclose(found, 2 * given.logmels[rows].sum((1, 2)), atol=1e-4)
    found.add_(1)  # usable outside of inference mode
    assert not found.requires_grad and not found.is_inference()


def test_batches_are_single_precision_and_images_channels_last() -> None:
    image = fast(torch.zeros(2, 3, 4, 5, dtype=torch.float16))
    assert image.dtype == torch.float32 and image.is_contiguous(memory_format=torch.channels_last)
    assert fast(torch.zeros(2, 3, dtype=torch.float16)).dtype == torch.float32


def test_windows_are_drawn_anew_each_epoch_and_each_draws_for_itself() -> None:
    given = tiny.clip_arrays()
    cut = dataclasses.replace(given, ids=("a", "a", "a", *given.ids[3:]))
    assert cut.rows(["clip-03", "a"]).tolist() == [3, 0, 1, 2] and cut.clips(np.array([2, 3, 0])).tolist() == [0, 3]
    assert [cut.name(row) for row in (0, 1, 3)] == ["a", "a, window 1", "clip-03"]
    plain = tiny.changed(tiny.SCRATCH, augment=Augment())
    shown = [augmented(cut, np.array([0, 3]), tiny.changed(plain, crop="random"), 0, e) for e in range(20)]
    seen = {row for rows in shown for row in range(3) if np.array_equal(rows[0, 0], given.logmels[row])}
    assert seen == {0, 1, 2} and all(np.array_equal(rows[1, 0], given.logmels[3]) for rows in shown)
    whole = augmented(cut, np.arange(3), tiny.changed(plain, crop="all"), 0, 0)
    np.testing.assert_array_equal(whole[:, 0], given.logmels[:3])
