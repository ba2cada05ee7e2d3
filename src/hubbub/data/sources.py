"""The datasets by the names that the command line knows."""

from pathlib import Path

from hubbub.data import esc50, folder
from hubbub.data.dataset import Dataset, Track
from hubbub.errors import UsageError

NAMES = ("esc50", "esc10", "synthetic")


def open_dataset(name: str) -> Dataset:
    """The dataset of that name, or in that folder.

    A folder may be one that `hubbub augment` made, which comes with the clips that it is made from, a copy of the
    release of ESC-50, or one of anyone's own sounds (`hubbub.data.folder`).

    Raises UsageError for an unknown one, MissingDatasetError if it is not here, DataError if it is damaged,
    MissingAudioError for a folder without sounds.
    """
    if is_expanded(name):
        from hubbub.data import augmented_copies

        return augmented_copies.load(Path(name), open_dataset(augmented_copies.read_about(Path(name)).source))
    if _is_folder(name):
        return esc50.load(Path(name)) if esc50.is_release(Path(name)) else folder.load(Path(name))
    _require_known(name)
    if name == "synthetic":
        from hubbub.data.synth import synthetic

        return synthetic.dataset()
    return esc50.load() if name == "esc50" else esc50.load_esc10()


def verify(name: str, track: Track = iter) -> list[str]:
    """What is wrong with a dataset's files, one line a problem; errors as `open_dataset`.

    ESC-10 is a part of ESC-50's release, which is checked as a whole.
    """
    if _is_folder(name) and esc50.is_release(Path(name)):
        return esc50.verify(Path(name), track)
    if name == "synthetic" or _is_folder(name):
        return open_dataset(name).unreadable(track)
    _require_known(name)
    return esc50.verify(None, track)


def is_expanded(name: str) -> bool:
    """Whether a name is that of a folder that `hubbub augment` made, or has begun."""
    return name not in NAMES and any(Path(name, file).is_file() for file in ("augmented.json", "augmented.csv"))


def _is_folder(name: str) -> bool:
    return name not in NAMES and Path(name).is_dir()


def _require_known(name: str) -> None:
    if name not in NAMES:
        raise UsageError(f"unknown dataset {name!r}: known are {', '.join(NAMES)}, and there is no such folder")
