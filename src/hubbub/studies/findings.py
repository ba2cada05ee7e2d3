"""Clips of a dataset that are worth a look before anything is trained on it, by reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from hubbub.formatting import count, label, percent
from hubbub.studies.explore import Exploration
from hubbub.studies.measure import Measurements

#: All reasons by name, the gravest first.
COUNTED = ("missing", "unreadable", "warned", "duplicates", "silent", "padded", "clipped", "offset", "narrow")
BROKEN = ("missing", "unreadable", "warned")  #: those in which sound may be lost

CLIPPED = 1e-3  #: share of clipped samples from which a clip is called clipped
OFFSET = 0.01  #: from which a DC offset is worth a look
PADDED = 0.01  #: share of digital silence from which a clip is called padded
NARROW = 0.75  #: share of half its rate under which a clip's bandwidth is called narrow


@dataclass(frozen=True)
class Finding:
    """Clips that are worth a look for one reason.

    Attributes:
        name: one of `COUNTED`.
        text: what is the matter with them.
        clips: their numbers, the worst first.
        details: what was measured of each.
    """

    name: str
    text: str
    clips: tuple[int, ...]
    details: tuple[str, ...]

    def __str__(self) -> str:
        return f"{count(len(self.clips), 'clip')} {self.text}"


class _Reason(NamedTuple):
    """Why a clip is worth a look: whether it is, how grave it is in comparison, and what was measured, for people."""

    name: str
    text: str
    applies: Callable[[Measurements], bool]
    gravity: Callable[[Measurements], float]
    detail: Callable[[Measurements], str]


_REASONS = (
    _Reason("missing", "not there, or not to be opened", lambda m: m.missing, lambda m: 0, lambda m: m.problem),
    _Reason(
        "unreadable", "cannot be read", lambda m: bool(m.problem) and not m.missing, lambda m: 0, lambda m: m.problem
    ),
    _Reason("warned", "heard with a warning", lambda m: bool(m.warnings), lambda m: 0, lambda m: "; ".join(m.warnings)),
    _Reason(
        "silent", "of nothing but digital silence", lambda m: m.silent, lambda m: 0, lambda m: f"{m.duration:.2f} s"
    ),
    _Reason(
        "padded",
        f"with digital silence ({PADDED:.0%} of the clip or more): a model may learn the padding",
        lambda m: m.silence >= PADDED and not m.silent,
        lambda m: m.silence,
        lambda m: percent(m.silence, 0),
    ),
    _Reason(
        "clipped",
        f"clipped ({CLIPPED:.1%} of the samples or more are cut off at the peak)",
        lambda m: m.clipped >= CLIPPED,
        lambda m: m.clipped,
        lambda m: percent(m.clipped),
    ),
    _Reason(
        "offset",
        f"with a DC offset of {OFFSET:g} or more",
        lambda m: abs(m.offset) >= OFFSET,
        lambda m: abs(m.offset),
        lambda m: f"{m.offset:+.3f}",
    ),
    _Reason(
        "narrow",
        f"with a bandwidth under {NARROW:.0%} of what their rate allows",
        lambda m: not m.problem and not m.silent and m.bandwidth < NARROW * m.rate / 2,
        lambda m: 1 - m.bandwidth / (m.rate / 2),
        lambda m: f"{m.bandwidth / 1000:.1f} of {m.rate / 2000:.1f} kHz",
    ),
)


def findings(exploration: Exploration) -> list[Finding]:
    """Clips that are worth a look, the gravest reason first; a reason without clips is left out."""
    measured = exploration.measurements
    rows = []
    for reason in _REASONS:
        numbers = [number for number, clip in enumerate(measured) if reason.applies(clip)]
        numbers.sort(key=lambda number: -reason.gravity(measured[number]))
        details = tuple(reason.detail(measured[number]) for number in numbers)
        rows.append(Finding(reason.name, reason.text, tuple(numbers), details))
    ordered = sorted([*rows, _copies(exploration)], key=lambda finding: COUNTED.index(finding.name))
    return [finding for finding in ordered if finding.clips]


def _copies(exploration: Exploration) -> Finding:
    """All but the first clip of each group of duplicates."""
    pairs = [(number, exploration.clips[group[0]]) for group in exploration.duplicates for number in group[1:]]
    text = "with the very samples of another clip: they must not be on both sides of a split"
    details = tuple(f"as {first.id} ({label(first.label)})" for _, first in pairs)
    return Finding("duplicates", text, tuple(number for number, _ in pairs), details)
