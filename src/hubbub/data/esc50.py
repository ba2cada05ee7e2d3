"""ESC-50 and its subset ESC-10: classes, categories, file names, and the release's table.

2,000 clips of 5 s (44.1 kHz, mono, 16-bit WAV), 50 classes of 40, five official folds; cut from recordings on
freesound.org. https://github.com/karolpiczak/ESC-50
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from hubbub import storage
from hubbub.data.clip_table import read_clips
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import DataError, ExitCode, UsageError

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
TABLE = Path("meta", "esc50.csv")  #: in the release folder
_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file")
_NAME = re.compile(r"(\d)-(\d+)-([A-Z])-(\d{1,3})")
_GET_IT = "get it with `hubbub data fetch esc50`, or import a copy with `hubbub data import esc50 PATH`"


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


def categories(labels: Iterable[str]) -> dict[str, str]:
    """The category of each label, in their order; empty unless all are ESC-50's.

    >>> categories(["siren", "cow"]), categories(["siren", "applause"])
    ({'siren': 'urban', 'cow': 'animals'}, {})
    """
    labels = tuple(labels)
    return {label: category(label) for label in labels} if set(labels) <= set(LABELS) else {}


class NameParts(NamedTuple):
    """What the file name of a clip says: fold, source recording on freesound.org, take, number of the class."""

    fold: int
    recording: str
    take: str
    target: int


def parse_name(name: str | PurePath) -> NameParts | None:
    """What a file name in ESC-50's pattern says, wherever the file lies and whatever its suffix; None for another name.

    >>> parse_name("dog/1-100032-A-0.flac")
    NameParts(fold=1, recording='100032', take='A', target=0)
    >>> parse_name("rex.wav")
    """
    path = name if isinstance(name, PurePath) else PurePosixPath(name)
    match = _NAME.fullmatch(path.stem)
    if match is None or int(match[4]) >= len(LABELS):
        return None
    return NameParts(int(match[1]), match[2], match[3], int(match[4]))


def home() -> Path:
    """Where `hubbub.data.esc50_release` puts the release."""
    return storage.data_dir("esc50") / "ESC-50-master"


def locate(root: Path | None = None) -> Path:
    """The release folder: `root` if given, else `$HUBBUB_ESC50`, else `home()`; the folder that holds it will do.

    Raises MissingDatasetError if there is no release.
    """
    named = os.environ.get("HUBBUB_ESC50")
    asked = root or (Path(named) if named else home())
    candidates = releases(asked)
    if not candidates:
        cure = "correct or unset $HUBBUB_ESC50, or " if named and root is None else ""
        raise MissingDatasetError(f"no ESC-50 at {asked}: {cure}{_GET_IT}")
    return candidates[0]


def is_release(folder: Path) -> bool:
    """Whether a folder has the release's table."""
    return (folder / TABLE).is_file()


def releases(folder: Path) -> list[Path]:
    """The folder itself if it is a release, else those of its subfolders that are."""
    if is_release(folder):
        return [folder]
    return sorted(table.parent.parent for table in folder.glob(f"*/{TABLE.as_posix()}"))


def load(root: Path | None = None) -> Dataset:
    """ESC-50 from its official table. The sounds are not looked at: `hubbub.data.esc50_release.verify` does that.

    Args:
        root: the release folder; see `locate`.

    Raises:
        MissingDatasetError: there is no release.
        DataError: its table is damaged; the message names the line.
    """
    clips = tuple(clip for clip, _ in _listed(locate(root)))
    licence = "CC BY-NC 3.0; the clips of ESC-10 CC BY 3.0; authors of each clip in the release's LICENSE"
    return _dataset("esc50", "ESC-50", LABELS, clips, licence)


def load_esc10(root: Path | None = None) -> Dataset:
    """ESC-10, the 400 clips of ESC-50 that its table marks so, in the same folds; their classes keep their order.

    Arguments and errors as `load`.
    """
    clips = tuple(clip for clip, in_esc10 in _listed(locate(root)) if in_esc10)
    used = {clip.label for clip in clips}
    labels = tuple(label for label in LABELS if label in used)
    licence = "CC BY 3.0; authors of each clip in the release's LICENSE"
    return _dataset("esc10", "ESC-10, the subset of ESC-50", labels, clips, licence)


def _dataset(name: str, title: str, labels: tuple[str, ...], clips: tuple[Clip, ...], licence: str) -> Dataset:
    showcase = tuple(clip.id for clip in clips if clip.id in SHOWCASE)
    return Dataset(name, title, labels, clips, licence, _CITATION, _SOURCE, showcase, categories(labels))


def _listed(root: Path) -> list[tuple[Clip, bool]]:
    """Clips of the table, and whether each is of ESC-10; sorted by id."""

    def parse(row: storage.TableRow) -> Clip:
        name, label, in_esc10 = row["filename"], row["category"], row["esc10"]
        if name in ("", ".", "..") or Path(name).name != name:
            raise ValueError(f"{name!r} is not a file name")
        fold, target = int(row["fold"]), int(row["target"])
        if fold < 1 or not 0 <= target < len(LABELS) or LABELS[target] != label or in_esc10 not in ("True", "False"):
            raise ValueError(f"fold {fold}, class {target} {label!r}, esc10 {in_esc10!r} is not a line of ESC-50")
        return Clip(name, root / "audio" / name, label, row["src_file"], fold)

    rows = read_clips(root / TABLE, _COLUMNS, parse, _GET_IT)
    if not rows:
        raise DataError(f"{root / TABLE} lists no clips; {_GET_IT}")
    return sorted(((clip, row["esc10"] == "True") for clip, row in rows), key=lambda pair: pair[0].id)
