from collections import Counter
from pathlib import Path

from hubbub.data.dataset import Clip
from hubbub.data.sampling import sampled

CLIPS = tuple(
    Clip(f"{fold}-{label}-{take}", Path(), label, f"{label}{take}", fold)
    for fold in (1, 2, 3)
    for label in ("bark", "hiss")
    for take in range(4)
)


def test_classes_and_their_folds_have_equal_shares() -> None:
    chosen = sampled(CLIPS, 12)
    assert Counter((clip.label, clip.fold) for clip in chosen) == dict.fromkeys(
        [(label, fold) for label in ("bark", "hiss") for fold in (1, 2, 3)], 2
    )
    seven = Counter(clip.label for clip in sampled(CLIPS, 7))
    assert sorted(seven.values()) == [3, 4]


def test_the_choice_is_of_the_seed_and_not_of_the_order() -> None:
    chosen = sampled(CLIPS, 6)
    assert {clip.id for clip in sampled(CLIPS[::-1], 6)} == {clip.id for clip in chosen}
    assert sampled(CLIPS, 6, seed=1) != chosen
    assert list(chosen) == sorted(chosen, key=CLIPS.index)


def test_a_larger_sample_holds_the_smaller_one_and_all_is_all() -> None:
    assert {clip.id for clip in sampled(CLIPS, 5)} < {clip.id for clip in sampled(CLIPS, 9)}
    assert sampled(CLIPS, 100) == CLIPS
