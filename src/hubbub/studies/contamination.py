"""Which clips of a dataset are in a model's training record, by the hashes in its file (`modelfile.TrainingRecord`).

A clip matches if its id, its source recording or its decoded samples are on record, or if another clip of its
recording matches. Ids and recordings find copies of a dataset that were resampled, re-encoded or sorted into other
folders, since file names survive that: an id's last part counts as an id too, with any suffix of a sound file, and so
does the clip that a copy by `hubbub augment` was made of, and a name of ESC-50 anywhere in a file's name, as in
"copy of 1-100032-a-0 (1).WAV". Samples find files that were renamed but hold the same samples.

What a record cannot tell: a copy that was both renamed and changed (resampled, cut, filtered, compressed with loss)
and whose source recording is not known either. `hubbub.studies.near_duplicates` finds such copies, where the sounds
that the model learnt from are at hand. And a file that merely bears the name of a training clip matches.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

MatchKind = Literal["clip", "recording", "samples"]
#: How each kind of match is called in a message.
MATCH_NAMES: dict[MatchKind, str] = {"clip": "clip id", "recording": "source recording", "samples": "decoded samples"}
Matches = Mapping[str, tuple[MatchKind, ...]]  #: by clip id, what of it is on record; others are left out

_ESC50_NAME = re.compile(r"(?<!\d)\d-\d+-[A-Za-z]-\d+(?!\d)")
_SOUND_SUFFIXES = re.compile(rf"(?:{'|'.join(map(re.escape, SUFFIXES))})+$", re.IGNORECASE)
_COPY = re.compile(r"(.+)-copy\d+\.(?:flac|wav)")  # as `hubbub.data.augmented_copies` names copies


@dataclass(frozen=True)
class Comparison:
    """Clips of a dataset against a training record.

    Attributes:
        matches: the clips that are in the record, and what matched.
        digests: by clip id, of the decoded samples of all others.
        unreadable: by clip id, why it cannot be read; names did not match.
    """

    matches: Matches
    digests: Mapping[str, str]
    unreadable: Mapping[str, str]


def match_names(record: TrainingRecord, clips: Iterable[Clip]) -> Matches:
    """The clips whose id or recording is on record; no file is opened."""
    if not record.clips and not record.recordings:
        return {}
    matches: dict[str, tuple[MatchKind, ...]] = {}
    for clip in clips:
        ids = possible_ids(clip)
        recordings = {clip.group, *ids, *(parts.recording for parts in map(esc50.parse_name, ids) if parts)}
        kinds: list[MatchKind] = []
        if any(record.has_heard(name, "") for name in ids):
            kinds.append("clip")
        if any(record.has_heard("", name) for name in recordings):
            kinds.append("recording")
        if kinds:
            matches[clip.id] = tuple(kinds)
    return matches


def compare(record: TrainingRecord, clips: Sequence[Clip], named: Matches, track: Track = iter) -> Comparison:
    """Decode the clips that are not in `named`, which `match_names` gives, and look for their samples on record.

    `track` wraps the clips that are decoded, to show progress.
    """
    matches: dict[str, tuple[MatchKind, ...]] = dict(named)
    digests: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for clip in track([clip for clip in clips if clip.id not in named]):
        try:
            digests[clip.id] = sample_digest(*audio.read(clip.path))
        except AudioError as error:
            unreadable[clip.id] = str(error)
            continue
        if record.has_heard("", "", digests[clip.id]):
            matches[clip.id] = ("samples",)
    groups = {clip.group for clip in clips if clip.id in matches}
    for clip in clips:
        if clip.group in groups and clip.id not in matches:  # cut from, or made of, a clip that matches
            matches[clip.id] = ("recording",)
    return Comparison(
        matches,
        {name: digest for name, digest in digests.items() if name not in matches},
        {name: why for name, why in unreadable.items() if name not in matches},
    )


def count_matches(matches: Matches) -> dict[MatchKind, int]:
    """How many clips match in each way; one clip may in several."""
    counts = Counter(kind for kinds in matches.values() for kind in kinds)
    return {kind: counts[kind] for kind in MATCH_NAMES if counts[kind]}


def describe_matches(matches: Matches) -> str:
    """`count_matches` in words.

    >>> describe_matches({"a.wav": ("clip", "recording"), "b.wav": ("recording",)})
    '1 by clip id, 2 by source recording'
    """
    return ", ".join(f"{number:,} by {MATCH_NAMES[kind]}" for kind, number in count_matches(matches).items())


def possible_ids(clip: Clip) -> set[str]:
    """What the clip's id, or that of the clip that it was made of, may be in another copy of its dataset.

    >>> clip = Clip("b/1.flac", PurePosixPath(), label="a", group="1")
    >>> sorted(name for name in possible_ids(clip) if name.endswith(("wav", "flac")))
    ['1.flac', '1.wav', 'a/1.flac', 'a/1.wav', 'b/1.flac', 'b/1.wav']
    """
    ids: set[str] = set()
    for clip_id in filter(None, (clip.id, clip.made_from)):
        file_name = PurePosixPath(clip_id).name
        ids |= {clip_id, file_name, f"{clip.label}/{file_name}"}
    ids |= {copy[1] for copy in map(_COPY.fullmatch, ids) if copy}
    stems = {_SOUND_SUFFIXES.sub("", name) for name in ids}
    stems |= {name.upper() for renamed in ids for name in _ESC50_NAME.findall(renamed)}
    return ids | {stem + suffix for stem in stems for suffix in SUFFIXES}
