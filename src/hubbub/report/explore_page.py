"""The page of an exploration: what the files hold, how classes differ and sound, and maps whose points play."""

import math
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.studies import explore_tables
from hubbub.studies.explore import Exploration, flat_map, sample
from hubbub.studies.findings import BROKEN, findings
from hubbub.types import Progress, Track, no_progress
from hubbub.web import images, page
from hubbub.web.sounds import Sounds
from hubbub.workers import mapped

MOST_CLASSES = 120  #: whose clips are shown as pictures
MOST_ROWS = 1000  #: classes in the table
MOST_LISTED = 500  #: clips of a finding; the rest is counted
WORST = 12  #: of them that are sure to be heard
_HUES = 8  # colours of the page kit
_BINS = 32
_BRIGHT = (125, 250, 500, 1000, 2000, 4000, 8000, 16_000)  # Hz on the axis of brightness
_FAINTEST = -90.0  # dBFS at the left edge of the map
#: What is drawn of each measure: its name for people, and what it is multiplied by.
_HISTOGRAMS = {
    "duration": ("duration [s]", 1.0),
    "level": ("level [dBFS]", 1.0),
    "peak": ("peak [1 is full scale]", 1.0),
    "clipped": ("clipped [% of a clip]", 100.0),
    "offset": ("DC offset", 1.0),
    "silence": ("digital silence [% of a clip]", 100.0),
    "centroid": ("spectral centroid [kHz]", 1e-3),
    "bandwidth": ("bandwidth [kHz]", 1e-3),
    "crossings": ("zero crossings [1/s]", 1.0),
}


def write(path: Path, exploration: Exploration, jobs: int = 1, progress: Progress = no_progress) -> Sounds:
    """Write the page, whole or not at all.

    Args:
        path: of the page.
        exploration: what it shows.
        jobs: processes that encode sounds and draw pictures.
        progress: names a step, and shows how far it has come.

    Returns the sounds that the page plays. Raises RefusedError if the extra "report" is not installed.
    """
    shown, classes = shown_classes(exploration), explore_tables.class_table(exploration)
    points = sample(exploration.readable)
    longest = max((exploration.measurements[number].duration for number in exploration.readable), default=0.0)
    span = min(longest, images.SECONDS) or images.SECONDS
    sounds = Sounds()
    files = [
        (exploration.clips[number].id, exploration.clips[number].path)
        for number in clips_to_hear(exploration, shown, points)
    ]
    sounds.add_all(files, jobs, progress("sounds"))
    content = {
        "total": explore_tables.totals(exploration),
        "warnings": exploration.dataset.warnings,
        "findings": listed(exploration),
        "observations": explore_tables.observations(exploration),
        "categories": explore_tables.category_table(exploration),
        "classes": classes[:MOST_ROWS],
        "more_classes": max(0, len(classes) - MOST_ROWS),
        "histograms": histograms(exploration),
        "axes": axes(classes),
        "cards": cards(exploration, shown, span, jobs, progress("pictures")),
        "picture_axes": images.axes(span),
        "left_out": len(exploration.dataset.labels) - len(shown),
        "points": len(points),
        "mute": sum(exploration.clips[number].id not in sounds for number in points),
        "readable": len(exploration.readable),
        "known": len(exploration.in_training),
    }
    maps = {"energy": energy_map(exploration, points)}
    if (layout := flat_map(exploration.embeddings[list(points)])) is not None:
        maps["alike"] = _points(exploration, points, layout[:, 0], layout[:, 1])
    page.write(
        path, "explore.html", f"{exploration.dataset.title}: a look at the data", {"scatters": maps}, sounds, **content
    )
    return sounds


def shown_classes(exploration: Exploration) -> tuple[str, ...]:
    """Classes whose clips are shown as pictures: those that have a clip to show, the first `MOST_CLASSES`."""
    return tuple(label for label, numbers in exploration.by_class.items() if numbers)[:MOST_CLASSES]


def clips_to_hear(exploration: Exploration, shown: Sequence[str], points: Sequence[int]) -> list[int]:
    """Clips in the order in which the page takes them: on cards, the worst of each finding, then classes in turn."""
    cards_first = [number for label in shown for number in _ends(exploration.typical[label])]
    worst = [number for finding in findings(exploration) for number in finding.clips[:WORST]]
    drawn, readable = set(points), set(exploration.readable)
    queues = [
        [number for number in exploration.typical[label] if number in drawn] for label in exploration.dataset.labels
    ]
    turns = [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]
    return list(dict.fromkeys((*cards_first, *(number for number in worst if number in readable), *turns)))


def energy_map(exploration: Exploration, points: Sequence[int]) -> dict[str, Any]:
    """Energy against brightness: level across, spectral centroid on a logarithmic axis upwards."""
    clips = [exploration.measurements[number] for number in points]
    level = np.array([max(clip.level, _FAINTEST) for clip in clips])
    octave = np.log2([max(clip.centroid, 20.0) for clip in clips])
    ticks = {
        "xlabel": "level [dBFS]",
        "ylabel": "spectral centroid [kHz]",
        "xticks": [[value, str(value)] for value in range(-90, 1, 10)],
        "yticks": [[math.log2(hertz), f"{hertz / 1000:g}"] for hertz in _BRIGHT],
    }
    return _points(exploration, points, level, octave) | ticks


def histograms(exploration: Exploration) -> list[dict[str, Any]]:
    """How each measure is spread over the clips: bars from 0 to 1 high, their left edge to their right one."""
    rows = []
    for name, (title, factor) in _HISTOGRAMS.items():
        values = np.array(explore_tables.values(exploration, name, exploration.readable)) * factor
        if len(values):
            counts, _ = np.histogram(values, _BINS)
            bars = (counts / counts.max()).round(4).tolist()
            rows.append({"name": title, "bars": bars, "low": values.min(), "high": values.max(), "most": counts.max()})
    return rows


def axes(classes: Sequence[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """The span of each measure's quartiles over all classes, which the boxes in the table share."""
    spans = {}
    for name in explore_tables.SPREAD:
        known = [row[f"{name}_{side}"] for row in classes for side in ("q1", "q3") if row[name] is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        spans[name] = (low, high if high > low else low + 1)
    return spans


def cards(exploration: Exploration, shown: Sequence[str], span: float, jobs: int, track: Track) -> list[dict[str, Any]]:
    """For each class its most and its least typical clip, with log-mel and waveform `span` seconds wide."""
    numbers = [number for label in shown for number in _ends(exploration.typical[label])]
    paths = [exploration.clips[number].path for number in numbers]
    with closing(mapped(partial(images.logmel_and_waveform, seconds=span), paths, jobs)) as pictures:
        drawn = dict(zip(track(numbers), pictures, strict=True))
    rows = []
    for label in shown:
        ends = [(number, *drawn[number]) for number in _ends(exploration.typical[label])]
        clips = [
            {"id": exploration.clips[number].id, "picture": picture, "wave": wave} for number, picture, wave in ends
        ]
        rows.append({"label": label, "clips": clips})
    return rows


def listed(exploration: Exploration) -> list[dict[str, Any]]:
    """The findings, each with its first clips and what was measured of them, and how many more there are."""
    return [
        {
            "text": str(finding),
            "broken": finding.name in BROKEN,
            "clips": [
                {"clip": exploration.clips[number], "detail": detail}
                for number, detail in zip(finding.clips[:MOST_LISTED], finding.details, strict=False)
            ],
            "more": max(0, len(finding.clips) - MOST_LISTED),
        }
        for finding in findings(exploration)
    ]


def _ends(numbers: Sequence[int]) -> tuple[int, ...]:
    """The first and the last; the one if there is one."""
    return tuple(dict.fromkeys((*numbers[:1], *numbers[-1:])))


def _points(exploration: Exploration, numbers: Sequence[int], x: Any, y: Any) -> dict[str, Any]:
    """Clips as points for the page's maps, coloured by class where there are few, else by category, else all alike."""
    labels = exploration.dataset.labels
    kinds = {} if len(labels) <= _HUES else exploration.dataset.categories
    hues = list(dict.fromkeys(kinds.values())) if kinds else list(labels)[:_HUES]
    hue = [hues.index(kinds.get(label, label)) for label in labels] if len(hues) == len(labels) or kinds else []
    colours = dict(zip(labels, hue or [0] * len(labels), strict=True))
    clips = [exploration.clips[number] for number in numbers]
    drawn = {clip.label for clip in clips}
    groups = [label for label in labels if label in drawn]
    numbered = {name: index for index, name in enumerate(groups)}
    return {
        "x": np.round(x, 3).tolist(),
        "y": np.round(y, 3).tolist(),
        "group": [numbered[clip.label] for clip in clips],
        "groups": groups,
        "hue": [colours[label] for label in groups],
        "hues": hues if hue else [],
        "title": [clip.id for clip in clips],
        "sound": [clip.id for clip in clips],
    }
