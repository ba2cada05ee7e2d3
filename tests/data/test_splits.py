from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from hubbub.data import esc50
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.splits import Plan, Split, all_but, fold_numbers, hold_out, make, official, without_fold
from hubbub.errors import UsageError

SYSTEM_A = Plan("filename-regex", patterns=("^[1-3]-", "^4-", "^5-"))
HONEST = (Plan(), Plan("grouped"), SYSTEM_A)
LEAKY = (Plan("random"), Plan("random-expanded"))


def groups(dataset: Dataset, ids: tuple[str, ...]) -> set[str]:
    wanted = set(ids)
    return {clip.group for clip in dataset.clips if clip.id in wanted}


def assert_parts(dataset: Dataset, split: Split) -> None:
    """Every clip is in exactly one part, and no recording lies on both sides of training and choosing."""
    parts = [*split.train, *split.validation, *split.test]
    assert sorted(parts) == [clip.id for clip in dataset.clips]
    assert not groups(dataset, split.train) & groups(dataset, split.validation)


def counted(dataset: Dataset, ids: tuple[str, ...]) -> Counter[str]:
    """How many of these clips each class has."""
    wanted = set(ids)
    return Counter(clip.label for clip in dataset.clips if clip.id in wanted)


def sources(dataset: Dataset, ids: tuple[str, ...]) -> set[str | None]:
    """What these clips were made from; None for an original."""
    wanted = set(ids)
    return {clip.made_from for clip in dataset.clips if clip.id in wanted}


def with_copies(dataset: Dataset, count: int = 2) -> Dataset:
    """The dataset and `count` copies of each clip."""
    copies = (replace(c, id=f"{c.id}-copy{n}", made_from=c.id) for c in dataset.clips for n in range(count))
    clips = tuple(sorted((*dataset.clips, *copies), key=lambda clip: clip.id))
    return replace(dataset, clips=clips)


def without_folds(dataset: Dataset) -> Dataset:
    return replace(dataset, clips=tuple(replace(clip, fold=None) for clip in dataset.clips))


def every(dataset: Dataset, plan: Plan) -> list[Split]:
    """All splits that a plan gives."""
    if plan.kind == "filename-regex":
        return [make(dataset, plan)]
    return [make(dataset, plan, fold) for fold in fold_numbers(dataset, plan)]


@pytest.fixture(scope="module")
def tiny(tiny_original: Path) -> Dataset:
    return esc50.load(tiny_original)


@pytest.fixture(scope="module")
def expanded(tiny: Dataset) -> Dataset:
    return with_copies(tiny)


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
        assert set(counted(dataset, split.train)) == set(counted(dataset, split.validation)) == set(dataset.labels)


def test_validation_is_the_share_that_was_asked_for(esc50_root: Path) -> None:
    dataset, share = esc50.load(esc50_root), 0.15
    for fold in dataset.folds:
        split = official(dataset, fold, share)
        assert len(split.validation) == pytest.approx(share * 1600, rel=0.15)
        held, rest = groups(dataset, split.validation), groups(dataset, split.train)
        assert len(held) / len(held | rest) == pytest.approx(share, rel=0.15)


def test_the_share_counts_recordings_of_each_class(tiny_original: Path) -> None:
    dataset = esc50.load(tiny_original)  # 16 recordings of each class outside of a fold, two clips each
    split = official(dataset, 3, 0.25)
    counts = counted(dataset, split.validation)
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


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.01, 1), (0.25, 2)])
def test_a_share_is_rounded_and_at_least_one(share: float, count: int) -> None:
    clips = [Clip(str(i), Path(), "a", str(i // 2), 1) for i in range(20)]
    assert len(hold_out(clips, share)) == count


# --- grouped ----------------------------------------------------------------------------------------------------------


def test_made_folds_keep_recordings_whole(dataset: Dataset) -> None:
    bare = without_folds(dataset)
    splits = every(bare, Plan("grouped"))
    assert [split.name for split in splits] == [f"grouped-fold{fold}" for fold in range(1, 6)]
    assert sorted(name for split in splits for name in split.test) == [clip.id for clip in bare.clips]
    for split in splits:
        assert_parts(bare, split)
        assert not groups(bare, split.test) & groups(bare, (*split.train, *split.validation))


def test_made_folds_spread_the_classes_evenly(tiny: Dataset) -> None:
    for split in every(without_folds(tiny), Plan("grouped")):
        counts = counted(tiny, split.test)
        ordinary = {label: count for label, count in counts.items() if label not in ("dog", "rooster")}
        assert ordinary == {label: 8 for label in esc50.LABELS if label not in ("dog", "rooster")}
        assert 6 <= counts["dog"] <= 10 and 6 <= counts["rooster"] <= 10


def test_made_folds_depend_on_the_seed_alone(tiny: Dataset) -> None:
    first, again, other = (make(tiny, Plan("grouped"), 1, seed=seed) for seed in (0, 0, 1))
    assert first == again and set(first.test) != set(other.test)
    assert make(replace(tiny, clips=tiny.clips[::-1]), Plan("grouped"), 1).test[::-1] == first.test


def test_as_many_folds_as_asked_for(tiny: Dataset) -> None:
    assert fold_numbers(tiny, Plan("grouped", folds=8)) == tuple(range(1, 9))
    assert len(make(tiny, Plan("grouped", folds=8), 8).test) == pytest.approx(2000 / 8, abs=8)


# --- by name ----------------------------------------------------------------------------------------------------------


def test_patterns_say_who_is_where(tiny: Dataset) -> None:
    split = make(tiny, SYSTEM_A)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [1200, 400, 400]
    assert all(name.startswith("5-") for name in split.test) and split.name == "filename-regex"
    assert not split.leaky and split.dropped == ()


def test_clips_of_a_recording_on_both_sides_are_dropped_from_training(tiny: Dataset) -> None:
    split = make(tiny, Plan("filename-regex", patterns=("^1-", "^3-", "^2-")))
    assert split.dropped == ("1-100000-A-0.wav", "1-100000-B-0.wav")  # their recording also gave a rooster in fold 2
    assert [len(part) for part in (split.train, split.validation, split.test)] == [398, 400, 400]


def test_the_test_keeps_its_clips_and_what_would_hear_them_goes(tiny: Dataset) -> None:
    split = make(tiny, Plan("filename-regex", patterns=("^(1|2)-.*-A-", "^[34]-", "^2-.*-B-|^5-")))
    assert len(split.dropped) == 199 and not groups(tiny, split.train) & groups(tiny, split.test)
    assert len(split.test) == 600 and len(split.validation) == 800


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        (("^[1-4]-", "^4-", "^5-"), "patterns for train and validation both match 4-103000-A-0.wav"),
        (("^[1-3]-", "^4-", "^6-"), r"the pattern for test, '\^6-', leaves no clip of esc50 there"),
    ],
)
def test_patterns_that_do_not_fit(tiny: Dataset, patterns: tuple[str, str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make(tiny, Plan("filename-regex", patterns=patterns))


# --- leaky ------------------------------------------------------------------------------------------------------------


def test_random_folds_cut_recordings_apart_and_say_so(tiny: Dataset) -> None:
    splits = every(tiny, Plan("random"))
    assert [split.name for split in splits] == [f"LEAKY random fold {fold}" for fold in range(1, 6)]
    assert sorted(name for split in splits for name in split.test) == [clip.id for clip in tiny.clips]
    for split in splits:
        assert split.leaky and sorted((*split.train, *split.validation, *split.test)) == [c.id for c in tiny.clips]
        assert counted(tiny, split.test) == dict.fromkeys(esc50.LABELS, 8)
        shared = groups(tiny, split.test) & groups(tiny, split.train)
        assert len(shared) > 200  # of 400 test clips, two clips a recording


def test_random_folds_train_on_copies_of_training_clips_only(expanded: Dataset) -> None:
    for split in every(expanded, Plan("random")):
        made_from = sources(expanded, split.train) - {None}
        assert made_from == {name for name in split.train if "copy" not in name}
        assert not any("copy" in name for name in (*split.validation, *split.test))


def test_random_expanded_folds_train_on_copies_of_test_clips(expanded: Dataset) -> None:
    for split in every(expanded, Plan("random-expanded")):
        assert split.leaky and split.name.startswith("LEAKY random-expanded fold ")
        assert sorted((*split.train, *split.validation, *split.test)) == [clip.id for clip in expanded.clips]
        assert len(split.test) == 1200 and any("copy" in name for name in split.test)
        made_from = sources(expanded, split.train)
        assert len(made_from & set(split.test)) > 200


def test_leaky_splits_validate_on_a_share_of_the_clips(tiny: Dataset) -> None:
    assert len(make(tiny, Plan("random"), 1, validation=0.25).validation) == 400
    assert make(tiny, Plan("random"), 1, validation=0).validation == ()


# --- copies in honest splits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", HONEST, ids=lambda plan: plan.kind)
def test_copies_are_only_trained_on_and_only_where_their_recording_is(
    tiny: Dataset, expanded: Dataset, plan: Plan
) -> None:
    for plain, split in zip(every(tiny, plan), every(expanded, plan), strict=True):
        assert (split.validation, split.test, split.leaky) == (plain.validation, plain.test, False)
        assert set(plain.train) <= set(split.train)
        trained, tested = set(plain.train), groups(tiny, split.test)
        copies = tuple(name for name in split.train if name not in trained)
        assert not groups(expanded, copies) & groups(expanded, (*split.validation, *split.test))
        spanning = sum(c.id in trained and c.group in tested for c in tiny.clips)
        assert len(copies) == 2 * (len(plain.train) - spanning)


def test_copies_of_kept_clips_are_left_out_and_others_trained_on(tiny: Dataset, expanded: Dataset) -> None:
    kept = tiny.clips[3]
    plain, split = all_but(tiny, [kept.id]), all_but(expanded, [kept.id])
    assert (split.validation, split.test) == (plain.validation, plain.test)
    assert len(split.train) == 3 * len(plain.train) and kept.group not in groups(expanded, split.train)


# --- plans ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "random", "folds": 1}, "folds is 1: it takes at least 2"),
        ({"folds": 4}, "folds cannot be chosen for kind official"),
        ({"kind": "filename-regex"}, "kind filename-regex and patterns, .*, go together"),
        ({"kind": "filename-regex", "patterns": ["a", "(b", "c"]}, r"pattern for validation, '\(b', is no regular"),
        ({"kind": "filename-regex", "patterns": ["a", "b"]}, "patterns"),
        ({"fold": 3}, "fold"),
    ],
)
def test_a_plan_that_makes_no_sense(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(Plan).validate_python(values)


@pytest.mark.parametrize(("fold", "said"), [(None, "a test fold must be given"), (6, "esc50 has no fold 6")])
def test_a_fold_must_be_one_of_the_folds(tiny: Dataset, fold: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=f"{said}; its folds are: 1, 2, 3, 4, 5"):
        make(tiny, Plan("grouped"), fold)


def test_a_split_by_name_has_no_folds(tiny: Dataset) -> None:
    with pytest.raises(UsageError, match="has no folds: leave the fold out"):
        make(tiny, SYSTEM_A, 1)
    with pytest.raises(UsageError, match="no folds to cross-validate over: use `hubbub train`"):
        fold_numbers(tiny, SYSTEM_A)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(), "esc50 has no official folds: set split.kind to grouped"),
        (Plan("random-expanded"), "esc50 has no copies for a random-expanded split: make them with `hubbub augment`"),
        (Plan("grouped", folds=1001), "esc50 is too small for 1001 folds"),
    ],
)
def test_a_plan_that_the_dataset_cannot_follow(tiny: Dataset, plan: Plan, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make(without_folds(tiny), plan, 1)


# --- leaving a fold out -----------------------------------------------------------------------------------------------


def test_a_fold_that_stays_unheard(expanded: Dataset) -> None:
    rest = without_fold(expanded, 2)
    assert rest.folds == (1, 3, 4, 5) and set(rest.showcase) <= {clip.id for clip in rest.clips}
    unheard = {clip.group for clip in expanded.clips if clip.fold == 2}
    assert not unheard & {clip.group for clip in rest.clips}
    assert len(rest.clips) == 3 * (1600 - 2)  # two dogs of fold 1 share the recording of a rooster in fold 2
    assert len(without_fold(expanded, 5).showcase) == 0
    with pytest.raises(UsageError, match="no fold 6"):
        without_fold(expanded, 6)
