"""The page that sets runs side by side: the first is the baseline, the others are measured against it."""

from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import UsageError
from hubbub.report.playlist import Shelf, Track
from hubbub.report.run_page import Written, curve_data, reliability_data
from hubbub.runs import curves, provenance
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.comparison import Pairing, pair
from hubbub.runs.run import Run
from hubbub.web import page
from hubbub.web.sounds import Sounds

MOST = 8  #: runs, since there are no more colours that everyone can tell apart
_MOST_LISTED = 2000  # clips of each kind


def write(
    path: Path,
    runs: Sequence[Run],
    dataset: str | None = None,
    jobs: int = 1,
    track: Callable[[str], Track] = lambda _: iter,
) -> Written:
    """Write the page of two runs or more, whole or not at all.

    Arguments and errors as `hubbub.report.run_page.write`; DataError also for runs that share no test clips with the
    same labels, UsageError for more than `MOST`.
    """
    if len(runs) > MOST:
        raise UsageError(f"{len(runs)} runs are too many for one page: give at most {MOST}")
    page.require()
    found = [RunAnalysis.of(run) for run in runs]
    pairings = [pair(found[0], other) for other in found[1:]]
    shelf, sounds = Shelf.find(found[0], dataset), Sounds()
    data: dict[str, Any] = {
        "labels": [label.replace("_", " ") for label in found[0].labels],
        "runs": [_drawn(one) for one in found],
    }
    data |= {"pairings": [differing(pairing) for pairing in pairings]}
    shelf.put(_worth_hearing(data["pairings"]), sounds, jobs, track("sounds"))
    page.write(path, "runs.html", _title(found), data, sounds, **content(found, pairings, shelf))
    return Written(path.stat().st_size, len(sounds), shelf.problem)


def content(found: Sequence[RunAnalysis], pairings: Sequence[Pairing], shelf: Shelf) -> dict[str, Any]:
    """What the template shows."""
    return {
        "runs": [(one, pairing) for one, pairing in zip_longest(found, [None, *pairings])],
        "span": _axis(found),
        "pairings": pairings,
        "classes": class_rows(pairings),
        "facts": facts(found),
        "notes": notes(found, pairings, shelf),
        "curves": any(_curves(one.run) for one in found),
    }


def differing(pairing: Pairing) -> dict[str, Any]:
    """The shared clips that one run alone names right, or neither, for the page's script.

    `only_second`, `only_first` and `neither` are lists of [clip, true class, named by the first, its probability, named
    by the second, its probability], the most confident mistakes first; `both` counts the rest.
    """
    one, two = pairing.rights
    clips = {
        "only_second": _rows(pairing, two & ~one, pairing.first.confidence[pairing.places[0]]),
        "only_first": _rows(pairing, one & ~two, pairing.second.confidence[pairing.places[1]]),
        "neither": _rows(pairing, ~one & ~two, pairing.first.confidence[pairing.places[0]]),
    }
    counts = {"only_second": two & ~one, "only_first": one & ~two, "neither": ~one & ~two, "both": one & two}
    return {
        "first": pairing.first.name,
        "second": pairing.second.name,
        "counts": {name: int(held.sum()) for name, held in counts.items()},
        **clips,
    }


def class_rows(pairings: Sequence[Pairing]) -> list[dict[str, Any]]:
    """Of each class its category, its clips and recall in the first run, and recall and change of the others.

    Those are on the clips that the first and the other share; None where there are none.
    """
    first = pairings[0].first
    others = [pairing.recalls() for pairing in pairings]
    rows = []
    for number, one in enumerate(first.classes):
        changes = []
        for recalls in others:
            _, before, after = recalls[number]
            change = None if before is None or after is None else after - before
            changes.append({"recall": after, "change": change})
        rows.append({"one": one, "others": changes})
    return rows


def facts(found: Sequence[RunAnalysis]) -> list[dict[str, Any]]:
    """What is on record of each run, a row a fact: its name, a value for each run, and whether they differ."""
    tables = [dict(provenance.details(one.run)) for one in found]
    names = dict.fromkeys(chain.from_iterable(tables))
    rows = [(name, [table.get(name, "–") for table in tables]) for name in names]
    return [{"name": name, "values": values, "differ": len(set(values)) > 1} for name, values in rows]


def notes(found: Sequence[RunAnalysis], pairings: Sequence[Pairing], shelf: Shelf) -> list[str]:
    """What the reader must know before comparing, one sentence a line."""
    said = []
    for pairing in pairings:
        tested = {len(side.predictions.clips) for side in (pairing.first, pairing.second)}
        if tested != {pairing.clips}:
            said.append(
                f"{pairing.second.name} and {pairing.first.name} were not tested on the same clips: they are compared"
                f" on the {pairing.clips:,} that both tested; headline figures are each run's own."
            )
    if len({str(one.record.split) for one in found}) > 1:
        said.append(
            "The runs were split in different ways: " + "; ".join(f"{one.name}: {one.record.split}" for one in found)
        )
    if shelf.problem:
        said.append(f"The dataset {shelf.dataset} is not on the machine that made this page: there is nothing to hear.")
    return said


def _rows(pairing: Pairing, held: np.ndarray, confidence: np.ndarray) -> list[list[Any]]:
    where = np.flatnonzero(held)
    where = where[np.argsort(-confidence[where], kind="stable")][:_MOST_LISTED]
    rows: list[list[Any]] = []
    for one, two in zip(*pairing.places[:, where], strict=True):
        row: list[Any] = [pairing.first.predictions.clips[one], int(pairing.first.predictions.targets[one])]
        for side, place in ((pairing.first, one), (pairing.second, two)):
            row += [int(side.predictions.predicted[place]), round(float(side.confidence[place]), 4)]
        rows.append(row)
    return rows


def _worth_hearing(pairings: Sequence[dict[str, Any]]) -> list[str]:
    """Clips of all lists in turn, so that each has its share of the room."""
    lists = [pairing[name] for pairing in pairings for name in ("only_second", "only_first", "neither")]
    turns = chain.from_iterable(zip_longest(*lists))
    return list(dict.fromkeys(row[0] for row in turns if row is not None))


def _title(found: Sequence[RunAnalysis]) -> str:
    return f"{found[1].name} against {found[0].name}" if len(found) == 2 else f"{len(found)} runs side by side"


def _drawn(found: RunAnalysis) -> dict[str, Any]:
    return {"name": found.name, "curves": _curves(found.run), "reliability": reliability_data(found.bins())}


def _curves(run: Run) -> list[dict[str, Any]]:
    """Of the run, or of its folds: a final model is trained on other clips."""
    parts = [part for part in curves.parts(run) if (part.folder / "epochs.csv").is_file()]
    folds = [part for part in parts if part.folder.name != "final" or len(parts) == 1]
    return [curve_data(part.folder.resolve().name, curves.curves(part)) for part in folds]


def _axis(found: Sequence[RunAnalysis]) -> tuple[float, float]:
    """Ends of an axis that holds all intervals, in steps of 5 points."""
    ends = [end for one in found if one.test for end in one.test["interval"]]
    return max(0.0, np.floor(20 * min(ends) - 0.2) / 20), min(1.0, np.ceil(20 * max(ends) + 0.2) / 20)
