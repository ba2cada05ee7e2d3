"""ESC-50 and its subset ESC-10: find, read, check, import and fetch the release.

2,000 clips of 5 s (44.1 kHz, mono, 16-bit WAV), 50 classes of 40, five official folds; cut from recordings on
freesound.org. https://github.com/karolpiczak/ESC-50
"""

import csv
import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from hubbub import audio, storage
from hubbub.data.dataset import Clip, Dataset, Track
from hubbub.data.download import Progress, download, put_folder, silent, unpack, writing_to
from hubbub.errors import AudioError, DataError, ExitCode, UsageError

#: The classes in the order of their numbers, ten of each category.
LABELS = (
    *("dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow"),
    *("rain", "sea_waves", "crackling_fire", "crickets", "chirping_birds"),
    *("water_drops", "wind", "pouring_water", "toilet_flush", "thunderstorm"),
    *("crying_baby", "sneezing", "clapping", "breathing", "coughing"),
    *("footsteps", "laughing", "brushing_teeth", "snoring", "drinking_sipping"),
    *("door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks", "can_opening"),
    *("washing_machine", "vacuum_cleaner", "clock_alarm", "clock_tick", "glass_breaking"),
    *("helicopter", "chainsaw", "siren", "car_horn", "engine", "train", "church_bells", "airplane", "fireworks"),
    "hand_saw",
)
CATEGORIES = ("animals", "natural", "human", "interior", "urban")
RATE, FRAMES = 44_100, 220_500  #: of every clip: Hz, and samples (5 s)
#: Of meta/esc50.csv with lines that end in LF.
CSV_SHA256 = "ca660da60191a97de289983a05821c9382d852a38a2ba8428980816b68cf6246"
COMMIT = "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"
ARCHIVE = f"https://github.com/karolpiczak/ESC-50/archive/{COMMIT}.zip"  #: about 646 MB

#: Kept out of the training of models for use: for eight well-known classes the first clip of fold 5, in order of names,
#: whose source recording gave no other clip. Chosen by that rule, before any model was asked about them. `hubbub audit`
#: found later that 5-151085-A-20 shares two seconds with 3-151080-A-20, which has another source id and is learnt from.
SHOWCASE = (
    *("5-208030-A-0.wav", "5-200339-A-1.wav", "5-181766-A-10.wav", "5-213077-A-11.wav"),
    *("5-151085-A-20.wav", "5-221528-A-39.wav", "5-171653-A-41.wav", "5-117118-A-42.wav"),
)

_CITATION = (
    "Karol J. Piczak. ESC: Dataset for Environmental Sound Classification. Proceedings of the 23rd ACM International "
    "Conference on Multimedia (MM '15), pages 1015-1018, 2015. https://doi.org/10.1145/2733373.2806390"
)
_SOURCE = "https://github.com/karolpiczak/ESC-50 (cut from recordings on freesound.org)"
_TABLE = Path("meta", "esc50.csv")
_GET_IT = "get it with `hubbub data fetch esc50`, or import a copy with `hubbub data import esc50 PATH`"

Stages = Callable[[str], Callable[[Iterable[Any]], Iterable[Any]]]  #: names a step; what it returns shows its progress


class MissingDatasetError(DataError):
    """The dataset is not on this machine, or not where it was said to be."""

    exit_code = ExitCode.REFUSED


def category(label: str) -> str:
    """Which of `CATEGORIES` a class belongs to; raises UsageError for a label that ESC-50 does not have.

    >>> category("siren")
    'urban'
    """
    if label not in LABELS:
        raise UsageError(f"ESC-50 has no class {label!r}: its classes are {', '.join(LABELS)}")
    return CATEGORIES[LABELS.index(label) // 10]


def home() -> Path:
    """Where `import_release` and `fetch_release` put the release."""
    return storage.data_dir("esc50") / "ESC-50-master"


def locate(root: Path | None = None) -> Path:
    """The release folder: `root` if given, else `$HUBBUB_ESC50`, else `home()`; the folder that holds it will do.

    Raises MissingDatasetError if there is no release.
    """
    named = os.environ.get("HUBBUB_ESC50")
    asked = root or (Path(named) if named else home())
    found = _releases(asked)
    if not found:
        cure = "correct or unset $HUBBUB_ESC50, or " if named and root is None else ""
        raise MissingDatasetError(f"no ESC-50 at {asked}: {cure}{_GET_IT}")
    return found[0]


def is_release(folder: Path) -> bool:
    """Whether a folder has the release's table."""
    return (folder / _TABLE).is_file()


def _releases(folder: Path) -> list[Path]:
    """The folder itself if it is a release, else those of its subfolders that are."""
    if is_release(folder):
        return [folder]
    return sorted(table.parent.parent for table in folder.glob(f"*/{_TABLE.as_posix()}"))


def load(root: Path | None = None) -> Dataset:
    """ESC-50 from its official table. The sounds are not looked at: `verify` does that.

    Args:
        root: the release folder; see `locate`.

    Raises:
        MissingDatasetError: there is no release.
        DataError: its table is damaged; the message names the line.
    """
    clips = tuple(clip for clip, _ in _rows(locate(root)))
    licence = "CC BY-NC 3.0; the clips of ESC-10 CC BY 3.0; authors of each clip in the release's LICENSE"
    return Dataset("esc50", "ESC-50", LABELS, clips, licence, _CITATION, _SOURCE, _shown(clips))


def load_esc10(root: Path | None = None) -> Dataset:
    """ESC-10, the 400 clips of ESC-50 that its table marks so, in the same folds; their classes keep their order.

    Arguments and errors as `load`.
    """
    clips = tuple(clip for clip, easy in _rows(locate(root)) if easy)
    used = {clip.label for clip in clips}
    labels = tuple(label for label in LABELS if label in used)
    licence = "CC BY 3.0; authors of each clip in the release's LICENSE"
    return Dataset("esc10", "ESC-10, the subset of ESC-50", labels, clips, licence, _CITATION, _SOURCE, _shown(clips))


def _shown(clips: tuple[Clip, ...]) -> tuple[str, ...]:
    return tuple(clip.id for clip in clips if clip.id in SHOWCASE)


def _rows(root: Path) -> list[tuple[Clip, bool]]:
    """Clips of the table, and whether each is of ESC-10; sorted by id."""
    rows: dict[str, tuple[Clip, bool]] = {}
    with (root / _TABLE).open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        try:
            for row in table:
                clip, easy = _parsed(row, root)
                if clip.id in rows:
                    raise ValueError(f"lists {clip.id} again")
                rows[clip.id] = clip, easy
        except (ValueError, KeyError, csv.Error) as error:
            what = f"has no column {error}" if isinstance(error, KeyError) else error
            raise DataError(f"{root / _TABLE}, line {table.line_num}: {what}; {_GET_IT}") from error
    if not rows:
        raise DataError(f"{root / _TABLE} lists no clips; {_GET_IT}")
    return [rows[name] for name in sorted(rows)]


def _parsed(row: dict[str, str], root: Path) -> tuple[Clip, bool]:
    """One line of the table; raises KeyError for a missing column, ValueError for an impossible value."""
    name, label, easy = row["filename"], row["category"], row["esc10"]
    if None in row.values():
        raise ValueError("is cut off")
    if name in ("", ".", "..") or Path(name).name != name:
        raise ValueError(f"{name!r} is not a file name")
    fold, target = int(row["fold"]), int(row["target"])
    if fold < 1 or not 0 <= target < len(LABELS) or LABELS[target] != label or easy not in ("True", "False"):
        raise ValueError(f"fold {fold}, class {target} {label!r}, esc10 {easy!r} is not a line of ESC-50")
    return Clip(name, root / "audio" / name, label, row["src_file"], fold), easy == "True"


def verify(root: Path | None = None, track: Track = iter) -> list[str]:
    """What is wrong with a release, one line a problem; none if it is ESC-50, whole and readable.

    Checks the SHA-256 of the official table and the numbers of clips, classes and folds, and decodes every clip (no
    checksums of the clips are published).

    Args:
        root: the release folder; see `locate`.
        track: wraps the clips, to show progress.

    Raises MissingDatasetError if there is no release at all.
    """
    root = locate(root)
    problems = []
    content = (root / _TABLE).read_bytes().replace(b"\r\n", b"\n")  # git on Windows may have changed the line ends
    if hashlib.sha256(content).hexdigest() != CSV_SHA256:
        problems.append(f"{root / _TABLE} is not the official table: its SHA-256 differs")
    try:
        clips = [clip for clip, _ in _rows(root)]
    except DataError as error:
        return [*problems, str(error)]
    problems += _miscounted(clips)
    problems += filter(None, map(_flaw, track(clips)))
    return problems


def _miscounted(clips: list[Clip]) -> Iterator[str]:
    if len(clips) != 2000:
        yield f"there are {len(clips):,} clips instead of 2,000"
    labels = Counter(clip.label for clip in clips)
    if wrong := [f"{label} {labels[label]}" for label in LABELS if labels[label] != 40]:
        yield f"not every class has 40 clips: {', '.join(wrong)}"
    folds = Counter(clip.fold for clip in clips)
    if folds != dict.fromkeys(range(1, 6), 400):
        yield f"not five folds of 400 clips: {', '.join(f'fold {fold} {n}' for fold, n in sorted(folds.items()))}"


def _flaw(clip: Clip) -> str | None:
    """What is wrong with a clip's file; None if nothing is."""
    try:
        channels = audio.probe(clip.path).channels
        samples, rate = audio.read(clip.path)
    except AudioError as error:
        return str(error)
    if (channels, rate, len(samples)) == (1, RATE, FRAMES):
        return None
    found = f"{channels} channels of {len(samples):,} samples at {rate:,} Hz"
    return f"{clip.path} has {found} instead of 1 of {FRAMES:,} at {RATE:,} Hz"


def _quiet(step: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    return iter


def import_release(path: Path, destination: Path | None = None, stages: Stages = _quiet) -> Path:
    """Copy a release into its place, whole or not at all: only once the copy is verified, an older one is replaced.

    Args:
        path: the release folder, the folder or zip that holds it.
        destination: where to; None for `home()`.
        stages: shows the progress of each step.

    Returns:
        The release folder.

    Raises:
        MissingDatasetError: nothing at `path`.
        DataError: it is not the release, or not whole; `destination` is then untouched.
        RefusedError: `destination` cannot be written.
    """
    destination = destination or home()
    if not path.exists():
        raise MissingDatasetError(f"nothing at {path}: give the folder or the zip of the ESC-50 release")
    with writing_to(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".import-") as temporary:
            stage = _staged(path, Path(temporary, "release"), stages)
            if problems := verify(stage, stages("checking")):
                shown = "; ".join(line.replace(str(stage), str(path)) for line in problems[:3])
                more = f" (and {len(problems) - 3:,} more)" if len(problems) > 3 else ""
                raise DataError(f"{path} is not ESC-50 as released, nothing was changed: {shown}{more}")
            put_folder(stage, destination)
    return destination


def _staged(path: Path, folder: Path, stages: Stages) -> Path:
    """A copy of the release in `folder`, not yet verified."""
    if path.is_dir():
        source = _only(path, path)
        for name in stages("copying")(_files(source)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)
    else:
        unpack(path, folder, track=stages("unpacking"))
    return _only(folder, path)


def _files(release: Path) -> list[Path]:
    """What belongs to a release: sounds, table and texts, whatever else lies in the folder (a git checkout does)."""
    patterns = ("audio/*.wav", _TABLE.as_posix(), "LICENSE*", "README*")
    return [path.relative_to(release) for pattern in patterns for path in sorted(release.glob(pattern))]


def _only(folder: Path, given: Path) -> Path:
    found = _releases(folder)
    if len(found) != 1:
        what = f"{len(found)} ESC-50 releases" if found else "no ESC-50 release (audio/*.wav and meta/esc50.csv)"
        raise DataError(f"{given} holds {what}: give the folder or the zip of one release")
    return found[0]


def fetch_release(destination: Path | None = None, progress: Progress = silent, stages: Stages = _quiet) -> Path:
    """Download the public release (about 646 MB; 900 MB unpacked) and import it; one that is there and whole stays.

    The archive is made by GitHub for one pinned commit. How it is compressed is not promised to stay, so it has no
    checksum that lasts; what is unpacked is verified instead: the official table by its SHA-256, every clip by
    decoding it.

    Args:
        destination: where to; None for `home()`.
        progress: shows the download.
        stages: shows the other steps.

    Returns:
        The release folder.

    Raises:
        RefusedError: no network, or `destination` cannot be written; what was fetched is kept for the next call.
        DataError: what was fetched is not ESC-50; it is discarded.
    """
    destination = destination or home()
    if (destination / _TABLE).is_file() and not verify(destination, stages("checking")):
        return destination
    archive = destination.parent / f"ESC-50-{COMMIT[:12]}.zip"
    if not archive.is_file():
        download(ARCHIVE, archive, progress=progress, instead="import a copy: hubbub data import esc50 PATH")
    try:
        import_release(archive, destination, stages)
    except DataError:
        archive.unlink()
        raise
    archive.unlink()
    return destination
