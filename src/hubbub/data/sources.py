"""The datasets by the names that the command line knows, and the kinds of folders that are datasets."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hubbub.data import esc50, folder, folder_table
from hubbub.data.dataset import Dataset
from hubbub.errors import DataError, UsageError
from hubbub.types import Track

_FETCH = "fetch or import it again (hubbub data fetch {})"


@dataclass(frozen=True)
class Source:
    """How a dataset is opened, checked and mended; the functions take its name or path.

    Attributes:
        load: opens it.
        remedy: what to do when its files are damaged.
        verify: what is wrong with its files, one line a problem; None to decode every clip.
        published: whether it comes with the release of ESC-50, which can be fetched and imported.
    """

    load: Callable[[str], Dataset]
    remedy: str
    verify: Callable[[str, Track], list[str]] | None = None
    published: bool = False


# What takes a while to import, such as scipy and httpx, is imported late.


def _load_synthetic(name: str) -> Dataset:
    from hubbub.data.synth import synthetic

    return synthetic.dataset()


def _has_copies(path: Path) -> bool:
    from hubbub.data import augmented_copies

    return augmented_copies.is_begun(path)


def _load_copies(path: str) -> Dataset:
    from hubbub.data import augmented_copies

    about = augmented_copies.read_about(Path(path))
    try:
        source = find(about.source)
    except UsageError as error:
        raise DataError(f"{path} holds copies of {about.source!r}, which is not here: put it back there") from error
    if source.load is _load_copies:
        raise DataError(f"{path} holds copies of {about.source!r}, which are copies: make them again in a new folder")
    return augmented_copies.load(Path(path), source.load(about.source))


def _is_release(path: Path) -> bool:
    """Whether a folder is a release of ESC-50, lies in one or holds nothing else; raises UsageError for one of two."""
    releases = esc50.releases(path)
    if not releases or esc50.is_release(path) or releases[0].parent != path:
        return bool(releases)
    if folder_table.find(path) is not None:
        return False
    others = [folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    if len(others) > 1:
        raise UsageError(f"{path} holds ESC-50 beside other folders: give the one that is meant, such as {releases[0]}")
    return True


def _verify_release(path: str, track: Track) -> list[str]:
    """Of the release in a folder; the name esc50 or esc10 stands for the one that is found."""
    from hubbub.data import esc50_release

    return esc50_release.verify(None if path in SOURCES else Path(path), track)


SOURCES = {
    "esc50": Source(lambda name: esc50.load(), _FETCH.format("esc50"), _verify_release, published=True),
    "esc10": Source(lambda name: esc50.load_esc10(), _FETCH.format("esc10"), _verify_release, published=True),
    "synthetic": Source(_load_synthetic, "make it again"),
}

#: Kinds of folders, each with what recognises it; the first that does decides.
FOLDERS: tuple[tuple[Callable[[Path], bool], Source], ...] = (
    (_has_copies, Source(_load_copies, "make it again")),
    (_is_release, Source(lambda path: esc50.load(Path(path)), "copy it again from a whole one", _verify_release)),
    (Path.is_dir, Source(lambda path: folder.load(Path(path)), "record or convert them again")),
)


def find(reference: str) -> Source:
    """How the dataset of that name, or in that folder, is opened; raises UsageError for an unknown one."""
    if reference in SOURCES:
        return SOURCES[reference]
    path = Path(reference)
    if path.is_dir():
        return next(source for recognises, source in FOLDERS if recognises(path))
    raise UsageError(f"unknown dataset {reference!r}: known are {', '.join(SOURCES)}, and there is no such folder")


def lasting(reference: str) -> str:
    """A reference by which the same dataset is found from any working directory; a link stays one."""
    return reference if reference in SOURCES else os.path.abspath(reference)  # noqa: PTH100


def open_dataset(reference: str) -> Dataset:
    """The dataset of that name, or in that folder.

    A folder may be one that `hubbub augment` made, which comes with the clips that it is made from, a copy of the
    release of ESC-50 (or its `audio`, or a folder that holds nothing else), or one of anyone's own sounds
    (`hubbub.data.folder`).

    Raises UsageError for an unknown one, MissingDatasetError if it is not here, DataError if it is damaged,
    MissingAudioError for a folder without sounds.
    """
    return replace(find(reference).load(reference), reference=reference)


def verify(reference: str, track: Track = iter) -> list[str]:
    """What is wrong with a dataset's files, one line a problem; errors as `open_dataset`."""
    source = find(reference)
    if source.verify is not None:
        return source.verify(reference, track)
    return open_dataset(reference).unreadable(track)
