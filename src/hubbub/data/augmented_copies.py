"""Offline expansion: copies of a dataset's clips, changed once and kept as files, for recipes that want more clips.

Each copy is its clip with one of three changes: white noise of deviation 0.005, a time stretch by 0.8 to 1.2, or a
pitch shift by up to 2 semitones. What a copy is follows from the seed, its number and its clip's id alone.

The folder holds `audio/`, the table `augmented.csv`, which is written last, and `augmented.json`, which says what was
asked for. The clips themselves stay where they are. A copy is only ever trained on, see `hubbub.data.splits`.
"""

import json
import os
import shlex
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

import numpy as np

from hubbub import audio
from hubbub.augment.steps import Kind, Step, chain
from hubbub.augment.transform import apply_all, generator
from hubbub.data.clip_table import read_clips, require_inside
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.sources import lasting
from hubbub.errors import AudioError, DataError, RefusedError, UsageError
from hubbub.formatting import printable
from hubbub.storage import TableRow, digest, read_csv, write_csv, write_text
from hubbub.types import Track
from hubbub.validation import one_line
from hubbub.workers import mapped

VERSION = 2  #: of what a seed gives; raised whenever copies come to sound different
TABLE, ABOUT, SOUNDS = "augmented.csv", "augmented.json", "audio"
COLUMNS = ("file", "source", "number", "label", "recording", "fold", "transform", "amount")

#: Of which each copy has one, drawn with equal chances.
STEPS = (Step("hiss", 0.005, 0.005), Step("stretch", 0.8, 1.2), Step("pitch", -2.0, 2.0))

Format = Literal["flac", "wav"]
_LONGEST = 255  # bytes of a file's name


@dataclass(frozen=True)
class About:
    """What a folder of copies was made from, and how.

    Attributes:
        source: what the dataset is opened by; a path is kept as one that holds in any working directory.
        total: clips and copies together. seed: of all draws.
        format: of the files, "flac" or "wav", 16 bit.
    """

    source: str
    total: int
    seed: int = 0
    format: Format = "flac"
    version: int = VERSION


@dataclass(frozen=True)
class Copy:
    """The copy `number`, from 1, of a clip: its file's name, and its change with the amount that `Step` has it in."""

    file: str
    source: Clip
    number: int
    transform: Kind
    amount: float


def usual_total(dataset: Dataset) -> int:
    """8,143 for 2,000 clips, and in that proportion for others."""
    return round(len(dataset.clips) * 8143 / 2000)


def planned(dataset: Dataset, about: About) -> list[Copy]:
    """The copies that are to be made: as many of each clip, and one more of some that the seed chooses.

    Raises UsageError if `total` leaves nothing to make, or the dataset has copies already.
    """
    if dataset.copies:
        raise UsageError(f"{dataset.name} has copies already: make copies of {about.source} itself")
    wanted = about.total - len(dataset.clips)
    if wanted < 1:
        raise UsageError(
            f"a total of {about.total:,} leaves no copies to make of {len(dataset.clips):,} clips: give more"
        )
    taken = {str(path) for clip in dataset.clips for path in (PurePosixPath(clip.id), *PurePosixPath(clip.id).parents)}
    order = np.random.default_rng(about.seed).permutation(len(dataset.clips))
    return [
        _drawn(dataset.clips[order[index % len(order)]], index // len(order) + 1, about, taken)
        for index in range(wanted)
    ]


def _drawn(clip: Clip, number: int, about: About, taken: Collection[str]) -> Copy:
    """A copy; its name is its clip's with a number, unless that is `taken` by an original or too long for a file."""
    rng = generator(about.seed, number, clip.id)
    step = STEPS[rng.integers(len(STEPS))]
    amount = round(float(rng.uniform(step.low, step.high)), 4)  # as the table says it
    file = f"{clip.id}-copy{number}.{about.format}"
    if file in taken or max(len(part.encode()) for part in file.split("/")) > _LONGEST:
        file = f"{digest(clip.id)}-copy{number}.{about.format}"
    return Copy(file, clip, number, step.kind, amount)


def expand(
    dataset: Dataset,
    folder: Path,
    about: About,
    jobs: int = 1,
    track: Track = iter,
) -> Dataset:
    """Make the copies that are not there yet, and return clips and copies as one dataset.

    Args:
        dataset: the clips.
        folder: where to; an interrupted or damaged expansion is completed.
        about: what to make; its `source` is how `hubbub.data.sources` opens the dataset.
        jobs: processes, at least 1.
        track: wraps the copies, to show progress.

    Raises:
        UsageError: `about` makes no sense for this dataset.
        RefusedError: the folder holds something else; an extra is missing; a process was killed.
        AudioError: a clip cannot be read.
    """
    about = replace(about, source=lasting(about.source))
    copies = planned(dataset, about)
    _require_apart(folder, dataset)
    _claim(folder, about)
    make = partial(_make, folder=folder, seed=about.seed)
    for _ in zip(track(copies), mapped(make, copies, jobs), strict=True):
        pass
    _write_table(folder, copies)
    return load(folder, dataset)


def _require_apart(folder: Path, dataset: Dataset) -> None:
    """Refuse a folder inside the dataset's own, where the copies would be taken for clips."""
    if os.path.isdir(dataset.reference) and folder.resolve().is_relative_to(Path(dataset.reference).resolve()):  # noqa: PTH112
        raise UsageError(f"{folder} lies in the dataset {dataset.reference} itself: give a folder outside of it")


def _claim(folder: Path, about: About) -> None:
    """Say in the folder what it is for; refuse one that is for something else."""
    if (folder / ABOUT).is_file():
        if (earlier := read_about(folder)) != about:
            raise RefusedError(f"{folder} holds what `{_command(folder, earlier)}` makes: give another folder")
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RefusedError(f"{folder} is not an empty folder: give a new one, so that nothing in it is lost")
    else:
        content = json.dumps(asdict(about), indent=1)  # in ASCII, which has escapes for a path that is no text
        write_text(folder / ABOUT, content + "\n")


def _make(copy: Copy, folder: Path, seed: int) -> None:
    """Write a copy's file unless it is there and whole."""
    target = folder / SOUNDS / copy.file
    samples, rate = audio.read(copy.source.path)
    if _whole(target, len(samples), rate):
        return
    steps = chain([Step(copy.transform, copy.amount, copy.amount)], rate)
    changed = apply_all(steps, samples, generator(seed, copy.number, copy.source.id))
    peak = float(np.abs(changed).max())
    changed = changed / max(1.0, peak)  # softer as a whole, where it would clip
    audio.write(target, changed, rate, "FLAC" if target.suffix == ".flac" else "WAV")


def _whole(path: Path, frames: int, rate: int) -> bool:
    try:
        samples, file_rate = audio.read(path)
    except AudioError:
        return False
    return (len(samples), file_rate) == (frames, rate)


def _write_table(folder: Path, copies: Iterable[Copy]) -> None:
    rows = []
    for copy in sorted(copies, key=lambda copy: copy.file):
        clip = copy.source
        rows.append((copy.file, clip.id, copy.number, *_inherited(clip), copy.transform, f"{copy.amount:g}"))
    write_csv(folder / TABLE, COLUMNS, rows)


def _inherited(clip: Clip) -> tuple[str, str, str]:
    """What a copy has from its clip, as the table says it: label, recording and fold."""
    return clip.label, clip.group, "" if clip.fold is None else str(clip.fold)


def is_begun(folder: Path) -> bool:
    """Whether `hubbub augment` made this folder, or began to."""
    return any((folder / file).is_file() for file in (ABOUT, TABLE))


def read_about(folder: Path) -> About:
    """What the folder was made from.

    Raises DataError if that cannot be read, RefusedError if another version of hubbub made it.
    """
    try:  # not with pydantic, whose text cannot hold a path that is no text
        about = About(**json.loads((folder / ABOUT).read_text(encoding="utf-8")))
        numbers = (about.total, about.seed, about.version)
        if type(about.source) is not str or about.format not in get_args(Format) or {*map(type, numbers)} != {int}:
            raise TypeError("a value is of the wrong kind")
        if not all(0 <= number < 2**63 for number in numbers):
            raise ValueError("a number is out of range")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"{folder / ABOUT} is damaged ({one_line(error)}): make the copies again in a new folder"
        ) from error
    if about.version != VERSION:
        raise RefusedError(f"{folder} was made by another version of hubbub: make the copies again in a new folder")
    return about


def load(folder: Path, source: Dataset) -> Dataset:
    """The clips of `source` and their copies in `folder` as one dataset, named as "esc50+6143".

    Raises DataError if the copies are not finished, the table is damaged, or a file is missing; it says which.
    """
    about = read_about(folder)
    remedy = f"complete it with `{_command(folder, about)}`"
    if not (folder / TABLE).is_file():
        raise DataError(f"{folder} is not finished: {remedy}")
    originals = {clip.id: clip for clip in source.clips}
    parse = partial(_parsed, folder=folder, originals=originals)
    rows = read_csv(folder / TABLE, COLUMNS, remedy)
    copies = [copy for copy, _ in read_clips(folder / TABLE, rows, parse, remedy)]
    if len(copies) != about.total - len(source.clips):
        wanted = about.total - len(source.clips)
        raise DataError(f"{folder / TABLE} lists {len(copies):,} copies instead of {wanted:,}: {remedy}")
    if missing := [copy.path for copy in copies if not os.path.isfile(copy.path)]:  # noqa: PTH113
        raise DataError(f"{missing[0]} is missing, and {len(missing) - 1:,} more copies: {remedy}")
    return replace(
        source,
        name=f"{source.name}+{len(copies)}",
        title=f"{source.title}, with {len(copies):,} augmented copies",
        clips=tuple(sorted((*source.clips, *copies), key=lambda clip: clip.id)),
    )


def _parsed(row: TableRow, folder: Path, originals: dict[str, Clip]) -> Clip:
    """One line of the table; raises ValueError for an impossible value."""
    name, made_from = row["file"], row["source"]
    require_inside(name)
    if name in originals:
        raise ValueError(f"{name!r} is an original, not a copy")
    if made_from not in originals:
        raise ValueError(f"the dataset has no clip {made_from!r}")
    clip = originals[made_from]
    inherited = row["label"], row["recording"], row["fold"]
    if inherited != _inherited(clip):
        raise ValueError(f"label, recording and fold {inherited} are not those of {made_from}")
    return replace(clip, id=name, path=folder / SOUNDS / name, made_from=made_from)


def _command(folder: Path, about: About) -> str:
    """What makes such a folder, as one types it."""
    settings = f"--total {about.total} --seed {about.seed} --format {about.format}"
    return printable(f"hubbub augment {shlex.quote(about.source)} --out {shlex.quote(str(folder))} {settings}")
