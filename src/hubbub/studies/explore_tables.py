"""An exploration as tables: one line a clip, one a class, one a category, and the totals with what is worth a look."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from hubbub.studies.explore import Exploration, categories

#: Columns of the table of clips that `Facts` gives, with their names for people.
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


def clip_table(found: Exploration) -> list[TableValues]:
    """One line a clip; a figure that an unreadable one lacks is None."""
    kinds = categories(found.dataset.labels)
    rows = []
    for clip, facts in zip(found.clips, found.facts, strict=True):
        measures = {name: None if facts.problem else _number(getattr(facts, name)) for name in MEASURES}
        row: TableValues = {"clip": clip.id, "class": clip.label, "category": kinds.get(clip.label, "")}
        row |= {"recording": clip.group, "fold": clip.fold, "format": facts.format, "subtype": facts.subtype}
        rows.append(row | {"size": facts.size, **measures, "samples": facts.samples, "problem": facts.problem})
    return rows


def class_table(found: Exploration) -> list[TableValues]:
    """One line a class: its number of clips, quartiles of what it sounds like, its most and least typical clip."""
    kinds = categories(found.dataset.labels)
    listed = Counter(clip.label for clip in found.clips)
    groups: dict[str, set[str]] = {label: set() for label in found.dataset.labels}
    for clip in found.clips:
        groups[clip.label].add(clip.group)
    rows = []
    for label, numbers in found.by_class.items():
        row: TableValues = {"class": label, "category": kinds.get(label, ""), "clips": listed[label]}
        row |= {"recordings": len(groups[label]), "unreadable": listed[label] - len(numbers)}
        for name in SPREAD:
            row |= _quartiles(name, values(found, name, numbers))
        row["silence"] = _mean([found.facts[number].silence for number in numbers])
        row["padded"] = sum(found.facts[number].silence >= PADDED for number in numbers)
        typical = found.typical[label]
        row["typical"] = found.clips[typical[0]].id if typical else None
        row["least_typical"] = found.clips[typical[-1]].id if len(typical) > 1 else None
        rows.append(row)
    return rows


def values(found: Exploration, name: str, numbers: Sequence[int]) -> list[float]:
    """A measure of those clips that have it; of `SPREAD`, digital silence has only a duration."""
    kept = (found.facts[number] for number in numbers)
    return [getattr(one, name) for one in kept if name == "duration" or name not in SPREAD or not one.silent]


def category_table(found: Exploration) -> list[TableValues]:
    """One line a category of ESC-50, if the classes are its: classes and clips."""
    kinds = categories(found.dataset.labels)
    clips = Counter(kinds[clip.label] for clip in found.clips) if kinds else Counter()
    return [
        {"category": kind, "classes": sum(one == kind for one in kinds.values()), "clips": clips[kind]}
        for kind in dict.fromkeys(kinds.values())
    ]


def totals(found: Exploration) -> TableValues:
    """What there is of everything."""
    readable = [found.facts[number] for number in found.readable]
    durations = [facts.duration for facts in readable]
    return {
        "name": found.dataset.name,
        "title": found.dataset.title,
        "licence": found.dataset.licence,
        "clips": len(found.clips),
        "classes": len(found.dataset.labels),
        "recordings": len({clip.group for clip in found.clips}),
        "folds": len(found.dataset.folds),
        "hours": sum(durations) / 3600,
        "shortest": min(durations, default=None),
        "longest": max(durations, default=None),
        "missing": sum(facts.missing for facts in found.facts),
        "unreadable": sum(bool(facts.problem) and not facts.missing for facts in found.facts),
        "silent": sum(facts.silent for facts in readable),
        "duplicates": sum(len(group) - 1 for group in found.duplicates),
        "clipped": sum(facts.clipped >= CLIPPED for facts in readable),
        "offset": sum(abs(facts.offset) >= OFFSET for facts in readable),
        "padded": sum(facts.silence >= PADDED and not facts.silent for facts in readable),
        "narrow": sum(facts.bandwidth < NARROW * facts.rate / 2 for facts in readable if not facts.silent),
        "rates": _counts(facts.rate for facts in readable),
        "channels": _counts(facts.channels for facts in readable),
        "formats": _counts(f"{facts.format} {facts.subtype}" for facts in readable),
    }


def remarks(found: Exploration) -> list[str]:
    """What a careful engineer would say of the totals, the gravest first; nothing if there is nothing to say."""
    total = totals(found)
    sizes = [len(numbers) for numbers in found.by_class.values()]
    few = sum(size < 10 for size in sizes)
    said: list[tuple[Any, str]] = [
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
    lines = [text.format(_clips(count)) for count, text in said if count]
    if len(sizes) == 1:
        lines.append("one class only: there is nothing to tell apart")
    elif min(sizes) * 3 < max(sizes):
        lines.append(f"classes are uneven: from {min(sizes):,} to {max(sizes):,} clips that can be heard")
    if few and len(sizes) > 1:
        named = "1 class has" if few == 1 else f"{few:,} classes have"
        lines.append(f"{named} fewer than 10 clips: too few to test on")
    for what, kinds in (("sampling rates", total["rates"]), ("numbers of channels", total["channels"])):
        if len(kinds) > 1:
            lines.append(f"several {what}: " + ", ".join(f"{kind} ({count:,})" for kind, count in kinds.items()))
    if total["recordings"] == total["clips"] > 1:
        lines.append("no source recordings are known: clips cut from one recording may end on both sides of a split")
    return lines


def facts(found: Exploration) -> TableValues:
    """All tables, ready for JSON."""
    return {
        "totals": totals(found),
        "remarks": remarks(found),
        "duplicates": [[found.clips[number].id for number in group] for group in found.duplicates],
        "categories": category_table(found),
        "classes": class_table(found),
        "clips": clip_table(found),
    }


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count:,} clips"


def _counts(values: Any) -> dict[str, int]:
    return {str(value): count for value, count in Counter(values).most_common()}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _quartiles(name: str, values: Sequence[float]) -> TableValues:
    """Lower quartile, median and upper quartile of what is finite; None of nothing."""
    keys = (f"{name}_q1", name, f"{name}_q3")
    known = [value for value in values if np.isfinite(value)]
    found = np.percentile(known, [25, 50, 75]).tolist() if known else [None] * 3
    return dict(zip(keys, found, strict=True))


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
