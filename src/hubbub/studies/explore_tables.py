"""An exploration as tables: one line a clip, one a class, one a category, and the totals with what is worth a look."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from hubbub.studies.explore import Exploration
from hubbub.studies.findings import COUNTED, PADDED, findings

#: Columns of the table of clips that `Measurements` gives, with their names for people.
MEASURES = {
    "duration": "duration [s]",
    "rate": "rate [Hz]",
    "channels": "channels",
    "peak": "peak",
    "level": "level [dBFS]",
    "offset": "DC offset",
    "clipped": "clipped",
    "silence": "digital silence",
    "lead": "silence before [s]",
    "tail": "silence after [s]",
    "bandwidth": "bandwidth [Hz]",
    "crossings": "zero crossings [1/s]",
    "centroid": "spectral centroid [Hz]",
}
#: Of which a class's quartiles are given; digital silence has a duration, and none of the others.
SPREAD = ("duration", "level", "centroid", "crossings", "bandwidth")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: What is said of a dataset in which every clip is a recording of its own.
NO_RECORDINGS = "no source recordings are known: clips cut from one recording may end on both sides of a split"

TableValues = dict[str, Any]


def clip_table(exploration: Exploration) -> list[TableValues]:
    """One line a clip; a figure that an unreadable one lacks is None."""
    kinds = exploration.dataset.categories
    rows = []
    for clip, measured in zip(exploration.clips, exploration.measurements, strict=True):
        measures = {name: None if measured.problem else _finite(getattr(measured, name)) for name in MEASURES}
        row: TableValues = {"clip": clip.id, "class": clip.label, "category": kinds.get(clip.label, "")}
        row |= {"recording": clip.group, "fold": clip.fold, "format": measured.format, "subtype": measured.subtype}
        rows.append(
            row
            | {
                "size": measured.size,
                **measures,
                "samples": measured.samples,
                "problem": measured.problem,
                "warnings": "; ".join(measured.warnings),
            }
        )
    return rows


def class_table(exploration: Exploration) -> list[TableValues]:
    """One line a class: its number of clips, quartiles of what it sounds like, its most and least typical clip."""
    kinds = exploration.dataset.categories
    listed = Counter(clip.label for clip in exploration.clips)
    groups: dict[str, set[str]] = {label: set() for label in exploration.dataset.labels}
    for clip in exploration.clips:
        groups[clip.label].add(clip.group)
    rows = []
    for label, numbers in exploration.by_class.items():
        row: TableValues = {"class": label, "category": kinds.get(label, ""), "clips": listed[label]}
        row |= {"recordings": len(groups[label]), "unreadable": listed[label] - len(numbers)}
        for name in SPREAD:
            row |= _quartiles(name, values(exploration, name, numbers))
        silences = [exploration.measurements[number].silence for number in numbers]
        row["silence"] = float(np.mean(silences)) if silences else None
        row["padded"] = sum(silence >= PADDED for silence in silences)
        typical = exploration.typical[label]
        row["typical"] = exploration.clips[typical[0]].id if typical else None
        row["least_typical"] = exploration.clips[typical[-1]].id if len(typical) > 1 else None
        rows.append(row)
    return rows


def values(exploration: Exploration, name: str, numbers: Sequence[int]) -> list[float]:
    """A measure of those clips that have it; of `SPREAD`, digital silence has only a duration."""
    measured = [exploration.measurements[number] for number in numbers]
    return [getattr(clip, name) for clip in measured if name == "duration" or name not in SPREAD or not clip.silent]


def category_table(exploration: Exploration) -> list[TableValues]:
    """One line a category of ESC-50, if the classes are its: classes and clips."""
    kinds = exploration.dataset.categories
    clips = Counter(kinds[clip.label] for clip in exploration.clips) if kinds else Counter()
    return [
        {"category": kind, "classes": list(kinds.values()).count(kind), "clips": clips[kind]}
        for kind in dict.fromkeys(kinds.values())
    ]


def totals(exploration: Exploration) -> TableValues:
    """What there is of everything."""
    readable = [exploration.measurements[number] for number in exploration.readable]
    durations = [measured.duration for measured in readable]
    numbers = {finding.name: len(finding.clips) for finding in findings(exploration)}
    return {
        "name": exploration.dataset.name,
        "title": exploration.dataset.title,
        "licence": exploration.dataset.licence,
        "clips": len(exploration.clips),
        "classes": len(exploration.dataset.labels),
        "recordings": len({clip.group for clip in exploration.clips}),
        "folds": len(exploration.dataset.folds),
        "hours": sum(durations) / 3600,
        "shortest": min(durations, default=None),
        "longest": max(durations, default=None),
        **{name: numbers.get(name, 0) for name in COUNTED},
        "rates": _counts(measured.rate for measured in readable),
        "channels": _counts(measured.channels for measured in readable),
        "formats": _counts(f"{measured.format} {measured.subtype}" for measured in readable),
    }


def remarks(exploration: Exploration) -> list[str]:
    """What a careful engineer would say, a line each: what was not read, then `findings`, then `observations`."""
    return [*exploration.dataset.warnings, *map(str, findings(exploration)), *observations(exploration)]


def observations(exploration: Exploration) -> list[str]:
    """What is to be said of the dataset as a whole: balance, formats, recordings; nothing if there is nothing."""
    total = totals(exploration)
    sizes = [len(numbers) for numbers in exploration.by_class.values()]
    few = sum(size < 10 for size in sizes)
    lines = []
    if len(sizes) == 1:
        lines.append("one class only: there is nothing to tell apart")
    elif min(sizes) * 3 < max(sizes):
        lines.append(f"classes are uneven: from {min(sizes):,} to {max(sizes):,} clips that can be heard")
    if few and len(sizes) > 1:
        subject = "1 class has" if few == 1 else f"{few:,} classes have"
        lines.append(f"{subject} fewer than 10 clips: too few to test on")
    for name, counts in (("sampling rates", total["rates"]), ("numbers of channels", total["channels"])):
        if len(counts) > 1:
            lines.append(f"several {name}: " + ", ".join(f"{value} ({clips:,})" for value, clips in counts.items()))
    if total["recordings"] == total["clips"] > 1:
        lines.append(NO_RECORDINGS)
    return lines


def to_dict(exploration: Exploration) -> TableValues:
    """All tables, ready for JSON."""
    return {
        "totals": totals(exploration),
        "remarks": remarks(exploration),
        "findings": {
            finding.name: [exploration.clips[number].id for number in finding.clips]
            for finding in findings(exploration)
        },
        "duplicates": [[exploration.clips[number].id for number in group] for group in exploration.duplicates],
        "categories": category_table(exploration),
        "classes": class_table(exploration),
        "clips": clip_table(exploration),
    }


def _counts(values: Any) -> dict[str, int]:
    return {str(value): count for value, count in Counter(values).most_common()}


def spreadsheet_row(row: TableValues) -> list[Any]:
    """The cells of a row for a CSV file that people open in a spreadsheet: a name that it would run is quoted.

    Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula; a name that
    does gets a `'` in front, and numbers stay numbers (OWASP, "CSV Injection").

    >>> spreadsheet_row({"clip": "=1+1.wav", "offset": -0.1})
    ["'=1+1.wav", -0.1]
    """
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row.values()]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _quartiles(name: str, values: Sequence[float]) -> TableValues:
    """Lower quartile, median and upper quartile of what is finite; None of nothing."""
    keys = (f"{name}_q1", name, f"{name}_q3")
    numbers = [value for value in values if np.isfinite(value)]
    quartiles = np.percentile(numbers, [25, 50, 75]).tolist() if numbers else [None] * 3
    return dict(zip(keys, quartiles, strict=True))
