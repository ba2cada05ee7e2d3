"""Which clips of a dataset a model has heard, by the hashes on record in its file (`modelfile.TrainingRecord`).

A clip counts as heard if its id, its source recording or its decoded samples are on record, or if another clip of its
recording is. Ids and recordings find copies of a dataset that were resampled, re-encoded or sorted into other folders,
since file names survive that: an id's last part counts as an id too, with any suffix of a sound file, and so does the
clip that a copy by `hubbub augment` was made of. Samples find files that were renamed but hold the same samples.

What a record cannot tell: a copy that was both renamed and changed (resampled, cut, filtered, compressed with loss)
and whose source recording is not known either. `hubbub.studies.near_duplicates` finds such copies, where the sounds
that the model learnt from are at hand. And a file that merely bears the same name as a training clip counts as heard.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from hubbub import audio
from hubbub.data import esc50
from hubbub.data.dataset import Clip
from hubbub.errors import AudioError
from hubbub.features.cache import sample_digest
from hubbub.modelfile import TrainingRecord
from hubbub.soundfiles import SUFFIXES
from hubbub.types import Track

Kind = Literal["clip", "recording", "samples"]
#: How each kind of match is called in a message.
WORDS: dict[Kind, str] = {"clip": "clip id", "recording": "source recording", "samples": "decoded samples"}
Matches = Mapping[str, tuple[Kind, ...]]  #: by clip id, what of it is on record; clips without a match are left out

_COPY = re.compile(r"(.+)-copy\d+\.(?:flac|wav)")  # as `hubbub.data.augmented_copies` names copies


@dataclass(frozen=True)
class Comparison:
    """Clips of a dataset against a record.

    Attributes:
        heard: those that the model has heard, and what matched.
        digests: by clip id, of the decoded samples of all others.
        unreadable: by clip id, why it cannot be read; names did not match.
    """

    heard: Matches
    digests: Mapping[str, str]
    unreadable: Mapping[str, str]


def by_name(record: TrainingRecord, clips: Iterable[Clip]) -> Matches:
    """The clips whose id or recording is on record; no file is opened."""
    if not record.clips and not record.recordings:
        return {}
    found: dict[str, tuple[Kind, ...]] = {}
    for clip in clips:
        called = names(clip)
        of = {clip.group, *called, *(parts.recording for parts in map(esc50.parse_name, called) if parts)}
        kinds: list[Kind] = []
        if any(record.has_heard(name, "") for name in called):
            kinds.append("clip")
        if any(record.has_heard("", name) for name in of):
            kinds.append("recording")
        if kinds:
            found[clip.id] = tuple(kinds)
    return found


def compare(record: TrainingRecord, clips: Sequence[Clip], named: Matches, track: Track[Clip] = iter) -> Comparison:
    """Decode the clips that are not in `named`, which `by_name` found, and look for their samples on record.

    `track` wraps the clips that are decoded, to show progress.
    """
    heard: dict[str, tuple[Kind, ...]] = dict(named)
    digests: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for clip in track([clip for clip in clips if clip.id not in named]):
        try:
            digests[clip.id] = sample_digest(*audio.read(clip.path))
        except AudioError as error:
            unreadable[clip.id] = str(error)
            continue
        if record.has_heard("", "", digests[clip.id]):
            heard[clip.id] = ("samples",)
    groups = {clip.group for clip in clips if clip.id in heard}
    for clip in clips:
        if clip.group in groups and clip.id not in heard:  # cut from, or made of, what was heard
            heard[clip.id] = ("recording",)
    left = {name: found for name, found in digests.items() if name not in heard}
    return Comparison(heard, left, {name: why for name, why in unreadable.items() if name not in heard})


def count(matches: Matches) -> dict[Kind, int]:
    """How many clips match in each way; one clip may in several."""
    found = Counter(kind for kinds in matches.values() for kind in kinds)
    return {kind: found[kind] for kind in WORDS if found[kind]}


def ways(matches: Matches) -> str:
    """`count` in words.

    >>> ways({"a.wav": ("clip", "recording"), "b.wav": ("recording",)})
    '1 by clip id, 2 by source recording'
    """
    return ", ".join(f"{number:,} by {WORDS[kind]}" for kind, number in count(matches).items())


def names(clip: Clip) -> set[str]:
    """What the clip's id, or that of the clip that it was made of, may be in another copy of its dataset.

    >>> clip = Clip("b/1.flac", PurePosixPath(), label="a", group="1")
    >>> sorted(name for name in names(clip) if name.endswith(("wav", "flac")))
    ['1.flac', '1.wav', 'a/1.flac', 'a/1.wav', 'b/1.flac', 'b/1.wav']
    """
    found: set[str] = set()
    for name in filter(None, (clip.id, clip.made_from)):
        last = PurePosixPath(name).name
        for called in (name, last, f"{clip.label}/{last}"):
            found.update(_originals(called))
    return found | {stem + suffix for stem in map(_without_suffix, found) for suffix in SUFFIXES}


def _originals(name: str) -> Iterator[str]:
    """A name, and that of the clip it is a copy of, if it is named as copies are."""
    yield name
    if copy := _COPY.fullmatch(name):
        yield copy[1]


def _without_suffix(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in SUFFIXES else name
