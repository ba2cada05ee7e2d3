"""The audit of a dataset and its split: leaks, what can be guessed without listening, and labels that may be wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hubbub.data.dataset import Dataset
from hubbub.errors import RefusedError, UsageError
from hubbub.runs.run import Run
from hubbub.studies import label_issues, leaks, measure, near_duplicates, shortcuts
from hubbub.studies.explore_tables import NO_RECORDINGS
from hubbub.studies.label_issues import LabelIssues
from hubbub.studies.leaks import Exceptions, LeakKind, Overlap, SplitClip
from hubbub.studies.measure import MeasuredFile
from hubbub.studies.shortcuts import Shortcuts
from hubbub.studies.split_table import SplitTable
from hubbub.types import Progress, Track, no_progress

KINDS: tuple[LeakKind, ...] = ("clip", "recording", "exact", "near")


@dataclass(frozen=True)
class Audit:
    """The results of an audit.

    Attributes:
        dataset: its name. split: which clips lie where.
        clips: what was audited, with the parts of each, in order of ids.
        overlaps: clips that hold the same, by `KINDS`, near copies the surest first; leaks and others.
        shortcuts: what can be guessed without listening.
        labels: candidates for wrong labels; None if no run was named, or cleanlab is not installed.
        unreadable: id of each clip that cannot be heard, and why.
        stale: known exceptions that name no leak.
        warnings: what else is odd, a line each: what of the dataset was not read first.
    """

    dataset: str
    split: SplitTable
    clips: tuple[SplitClip, ...]
    overlaps: tuple[Overlap, ...]
    shortcuts: Shortcuts
    labels: LabelIssues | None = None
    unreadable: tuple[tuple[str, str], ...] = ()
    stale: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def leaks(self) -> tuple[Overlap, ...]:
        """All leaks, known ones included."""
        return tuple(overlap for overlap in self.overlaps if overlap.is_leak)

    @property
    def open(self) -> tuple[Overlap, ...]:
        """The leaks that are not accepted."""
        return tuple(leak for leak in self.leaks if not leak.accepted)

    @property
    def noted(self) -> tuple[Overlap, ...]:
        """Copies inside one part, or inside one recording."""
        return tuple(overlap for overlap in self.overlaps if not overlap.is_leak)

    def count(self, overlaps: Sequence[Overlap]) -> dict[LeakKind, int]:
        """How many there are of each kind."""
        counts = Counter(overlap.kind for overlap in overlaps)
        return {kind: counts[kind] for kind in KINDS}

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "dataset": self.dataset,
            "split": self.split.name,
            "parts": self.split.sizes,
            "clips": len(self.clips),
            "recordings": len({member.clip.group for member in self.clips}),
            "verdict": "leaks" if self.open else "accepted" if self.leaks else "clean",
            "leaks": [leak.to_dict() for leak in self.leaks],
            "noted": [overlap.to_dict() for overlap in self.noted],
            "stale": list(self.stale),
            "shortcuts": self.shortcuts.to_dict(),
            "labels": self.labels.to_dict() if self.labels else None,
            "unreadable": dict(self.unreadable),
            "warnings": list(self.warnings),
        }


def run(
    dataset: Dataset,
    split: SplitTable,
    tested: Run | None = None,
    exceptions: Exceptions | None = None,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Audit:
    """Audit a dataset.

    Args:
        dataset: its clips.
        split: which of them lie where; the others are left out.
        tested: a finished run, whose predictions tell of wrong labels.
        exceptions: leaks that are accepted.
        jobs: processes that read files.
        progress: of the steps "listening" and "comparing".

    Raises UsageError if the split has no clip of the dataset, or the run has tested none.
    """
    clips = tuple(SplitClip(clip, split.parts[clip.id]) for clip in dataset.clips if clip.id in split.parts)
    if not clips:
        raise UsageError(f"{split.name} holds no clip of {dataset.name}: give the dataset that it splits")
    labels, warnings = None, (*dataset.warnings, *split.warnings)
    if len({member.clip.group for member in clips}) == len(clips) > 1:
        warnings += (NO_RECORDINGS,)
    if tested is not None:
        try:
            labels = label_issues.find(tested, {clip.id: clip for clip in dataset.clips})
            warnings += labels.warnings
        except RefusedError as error:  # leaks are found without cleanlab
            warnings += (str(error),)
    files = measure.measure_files([member.clip.path for member in clips], jobs, track=progress("listening"))
    overlaps = _overlaps(clips, files, progress("comparing"))
    exceptions = exceptions or Exceptions()
    pairs = list(zip(clips, files, strict=True))
    warned = [(member.clip.id, file.measurements.warnings[0]) for member, file in pairs if file.measurements.warnings]
    if warned:
        warnings += (f"clips heard with a warning: {len(warned):,}, the first is {': '.join(warned[0])}",)
    return Audit(
        dataset.name,
        split,
        clips,
        exceptions.mark(overlaps),
        _shortcuts(clips, files),
        labels,
        tuple((member.clip.id, file.measurements.problem) for member, file in pairs if file.measurements.problem),
        exceptions.stale(overlaps),
        warnings,
    )


def _overlaps(clips: Sequence[SplitClip], files: Sequence[MeasuredFile], track: Track) -> list[Overlap]:
    digests: dict[str, str] = {}
    embeddings, searched = measure.embeddings(files), set[str]()
    for row, (member, file) in enumerate(zip(clips, files, strict=True)):
        if file.measurements.problem:
            continue
        # with the duration, since a long file is not heard to its end
        digest = digests[member.clip.id] = f"{file.measurements.samples} {file.measurements.duration}"
        if digest in searched or file.measurements.silent:  # silence, and all but the first of the same samples
            embeddings[row] = np.nan  # need no search
        searched.add(digest)
    matches = near_duplicates.find(
        [member.clip.path for member in clips],
        embeddings,
        [member.clip.group for member in clips],
        [member.clip.label for member in clips],
        track,
    )
    return [
        *leaks.clips_in_two_parts(clips),
        *leaks.shared_recordings(clips),
        *leaks.exact_duplicates(clips, digests),
        *leaks.near_copies(clips, matches, digests),
    ]


def _shortcuts(clips: Sequence[SplitClip], files: Sequence[MeasuredFile]) -> Shortcuts:
    pairs = zip(clips, files, strict=True)
    originals = [(member.clip, file.measurements) for member, file in pairs if member.clip.made_from is None]
    try:
        return shortcuts.find([clip for clip, _ in originals], [measured for _, measured in originals])
    except RefusedError as error:  # leaks are found without scikit-learn
        return Shortcuts(str(error))
