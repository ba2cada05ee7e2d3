"""Long recordings cut into clips: a folder dataset that keeps which clips are of one recording.

The folder holds `LABEL/STEM-0001.wav` and so on, and `metadata.csv`, which `hubbub.data.folder` reads. A hidden folder
notes what each recording gave, so that recordings can be added, and what was interrupted goes on. Clips that are
deleted leave the table with the next call; what is changed in the table stays.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import Field

from hubbub import audio, soundfiles
from hubbub.data import folder_table
from hubbub.data.clip_table import as_text
from hubbub.data.marks import Mark, Rule
from hubbub.errors import DataError, HubbubError, RefusedError
from hubbub.formatting import count
from hubbub.storage import TableRow, digest, write_csv, write_json
from hubbub.types import Floats, Log, Track
from hubbub.validation import STRICT, from_json, one_line

COLUMNS = ("file_name", "label", "recording", "start", "end")
Format = Literal["wav", "flac"]

_NOTES = ".cut"
_BLOCK = 10  # seconds decoded at once
_Row: TypeAlias = Annotated[list[str], Field(min_length=5, max_length=5)]  # of `COLUMNS`


class Outcome(NamedTuple):
    """What a call of `cut` did.

    Attributes:
        recordings: that were cut. skipped: that had been cut before.
        clips: that were written. seconds: of sound in them.
        problems: a line for each recording that could not be cut, or not all that was asked for.
    """

    recordings: int
    skipped: int
    clips: int
    seconds: float
    problems: tuple[str, ...]


def cut(
    paths: Iterable[str | Path],
    out: Path,
    rule: Rule,
    label: str | None = None,
    file_format: Format = "wav",
    log: Log | None = None,
    track: Track = iter,
) -> Outcome:
    """Cut recordings of any length into clips, in bounded memory: mono, 16 bit, at the recording's own rate.

    Args:
        paths: sound files, or folders of them; what lies in `out` is none of them.
        out: a new folder, or one that this function made: recordings are added, those that are done are skipped.
        rule: which parts.
        label: of clips whose mark has none; if left out, the name of the folder in which the recording lies.
        file_format: of the clips.
        log: hears what is wrong with a recording that is cut all the same; None for `logging`.
        track: wraps the recordings, to show progress.

    Raises:
        RefusedError: `out` holds something else.
        MissingAudioError: there is no sound.
        DataError: the table, or a note of an earlier call, is damaged.
    """
    sounds = [path for path in soundfiles.find(paths, log) if not path.resolve().is_relative_to(out.resolve())]
    folder = _Folder(out)
    folder.write_table()
    done: list[_Row] = []
    recordings, skipped, problems = 0, 0, []
    try:
        for sound in track(sounds):
            try:
                rate = audio.probe(sound).rate  # first, since it says what is wrong with a file
                note = folder.begin(sound, digest(rule.asked(sound), label or "", file_format))
                if note.rows is not None:
                    skipped += 1
                    continue
                marks = rule.marks(sound)
                pieces = _pieces(audio.blocks(sound, rate, _BLOCK * rate, log=log), marks, rate, rule.shortest)
                rows = folder.write_clips(note, pieces, rate, label or _folder_name(sound), file_format)
            except HubbubError as error:
                problems.append(str(error))
                continue
            folder.end(sound, replace(note, rows=rows))
            done += rows
            recordings += 1
            if isinstance(marks, Sequence) and len(rows) < len(marks):
                problems.append(f"{sound}: {len(marks) - len(rows)} of {count(len(marks), 'mark')} begin after its end")
    finally:
        folder.write_table()
    seconds = sum(float(end) - float(start) for *_, start, end in done)
    return Outcome(recordings, skipped, len(done), seconds, tuple(problems))


def _pieces(
    blocks: Iterator[Floats], marks: Iterable[Mark], rate: int, shortest: float
) -> Iterator[tuple[Mark, int, Floats]]:
    """What a sound holds of each mark, and its first sample; holds about one mark in memory.

    Marks that begin after its end are left out, and of those that it ends in, all but the first if they hold less than
    `shortest` seconds.
    """
    held, offset = np.zeros(0, np.float32), 0  # samples from `offset` on
    for number, mark in enumerate(marks):
        start = round(mark.start * rate)
        end = max(start + 1, round(mark.end * rate))
        while True:
            passed = min(max(start - offset, 0), len(held))
            held, offset = held[passed:], offset + passed
            if offset + len(held) >= end or (block := next(blocks, None)) is None:
                break
            held = np.concatenate([held, block])
        piece = held[: end - start]
        if not len(piece):
            return
        if number == 0 or len(piece) >= shortest * rate:
            yield mark, start, piece


def _folder_name(sound: Path) -> str:
    name = as_text(Path(os.path.abspath(sound)).parent.name).strip()  # noqa: PTH100
    if not name:
        raise DataError(f"{sound} lies in no folder that names its class: give a label")
    return name


def _file_name(text: str, most: int = 100) -> str:
    """Text as a file's name on any system: at most so many bytes, not hidden."""
    # Windows lacks some signs that others have
    clean = "".join(sign if sign.isprintable() and sign not in '/\\:*?"<>|' else "_" for sign in text)
    return clean.encode()[:most].decode(errors="ignore").strip(" .") or "_"


@dataclass(frozen=True)
class _Note:
    """What a recording gave: kept as JSON, before its first clip is written and after its last.

    Attributes:
        source: the recording's path. size, changed: of its file, in bytes and ns.
        rule: digest of what was asked for.
        name: of the recording in the table: its clips' names begin with it, no others' do.
        rows: of the table, one a clip; None until all are there.
    """

    source: str
    size: int
    changed: int
    rule: str
    name: str
    rows: list[_Row] | None = None
    __pydantic_config__: ClassVar = STRICT


class _Folder:
    """The folder of clips, its notes and its table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        notes = path / _NOTES
        if not notes.is_dir():
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise RefusedError(f"{path} is not an empty folder: give a new one, so that nothing in it is lost")
            notes.mkdir(parents=True)
        self._notes = {file.stem: _read_note(file) for file in sorted(notes.glob("*.json"))}
        clips = (re.sub(r"-\d+$", "", clip.stem) for clip in path.glob("*/*"))
        self._names = {name.casefold() for name in (*clips, *(note.name for note in self._notes.values()))}

    def begin(self, sound: Path, rule: str) -> _Note:
        """The note of a recording; RefusedError if the recording or the rule was another one before."""
        key, status = _key(sound), sound.stat()
        wanted = _Note(as_text(os.path.realpath(sound)), status.st_size, status.st_mtime_ns, rule, "")
        earlier = self._notes.get(key)
        if earlier is not None:
            if replace(earlier, name="", rows=None) == wanted:
                return earlier
            what = "in another way" if earlier.rule != rule else "and has changed since"
            raise RefusedError(f"{sound} was cut into {self._path} {what}: give a new folder")
        name = _file_name(as_text(sound.stem))
        if name.casefold() in self._names:
            name = f"{name}-{key[:6]}"
        self._names.add(name.casefold())
        self._notes[key] = replace(wanted, name=name)
        write_json(self._path / _NOTES / f"{key}.json", asdict(self._notes[key]))
        return self._notes[key]

    def write_clips(
        self, note: _Note, pieces: Iterable[tuple[Mark, int, Floats]], rate: int, label: str, file_format: Format
    ) -> list[_Row]:
        """Write the clips of a recording, and return their rows; DataError if there are none."""
        rows = []
        for number, (mark, start, samples) in enumerate(pieces, 1):
            name = f"{_file_name(mark.label or label)}/{note.name}-{number:04}.{file_format}"
            audio.write(self._path / name, samples, rate, "FLAC" if file_format == "flac" else "WAV")
            times = (f"{sample / rate:.3f}" for sample in (start, start + len(samples)))
            rows.append([name, mark.label or label, note.name, *times])
        if not rows:
            raise DataError(f"{note.source} gave no clip: nothing in it is marked, or stands out of its quiet")
        return rows

    def end(self, sound: Path, note: _Note) -> None:
        """Keep what the recording gave."""
        key = _key(sound)
        write_json(self._path / _NOTES / f"{key}.json", asdict(note))
        self._notes[key] = note

    def write_table(self) -> None:
        """The table of the clips that are there: rows that stand in it already stay as they are."""
        path = self._path / folder_table.NAMES[0]
        rows = {row["file_name"]: row for row in (folder_table.read(path) if path.is_file() else ())}
        for note in self._notes.values():
            for values in note.rows or ():
                rows.setdefault(values[0], TableRow(zip(COLUMNS, values, strict=True)))
        header = list(dict.fromkeys((*COLUMNS, *(name for row in rows.values() for name in row))))
        there = [row for name, row in sorted(rows.items()) if (self._path / name).is_file()]
        write_csv(path, header, ([row.get(name, "") for name in header] for row in there))


def _key(sound: Path) -> str:
    return digest(os.path.realpath(sound))


def _read_note(path: Path) -> _Note:
    try:
        return from_json(_Note, path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged ({one_line(error)}): remove it, and its recording is cut again") from error
