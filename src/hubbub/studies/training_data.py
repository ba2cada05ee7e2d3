"""What a training is given: a recipe whose split the dataset can follow, its readable clips, and their arrays.

All that a user should know before the work begins is said here: what is left out, how the clips are split, and how much
of them is heard.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hubbub import audio
from hubbub.data import learnable, sources, splits
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import AudioError, DataError, RefusedError, UsageError
from hubbub.features import cache, png
from hubbub.formatting import count, listing, printable
from hubbub.train import recipe_file
from hubbub.train.arrays import ClipArrays
from hubbub.train.config import Recipe
from hubbub.types import Log, Progress, no_progress

_PUBLISHED = ("esc50", "esc10")  # a figure on them is of all clips
_NAMED = 5  # classes that a line names
_SLACK = 0.1  # seconds by which a clip may be longer than a window before that is said


def to_stderr(line: str) -> None:
    """A `Log`: a line on stderr, at once."""
    print(line, file=sys.stderr, flush=True)


def load_recipe(
    recipe: str,
    overrides: Mapping[str, Any] | None = None,
    budget: str | None = None,
    split: str | None = None,
) -> Recipe:
    """A recipe with another kind of split, see `hubbub.train.recipe_file.load`."""
    changes: dict[str, Any] = {"split.kind": split} if split else {}
    if split and split != "filename-regex":
        changes["split.patterns"] = None
    return recipe_file.load(recipe, changes | dict(overrides or {}), budget)


class Unreadable:
    """Clips that cannot be read, which are left out; each is named at once."""

    def __init__(self, log: Log = to_stderr, strict: bool = True):
        self.log, self.strict = log, strict
        self.reasons: dict[str, str] = {}

    def __call__(self, clip: Clip, error: AudioError) -> None:
        """A clip cannot be read. Raises the error if they are not to be left out."""
        if self.strict:
            raise error
        self.log(f"left out: {printable(str(error))}")
        self.reasons[clip.id] = str(error)

    def without(self, dataset: Dataset) -> Dataset:
        """The dataset without them. Raises DataError if nothing is left."""
        if not self.reasons:
            return dataset
        clips = tuple(clip for clip in dataset.clips if clip.id not in self.reasons)
        if not clips:
            raise DataError(f"no clip of {dataset.name} can be read: {next(iter(self.reasons.values()))}")
        labels = {clip.label for clip in clips}
        if gone := [printable(label) for label in dataset.labels if label not in labels]:
            raise DataError(f"no clip of the class {listing(gone)} of {dataset.name} can be read: see the lines above")
        return replace(dataset, clips=clips)


def settle(request: Mapping[str, Any], reference: str, unreadable: Unreadable) -> tuple[Recipe, Dataset]:
    """The recipe with its split, and the dataset without what cannot be opened; says all that is to be known first."""
    recipe, budget, split = request["recipe"], request["budget"], request["split"]
    overrides = dict(request["overrides"] or {})
    folds = None if split or "split.kind" in overrides or "split" in overrides else overrides.pop("split.folds", None)
    settings = load_recipe(recipe, overrides, budget, split)
    if settings.split.leaky and not request["allow_leaky"]:
        raise RefusedError(
            f"the split {settings.split.kind} tests on recordings that training hears, so that its figure says"
            " nothing about new sounds: give --i-know-it-leaks to see it all the same"
        )
    dataset = sources.open_dataset(reference)
    for line in dataset.warnings:
        unreadable.log(line)
    if dataset.name.partition("+")[0] in _PUBLISHED:
        unreadable.strict = True
    if request["pictures"] is None and not unreadable.strict:
        for clip in dataset.clips:
            try:
                audio.probe(clip.path)
            except AudioError as error:
                unreadable(clip, error)
        dataset = unreadable.without(dataset)
    learnable.require_classes(dataset)
    chosen = bool(split) or any(key == "split" or key.startswith("split.") for key in overrides)
    if not chosen and not _fits(settings.split, dataset):
        overrides |= {"split.kind": "grouped", "split.patterns": None}
        folds = folds or learnable.grouped_plan(dataset).folds
    if folds is not None:
        settings = load_recipe(recipe, overrides | {"split.folds": folds}, budget, split)
    if settings.split.kind == "grouped":
        _say_groups(dataset, settings.split.folds, unreadable.log)
    learnable.require_made_folds(dataset, settings.split)
    return settings, dataset


def _fits(plan: splits.Plan, dataset: Dataset) -> bool:
    """Whether a recipe's own split can be made of a dataset: one by folds that there are not, or names, cannot."""
    if plan.kind == "filename-regex":
        return any(re.search(pattern, clip.id) for pattern in plan.patterns or () for clip in dataset.originals)
    return plan.kind != "official" or bool(dataset.folds)


def _say_groups(dataset: Dataset, folds: int, log: Log) -> None:
    recordings = len({clip.group for clip in dataset.originals})
    log(
        f"grouped: {count(len(dataset.originals), 'clip')} of {count(recordings, 'recording')}"
        f" (by {dataset.grouped_by}), {count(folds, 'fold')}"
    )
    if rare := learnable.rare_classes(dataset, folds):
        named = ", ".join(f"{printable(label)} {many}" for label, many in list(rare.items())[:_NAMED])
        log(
            f"fewer recordings than folds, so that not every fold tests them: {named}"
            f"{', ...' if len(rare) > _NAMED else ''}; add recordings, or give fewer folds"
            f" (--set split.folds={max(2, min(rare.values()))})"
        )


def clip_arrays(
    dataset: Dataset,
    recipe: Recipe,
    pictures: Path | None = None,
    progress: Progress = no_progress,
    unreadable: Unreadable | None = None,
) -> ClipArrays:
    """The clips as the recipe's network is shown them: from the cache, or computed into it, or from PNG files.

    Clips that cannot be read are `unreadable`; if that is left out, the first one is an error.

    Raises UsageError for acoustic rules on classes that ESC-50 does not have, or for a crop that pictures do not have,
    and what `features` raise.
    """
    spec, seconds, clips = recipe.frontend, recipe.seconds, dataset.clips
    unreadable = unreadable or Unreadable()
    if pictures is not None and recipe.crop != "first":
        raise UsageError(f"pictures show the first {seconds:g} s of each clip alone: leave out crop, or --pictures")
    if recipe.augment.rules == "acoustic" and not dataset.categories:
        raise UsageError(f"acoustic rules know the classes of ESC-50 only, not all of {dataset.name}: use balanced")
    if pictures is not None:
        features = png.read(pictures, clips, spec, seconds)
    else:
        features = cache.load(clips, spec, seconds, track=progress("log-mel"), hop=recipe.hop, broken=unreadable)
        _say_heard(features.durations, recipe, unreadable.log)
    waveforms = None
    if recipe.of_waveform:
        readable, track = unreadable.without(dataset).clips, progress("waveforms")
        waveforms = cache.sounds(readable, features.digests, spec.sample_rate, seconds, track=track, hop=recipe.hop)
    target = {label: index for index, label in enumerate(dataset.labels)}
    rows = [clips[owner] for owner in features.owners]
    return ClipArrays(
        dataset.name,
        dataset.labels,
        tuple(clip.id for clip in rows),
        features.logmels,
        np.array([target[clip.label] for clip in rows]),
        np.array([clip.group for clip in rows]),
        np.array([clip.fold or 0 for clip in rows]),
        features.digests,
        tuple(dataset.categories[label] for label in dataset.labels) if dataset.categories else (),
        waveforms,
    )


def _say_heard(durations: Sequence[float], recipe: Recipe, log: Log) -> None:
    """How much of clips that are longer than a window is heard; nothing where none is."""
    longer = sum(duration > recipe.seconds + _SLACK for duration in durations)
    if not longer:
        return
    total = sum(durations)
    if recipe.crop == "first":
        used = sum(min(duration, recipe.seconds) for duration in durations)
        log(
            f"hears the first {recipe.seconds:g} s of each clip: {used:,.0f} of {total:,.0f} s"
            f" ({count(longer, 'clip is', 'clips are')} longer); --set crop=all hears all"
        )
    else:
        drawn = ", one of them drawn each time" if recipe.crop == "random" else ""
        log(f"hears all of each clip: {total:,.0f} s in windows of {recipe.seconds:g} s{drawn}")
