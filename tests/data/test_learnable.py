"""What a dataset must have to be learnt from."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hubbub.data import learnable
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.splits import Plan, Split, all_but, fold_numbers, hold_out, make
from hubbub.errors import UsageError


def sounds(recordings: Mapping[str, int], each: int = 2) -> Dataset:
    """So many recordings of each class, `each` clips of every one."""
    clips = [
        Clip(f"{label}/{number}-{part}.wav", Path(), label, f"{label} {number}")
        for label, many in recordings.items()
        for number in range(many)
        for part in range(each)
    ]
    return Dataset("mine", "Mine", tuple(sorted(recordings)), tuple(sorted(clips, key=lambda c: c.id)), "", "", "")


def labels(dataset: Dataset, ids: tuple[str, ...]) -> set[str]:
    return {clip.label for clip in dataset.clips if clip.id in ids}


@pytest.mark.parametrize("share", [0.15, 0.5, 0.99])
@pytest.mark.parametrize("seed", range(5))
def test_training_keeps_a_recording_of_every_class(share: float, seed: int) -> None:
    dataset = sounds({"cat": 2, "dog": 1, "owl": 5})
    held = hold_out(dataset.clips, share, seed)
    assert labels(dataset, all_but(dataset, [], share, seed).train) == {"cat", "dog", "owl"}
    assert "dog 0" not in held and 2 <= len(held) <= 5


def test_the_only_recording_of_a_class_is_not_held_out_for_another_class() -> None:
    clips = [Clip(f"{label} of both", Path(), label, "both") for label in ("cat", "dog")]
    clips += [Clip(f"cat {number}", Path(), "cat", f"cat {number}") for number in range(2)]
    for seed in range(10):
        assert hold_out(clips, 0.5, seed) in ({"cat 0"}, {"cat 1"})


@pytest.mark.parametrize("fold", [1, 2])
def test_two_recordings_of_a_class_can_be_cross_validated(fold: int) -> None:
    dataset = sounds({"cat": 2, "dog": 2})
    split = make(dataset, Plan("grouped", folds=2), fold)
    learnable.require_learnable(dataset, split, choose=False)
    with pytest.raises(
        UsageError, match=r"no recording to choose .* \(recordings of mine: cat 2 and dog 2\): add some"
    ):
        learnable.require_learnable(dataset, split, choose=True)


def test_a_class_that_training_would_not_hear_is_named_with_its_recordings() -> None:
    dataset = sounds({"cat": 3, "do\x1bg": 1})
    split = Split("official", 2, ("cat/0-0.wav",), (), ("do\x1bg/0-0.wav",))
    with pytest.raises(
        UsageError, match=r"official-fold2 leaves no recording of do\\x1bg .*mine has 1 recording of it"
    ):
        learnable.require_learnable(dataset, split, choose=False)


def test_one_class_is_nothing_to_tell_apart() -> None:
    with pytest.raises(UsageError, match=r"mine has one class, dog \(4 clips\): learning takes a second one"):
        learnable.require_classes(sounds({"dog": 2}))


@pytest.mark.parametrize(("recordings", "folds"), [((4, 9), 4), ((2, 9), 2), ((1, 9), 2), ((7, 8), 5)])
def test_as_many_folds_as_the_rarest_class_has_recordings(recordings: tuple[int, int], folds: int) -> None:
    dataset = sounds(dict(zip(("cat", "dog"), recordings, strict=True)))
    plan = learnable.grouped_plan(dataset)
    assert plan == Plan("grouped", folds=folds) and learnable.recordings_of(dataset)["cat"] == recordings[0]
    assert len(fold_numbers(dataset, plan)) == folds


def test_classes_that_made_folds_cannot_have() -> None:
    dataset = sounds({"cat": 3, "dog": 1, "owl": 9})
    assert learnable.rare_classes(dataset, 5) == {"cat": 3, "dog": 1}
    with pytest.raises(UsageError, match="mine has one recording alone of dog, which cannot be both"):
        learnable.require_made_folds(dataset, Plan("grouped"))
    learnable.require_made_folds(dataset, Plan())
