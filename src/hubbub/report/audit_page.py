"""An audit as a page: the verdict, leaks to hear side by side, what gives classes away, labels that may be wrong."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from hubbub.data.dataset import Clip
from hubbub.errors import AudioError
from hubbub.report.audit_terminal import counted, notes, span, verdict, words
from hubbub.studies.audit import Audit
from hubbub.studies.leaks import Overlap, SplitClip
from hubbub.web import images, page
from hubbub.web.sounds import Sounds

PICTURED = 40  #: findings, and as many label candidates, with pictures and players; the others are a table
LISTED = 500  #: findings of a table, and lines to copy; the others are counted
_CARDS = 6  # clips of one finding that are shown
_BYTES = 12_000_000  # of sounds in the page

Track = Callable[[Sequence[Any]], Iterable[Any]]


def write(path: Path, found: Audit, track: Track = iter) -> Sounds:
    """Write the page of an audit, whole or not at all; what it plays.

    Raises RefusedError if Jinja2 or Pillow is not installed.
    """
    leaks = (*found.open, *(one for one in found.leaks if one.accepted))
    doubtful = found.labels.candidates if found.labels else ()
    front, noted = leaks[:PICTURED], found.noted[:PICTURED]
    shown = [place.clip for one in (*front, *noted) for place in one.clips[:_CARDS]]
    sounds, cards = _cards([*shown, *(one.clip for one in doubtful[:PICTURED])], track)
    page.write(
        path,
        "audit.html",
        f"Audit of {found.dataset}",
        sounds=sounds,
        found=found,
        verdict=verdict(found),
        notes=list(notes(found)),
        recordings=len({place.clip.group for place in found.clips}),
        front=[_block(one) for one in front],
        others=[_row(one) for one in leaks[PICTURED:LISTED]],
        uncounted=max(0, len(leaks) - LISTED),
        noted=[_block(one) for one in noted],
        noted_words=counted(found, found.noted) if found.noted else "",
        lines=[line for one in found.open[:LISTED] for line in one.lines],
        cards=cards,
        doubtful=doubtful[:LISTED],
        pictured=PICTURED,
        guesses=[(one, span(one)) for one in found.shortcuts.guesses],
        widest=max((one.accuracy.high for one in found.shortcuts.guesses), default=1.0),
    )
    return sounds


def _cards(clips: Sequence[Clip], track: Track) -> tuple[Sounds, dict[str, dict[str, str]]]:
    """The sounds of clips, and their pictures by id."""
    sounds, cards = Sounds(_BYTES), dict[str, dict[str, str]]()
    for clip in track(list({clip.id: clip for clip in clips}.values())):
        sounds.add(clip.id, clip.path)
        cards[clip.id] = _pictures(clip.path)
    return sounds, cards


def _pictures(path: Path) -> dict[str, str]:
    """Of the beginning of a file; none of one that does not decode."""
    try:
        picture, wave = images.drawn(path)
    except AudioError:
        picture = wave = ""
    return {"picture": picture, "wave": wave}


def _block(finding: Overlap) -> dict[str, Any]:
    """A finding for the template."""
    return {
        "words": words(finding),
        "accepted": finding.accepted,
        "relabelled": finding.relabelled,
        "places": [_place(place) for place in finding.clips[:_CARDS]],
        "more": max(0, len(finding.clips) - _CARDS),
        "why": _why(finding),
    }


def _row(finding: Overlap) -> dict[str, Any]:
    clips = [place.clip.id for place in finding.clips]
    shown = ", ".join(clips[:_CARDS]) + (f" and {len(clips) - _CARDS:,} more" if len(clips) > _CARDS else "")
    return {
        "words": words(finding),
        "accepted": finding.accepted,
        "parts": ", ".join(finding.parts),
        "clips": shown,
        "labels": ", ".join(sorted({place.clip.label.replace("_", " ") for place in finding.clips})),
    }


def _place(place: SplitClip) -> dict[str, str]:
    label = place.clip.label.replace("_", " ")
    return {"clip": place.clip.id, "about": f"{', '.join(place.parts)} · {label}"}


def _why(finding: Overlap) -> str:
    """What the numbers of a near copy mean."""
    if not finding.match:
        return ""
    lag, peak = finding.match.lag, finding.match.peak
    moment = f"{abs(lag):.2f} s later in the {'first' if lag > 0 else 'second'}"
    return f"It comes {'at the same moment in both' if abs(lag) < 0.005 else moment}; correlation peak {peak:.2f}."
