"""An exploration as tables: one line a clip, one a class, one a category, and the totals with what is worth a look."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from hubbub.studies.explore import Exploration

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

CLIPPED = 1e-3  #: share of clipped samples from which a clip is called clipped
OFFSET = 0.01  #: from which a DC offset is worth a look
PADDED = 0.01  #: share of digital silence from which a clip is called padded
NARROW = 0.75  #: share of half its rate under which a clip's bandwidth is called narrow

TableValues = dict[str, Any]


def clip_table(exploration: Exploration) -> list[TableValues]:
    """One line a clip; a figure that an unreadable one lacks is None."""
    kinds = exploration.dataset.categories
    rows = []
    for clip, measured in zip(exploration.clips, exploration.measurements, strict=True):
        measures = {name: None if measured.problem else _finite(getattr(measured, name)) for name in MEASURES}
        row: TableValues = {"clip": clip.id, "class": clip.label, "category": kinds.get(clip.label, "")}
        row |= {"recording": clip.group, "fold": clip.fold, "format": measured.format, "subtype": measured.subtype}
        rows.append(row | {"size": measured.size, **measures, "samples": measured.samples, "problem": measured.problem})
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
        "missing": sum(measured.missing for measured in exploration.measurements),
        "unreadable": sum(bool(measured.problem) and not measured.missing for measured in exploration.measurements),
        "silent": sum(measured.silent for measured in readable),
        "duplicates": sum(len(group) - 1 for group in exploration.duplicates),
        "clipped": sum(measured.clipped >= CLIPPED for measured in readable),
        "offset": sum(abs(measured.offset) >= OFFSET for measured in readable),
        "padded": sum(measured.silence >= PADDED and not measured.silent for measured in readable),
        "narrow": sum(measured.bandwidth < NARROW * measured.rate / 2 for measured in readable if not measured.silent),
        "rates": _counts(measured.rate for measured in readable),
        "channels": _counts(measured.channels for measured in readable),
        "formats": _counts(f"{measured.format} {measured.subtype}" for measured in readable),
    }


def remarks(exploration: Exploration) -> list[str]:
    """What a careful engineer would say of the totals, the gravest first; nothing if there is nothing to say."""
    total = totals(exploration)
    sizes = [len(numbers) for numbers in exploration.by_class.values()]
    few = sum(size < 10 for size in sizes)
    counted: list[tuple[int, str]] = [
        (total["missing"], "{0} listed but not there"),
        (total["unreadable"], "{0} cannot be read"),
        (total["duplicates"], "{0} with the very samples of another clip: they must not be on both sides of a split"),
        (total["silent"], "{0} of nothing but digital silence"),
        (
            total["padded"],
            f"{{0}} with digital silence ({PADDED:.0%} of the clip or more): a model may learn the padding",
        ),
        (total["clipped"], f"{{0}} clipped ({CLIPPED:.1%} of the samples or more are cut off at the peak)"),
        (total["offset"], f"{{0}} with a DC offset of {OFFSET:g} or more"),
        (total["narrow"], f"{{0}} with a bandwidth under {NARROW:.0%} of what their rate allows"),
    ]
    lines = [text.format("1 clip" if count == 1 else f"{count:,} clips") for count, text in counted if count]
    if len(sizes) == 1:
        lines.append("one class only: there is nothing to tell apart")
    elif min(sizes) * 3 < max(sizes):
        lines.append(f"classes are uneven: from {min(sizes):,} to {max(sizes):,} clips that can be heard")
    if few and len(sizes) > 1:
        subject = "1 class has" if few == 1 else f"{few:,} classes have"
        lines.append(f"{subject} fewer than 10 clips: too few to test on")
    for name, counts in (("sampling rates", total["rates"]), ("numbers of channels", total["channels"])):
        if len(counts) > 1:
            lines.append(f"several {name}: " + ", ".join(f"{value} ({count:,})" for value, count in counts.items()))
    if total["recordings"] == total["clips"] > 1:
        lines.append("no source recordings are known: clips cut from one recording may end on both sides of a split")
    return lines


def to_dict(exploration: Exploration) -> TableValues:
    """All tables, ready for JSON."""
    return {
        "totals": totals(exploration),
        "remarks": remarks(exploration),
        "duplicates": [[exploration.clips[number].id for number in group] for group in exploration.duplicates],
        "categories": category_table(exploration),
        "classes": class_table(exploration),
        "clips": clip_table(exploration),
    }


def _counts(values: Any) -> dict[str, int]:
    return {str(value): count for value, count in Counter(values).most_common()}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _quartiles(name: str, values: Sequence[float]) -> TableValues:
    """Lower quartile, median and upper quartile of what is finite; None of nothing."""
    keys = (f"{name}_q1", name, f"{name}_q3")
    numbers = [value for value in values if np.isfinite(value)]
    quartiles = np.percentile(numbers, [25, 50, 75]).tolist() if numbers else [None] * 3
    return dict(zip(keys, quartiles, strict=True))
