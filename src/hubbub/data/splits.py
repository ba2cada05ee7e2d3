"""Who trains, who validates, who tests: lists of clip ids, by a named rule."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import UsageError


@dataclass(frozen=True)
class Split:
    """Clip ids to train on, to choose by, and to test on; no id is in two of them."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def official(dataset: Dataset, fold: int, validation: float = 0.15, seed: int = 0) -> Split:
    """Test on `fold`; validate on a share of the other folds' source recordings; train on the rest.

    Args:
        dataset: one with official folds.
        fold: the test fold.
        validation: share of each class's source recordings, in [0, 1); see `hold_out`.
        seed: of the draw.

    Raises UsageError if the dataset has no such fold.
    """
    if fold not in dataset.folds:
        known = ", ".join(map(str, dataset.folds)) or "none"
        raise UsageError(f"{dataset.name} has no fold {fold}; its folds are: {known}")
    rest = [clip for clip in dataset.clips if clip.fold != fold]
    held = hold_out(rest, validation, seed)
    return Split(
        f"official-fold{fold}",
        tuple(clip.id for clip in rest if clip.group not in held),
        tuple(clip.id for clip in rest if clip.group in held),
        tuple(clip.id for clip in dataset.clips if clip.fold == fold),
    )


def all_but(dataset: Dataset, kept: Iterable[str], validation: float = 0.15, seed: int = 0) -> Split:
    """For a model to be used: everything but the source recordings of the clips `kept`, which are the test.

    Arguments as `official`.
    """
    names = set(kept)
    out = {clip.group for clip in dataset.clips if clip.id in names}
    rest = [clip for clip in dataset.clips if clip.group not in out]
    held = hold_out(rest, validation, seed)
    return Split(
        "all-but-showcase" if names else "all",
        tuple(clip.id for clip in rest if clip.group not in held),
        tuple(clip.id for clip in rest if clip.group in held),
        tuple(clip.id for clip in dataset.clips if clip.group in out),
    )


def hold_out(clips: Iterable[Clip], share: float, seed: int = 0) -> frozenset[str]:
    """Source recordings drawn to be held out: of each class `share` of them, rounded, at least one if `share` > 0.

    A recording that was cut into clips of two classes goes out with all of them.
    """
    by_label: dict[str, set[str]] = {}
    for clip in clips:
        by_label.setdefault(clip.label, set()).add(clip.group)
    rng = np.random.default_rng(seed)
    held: set[str] = set()
    for label in sorted(by_label):
        names = sorted(by_label[label])
        count = max(1, round(share * len(names))) if share > 0 else 0
        held.update(str(name) for name in rng.permutation(names)[:count])
    return frozenset(held)
