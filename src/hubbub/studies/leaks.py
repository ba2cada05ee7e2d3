"""What lies on two sides of a split, a clip, a recording, the same samples or near copies; and what of it is known."""

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

Kind = Literal["clip", "recording", "exact", "near"]


@dataclass(frozen=True)
class PlacedClip:
    """A clip and the parts of a split that it lies in: one, unless it is in two by mistake."""

    clip: Clip
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """Clips that hold the same.

    Attributes:
        kind: "clip", one that is in two parts; "recording", clips cut from one; "exact", the same decoded samples;
            "near", a near copy.
        places: of a near copy two, in order of ids; of the others as many as there are.
        match: of a near copy, what its two clips share; None for the others.
        accepted: whether it is named as a known exception.
    """

    kind: Kind
    places: tuple[PlacedClip, ...]
    match: Match | None = None
    accepted: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that its clips lie in, sorted."""
        return tuple(sorted({part for place in self.places for part in place.parts}))

    @property
    def recordings(self) -> tuple[str, ...]:
        """The source recordings of its clips, sorted."""
        return tuple(sorted({place.clip.group for place in self.places}))

    @property
    def leaks(self) -> bool:
        """Whether it lies on two sides; copies inside one recording do not count again, the recording does."""
        return len(self.parts) > 1 and (self.kind in ("clip", "recording") or len(self.recordings) > 1)

    @property
    def relabelled(self) -> bool:
        """Whether the same samples, or near copies, have different labels."""
        return self.kind in ("exact", "near") and len({place.clip.label for place in self.places}) > 1

    @property
    def lines(self) -> tuple[str, ...]:
        """What a file of known exceptions must say of it."""
        if self.kind in ("clip", "recording"):
            return (_line(self.places[0].clip.id if self.kind == "clip" else self.places[0].clip.group),)
        first, *others = (place.clip.id for place in self.places)
        return tuple(_line(first, other) for other in others)

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        clips = [
            {
                "clip": place.clip.id,
                "parts": list(place.parts),
                "label": place.clip.label,
                "recording": place.clip.group,
            }
            for place in self.places
        ]
        found: dict[str, Any] = {"kind": self.kind, "clips": clips}
        if self.match:
            found |= {"shared_seconds": self.match.shared, "lag_seconds": self.match.lag, "peak": self.match.peak}
        return found | ({"accepted": self.accepted, "accept": list(self.lines)} if self.leaks else {})


def clips_twice(places: Iterable[PlacedClip]) -> list[Finding]:
    """Clips that lie in two parts."""
    return [Finding("clip", (place,)) for place in places if len(place.parts) > 1]


def recordings(places: Iterable[PlacedClip]) -> list[Finding]:
    """Recordings whose clips lie in two parts."""
    found = (Finding("recording", same) for same in _grouped((place.clip.group, place) for place in places))
    return [one for one in found if one.leaks]


def exact(places: Sequence[PlacedClip], digests: Mapping[str, str]) -> list[Finding]:
    """Clips with the same samples; `digests` are those of clip ids, and lack what does not decode."""
    known = ((digests[place.clip.id], place) for place in places if place.clip.id in digests)
    return [Finding("exact", same) for same in _grouped(known)]


def near(places: Sequence[PlacedClip], matches: Iterable[Match], digests: Mapping[str, str]) -> list[Finding]:
    """Near copies among `places`, which `matches` number; those with the same samples are told by `exact`."""
    found = []
    for match in matches:
        pair = (places[match.first], places[match.second])
        if digests.get(pair[0].clip.id) != digests.get(pair[1].clip.id):
            if pair[0].clip.id > pair[1].clip.id:
                pair, match = pair[::-1], replace(match, first=match.second, second=match.first, lag=-match.lag)
            found.append(Finding("near", pair, match))
    return found


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

    def mark(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings, those that are leaks and known marked as accepted."""
        return tuple(replace(one, accepted=one.leaks and self._names(one)) for one in findings)

    def stale(self, findings: Iterable[Finding]) -> tuple[str, ...]:
        """The lines that name no leak."""
        leaks = [one for one in findings if one.leaks]
        named = {name for one in leaks for name in _names(one)}
        sides = [frozenset(place.clip.id for place in one.places) for one in leaks if one.kind in ("exact", "near")]
        pairs = [pair for pair in self.pairs if not any(pair <= clips for clips in sides)]
        return tuple(sorted([_line(name) for name in self.names - named] + [_line(*sorted(pair)) for pair in pairs]))

    def _names(self, leak: Finding) -> bool:
        """Whether a leak is known: by name, or its clips hang together by pairs that are."""
        if leak.kind in ("clip", "recording"):
            return bool(self.names & set(_names(leak)))
        clips = {place.clip.id for place in leak.places}
        together = [pair for pair in self.pairs if pair <= clips]
        reached, grown = set[str](), {leak.places[0].clip.id}
        while grown != reached:
            reached = grown
            grown = reached.union(*(pair for pair in together if pair & reached))
        return reached == clips


def _names(leak: Finding) -> tuple[str, ...]:
    """The names that stand for a leak."""
    clip = leak.places[0].clip
    return {"clip": (clip.id,), "recording": (clip.group,)}.get(leak.kind, ())


def _grouped(pairs: Iterable[tuple[str, PlacedClip]]) -> list[tuple[PlacedClip, ...]]:
    """Places of one name, where there are two or more of it."""
    groups: dict[str, list[PlacedClip]] = {}
    for name, place in pairs:
        groups.setdefault(name, []).append(place)
    return [tuple(places) for places in groups.values() if len(places) > 1]


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
    out = io.StringIO()
    quoted = any(re.search(r"(^|\s)#", name) or name != name.strip() for name in names)
    csv.writer(out, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="").writerow(names)
    return out.getvalue()
