"""The datasets by the names that the command line knows."""

from hubbub.data import esc50
from hubbub.data.dataset import Dataset, Track
from hubbub.errors import UsageError

NAMES = ("esc50", "esc10", "synthetic")


def open_dataset(name: str) -> Dataset:
    """The dataset of that name; raises UsageError for an unknown one, MissingDatasetError if it is not here."""
    _require_known(name)
    if name == "synthetic":
        from hubbub.data import synthetic

        return synthetic.dataset()
    return esc50.load() if name == "esc50" else esc50.load_esc10()


def verify(name: str, track: Track = iter) -> list[str]:
    """What is wrong with a dataset's files, one line a problem; errors as `open_dataset`.

    ESC-10 is a part of ESC-50's release, which is checked as a whole.
    """
    _require_known(name)
    return open_dataset(name).unreadable(track) if name == "synthetic" else esc50.verify(None, track)


def _require_known(name: str) -> None:
    if name not in NAMES:
        raise UsageError(f"unknown dataset {name!r}: known are {', '.join(NAMES)}")
