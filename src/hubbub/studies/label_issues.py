"""Labels that may be wrong: clips that a run, which did not train on them, is sure are something else.

Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021) as cleanlab has it: a clip is a candidate if its class
and the class that the model prefers are mixed up more often than the model's own confidence explains. It is a list to
listen through, not a verdict: some of the clips are labelled right and hard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from hubbub.data.dataset import Clip
from hubbub.errors import UsageError, missing_extra
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run


@dataclass(frozen=True)
class Candidate:
    """A clip whose label may be wrong.

    Attributes:
        clip: the clip.
        given_label: its label in the run. given_probability: of it, by the model.
        suggested_label: what the model names instead. suggested_probability: of it, by the model.
    """

    clip: Clip
    given_label: str
    suggested_label: str
    given_probability: float
    suggested_probability: float

    @property
    def margin(self) -> float:
        """Probability of the given label minus that of the suggested one, in [-1, 0]: the lower, the surer."""
        return self.given_probability - self.suggested_probability

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "clip": self.clip.id,
            "given_label": self.given_label,
            "suggested_label": self.suggested_label,
            "given_probability": self.given_probability,
            "suggested_probability": self.suggested_probability,
        }


@dataclass(frozen=True)
class LabelIssues:
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

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "run": self.run,
            "clips": self.clips,
            "missing": self.missing,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "warnings": list(self.warnings),
        }


def find(run: Run, clips: Mapping[str, Clip]) -> LabelIssues:
    """Candidates among a run's test clips.

    Args:
        run: a finished run.
        clips: those of the dataset, by id.

    Raises UsageError if the run tested none of them, RefusedError if cleanlab is not installed, DataError if the run's
    predictions are damaged.
    """
    predictions, name = run.predictions, run.folder.resolve().name
    rows = [row for row, clip in enumerate(predictions.clips) if clip in clips]
    if not rows:
        total = len(predictions.clips)
        tested = f"none of the {total:,} clips that it tested" if total else "no clip: it tested none"
        raise UsageError(f"run {name} shares {tested} with this dataset: give the dataset that it was tested on")
    warnings = []
    if run.leaky:
        warnings.append(f"run {name} has a leaky split: it knows its test clips, so that wrong labels look right to it")
    labels = [predictions.classes[target] for target in predictions.targets]
    differ = sum(clips[predictions.clips[row]].label != labels[row] for row in rows)
    if differ:
        warnings.append(
            f"clips with another label in this dataset than in run {name}, whose label is judged: {differ:,}"
        )
    candidates = []
    for row in issue_rows(predictions, rows):
        probabilities = predictions.probabilities[row]
        suggested = int(probabilities.argmax())
        candidates.append(
            Candidate(
                clips[predictions.clips[row]],
                labels[row],
                predictions.classes[suggested],
                float(probabilities[predictions.targets[row]]),
                float(probabilities[suggested]),
            )
        )
    missing = len(predictions.clips) - len(rows)
    return LabelIssues(name, len(rows), missing, tuple(candidates), tuple(warnings))


def issue_rows(predictions: Predictions, rows: list[int]) -> list[int]:
    """Those of the rows whose label is doubtful, the surest first."""
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise missing_extra("report", "finding wrong labels") from error
    probabilities = predictions.probabilities[rows]
    probabilities = probabilities / probabilities.sum(1, keepdims=True)  # they were written with six digits
    with catch_warnings():
        simplefilter("ignore")  # of one clip of a class nothing can be said
        order = find_label_issues(
            labels=predictions.targets[rows],
            pred_probs=probabilities,
            filter_by="confident_learning",
            return_indices_ranked_by="normalized_margin",
            n_jobs=1,
        )
    return [rows[index] for index in np.asarray(order).tolist()]
