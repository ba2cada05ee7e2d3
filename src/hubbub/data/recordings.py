"""Which clips of a folder were cut from one recording, so that no split takes it apart.

What the table's column `recording` says holds. Else a name in ESC-50's pattern tells its recording. Else what stands
before a number at a name's end names the recording, wherever the clips lie: "kitchen_01.wav", "kitchen_02.wav" and
"kitchen (3).wav" are of one.

But phones and recorders number their recordings too, and people the clips of a class. So what stands before the number
names nothing if it is the class's own name or a device's ("dog_07" among dogs, "New Recording 3", "IMG_1234",
"AUD-20240101-WA0003"), nor if the number is the end of a date or time; one of more than four digits is never counted
as a number. Such a clip is a recording of its own, and so is each clip of a class whose names would leave it a single
recording, which could not be both learnt and tested.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from hubbub.data import esc50
from hubbub.data.dataset import Clip, GroupedBy

#: What devices, programs and people put before the numbers of unrelated recordings: letters and digits, in lower case.
_COUNTED = {
    *("aud", "audio", "capture", "clip", "dsc", "export", "file", "img", "item", "memo", "mov", "mvi", "note", "pxl"),
    *("rec", "record", "recording", "newrecording", "standardrecording", "sample", "sound", "ste", "stereo", "take"),
    *("tascam", "track", "untitled", "vid", "video", "vn", "voice", "voicememo", "voicenote", "voicerecording", "wav"),
    *("aufnahme", "neueaufnahme", "sprachmemo", "enregistrement", "nouvelenregistrement", "grabación", "新規録音"),
}
_DEVICE = re.compile(r"dr\d{4}|r\d\d|zoom\d{4}|(aud|ptt|vid|img)\d{8}wa")  # Tascam, Roland, Zoom; WhatsApp, a day's
_NUMBERED = re.compile(r"(.*?)(?:\s*\(\d{1,4}\)|(?<!\d)\d{1,4})", re.DOTALL)
_DATED = re.compile(r"(19|20)\d\d[-_. ]?\d\d$|(19|20)\d\d\D?\d\d\D?\d\d.*\d\d[.:_-]\d\d$", re.DOTALL)


def assigned(clips: Sequence[Clip]) -> tuple[tuple[Clip, ...], GroupedBy]:
    """The clips, each with its recording as its group, and what told the recordings.

    A group that a clip has already stays; "" is none.
    """
    given = [clip.group or _by_esc50(clip) for clip in clips]
    stems = [PurePosixPath(clip.id).stem.strip() for clip in clips]
    names = [_before_number(stem, clip.label) for stem, clip in zip(stems, clips, strict=True)]
    numbered = set(filter(None, names))
    names = [name or (stem if stem in numbered else "") for name, stem in zip(names, stems, strict=True)]
    sizes = Counter(names)
    names = [name if sizes[name] > 1 else "" for name in names]
    groups = [group or name or clip.id for group, name, clip in zip(given, names, clips, strict=True)]
    recordings: dict[str, set[str]] = {}
    for clip, group in zip(clips, groups, strict=True):
        recordings.setdefault(clip.label, set()).add(group)
    result = tuple(
        replace(clip, group=own or (group if len(recordings[clip.label]) > 1 else clip.id))
        for clip, own, group in zip(clips, given, groups, strict=True)
    )
    if any(clip.group for clip in clips):
        return result, "the column recording"
    if all(given):
        return result, "ESC-50's names"
    return result, "file names" if any(clip.group != clip.id for clip in result) else "each file"


def _by_esc50(clip: Clip) -> str:
    parts = esc50.parse_name(clip.id)
    return parts.recording if parts else ""


def _before_number(stem: str, label: str) -> str:
    """What stands before the number at the end of a file's name; "" if that names no recording.

    >>> _before_number("kitchen_01", "dog"), _before_number("Rec 001-02", "dog"), _before_number("rex", "dog")
    ('kitchen', 'Rec 001', '')
    >>> _before_number("New Recording 3", "dog"), _before_number("dog (7)", "dog"), _before_number("2024-05-01", "dog")
    ('', '', '')
    """
    match = _NUMBERED.fullmatch(stem)
    name = match[1].strip(" _.-") if match else ""
    bare = _bare(name)
    if not bare or _DATED.search(name) or bare in _COUNTED or _DEVICE.fullmatch(bare):
        return ""
    return "" if bare.rstrip("s") == _bare(label).rstrip("s") else name


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
