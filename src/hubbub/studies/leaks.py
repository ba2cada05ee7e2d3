"""Leaks of a split: a clip, a recording, the same samples or near copies on two sides; and which of them are known."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from hubbub.data.dataset import Clip
from hubbub.errors import RefusedError, UsageError
from hubbub.studies.near_duplicates import Match

LeakKind = Literal["clip", "recording", "exact", "near"]


@dataclass(frozen=True)
class SplitClip:
    """A clip and the parts of a split that it lies in: one, unless it is in two by mistake."""

    clip: Clip
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """Clips that hold the same.

    Attributes:
        kind: "clip", one that is in two parts; "recording", clips cut from one; "exact", the same decoded samples;
            "near", a near copy.
        clips: of a near copy two, in order of ids; of the others as many as there are.
        match: of a near copy, what its two clips share; None for the others.
        accepted: whether it is named as a known exception.
    """

    kind: LeakKind
    clips: tuple[SplitClip, ...]
    match: Match | None = None
    accepted: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that its clips lie in, sorted."""
        return tuple(sorted({part for member in self.clips for part in member.parts}))

    @property
    def recordings(self) -> tuple[str, ...]:
        """The source recordings of its clips, sorted."""
        return tuple(sorted({member.clip.group for member in self.clips}))

    @property
    def is_leak(self) -> bool:
        """Whether it lies on two sides; copies inside one recording do not count again, the recording does."""
        return len(self.parts) > 1 and (self.kind in ("clip", "recording") or len(self.recordings) > 1)

    @property
    def relabelled(self) -> bool:
        """Whether the same samples, or near copies, have different labels."""
        return self.kind in ("exact", "near") and len({member.clip.label for member in self.clips}) > 1

    @property
    def name(self) -> str | None:
        """What stands for it in a file of known exceptions: a clip's id or a recording; None for pairs of clips."""
        clip = self.clips[0].clip
        return {"clip": clip.id, "recording": clip.group}.get(self.kind)

    @property
    def lines(self) -> tuple[str, ...]:
        """What a file of known exceptions must say of it."""
        if self.name is not None:
            return (_line(self.name),)
        first, *others = (member.clip.id for member in self.clips)
        return tuple(_line(first, other) for other in others)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        clips = [
            {
                "clip": member.clip.id,
                "parts": list(member.parts),
                "label": member.clip.label,
                "recording": member.clip.group,
            }
            for member in self.clips
        ]
        values: dict[str, Any] = {"kind": self.kind, "clips": clips}
        if self.match:
            values |= {"shared_seconds": self.match.shared, "lag_seconds": self.match.lag, "peak": self.match.peak}
        return values | ({"accepted": self.accepted, "accept": list(self.lines)} if self.is_leak else {})


def clips_in_two_parts(clips: Iterable[SplitClip]) -> list[Overlap]:
    """Clips that lie in two parts."""
    return [Overlap("clip", (member,)) for member in clips if len(member.parts) > 1]


def shared_recordings(clips: Iterable[SplitClip]) -> list[Overlap]:
    """Recordings whose clips lie in two parts."""
    overlaps = [Overlap("recording", same) for same in _grouped((member.clip.group, member) for member in clips)]
    return [overlap for overlap in overlaps if overlap.is_leak]


def exact_duplicates(clips: Sequence[SplitClip], digests: Mapping[str, str]) -> list[Overlap]:
    """Clips with the same samples; `digests` are those of clip ids, and lack what does not decode."""
    decoded = ((digests[member.clip.id], member) for member in clips if member.clip.id in digests)
    return [Overlap("exact", same) for same in _grouped(decoded)]


def near_copies(clips: Sequence[SplitClip], matches: Iterable[Match], digests: Mapping[str, str]) -> list[Overlap]:
    """Near copies among `clips`, which `matches` number; those with the same samples are exact duplicates."""
    overlaps = []
    for match in matches:
        pair = (clips[match.first], clips[match.second])
        if digests.get(pair[0].clip.id) != digests.get(pair[1].clip.id):
            if pair[0].clip.id > pair[1].clip.id:
                pair, match = pair[::-1], replace(match, first=match.second, second=match.first, lag=-match.lag)
            overlaps.append(Overlap("near", pair, match))
    return overlaps


@dataclass(frozen=True)
class Exceptions:
    """Leaks that are known: names of recordings, or of clips that are in two parts; and pairs of clips."""

    names: frozenset[str] = frozenset()
    pairs: frozenset[frozenset[str]] = frozenset()

    @classmethod
    def read(cls, path: Path) -> "Exceptions":
        """A file of one exception a line: a recording, or two clips with a comma between; `#` begins a comment.

        A name with a comma, or with `#` after a space, stands in double quotes. Raises RefusedError if there is no such
        file, UsageError if a line is none of these.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedError(f"cannot read the exceptions in {path} ({error}): check the path") from error
        names, pairs = set[str](), set[frozenset[str]]()
        for number, line in enumerate(lines, 1):
            cells = _cells(line)
            if len(cells) > 2 or (len(cells) == 2 and not all(cells)):
                raise UsageError(f"{path}, line {number}: {line!r} is neither a recording nor two clips: CLIP,CLIP")
            if len(cells) == 2:
                pairs.add(frozenset(cells))
            names.update(cells if len(cells) == 1 else ())
        return cls(frozenset(names), frozenset(pairs))

    def mark(self, overlaps: Iterable[Overlap]) -> tuple[Overlap, ...]:
        """The overlaps, those that are leaks and known marked as accepted."""
        return tuple(replace(overlap, accepted=overlap.is_leak and self._cover(overlap)) for overlap in overlaps)

    def stale(self, overlaps: Iterable[Overlap]) -> tuple[str, ...]:
        """The lines that name no leak."""
        leaks = [overlap for overlap in overlaps if overlap.is_leak]
        names = self.names - {leak.name for leak in leaks}
        copies = [frozenset(member.clip.id for member in leak.clips) for leak in leaks if leak.name is None]
        pairs = [pair for pair in self.pairs if not any(pair <= ids for ids in copies)]
        return tuple(sorted([_line(name) for name in names] + [_line(*sorted(pair)) for pair in pairs]))

    def _cover(self, leak: Overlap) -> bool:
        """Whether a leak is known: by name, or its clips hang together by pairs that are."""
        if leak.name is not None:
            return leak.name in self.names
        clips = {member.clip.id for member in leak.clips}
        together = [pair for pair in self.pairs if pair <= clips]
        reached, grown = set[str](), {leak.clips[0].clip.id}
        while grown != reached:
            reached = grown
            grown = reached.union(*(pair for pair in together if pair & reached))
        return reached == clips


def _grouped(pairs: Iterable[tuple[str, SplitClip]]) -> list[tuple[SplitClip, ...]]:
    """Clips of one key, where there are two or more of it."""
    groups: dict[str, list[SplitClip]] = {}
    for key, member in pairs:
        groups.setdefault(key, []).append(member)
    return [tuple(members) for members in groups.values() if len(members) > 1]


def _cells(line: str) -> list[str]:
    quoted = '"' in line
    if not quoted:
        line = re.sub(r"(^|\s)#.*", "", line)
    if not line.strip() or line.lstrip().startswith("#"):
        return []
    cells = next(csv.reader([line.strip()], skipinitialspace=True))
    return cells if quoted else [cell.strip() for cell in cells]


def _line(*names: str) -> str:
    """One line of a file of exceptions."""
    line = io.StringIO()
    quoted = any(re.search(r"(^|\s)#", name) or name != name.strip() for name in names)
    csv.writer(line, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="").writerow(names)
    return line.getvalue()
