"""A few clips that stand for many."""

from collections import defaultdict
from collections.abc import Sequence

from hubbub.data.dataset import Clip
from hubbub.storage import digest


def sampled(clips: Sequence[Clip], size: int, seed: int = 0) -> tuple[Clip, ...]:
    """So many clips, as equally as can be of each class, and within a class of each fold; all if there are no more.

    Which ones follows from their ids and `seed` alone. They stay in their order.
    """
    order = sorted(clips, key=lambda clip: digest("sample", str(seed), clip.id))
    for key in (_class_and_fold, _class):  # first each fold's clips in turn within a class, then each class's
        ranks: dict[tuple[str, int | None], int] = defaultdict(int)
        turns = {}
        for clip in order:
            turns[clip.id] = ranks[key(clip)]
            ranks[key(clip)] += 1
        order = sorted(order, key=lambda clip: turns[clip.id])
    chosen = {clip.id for clip in order[:size]}
    return tuple(clip for clip in clips if clip.id in chosen)


def _class_and_fold(clip: Clip) -> tuple[str, int | None]:
    return clip.label, clip.fold


def _class(clip: Clip) -> tuple[str, int | None]:
    return clip.label, None
