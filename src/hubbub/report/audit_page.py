"""An audit as a page: the verdict, leaks to hear side by side, what gives classes away, labels that may be wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hubbub.data.dataset import Clip
from hubbub.errors import AudioError
from hubbub.formatting import label
from hubbub.report.audit_terminal import counted, notes, verdict, words
from hubbub.studies.audit import Audit
from hubbub.studies.leaks import Overlap
from hubbub.types import Track
from hubbub.web import images, page
from hubbub.web.sounds import Sounds

PICTURED = 40  #: overlaps, and as many label candidates, with pictures and players; the others are a table
LISTED = 500  #: overlaps of a table, and lines to copy; the others are counted
_CARDS = 6  # clips of one overlap that are shown
_BYTES = 12_000_000  # of sounds in the page


def write(path: Path, audit: Audit, track: Track = iter) -> Sounds:
    """Write the page of an audit, whole or not at all; what it plays.

    Raises RefusedError if Jinja2 or Pillow is not installed.
    """
    leaks = (*audit.open, *(overlap for overlap in audit.leaks if overlap.accepted))
    candidates = audit.labels.candidates if audit.labels else ()
    front, noted = leaks[:PICTURED], audit.noted[:PICTURED]
    shown = [placed.clip for overlap in (*front, *noted) for placed in overlap.clips[:_CARDS]]
    shown += [candidate.clip for candidate in candidates[:PICTURED]]
    span = images.span(clip.path for clip in shown)
    sounds, cards = _cards(shown, span, track)
    page.write(
        path,
        "audit.html",
        f"Audit of {audit.dataset}",
        sounds=sounds,
        audit=audit,
        verdict=verdict(audit),
        notes=list(notes(audit)),
        recordings=len({placed.clip.group for placed in audit.clips}),
        front=[_block(overlap) for overlap in front],
        others=[_row(overlap) for overlap in leaks[PICTURED:LISTED]],
        unlisted=max(0, len(leaks) - LISTED),
        noted=[_block(overlap) for overlap in noted],
        noted_words=counted(audit, audit.noted) if audit.noted else "",
        lines=[line for overlap in audit.open[:LISTED] for line in overlap.lines],
        cards=cards,
        picture_axes=images.axes(span),
        candidates=candidates[:LISTED],
        pictured=PICTURED,
        widest=max((guess.accuracy.high for guess in audit.shortcuts.guesses), default=1.0),
    )
    return sounds


def _cards(clips: Sequence[Clip], span: float, track: Track) -> tuple[Sounds, dict[str, dict[str, str]]]:
    """The sounds of clips, and their pictures by id, `span` seconds wide."""
    sounds, cards = Sounds(_BYTES), dict[str, dict[str, str]]()
    for clip in track(list({clip.id: clip for clip in clips}.values())):
        sounds.add(clip.id, clip.path)
        try:
            picture, wave = images.logmel_and_waveform(clip.path, span)
        except AudioError:  # it is shown without
            picture = wave = ""
        cards[clip.id] = {"picture": picture, "wave": wave}
    return sounds, cards


def _block(overlap: Overlap) -> dict[str, Any]:
    """A overlap for the template, with pictures."""
    return {
        "words": words(overlap),
        "accepted": overlap.accepted,
        "relabelled": overlap.relabelled,
        "clips": [
            {"id": placed.clip.id, "about": f"{', '.join(placed.parts)} · {label(placed.clip.label)}"}
            for placed in overlap.clips[:_CARDS]
        ],
        "more": max(0, len(overlap.clips) - _CARDS),
        "why": _why(overlap),
    }


def _row(overlap: Overlap) -> dict[str, Any]:
    """A overlap for the template, as a line of a table."""
    clips = [placed.clip.id for placed in overlap.clips]
    more = f" and {len(clips) - _CARDS:,} more" if len(clips) > _CARDS else ""
    return {
        "words": words(overlap),
        "accepted": overlap.accepted,
        "parts": ", ".join(overlap.parts),
        "clips": ", ".join(clips[:_CARDS]) + more,
        "labels": ", ".join(sorted({label(placed.clip.label) for placed in overlap.clips})),
    }


def _why(overlap: Overlap) -> str:
    """What the numbers of a near copy mean."""
    if not overlap.match:
        return ""
    lag, peak = overlap.match.lag, overlap.match.peak
    moment = f"{abs(lag):.2f} s later in the {'first' if lag > 0 else 'second'}"
    return f"It comes {'at the same moment in both' if abs(lag) < 0.005 else moment}; correlation peak {peak:.2f}."
