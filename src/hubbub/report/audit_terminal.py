"""An audit for the terminal: the verdict first, then what it rests on."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hubbub.formatting import count, label, listing, percent, printable, span
from hubbub.studies.audit import Audit
from hubbub.studies.label_issues import LabelIssues
from hubbub.studies.leaks import LeakKind, Overlap
from hubbub.studies.shortcuts import Shortcuts

SHOWN = 20  #: leaks in full; the rest is counted
_CANDIDATES, _CLASSES, _LINES = 12, 6, 20
NAMES: dict[LeakKind, tuple[str, str]] = {
    "clip": ("clip", "clips"),
    "recording": ("source recording", "source recordings"),
    "exact": ("exact duplicate", "exact duplicates"),
    "near": ("near copy", "near copies"),
}


def overview(audit: Audit) -> Group:
    """All that an audit found; long lists are cut, and say so."""
    colour = "bold red" if audit.open else "bold green"
    parts: list[RenderableType] = [Text(printable(subject(audit)), style="bold"), Text(verdict(audit), style=colour)]
    parts += [Text(f"note: {printable(line)}", style="yellow") for line in notes(audit)]
    if audit.leaks:
        parts += [Text(), _leaks(audit.open or audit.leaks), *_rest(audit)]
    parts += [Text(), *_shortcuts(audit.shortcuts)]
    if audit.labels:
        parts += [Text(), *_labels(audit.labels)]
    return Group(*parts)


def subject(audit: Audit) -> str:
    """What was audited."""
    recordings = len({placed.clip.group for placed in audit.clips})
    sides = ", ".join(f"{part}: {clips:,}" for part, clips in audit.split.sizes.items())
    return f"{audit.dataset}, {audit.split.name}: {len(audit.clips):,} clips of {recordings:,} recordings ({sides})"


def verdict(audit: Audit) -> str:
    """Whether the split leaks, in one line."""
    known = len(audit.leaks) - len(audit.open)
    if audit.open:
        besides = f"; {known:,} more accepted" if known else ""
        return f"LEAKS: {counted(audit, audit.open)} on two sides of the split{besides}"
    if known:
        return f"no other leak than {'the one' if known == 1 else f'the {known:,}'} accepted"
    return "no leak found"


def counted(audit: Audit, overlaps: Sequence[Overlap]) -> str:
    """How many of what: "4 source recordings and 1 near copy"."""
    return listing([count(number, *NAMES[kind]) for kind, number in audit.count(overlaps).items() if number])


def notes(audit: Audit) -> Iterator[str]:
    """What else is to be known, a line each."""
    yield from audit.warnings
    if audit.unreadable:
        clip, problem = audit.unreadable[0]
        yield f"clips that cannot be heard: {len(audit.unreadable):,}, the first is {clip}: {problem}"
    for line in audit.stale:
        yield f"the exception {line} names no leak: remove it"
    relabelled = sum(overlap.relabelled for overlap in audit.overlaps)
    if relabelled:
        yield f"copies whose clips have different labels: {relabelled:,}"
    if audit.noted:
        yield f"{counted(audit, audit.noted)} inside one part or one recording"


def words(overlap: Overlap) -> str:
    """A overlap in a few words."""
    if overlap.kind == "recording":
        return f"recording {overlap.clips[0].clip.group}"
    if overlap.match:
        return f"near copy, {overlap.match.shared:.1f} s in common"
    return {"clip": "clip in two parts", "exact": "same samples"}[overlap.kind]


def _leaks(overlaps: Sequence[Overlap]) -> Table:
    table = _table("leak", "part", "clip", "label")
    for overlap in overlaps[:SHOWN]:
        for placed, first in zip(overlap.clips, [True] + [False] * len(overlap.clips), strict=False):
            said = words(overlap) + (" (accepted)" if overlap.accepted else "") if first else ""
            cells = (said, ", ".join(placed.parts), placed.clip.id, label(placed.clip.label))
            table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _rest(audit: Audit) -> Iterator[Text]:
    shown = audit.open or audit.leaks
    if len(shown) > SHOWN:
        yield Text(f"... and {len(shown) - SHOWN:,} more; --json has them all", style="dim")
    if audit.open:
        lines = [line for overlap in audit.open for line in overlap.lines]
        more = f"\n  ... and {len(lines) - _LINES:,} more" if len(lines) > _LINES else ""
        yield Text("To accept what is known, give --accept a file with these lines:", style="dim")
        yield Text("  " + "\n  ".join(map(printable, lines[:_LINES])) + more, style="dim")


def _shortcuts(shortcuts: Shortcuts) -> Iterator[RenderableType]:
    if shortcuts.problem:
        yield Text(f"Guessed without listening: {shortcuts.problem}")
        return
    yield Text(
        f"Guessed without listening, by bandwidth and digital silence alone (chance {percent(shortcuts.chance)}):"
    )
    table = _table("known", "accuracy", "95 % interval")
    for guess in shortcuts.guesses:
        table.add_row(guess.features, percent(guess.accuracy.value), span(guess.accuracy[1:]))
    yield table
    best = [f"{printable(label(row.label))} {percent(row.recall, 0)}" for row in shortcuts.classes[:_CLASSES]]
    yield Text(f"given away most: {', '.join(best)}")


def _labels(labels: LabelIssues) -> Iterator[RenderableType]:
    yield Text(f"Labels that may be wrong, by run {labels.run}: {len(labels.candidates):,} of {labels.clips:,} clips")
    if not labels.candidates:
        return
    table = _table("clip", "labelled", "probability", "suggested", "probability")
    for row in labels.candidates[:_CANDIDATES]:
        labelled = label(row.given_label), percent(row.given_probability, 0)
        suggested = label(row.suggested_label), percent(row.suggested_probability, 0)
        table.add_row(*(Text(printable(cell)) for cell in (row.clip.id, *labelled, *suggested)))
    yield table
    if len(labels.candidates) > _CANDIDATES:
        yield Text(f"... and {len(labels.candidates) - _CANDIDATES:,} more; --json has them all", style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
