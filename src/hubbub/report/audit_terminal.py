"""An audit for the terminal: the verdict first, then what it rests on."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hubbub.studies.audit import Audit
from hubbub.studies.label_issues import LabelIssues
from hubbub.studies.leaks import LeakKind, Overlap, SplitClip
from hubbub.studies.shortcuts import Guess, Shortcuts

SHOWN = 20  #: leaks in full; the rest is counted
_CANDIDATES, _CLASSES, _LINES = 12, 6, 20
NAMES: dict[LeakKind, tuple[str, str]] = {
    "clip": ("clip", "clips"),
    "recording": ("source recording", "source recordings"),
    "exact": ("exact duplicate", "exact duplicates"),
    "near": ("near copy", "near copies"),
}


def overview(found: Audit) -> Group:
    """All that an audit found; long lists are cut, and say so."""
    parts: list[RenderableType] = [Text(subject(found), style="bold"), Text(verdict(found), style=_colour(found))]
    parts += [Text(f"note: {line}", style="yellow") for line in notes(found)]
    if found.leaks:
        parts += [Text(), _leaks(found.open or found.leaks), *_rest(found)]
    parts += [Text(), *_shortcuts(found.shortcuts)]
    if found.labels:
        parts += [Text(), *_labels(found.labels)]
    return Group(*parts)


def subject(found: Audit) -> str:
    """What was audited."""
    recordings = len({place.clip.group for place in found.clips})
    sides = ", ".join(f"{part}: {clips:,}" for part, clips in found.split.sizes.items())
    return f"{found.dataset}, {found.split.name}: {len(found.clips):,} clips of {recordings:,} recordings ({sides})"


def verdict(found: Audit) -> str:
    """Whether the split leaks, in one line."""
    known = len(found.leaks) - len(found.open)
    if found.open:
        besides = f"; {known:,} more accepted" if known else ""
        return f"LEAKS: {counted(found, found.open)} on two sides of the split{besides}"
    if known:
        return f"no other leak than {'the one' if known == 1 else f'the {known:,}'} accepted"
    return "no leak found"


def counted(found: Audit, findings: Sequence[Overlap]) -> str:
    """How many of what: "4 source recordings and 1 near copy"."""
    numbers = [(number, NAMES[kind][number != 1]) for kind, number in found.count(findings).items() if number]
    words = [f"{number:,} {name}" for number, name in numbers]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def notes(found: Audit) -> Iterator[str]:
    """What else is to be known, a line each."""
    yield from found.warnings
    if found.unreadable:
        clip, problem = found.unreadable[0]
        yield f"clips that cannot be heard: {len(found.unreadable):,}, the first is {clip}: {problem}"
    for line in found.stale:
        yield f"the exception {line} names no leak: remove it"
    relabelled = sum(one.relabelled for one in found.overlaps)
    if relabelled:
        yield f"copies whose clips have different labels: {relabelled:,}"
    if found.noted:
        yield f"{counted(found, found.noted)} inside one part or one recording"


def words(finding: Overlap) -> str:
    """A finding in a few words."""
    if finding.kind == "recording":
        return f"recording {finding.clips[0].clip.group}"
    if finding.match:
        return f"near copy, {finding.match.shared:.1f} s in common"
    return {"clip": "clip in two parts", "exact": "same samples"}[finding.kind]


def _leaks(findings: Sequence[Overlap]) -> Table:
    table = _table("leak", "part", "clip", "label")
    for finding in findings[:SHOWN]:
        for place, first in zip(finding.clips, [True] + [False] * len(finding.clips), strict=False):
            said = words(finding) + (" (accepted)" if finding.accepted else "") if first else ""
            table.add_row(*map(Text, (said, *_cells(place))))
    return table


def _cells(place: SplitClip) -> tuple[str, str, str]:
    return ", ".join(place.parts), place.clip.id, place.clip.label.replace("_", " ")


def _rest(found: Audit) -> Iterator[Text]:
    shown = found.open or found.leaks
    if len(shown) > SHOWN:
        yield Text(f"... and {len(shown) - SHOWN:,} more; --json has them all", style="dim")
    if found.open:
        lines = [line for one in found.open for line in one.lines]
        more = f"\n  ... and {len(lines) - _LINES:,} more" if len(lines) > _LINES else ""
        yield Text("To accept what is known, give --accept a file with these lines:", style="dim")
        yield Text("  " + "\n  ".join(lines[:_LINES]) + more, style="dim")


def _shortcuts(found: Shortcuts) -> Iterator[RenderableType]:
    if found.problem:
        yield Text(f"Guessed without listening: {found.problem}")
        return
    yield Text(f"Guessed without listening, by bandwidth and digital silence alone (chance {found.chance:.1%}):")
    table = _table("told", "accuracy", "95 % interval")
    for guess in found.guesses:
        table.add_row(guess.features, f"{guess.accuracy.value:.1%}", span(guess))
    yield table
    best = [f"{one.label.replace('_', ' ')} {one.recall:.0%}" for one in found.classes[:_CLASSES]]
    yield Text(f"given away most: {', '.join(best)}")


def span(guess: Guess) -> str:
    """The ends of an accuracy's interval."""
    return f"{100 * guess.accuracy.low:.1f} to {100 * guess.accuracy.high:.1f}"


def _labels(found: LabelIssues) -> Iterator[RenderableType]:
    yield Text(f"Labels that may be wrong, by run {found.run}: {len(found.candidates):,} of {found.clips:,} clips")
    if not found.candidates:
        return
    table = _table("clip", "labelled", "", "rather", "")
    for one in found.candidates[:_CANDIDATES]:
        given, suggested = (label.replace("_", " ") for label in (one.given_label, one.suggested_label))
        shares = f"{one.given_probability:.0%}", f"{one.suggested_probability:.0%}"
        table.add_row(*map(Text, (one.clip.id, given, shares[0], suggested, shares[1])))
    yield table
    if len(found.candidates) > _CANDIDATES:
        yield Text(f"... and {len(found.candidates) - _CANDIDATES:,} more; --json has them all", style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _colour(found: Audit) -> str:
    return "bold red" if found.open else "bold green"
