"""Where in a recording its clips lie: parts of one length, around activity, or as a table or a label track says.

A rule is what has `marks`: of a recording, in the order of their starts.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import numpy as np

from hubbub import audio
from hubbub.data.folder_table import separator
from hubbub.errors import DataError, UsageError
from hubbub.storage import read_csv, read_table
from hubbub.types import Floats

LONGEST = 600.0  #: seconds of a clip, since it is held in memory

#: Of `events`: seconds of a frame; dB over the quiet level that begin an event and that it reaches down to; dB of full
#: scale below which all is quiet; seconds of a pause within an event.
FRAME, BEGINS, ENDS, QUIETEST, PAUSE = 0.025, 12.0, 6.0, -70.0, 0.3

_LABELS = ("annotation", "label", "species", "common name")  # what label a selection in a table of Raven has
_BEGIN, _END = "begin time (s)", "end time (s)"


class Mark(NamedTuple):
    """A part of a recording that is to be a clip, from `start` to `end` in seconds; `label` is "" if nothing tells."""

    start: float
    end: float
    label: str = ""


class Rule(Protocol):
    """Says which parts of a recording are clips."""

    @property
    def shortest(self) -> float:
        """How many seconds of a clip must be there, but for the first one."""

    def asked(self, recording: Path) -> str:
        """What is asked for, as text that differs if that does."""

    def marks(self, recording: Path) -> Iterable[Mark]:
        """In the order of their starts; those that begin after the recording's end are none. AudioError as `read`."""


def require_seconds(name: str, value: float) -> None:
    """Raises UsageError unless a length of time is from 0.01 s to `LONGEST`."""
    if not 0.01 <= value <= LONGEST:
        raise UsageError(f"{name} is {value:g}: give 0.01 to {LONGEST:g} seconds")


@dataclass(frozen=True)
class Lengths:
    """Parts of `seconds`, one every `hop` from the beginning; a last one of less than half of it is left out."""

    seconds: float = 5.0
    hop: float | None = None  # `seconds` if left out

    def __post_init__(self) -> None:
        require_seconds("seconds", self.seconds)
        require_seconds("hop", self.seconds if self.hop is None else self.hop)

    @property
    def shortest(self) -> float:
        """Half of a clip."""
        return self.seconds / 2

    def asked(self, recording: Path) -> str:
        """The same of every recording."""
        return repr(self)

    def marks(self, recording: Path) -> Iterator[Mark]:
        """Without an end: the recording has one."""
        hop = self.seconds if self.hop is None else self.hop
        return (Mark(number * hop, number * hop + self.seconds) for number in itertools.count())


@dataclass(frozen=True)
class Activity:
    """Parts of `seconds` around what stands out of the recording's quiet, see `events`; none overlap."""

    seconds: float = 5.0
    shortest: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        require_seconds("seconds", self.seconds)

    def asked(self, recording: Path) -> str:
        """The same of every recording."""
        return repr(self)

    def marks(self, recording: Path) -> list[Mark]:
        """Around each event as many parts as it fills, in its middle; the sound is read once for this."""
        levels = frame_levels(recording)
        length = len(levels) * FRAME
        marks: list[Mark] = []
        for start, end in events(levels):
            free = marks[-1].end if marks else 0.0
            if end <= free:
                continue
            start = max(start, free)
            parts = max(1, math.ceil((end - start) / self.seconds - 0.2))  # a fifth of a clip is no clip of its own
            whole = parts * self.seconds
            begin = max(free, min((start + end - whole) / 2, length - whole))
            marks += (Mark(begin + part * self.seconds, begin + (part + 1) * self.seconds) for part in range(parts))
        return marks


def frame_levels(recording: Path) -> Floats:
    """The level of each frame of `FRAME` seconds, in dB of full scale, at least `QUIETEST`; AudioError as `read`."""
    rate = audio.probe(recording).rate
    frame = round(rate * FRAME)
    levels = []
    for block in audio.blocks(recording, rate, 400 * frame, log=_unheard):  # warnings come when it is cut
        frames = block[: len(block) // frame * frame].reshape(-1, frame)
        levels.append(10 * np.log10(np.maximum(np.mean(np.square(frames), axis=1), 10 ** (QUIETEST / 10))))
    return np.concatenate(levels).astype(np.float32)


def _unheard(line: str) -> None:
    """A `Log` that hears nothing."""


def events(levels: Floats) -> list[tuple[float, float]]:
    """Where a recording is active: starts and ends in seconds.

    Two thresholds over the quiet level, after L. R. Rabiner and M. R. Sambur, An Algorithm for Determining the
    Endpoints of Isolated Utterances, Bell System Technical Journal 54(2), 1975, pages 297-315. The quiet level is the
    tenth percentile of the frames' levels; an event has a frame `BEGINS` dB above it, and reaches to both sides as far
    as frames are `ENDS` dB above it. Events with less than `PAUSE` seconds between them are one.

    Args:
        levels: of the frames, see `frame_levels`, shape (frames,).
    """
    if not len(levels):
        return []
    over = levels - np.percentile(levels, 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], over > ENDS, [False]]).astype(np.int8)))
    spans: list[tuple[float, float]] = []
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if over[first:after].max() <= BEGINS:
            continue
        start, end = first * FRAME, after * FRAME
        if spans and start - spans[-1][1] < PAUSE:
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


@dataclass(frozen=True)
class Listed:
    """The parts that a table or label tracks list of each recording."""

    by_recording: Mapping[Path, Sequence[Mark]]
    shortest: float = field(default=0.0, init=False)

    def asked(self, recording: Path) -> str:
        """What is listed of a recording."""
        return repr(self.marks(recording))

    def marks(self, recording: Path) -> Sequence[Mark]:
        """None of a recording that is not listed."""
        return self.by_recording.get(recording, ())


def listed(path: Path, recordings: Sequence[Path], seconds: float = 5.0) -> Listed:
    """Read where clips lie.

    Args:
        path: a CSV file with the columns `file` (as much of a recording's path as tells it from the others), `start`
            and `end` in seconds, and, if it may, `label`; or a text file with Audacity's labels or Raven's selections
            of one recording; or a folder with such a text file for each recording, named as it ("rec1.txt", or
            "rec1.Table.1.selections.txt", of "rec1.wav").
        recordings: the sound files.
        seconds: of a clip around a label that is a point.

    Raises:
        DataError: it cannot be read, or a line is impossible; the message names the line.
        UsageError: a text file for several recordings.
    """
    if path.is_dir():
        texts = {recording: _text_of(recording, path) for recording in recordings}
        marks = {recording: _track(text, seconds) for recording, text in texts.items() if text}
    elif path.suffix.lower() != ".txt":
        marks = _table(path, recordings, seconds)
    elif len(recordings) == 1:
        marks = {recordings[0]: _track(path, seconds)}
    else:
        raise UsageError(f"{path} marks one recording, not {len(recordings):,}: give a table or a folder of such files")
    if not any(marks.values()):
        raise DataError(f"{path} marks nothing of these recordings: check the names of its files and what it lists")
    return Listed({recording: sorted(set(rows)) for recording, rows in marks.items()})  # Raven lists each view's


def _text_of(recording: Path, folder: Path) -> Path | None:
    stem = recording.stem
    texts = [path for path in sorted(folder.glob("*.txt")) if path.name.startswith(f"{stem}.")]
    if len(texts) > 1:
        raise DataError(f"{folder} has {len(texts)} text files for {recording.name}: keep the one that marks its clips")
    return texts[0] if texts else None


def _table(path: Path, recordings: Sequence[Path], seconds: float) -> dict[Path, list[Mark]]:
    remedy = "correct the table"
    marks: dict[Path, list[Mark]] = {}
    by_name: dict[str, list[Path]] = {}
    for recording in recordings:
        by_name.setdefault(recording.name, []).append(recording)
    for row in read_csv(path, ("file", "start", "end"), remedy, separator(path)):
        wanted = PurePosixPath(row["file"].strip())
        depth = len(wanted.parts)
        meant = [sound for sound in by_name.get(wanted.name, ()) if sound.absolute().parts[-depth:] == wanted.parts]
        try:
            if len(meant) > 1:
                raise ValueError(f"{wanted} may be {meant[0]} or {meant[1]}: write more of its path")
            mark = _mark(row["start"], row["end"], row.get("label", ""), seconds)
        except ValueError as error:
            raise DataError(f"{path}, line {row.line}: {error}; {remedy}") from error
        for recording in meant:
            marks.setdefault(recording, []).append(mark)
    return marks


def _track(path: Path, seconds: float) -> list[Mark]:
    """The labels in a text file of Audacity, or the selections in one of Raven, which has a header."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.readline(2**16)
            if _BEGIN in head.lower():
                return _selections(path, seconds)
            file.seek(0)
            return [mark for number, line in enumerate(file, 1) for mark in _label(path, number, line, seconds)]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}): export the labels again") from error


def _label(path: Path, number: int, line: str, seconds: float) -> Iterator[Mark]:
    """A line of Audacity: start, end and text, between tabs; frequencies may follow on a line that begins with \\."""
    start, *rest = line.rstrip("\r\n").split("\t", 2)
    if not line.strip() or start == "\\":
        return
    try:
        if not rest:
            raise ValueError("is not START, END and LABEL with tabs between them")
        yield _mark(start, rest[0], rest[1] if len(rest) > 1 else "", seconds)
    except ValueError as error:
        raise DataError(f"{path}, line {number}: {error}; export the labels again") from error


def _selections(path: Path, seconds: float) -> list[Mark]:
    remedy = "export the selections again"
    table = read_table(path, remedy, "\t")
    header = [name.strip().lower() for name in table.header]
    if missing := [name for name in (_BEGIN, _END) if name not in header]:
        raise DataError(f"{path}, line 1: has no column {missing[0]!r}; {remedy}")
    label = next((header.index(name) for name in _LABELS if name in header), None)
    marks = []
    for row, line in zip(table.rows, table.lines, strict=True):
        start, end = row[header.index(_BEGIN)], row[header.index(_END)]
        try:
            marks.append(_mark(start, end, "" if label is None else row[label], seconds))
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}; {remedy}") from error
    return marks


def _mark(start_text: str, end_text: str, label: str, seconds: float) -> Mark:
    """One line's; raises ValueError for an impossible one. A point is the middle of a clip of `seconds`."""
    start, end = float(start_text), float(end_text)
    if not (0 <= start <= end < math.inf):
        raise ValueError(f"{start_text.strip()} to {end_text.strip()} is no part of a recording")
    if start == end:
        start, end = max(0.0, start - seconds / 2), start + seconds / 2
    if end - start > LONGEST:
        raise ValueError(f"is {end - start:g} s long, a clip at most {LONGEST:g} s")
    if "\n" in label:
        raise ValueError("has a label over several lines: a quote is not closed")
    return Mark(start, end, label.strip())
