"""Who trains, who validates, who tests: lists of clip ids, by a named rule.

A copy that augmentation made of a clip (`Clip.made_from`) is only ever trained on, and only where its source trains.
The rules named LEAKY break that, or cut recordings apart, on purpose: they show what a leak does to a figure.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from hubbub.errors import UsageError
from hubbub.formatting import count

if TYPE_CHECKING:  # recipes name a `Plan` where no sound library is at hand
    from hubbub.data.dataset import Clip, Dataset

PARTS = ("train", "validation", "test")

Kind = Literal["official", "grouped", "filename-regex", "random", "random-expanded"]


@dataclass(frozen=True)
class Split:
    """Clip ids to train on, to choose by, and to test on; no id is in two of them.

    Attributes:
        kind: the rule. fold: the test fold, from 1; None for a rule without folds.
        leaky: whether training hears recordings, or even clips, that are tested on; a score on it is no honest figure.
        dropped: ids that the rule assigned, but which are in no part because their recording is in a later one.
    """

    kind: str
    fold: int | None
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    leaky: bool = False
    dropped: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule and the fold, for people."""
        return split_name(self.kind, self.fold, leaky=self.leaky)


def split_name(kind: str, fold: int | None = None, folds: Sequence[int] = (), leaky: bool = False) -> str:
    """A split for people; one whose test is not honest says so first.

    >>> split_name("official", 2), split_name("official", folds=(1, 2)), split_name("random", 2, leaky=True)
    ('official-fold2', 'official folds 1 2', 'LEAKY random fold 2')
    """
    if folds:
        name = f"{kind} folds {' '.join(map(str, folds))}"
    elif fold is not None:
        name = f"{kind} fold {fold}" if leaky else f"{kind}-fold{fold}"
    else:
        name = kind
    return f"LEAKY {name}" if leaky else name


@dataclass(frozen=True)
class Plan:
    """How a dataset is split.

    Attributes:
        kind: the rule.
            "official": one of the dataset's own folds is the test.
            "grouped": folds are made, each recording in one of them, the classes spread evenly.
            "filename-regex": `patterns` say which clips are in which part.
            "random": LEAKY, folds are made clip by clip, so that recordings lie on both sides.
            "random-expanded": LEAKY, the same over clips and copies, so that training hears copies of test clips.
        folds: how many are made, by the kinds that make folds.
        patterns: regular expressions for training, validation and test, which are looked for in the clip's id.

    Raises ValueError for what makes no sense together.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # a recipe holds one, and is validated by pydantic
    kind: Kind = "official"
    folds: int = 5
    patterns: tuple[str, str, str] | None = None

    @property
    def leaky(self) -> bool:
        """Whether its splits are, see `Split.leaky`."""
        return self.kind in ("random", "random-expanded")

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"folds is {self.folds}: it takes at least 2")
        if self.folds != 5 and self.kind in ("official", "filename-regex"):
            raise ValueError(f"folds cannot be chosen for kind {self.kind}: leave it out")
        if (self.patterns is None) == (self.kind == "filename-regex"):
            raise ValueError("kind filename-regex and patterns, for train, validation and test, go together")
        for part, pattern in zip(PARTS, self.patterns or (), strict=False):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"the pattern for {part}, {pattern!r}, is no regular expression: {error}") from error


def make(dataset: "Dataset", plan: Plan, fold: int | None = None, validation: float = 0.15, seed: int = 0) -> Split:
    """The split that `plan` means.

    Args:
        dataset: what is split.
        plan: the rule.
        fold: the test fold, from 1; None for a rule without folds.
        validation: share of the rest that chooses, in [0, 1): of each class's recordings, or clips if the rule is
            leaky; a rule with patterns has its own validation part.
        seed: of all draws, those of the folds included.

    Raises UsageError if the dataset cannot be split so, or has no such fold.
    """
    if plan.kind == "filename-regex":
        if fold is not None:
            raise UsageError("a split by filename-regex has no folds: leave the fold out")
        return _by_name(dataset, plan)
    numbers = fold_numbers(dataset, plan)
    if fold not in numbers:
        wrong = "a test fold must be given" if fold is None else f"{dataset.name} has no fold {fold}"
        raise UsageError(f"{wrong}; its folds are: {', '.join(map(str, numbers))}")
    if plan.kind == "official":
        return official(dataset, fold, validation, seed)
    if plan.kind == "grouped":
        folds = by_recording(dataset.originals, plan.folds, seed)
        tested = {clip.id for clip in dataset.originals if folds[clip.group] == fold}
        return _honest("grouped", fold, dataset, tested, validation, seed)
    return _random(dataset, plan, fold, validation, seed)


def fold_numbers(dataset: "Dataset", plan: Plan) -> tuple[int, ...]:
    """The folds that `plan` gives, for cross-validation; raises UsageError if it gives none for this dataset."""
    if plan.kind == "filename-regex":
        raise UsageError("a split by filename-regex has no folds to cross-validate over: use `hubbub train`")
    if plan.kind == "official":
        if not dataset.folds:
            raise UsageError(f"{dataset.name} has no official folds: set split.kind to grouped, which makes some")
        return dataset.folds
    if plan.kind == "random-expanded" and len(dataset.originals) == len(dataset.clips):
        raise UsageError(
            f"{dataset.name} has no copies for a random-expanded split: make them with `hubbub augment`"
            " and give its folder as the dataset"
        )
    parts = len({clip.group for clip in dataset.clips}) if plan.kind == "grouped" else len(dataset.clips)
    if parts < plan.folds:
        what = count(parts, "recording" if plan.kind == "grouped" else "clip")
        raise UsageError(
            f"{dataset.name} is too small for {plan.folds} folds, with {what}: give fewer (--set split.folds=2),"
            " or more sounds"
        )
    return tuple(range(1, plan.folds + 1))


def official(dataset: "Dataset", fold: int, validation: float = 0.15, seed: int = 0) -> Split:
    """Test on `fold`; validate on a share of the other folds' source recordings; train on the rest.

    A recording that lies in several official folds is not taken apart further: its clips of other folds train or
    validate, as in the published protocol (ESC-50 has one); copies of them are left out.

    Args:
        dataset: one with official folds.
        fold: the test fold.
        validation: share of each class's source recordings, in [0, 1); see `hold_out`.
        seed: of the draw.

    Raises UsageError if the dataset has no such fold.
    """
    _require_fold(dataset, fold)
    tested = {clip.id for clip in dataset.originals if clip.fold == fold}
    return _honest("official", fold, dataset, tested, validation, seed)


def all_but(dataset: "Dataset", test_ids: Iterable[str], validation: float = 0.15, seed: int = 0) -> Split:
    """For a model to be used: everything but the source recordings of some clips, which are the test.

    Arguments as `official`.
    """
    names = set(test_ids)
    out = {clip.group for clip in dataset.clips if clip.id in names}
    tested = {clip.id for clip in dataset.originals if clip.group in out}
    return _honest("all-but-showcase" if names else "all", None, dataset, tested, validation, seed)


def without_fold(dataset: "Dataset", fold: int) -> "Dataset":
    """The dataset without an official fold and without all clips and copies of a recording that lies in it.

    What is then done with the rest, leaky or not, leaves that fold unheard. Raises UsageError for an unknown fold.
    """
    _require_fold(dataset, fold)
    out = {clip.group for clip in dataset.clips if clip.fold == fold}
    clips = tuple(clip for clip in dataset.clips if clip.group not in out)
    left = {clip.id for clip in clips}
    return replace(dataset, clips=clips, showcase=tuple(name for name in dataset.showcase if name in left))


def hold_out(clips: Iterable["Clip"], share: float, seed: int = 0) -> frozenset[str]:
    """Source recordings drawn to be held out: of each class `share` of them, rounded, at least one if `share` > 0.

    A recording that was cut into clips of two classes goes out with all of them. The only recording of a class is not
    drawn, nor are all of its recordings, so that there is something to train on.
    """
    return _drawn(((clip.label, clip.group) for clip in clips), share, np.random.default_rng(seed))


def _drawn(names: Iterable[tuple[str, str]], share: float, rng: np.random.Generator) -> frozenset[str]:
    """Of pairs of a class and a name, of each class `share` of the names, see `hold_out`."""
    by_label: dict[str, set[str]] = {}
    for label, name in names:
        by_label.setdefault(label, set()).add(name)
    only = {name for members in by_label.values() if len(members) == 1 for name in members}
    drawn: set[str] = set()
    for label in sorted(by_label):
        ordered = sorted(by_label[label] - only)
        number = min(max(1, round(share * len(ordered))), len(by_label[label]) - 1) if share > 0 else 0
        drawn.update(str(name) for name in rng.permutation(ordered)[:number])
    return frozenset(drawn)


def _honest(
    kind: str, fold: int | None, dataset: "Dataset", tested: Collection[str], validation: float, seed: int
) -> Split:
    """Test on those clips, validate on a share of the other recordings, train on the rest and on its copies."""
    rest = [clip for clip in dataset.originals if clip.id not in tested]
    held = hold_out(rest, validation, seed)
    train = {clip.id for clip in rest if clip.group not in held}
    chosen_by = {clip.id for clip in rest if clip.group in held}
    return _split(kind, fold, dataset, train | _copies(dataset, train, {*chosen_by, *tested}), chosen_by, tested)


def _copies(dataset: "Dataset", train: Collection[str], away: Collection[str]) -> set[str]:
    """Copies of clips in `train` whose recording has no clip in `away`."""
    groups = {clip.group for clip in dataset.clips if clip.id in away}
    return {clip.id for clip in dataset.clips if clip.made_from in train and clip.group not in groups}


def _split(kind: str, fold: int | None, dataset: "Dataset", *parts: Collection[str]) -> Split:
    """The parts in the order of the dataset's clips."""
    train, validation, test = (tuple(clip.id for clip in dataset.clips if clip.id in part) for part in parts)
    return Split(kind, fold, train, validation, test)


def by_recording(clips: Iterable["Clip"], number: int, seed: int) -> dict[str, int]:
    """A fold, from 1 to `number`, for the source recording of each clip, by `seed`.

    Recordings are dealt in random order, large ones first, to where their classes are rarest so far.
    """
    groups: dict[str, Counter[str]] = {}
    for clip in clips:
        groups.setdefault(clip.group, Counter())[clip.label] += 1
    order = [str(name) for name in np.random.default_rng(seed).permutation(sorted(groups))]
    filled = {fold: Counter[str]() for fold in range(1, number + 1)}
    folds = {}
    for group in sorted(order, key=lambda name: -groups[name].total()):
        labels = groups[group]
        fold = min(filled, key=lambda f: (sum(n * filled[f][label] for label, n in labels.items()), filled[f].total()))
        filled[fold] += labels
        folds[group] = fold
    return folds


def _by_name(dataset: "Dataset", plan: Plan) -> Split:
    expressions = [re.compile(pattern) for pattern in plan.patterns or ()]
    parts: list[list[Clip]] = [[] for _ in expressions]
    for clip in dataset.originals:
        hits = [index for index, expression in enumerate(expressions) if expression.search(clip.id)]
        if len(hits) > 1:
            both = " and ".join(PARTS[index] for index in hits)
            raise UsageError(f"the patterns for {both} both match {clip.id}: make them exclude each other")
        for index in hits:
            parts[index].append(clip)
    ids: list[set[str]] = []
    later: set[str] = set()  # recordings of the parts behind, which training and choosing must not hear
    dropped: set[str] = set()
    for part in reversed(parts):
        ids.insert(0, {clip.id for clip in part if clip.group not in later})
        dropped |= {clip.id for clip in part if clip.group in later}
        later |= {clip.group for clip in part}
    for name, expression, part_ids in zip(PARTS, expressions, ids, strict=True):
        if not part_ids:
            raise UsageError(f"the pattern for {name}, {expression.pattern!r}, leaves no clip of {dataset.name} there")
    train, chosen_by, tested = ids
    copies = _copies(dataset, train, chosen_by | tested)
    split = _split("filename-regex", None, dataset, train | copies, chosen_by, tested)
    return replace(split, dropped=tuple(sorted(dropped)))


def _random(dataset: "Dataset", plan: Plan, fold: int, validation: float, seed: int) -> Split:
    """Clips, or clips and copies, dealt to folds class by class, whatever recording they are of."""
    pooled = plan.kind == "random-expanded"
    clips = list(dataset.clips if pooled else dataset.originals)
    rng = np.random.default_rng(seed)
    order = sorted((clips[i] for i in rng.permutation(len(clips))), key=lambda clip: clip.label)
    tested = {clip.id for index, clip in enumerate(order) if index % plan.folds == fold - 1}
    rest = [clip for clip in clips if clip.id not in tested]
    chosen_by = _drawn(((clip.label, clip.id) for clip in rest), validation, rng)
    train = {clip.id for clip in rest if clip.id not in chosen_by}
    copies = set() if pooled else {clip.id for clip in dataset.clips if clip.made_from in train}
    return replace(_split(plan.kind, fold, dataset, train | copies, chosen_by, tested), leaky=True)


def _require_fold(dataset: "Dataset", fold: int) -> None:
    if fold not in dataset.folds:
        known = ", ".join(map(str, dataset.folds)) or "none"
        raise UsageError(f"{dataset.name} has no fold {fold}; its folds are: {known}")
