from collections import Counter
from pathlib import Path

import pytest

from hubbub.data import esc50
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.splits import Split, all_but, hold_out, official
from hubbub.errors import UsageError


def groups(dataset: Dataset, ids: tuple[str, ...]) -> set[str]:
    return {clip.group for clip in dataset.clips if clip.id in set(ids)}


def assert_parts(dataset: Dataset, split: Split) -> None:
    """Every clip is in exactly one part, and no recording lies on both sides of training and choosing."""
    parts = [*split.train, *split.validation, *split.test]
    assert sorted(parts) == [clip.id for clip in dataset.clips]
    assert not groups(dataset, split.train) & groups(dataset, split.validation)


def labels(dataset: Dataset, ids: tuple[str, ...]) -> set[str]:
    return {clip.label for clip in dataset.clips if clip.id in set(ids)}


# --- official ---------------------------------------------------------------------------------------------------------


def test_each_fold_is_tested_on_exactly(dataset: Dataset) -> None:
    for fold in dataset.folds:
        split = official(dataset, fold)
        assert_parts(dataset, split)
        assert set(split.test) == {clip.id for clip in dataset.clips if clip.fold == fold}
        assert split.name == f"official-fold{fold}"


def test_every_class_trains_and_validates(dataset: Dataset) -> None:
    for fold in dataset.folds:
        split = official(dataset, fold)
        assert labels(dataset, split.train) == labels(dataset, split.validation) == set(dataset.labels)


@pytest.mark.parametrize("share", [0.1, 0.15, 0.3])
def test_validation_is_the_share_that_was_asked_for(esc50_root: Path, share: float) -> None:
    dataset = esc50.load(esc50_root)
    for fold in dataset.folds:
        split = official(dataset, fold, share)
        assert len(split.validation) == pytest.approx(share * 1600, rel=0.15)
        held, rest = groups(dataset, split.validation), groups(dataset, split.train)
        assert len(held) / len(held | rest) == pytest.approx(share, rel=0.15)


def test_the_share_counts_recordings_of_each_class(tiny_original: Path) -> None:
    dataset = esc50.load(tiny_original)  # 16 recordings of each class outside of a fold, two clips each
    split = official(dataset, 3, 0.25)
    counts = Counter(clip.label for clip in dataset.clips if clip.id in set(split.validation))
    ordinary = {label: count for label, count in counts.items() if label not in ("dog", "rooster")}
    assert ordinary == {label: 8 for label in esc50.LABELS if label not in ("dog", "rooster")}


def test_no_validation_trains_on_all_other_folds(dataset: Dataset) -> None:
    split = official(dataset, 1, 0)
    assert split.validation == () and len(split.train) + len(split.test) == len(dataset.clips)


def test_a_split_is_the_same_each_time_and_another_with_another_seed(dataset: Dataset) -> None:
    first = official(dataset, 2, seed=3)
    assert official(dataset, 2, seed=3) == first
    assert official(dataset, 2, seed=4) != first
    shuffled = Dataset(**(vars(dataset) | {"clips": dataset.clips[::-1]}))
    again = official(shuffled, 2, seed=3)
    assert set(again.train) == set(first.train) and set(again.validation) == set(first.validation)


def test_an_unknown_fold(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="has no fold 6; its folds are: 1, 2, 3, 4, 5"):
        official(dataset, 6)


def test_a_dataset_without_folds() -> None:
    bare = Dataset("bare", "Bare", ("dog",), (Clip("a", Path("a.wav"), "dog", "g"),), "CC0", "nobody", "nowhere")
    with pytest.raises(UsageError, match="bare has no fold 1; its folds are: none"):
        official(bare, 1)


# --- all but some -----------------------------------------------------------------------------------------------------


def test_the_recordings_of_kept_clips_are_only_tested_on(dataset: Dataset) -> None:
    kept = dataset.clips[3]
    split = all_but(dataset, [kept.id])
    assert_parts(dataset, split)
    assert groups(dataset, split.test) == {kept.group} and kept.id in split.test
    assert kept.group not in groups(dataset, split.train) | groups(dataset, split.validation)
    assert split.name == "all-but-showcase" and all_but(dataset, []).name == "all"


# --- holding out ------------------------------------------------------------------------------------------------------


def test_a_recording_of_two_classes_goes_out_whole() -> None:
    clips = [Clip(f"{label}{i}", Path(), label, f"{label}{i}", 1) for label in "ab" for i in range(4)]
    clips += [Clip(f"{label}-both", Path(), label, "both", 1) for label in "ab"]
    for seed in range(20):
        held = hold_out(clips, 0.4, seed)
        assert 2 <= len(held) <= 4 and held <= {clip.group for clip in clips}


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.01, 1), (0.14, 1), (0.25, 2), (0.5, 5)])
def test_a_share_is_rounded_and_at_least_one(share: float, count: int) -> None:
    clips = [Clip(str(i), Path(), "a", str(i // 2), 1) for i in range(20)]
    assert len(hold_out(clips, share)) == count
