"""An audit as a page: the verdict, leaks to hear side by side, what gives classes away, labels that may be wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hubbub.data.dataset import Clip
from hubbub.errors import AudioError
from hubbub.formatting import label
from hubbub.report.audit_terminal import counted, notes, verdict, words
from hubbub.studies.audit import Audit
from hubbub.studies.leaks import Finding
from hubbub.types import Track
from hubbub.web import images, page
from hubbub.web.sounds import Sounds

PICTURED = 40  #: findings, and as many label candidates, with pictures and players; the others are a table
LISTED = 500  #: findings of a table, and lines to copy; the others are counted
_CARDS = 6  # clips of one finding that are shown
_BYTES = 12_000_000  # of sounds in the page


def write(path: Path, audit: Audit, track: Track[Clip] = iter) -> Sounds:
    """Write the page of an audit, whole or not at all; what it plays.

    Raises RefusedError if Jinja2 or Pillow is not installed.
    """
    leaks = (*audit.open, *(finding for finding in audit.leaks if finding.accepted))
    candidates = audit.labels.candidates if audit.labels else ()
    front, noted = leaks[:PICTURED], audit.noted[:PICTURED]
    shown = [placed.clip for finding in (*front, *noted) for placed in finding.places[:_CARDS]]
    sounds, cards = _cards([*shown, *(candidate.clip for candidate in candidates[:PICTURED])], track)
    page.write(
        path,
        "audit.html",
        f"Audit of {audit.dataset}",
        sounds=sounds,
        audit=audit,
        verdict=verdict(audit),
        notes=list(notes(audit)),
        recordings=len({placed.clip.group for placed in audit.clips}),
        front=[_block(finding) for finding in front],
        others=[_row(finding) for finding in leaks[PICTURED:LISTED]],
        unlisted=max(0, len(leaks) - LISTED),
        noted=[_block(finding) for finding in noted],
        noted_words=counted(audit, audit.noted) if audit.noted else "",
        lines=[line for finding in audit.open[:LISTED] for line in finding.lines],
        cards=cards,
        candidates=candidates[:LISTED],
        pictured=PICTURED,
        widest=max((guess.accuracy.high for guess in audit.shortcuts.guesses), default=1.0),
    )
    return sounds


def _cards(clips: Sequence[Clip], track: Track[Clip]) -> tuple[Sounds, dict[str, dict[str, str]]]:
    """The sounds of clips, and their pictures by id."""
    sounds, cards = Sounds(_BYTES), dict[str, dict[str, str]]()
    for clip in track(list({clip.id: clip for clip in clips}.values())):
        sounds.add(clip.id, clip.path)
        try:
            picture, wave = images.logmel_and_waveform(clip.path)
        except AudioError:  # it is shown without
            picture = wave = ""
        cards[clip.id] = {"picture": picture, "wave": wave}
    return sounds, cards


def _block(finding: Finding) -> dict[str, Any]:
    """A finding for the template, with pictures."""
    return {
        "words": words(finding),
        "accepted": finding.accepted,
        "relabelled": finding.relabelled,
        "clips": [
            {"id": placed.clip.id, "about": f"{', '.join(placed.parts)} · {label(placed.clip.label)}"}
            for placed in finding.places[:_CARDS]
        ],
        "more": max(0, len(finding.places) - _CARDS),
        "why": _why(finding),
    }


def _row(finding: Finding) -> dict[str, Any]:
    """A finding for the template, as a line of a table."""
    clips = [placed.clip.id for placed in finding.places]
    more = f" and {len(clips) - _CARDS:,} more" if len(clips) > _CARDS else ""
    return {
        "words": words(finding),
        "accepted": finding.accepted,
        "parts": ", ".join(finding.parts),
        "clips": ", ".join(clips[:_CARDS]) + more,
        "labels": ", ".join(sorted({label(placed.clip.label) for placed in finding.places})),
    }


def _why(finding: Finding) -> str:
    """What the numbers of a near copy mean."""
    if not finding.match:
        return ""
    lag, peak = finding.match.lag, finding.match.peak
    moment = f"{abs(lag):.2f} s later in the {'first' if lag > 0 else 'second'}"
    return f"It comes {'at the same moment in both' if abs(lag) < 0.005 else moment}; correlation peak {peak:.2f}."
