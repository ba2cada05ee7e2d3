"""The release of ESC-50: check, import and fetch it."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hubbub import audio
from hubbub.data import esc50
from hubbub.data.archive import copy_files, put_folder, unpack, writing_to
from hubbub.data.dataset import Clip
from hubbub.data.download import OnBytes, download, silent
from hubbub.errors import AudioError, DataError
from hubbub.storage import sweep_leftovers, temporary_folder
from hubbub.types import Progress, Track, no_progress

RATE, FRAMES = 44_100, 220_500  #: of every clip: Hz, and samples (5 s)
#: Of meta/esc50.csv with lines that end in LF.
CSV_SHA256 = "ca660da60191a97de289983a05821c9382d852a38a2ba8428980816b68cf6246"
COMMIT = "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"
ARCHIVE = f"https://github.com/karolpiczak/ESC-50/archive/{COMMIT}.zip"  #: about 646 MB


def verify(root: Path | None = None, track: Track = iter) -> list[str]:
    """What is wrong with a release, one line a problem; none if it is ESC-50, whole and readable.

    Checks the SHA-256 of the official table and the numbers of clips, classes and folds, and decodes every clip (no
    checksums of the clips are published).

    Args:
        root: the release folder; see `esc50.locate`.
        track: wraps the clips, to show progress.

    Raises MissingDatasetError if there is no release at all.
    """
    root = esc50.locate(root)
    problems = []
    content = (root / esc50.TABLE).read_bytes().replace(b"\r\n", b"\n")  # git on Windows may have changed the line ends
    if hashlib.sha256(content).hexdigest() != CSV_SHA256:
        problems.append(f"{root / esc50.TABLE} is not the official table: its SHA-256 differs")
    try:
        clips = esc50.load(root).clips
    except DataError as error:
        return [*problems, str(error)]
    problems += _miscounted(clips)
    problems += filter(None, map(_flaw, track(clips)))
    return problems


def _miscounted(clips: Sequence[Clip]) -> Iterator[str]:
    if len(clips) != 2000:
        yield f"there are {len(clips):,} clips instead of 2,000"
    labels = Counter(clip.label for clip in clips)
    if wrong := [f"{label} {labels[label]}" for label in esc50.LABELS if labels[label] != 40]:
        yield f"not every class has 40 clips: {', '.join(wrong)}"
    folds = Counter(clip.fold for clip in clips)
    if folds != dict.fromkeys(range(1, 6), 400):
        yield f"not five folds of 400 clips: {', '.join(f'fold {fold} {n}' for fold, n in sorted(folds.items()))}"


def _flaw(clip: Clip) -> str | None:
    """What is wrong with a clip's file; None if nothing is."""
    warnings: list[str] = []
    try:
        channels = audio.probe(clip.path).channels
        samples, rate = audio.read(clip.path, log=warnings.append)
    except AudioError as error:
        return str(error)
    if warnings:  # it names the file
        return "; ".join(warnings)
    if (channels, rate, len(samples)) == (1, RATE, FRAMES):
        return None
    actual = f"{channels} channels of {len(samples):,} samples at {rate:,} Hz"
    return f"{clip.path} has {actual} instead of 1 of {FRAMES:,} at {RATE:,} Hz"


def import_release(path: Path, destination: Path | None = None, progress: Progress = no_progress) -> Path:
    """Copy a release into its place, whole or not at all: only once the copy is verified, an older one is replaced.

    Args:
        path: the release folder, the folder or zip that holds it.
        destination: where to; None for `esc50.home()`.
        progress: shows how far each step has come.

    Returns:
        The release folder.

    Raises:
        MissingDatasetError: nothing at `path`.
        DataError: it is not the release, or not whole; `destination` is then untouched.
        RefusedError: `destination` cannot be written.
    """
    destination = destination or esc50.home()
    if not path.exists():
        raise esc50.MissingDatasetError(f"nothing at {path}: give the folder or the zip of the ESC-50 release")
    with writing_to(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        sweep_leftovers(destination.parent)
        with temporary_folder(destination.parent) as temporary:
            stage = _staged(path, temporary / "release", progress)
            if problems := verify(stage, progress("checking")):
                shown = "; ".join(line.replace(str(stage), str(path)) for line in problems[:3])
                more = f" (and {len(problems) - 3:,} more)" if len(problems) > 3 else ""
                raise DataError(f"{path} is not ESC-50 as released, nothing was changed: {shown}{more}")
            put_folder(stage, destination)
    return destination


def _staged(path: Path, folder: Path, progress: Progress) -> Path:
    """A copy of the release in `folder`, not yet verified."""
    if path.is_dir():
        source = _only(path, path)
        copy_files(source, _files(source), folder, track=progress("copying"))
    else:
        unpack(path, folder, track=progress("unpacking"))
    return _only(folder, path)


def _files(release: Path) -> list[Path]:
    """What belongs to a release: sounds, table and texts, whatever else lies in the folder (a git checkout does)."""
    patterns = ("audio/*.wav", esc50.TABLE.as_posix(), "LICENSE*", "README*")
    return [path.relative_to(release) for pattern in patterns for path in sorted(release.glob(pattern))]


def _only(folder: Path, path: Path) -> Path:
    """The one release in `folder`; messages speak of `path`, which it came from."""
    releases = esc50.releases(folder)
    if len(releases) != 1:
        count = len(releases)
        what = f"{count} ESC-50 releases" if count else "no ESC-50 release (audio/*.wav and meta/esc50.csv)"
        raise DataError(f"{path} holds {what}: give the folder or the zip of one release")
    return releases[0]


def fetch_release(
    destination: Path | None = None, on_bytes: OnBytes = silent, progress: Progress = no_progress
) -> Path:
    """Download the public release (about 646 MB; 900 MB unpacked) and import it; one that is there and whole stays.

    The archive is made by GitHub for one pinned commit. How it is compressed is not promised to stay, so it has no
    checksum that lasts; what is unpacked is verified instead: the official table by its SHA-256, every clip by
    decoding it.

    Args:
        destination: where to; None for `esc50.home()`.
        on_bytes: hears how far the download has come.
        progress: shows how far the other steps have come.

    Returns:
        The release folder.

    Raises:
        RefusedError: no network, or `destination` cannot be written; what was fetched is kept for the next call.
        DataError: what was fetched is not ESC-50; it is discarded.
    """
    destination = destination or esc50.home()
    if (destination / esc50.TABLE).is_file() and not verify(destination, progress("checking")):
        return destination
    archive = destination.parent / f"ESC-50-{COMMIT[:12]}.zip"
    if not archive.is_file():
        download(ARCHIVE, archive, on_bytes=on_bytes, instead="import a copy: hubbub data import esc50 PATH")
    try:
        import_release(archive, destination, progress)
    except DataError:
        archive.unlink()
        raise
    archive.unlink()
    return destination
