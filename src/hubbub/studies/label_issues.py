"""Labels that may be wrong: clips that a run, which did not train on them, is sure are something else.

Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021) as cleanlab has it: a clip is a candidate if its class
and the class that the model prefers are mixed up more often than the model's own confidence explains. It is a list to
listen through, not a verdict: some of the clips are labelled right and hard.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hubbub.data.dataset import Clip
from hubbub.errors import UsageError, missing_extra
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run


@dataclass(frozen=True)
class Candidate:
    """A clip whose label may be wrong.

    Attributes:
        clip: the clip. given: its label in the run. suggested: what the model names instead.
        given_probability, suggested_probability: of both, by the model.
        margin: the first minus the second, in [-1, 0]: the lower, the surer.
    """

    clip: Clip
    given: str
    suggested: str
    given_probability: float
    suggested_probability: float

    @property
    def margin(self) -> float:
        """Probability of the given label minus that of the suggested one, in [-1, 0]: the lower, the surer."""
        return self.given_probability - self.suggested_probability

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "clip": self.clip.id,
            "given": self.given,
            "suggested": self.suggested,
            "given_probability": self.given_probability,
            "suggested_probability": self.suggested_probability,
        }


@dataclass(frozen=True)
class LabelNoise:
    """Candidates, the surest first.

    Attributes:
        run: its name.
        clips: how many were judged. missing: predictions whose clip the dataset has not.
        warnings: a line each.
    """

    run: str
    clips: int
    missing: int
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "clips": self.clips,
            "missing": self.missing,
            "candidates": [one.facts() for one in self.candidates],
            "warnings": list(self.warnings),
        }


def find(run: Run, clips: Mapping[str, Clip]) -> LabelNoise:
    """Candidates among a run's test clips.

    Args:
        run: a finished run.
        clips: those of the dataset, by id.

    Raises UsageError if the run tested none of them, RefusedError if cleanlab is not installed, DataError if the run's
    predictions are damaged.
    """
    kept, name = run.predictions, run.folder.resolve().name
    rows = [row for row, clip in enumerate(kept.clips) if clip in clips]
    if not rows:
        tested = f"none of the {len(kept.clips):,} clips that it tested" if kept.clips else "no clip: it tested none"
        raise UsageError(f"run {name} shares {tested} with this dataset: give the dataset that it was tested on")
    said = []
    if run.leaky:
        said.append(f"run {name} has a leaky split: it knows its test clips, so that wrong labels look right to it")
    differ = sum(clips[kept.clips[row]].label != kept.classes[kept.targets[row]] for row in rows)
    if differ:
        said.append(f"clips with another label in this dataset than in run {name}, whose label is judged: {differ:,}")
    found = tuple(_candidate(kept, row, clips) for row in issues(kept, rows))
    return LabelNoise(name, len(rows), len(kept.clips) - len(rows), found, tuple(said))


def issues(kept: Predictions, rows: list[int]) -> list[int]:
    """Those of the rows whose label is doubtful, the surest first."""
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise missing_extra("report", "finding wrong labels") from error
    probabilities = kept.probabilities[rows] / kept.probabilities[rows].sum(1, keepdims=True)  # written with six digits
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one clip of a class nothing can be said
        order = find_label_issues(
            labels=kept.targets[rows],
            pred_probs=probabilities,
            filter_by="confident_learning",
            return_indices_ranked_by="normalized_margin",
            n_jobs=1,
        )
    return [rows[index] for index in np.asarray(order).tolist()]


def _candidate(kept: Predictions, row: int, clips: Mapping[str, Clip]) -> Candidate:
    given, suggested = int(kept.targets[row]), int(kept.probabilities[row].argmax())
    probabilities = kept.probabilities[row]
    return Candidate(
        clips[kept.clips[row]],
        kept.classes[given],
        kept.classes[suggested],
        float(probabilities[given]),
        float(probabilities[suggested]),
    )
