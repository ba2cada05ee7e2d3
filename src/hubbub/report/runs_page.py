"""The page that sets runs side by side: the first is the baseline, the others are measured against it."""

from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import UsageError
from hubbub.formatting import UNKNOWN, label
from hubbub.report.playlist import LocalClips
from hubbub.report.run_page import Written, curve_rows, reliability_rows
from hubbub.runs import provenance
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.comparison import Pairing, pair
from hubbub.runs.run import Run
from hubbub.types import Bools, Doubles, Progress, no_progress
from hubbub.web import page
from hubbub.web.sounds import Sounds

MOST = 8  #: runs, since there are no more colours that everyone can tell apart
_MOST_LISTED = 2000  # clips of each kind
_LISTS = ("only_second", "only_first", "neither")


def write(
    path: Path,
    runs: Sequence[Run],
    dataset: str | None = None,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Written:
    """Write the page of two runs or more, whole or not at all.

    Arguments and errors as `hubbub.report.run_page.write`; DataError also for runs that share no test clips with the
    same labels, UsageError for more than `MOST`.
    """
    if len(runs) > MOST:
        raise UsageError(f"{len(runs)} runs are too many for one page: give at most {MOST}")
    page.require()
    evidences = [RunAnalysis.of(run) for run in runs]
    first = evidences[0]
    pairings = [pair(first, other) for other in evidences[1:]]
    local, sounds = LocalClips.find(first, dataset), Sounds()
    differences = [differing(pairing) for pairing in pairings]
    data = {
        "labels": [label(name) for name in first.labels],
        "runs": [_run_data(evidence) for evidence in evidences],
        "pairings": differences,
    }
    local.add_sounds(_clips_to_hear(differences), sounds, jobs, progress("sounds"))
    title = f"{evidences[1].name} against {first.name}" if len(runs) == 2 else f"{len(runs)} runs side by side"
    page.write(path, "runs.html", title, data, sounds, **content(evidences, pairings, local))
    return Written(path.stat().st_size, len(sounds), local.problem)


def content(evidences: Sequence[RunAnalysis], pairings: Sequence[Pairing], local: LocalClips) -> dict[str, Any]:
    """What the template shows."""
    return {
        "runs": list(zip(evidences, [None, *pairings], strict=True)),
        "axis": _axis(evidences),
        "classes": class_rows(pairings),
        "facts": facts(evidences),
        "notes": notes(evidences, pairings, local),
        "curves": any(_curves(evidence.run) for evidence in evidences),
    }


def differing(pairing: Pairing) -> dict[str, Any]:
    """The shared clips that one run alone names right, or neither, for the page's script.

    `only_second`, `only_first` and `neither` are lists of [clip, true class, class predicted by the first, its
    probability, class predicted by the second, its probability], the most confident mistakes first; `both` counts the
    rest.
    """
    first_right, second_right = pairing.rights
    chosen = {
        "only_second": second_right & ~first_right,
        "only_first": first_right & ~second_right,
        "neither": ~first_right & ~second_right,
        "both": first_right & second_right,
    }
    first = pairing.first.confidence[pairing.places[0]]
    second = pairing.second.confidence[pairing.places[1]]
    mistaken = {"only_second": first, "only_first": second, "neither": first}  # whose confidence orders each list
    return {
        "first": pairing.first.name,
        "second": pairing.second.name,
        "counts": {name: int(mask.sum()) for name, mask in chosen.items()},
        **{name: _rows(pairing, chosen[name], mistaken[name]) for name in _LISTS},
    }


def class_rows(pairings: Sequence[Pairing]) -> list[dict[str, Any]]:
    """Of each class its category, its clips and recall in the first run, and recall and change of the others.

    Those are on the clips that the first and the other share; None where there are none.
    """
    recalls = [pairing.recalls() for pairing in pairings]
    rows = []
    for number, baseline in enumerate(pairings[0].first.classes):
        others = []
        for _, before, after in (table[number] for table in recalls):
            change = None if before is None or after is None else after - before
            others.append({"recall": after, "change": change})
        rows.append({"baseline": baseline, "others": others})
    return rows


def facts(evidences: Sequence[RunAnalysis]) -> list[dict[str, Any]]:
    """What is on record of each run, a row a fact: its name, a value for each run, and whether they differ."""
    tables = [dict(provenance.details(evidence.run)) for evidence in evidences]
    names = dict.fromkeys(chain.from_iterable(tables))
    rows = [(name, [table.get(name, UNKNOWN) for table in tables]) for name in names]
    return [{"name": name, "values": values, "differ": len(set(values)) > 1} for name, values in rows]


def notes(evidences: Sequence[RunAnalysis], pairings: Sequence[Pairing], local: LocalClips) -> list[str]:
    """What the reader must know before comparing, one sentence a line."""
    lines = []
    for pairing in pairings:
        tested = {len(evidence.predictions.clips) for evidence in (pairing.first, pairing.second)}
        if tested != {pairing.clips}:
            lines.append(
                f"{pairing.second.name} and {pairing.first.name} were not tested on the same clips: they are compared"
                f" on the {pairing.clips:,} that both tested; headline figures are each run's own."
            )
    if len({str(evidence.record.split) for evidence in evidences}) > 1:
        splits = "; ".join(f"{evidence.name}: {evidence.record.split}" for evidence in evidences)
        lines.append(f"The runs were split in different ways: {splits}")
    if local.problem:
        lines.append(
            f"The dataset {local.dataset} is not on the machine that made this page: there is nothing to hear."
        )
    return lines


def _rows(pairing: Pairing, mask: Bools, confidence: Doubles) -> list[list[Any]]:
    """The first of the shared clips in `mask`, shape (clips,), in order of `confidence`."""
    chosen = np.flatnonzero(mask)
    chosen = chosen[np.argsort(-confidence[chosen], kind="stable")][:_MOST_LISTED]
    rows: list[list[Any]] = []
    for first, second in zip(*pairing.places[:, chosen], strict=True):
        row: list[Any] = [pairing.first.predictions.clips[first], int(pairing.first.predictions.targets[first])]
        for evidence, index in ((pairing.first, first), (pairing.second, second)):
            row += [int(evidence.predictions.predicted[index]), round(float(evidence.confidence[index]), 4)]
        rows.append(row)
    return rows


def _clips_to_hear(differences: Sequence[dict[str, Any]]) -> list[str]:
    """Clips of all lists in turn, so that each has its share of the room."""
    lists = [difference[name] for difference in differences for name in _LISTS]
    turns = chain.from_iterable(zip_longest(*lists))
    return list(dict.fromkeys(row[0] for row in turns if row is not None))


def _run_data(evidence: RunAnalysis) -> dict[str, Any]:
    """What the page's script draws of one run."""
    reliability = reliability_rows(evidence.bins())
    return {"name": evidence.name, "curves": _curves(evidence.run), "reliability": reliability}


def _curves(run: Run) -> list[dict[str, Any]]:
    """Of the run, or of its folds: a final model is trained on other clips."""
    rows = curve_rows(run)
    return [row for row in rows if row["name"] != "final" or len(rows) == 1]


def _axis(evidences: Sequence[RunAnalysis]) -> tuple[float, float]:
    """Ends of an axis that holds all intervals, in steps of 5 points."""
    ends = [end for evidence in evidences if evidence.test for end in evidence.test["interval"]]
    return max(0.0, np.floor(20 * min(ends) - 0.2) / 20), min(1.0, np.ceil(20 * max(ends) + 0.2) / 20)
