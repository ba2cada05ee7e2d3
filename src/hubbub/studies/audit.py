"""The audit of a dataset and its split: leaks, what can be guessed without listening, and labels that may be wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hubbub.audio import Floats
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import RefusedError, UsageError
from hubbub.runs.run import Run
from hubbub.studies import label_issues, leaks, measure, near_duplicates, shortcuts
from hubbub.studies.label_issues import LabelNoise
from hubbub.studies.leaks import Exceptions, Finding, Kind, PlacedClip
from hubbub.studies.measure import Facts, Heard
from hubbub.studies.shortcuts import Shortcuts
from hubbub.studies.split_table import Assignment

KINDS: tuple[Kind, ...] = ("clip", "recording", "exact", "near")
Stages = Callable[[str], Callable[[Iterable[Any]], Iterable[Any]]]  #: names a step; what it returns shows its progress


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        dataset: its name. split: which clips lie where.
        clips: what was audited, with the parts of each, in order of ids.
        findings: clips that hold the same, by `KINDS`, near copies the surest first; leaks and others.
        shortcuts: what can be guessed without listening.
        labels: candidates for wrong labels; None if no run was given, or cleanlab is not installed.
        unreadable: id of each clip that cannot be heard, and why.
        stale: known exceptions that name no leak.
        warnings: what else is odd, a line each.
    """

    dataset: str
    split: Assignment
    clips: tuple[PlacedClip, ...]
    findings: tuple[Finding, ...]
    shortcuts: Shortcuts
    labels: LabelNoise | None = None
    unreadable: tuple[tuple[str, str], ...] = ()
    stale: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """All leaks, known ones included."""
        return tuple(one for one in self.findings if one.leaks)

    @property
    def open(self) -> tuple[Finding, ...]:
        """The leaks that are not accepted."""
        return tuple(one for one in self.leaks if not one.accepted)

    @property
    def noted(self) -> tuple[Finding, ...]:
        """Copies inside one part, or inside one recording."""
        return tuple(one for one in self.findings if not one.leaks)

    def count(self, findings: Sequence[Finding]) -> dict[Kind, int]:
        """How many there are of each kind."""
        found = Counter(one.kind for one in findings)
        return {kind: found[kind] for kind in KINDS}

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "dataset": self.dataset,
            "split": self.split.name,
            "parts": self.split.sizes,
            "clips": len(self.clips),
            "recordings": len({place.clip.group for place in self.clips}),
            "verdict": "leaks" if self.open else "accepted" if self.leaks else "clean",
            "leaks": [one.facts() for one in self.leaks],
            "noted": [one.facts() for one in self.noted],
            "stale": list(self.stale),
            "shortcuts": self.shortcuts.facts(),
            "labels": self.labels.facts() if self.labels else None,
            "unreadable": dict(self.unreadable),
            "warnings": list(self.warnings),
        }


def run(
    dataset: Dataset,
    split: Assignment,
    judged: Run | None = None,
    known: Exceptions | None = None,
    jobs: int = 1,
    stages: Stages = lambda step: iter,
) -> Audit:
    """Audit a dataset.

    Args:
        dataset: its clips.
        split: which of them lie where; the others are left out.
        judged: a finished run, whose predictions tell of wrong labels.
        known: leaks that are accepted.
        jobs: processes that read files.
        stages: shows the progress of a step by its name.

    Raises UsageError if the split has no clip of the dataset, or the run has tested none.
    """
    places = tuple(PlacedClip(clip, split.parts[clip.id]) for clip in dataset.clips if clip.id in split.parts)
    if not places:
        raise UsageError(f"{split.name} holds no clip of {dataset.name}: give the dataset that it splits")
    labels, warnings = _labels(judged, dataset, split.warnings)
    heard = measure.listen([place.clip.path for place in places], jobs, track=stages("listening"))
    findings = _findings(places, heard, stages)
    known = known or Exceptions()
    return Audit(
        dataset.name,
        split,
        places,
        known.mark(findings),
        _shortcuts(places, [one.facts for one in heard]),
        labels,
        tuple((p.clip.id, one.facts.problem) for p, one in zip(places, heard, strict=True) if one.facts.problem),
        known.stale(findings),
        warnings,
    )


def _findings(places: Sequence[PlacedClip], heard: Sequence[Heard], stages: Stages) -> list[Finding]:
    digests = {
        place.clip.id: f"{one.facts.samples} {one.facts.duration}"  # a long file is not heard to its end
        for place, one in zip(places, heard, strict=True)
        if not one.facts.problem
    }
    matches = near_duplicates.find(
        [place.clip.path for place in places],
        _embeddings(places, heard, digests),
        [place.clip.group for place in places],
        [place.clip.label for place in places],
        stages("comparing"),
    )
    return [
        *leaks.clips_twice(places),
        *leaks.recordings(places),
        *leaks.exact(places, digests),
        *leaks.near(places, matches, digests),
    ]


def _embeddings(places: Sequence[PlacedClip], heard: Sequence[Heard], digests: dict[str, str]) -> Floats:
    """What each clip sounds like; NaN for what needs no search: silence, and all but the first of the same samples."""
    found = measure.embeddings(heard)
    seen = set()
    for row, (place, one) in enumerate(zip(places, heard, strict=True)):
        digest = digests.get(place.clip.id)
        if digest in seen or one.facts.silent:
            found[row] = np.nan
        seen.add(digest)
    return found


def _labels(
    judged: Run | None, dataset: Dataset, warnings: tuple[str, ...]
) -> tuple[LabelNoise | None, tuple[str, ...]]:
    """Candidates for wrong labels, and what is to be said."""
    if judged is None:
        return None, warnings
    try:
        found = label_issues.find(judged, {clip.id: clip for clip in dataset.clips})
    except RefusedError as error:  # leaks are found without cleanlab
        return None, (*warnings, str(error))
    return found, (*warnings, *found.warnings)


def _shortcuts(places: Sequence[PlacedClip], facts: Sequence[Facts]) -> Shortcuts:
    clips: list[Clip] = []
    told = []
    for place, known in zip(places, facts, strict=True):
        if place.clip.made_from is None:
            clips.append(place.clip)
            told.append(known)
    try:
        return shortcuts.find(clips, told)
    except RefusedError as error:  # leaks are found without scikit-learn
        return Shortcuts(str(error))
