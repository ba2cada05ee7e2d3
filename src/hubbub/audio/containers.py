"""What a file is by its first bytes, and how much sound it promises; nothing is guessed from a name.

This table is the list of what hubbub reads. Files without a signature (raw samples, VOX, GSM) are refused: whatever
they hold would be heard as noise.
"""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from hubbub.audio.mpeg import skip_id3

#: signature of a file's first 16 bytes → the names of its container in libsndfile and in FFmpeg ("" where it has none)
_SIGNATURES = (
    (rb"(RIFF|RIFX|RF64)....WAVE", "WAV", "wav"),
    (rb"FORM....AIF[FC]", "AIFF", "aiff"),
    (rb"fLaC", "FLAC", "flac"),
    (rb"OggS", "OGG", "ogg"),
    (rb"caff", "CAF", "caf"),
    (rb"\.snd|dns\.", "AU", "au"),
    (rb"riff\x2e\x91\xcf\x11", "W64", "w64"),
    (rb"....(ftyp|moov|mdat|free|skip|wide)", "", "mov"),
    (rb"\x1aE\xdf\xa3", "", "matroska"),
    (rb"RIFF....AVI ", "", "avi"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "", "asf"),
    (rb"#!AMR", "", "amr"),
    (rb"wvpk", "", "wv"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "", "aac"),
    (rb"\xff[\xe2\xe3\xf2-\xf5\xfa-\xfd]", "", "mp3"),
)
_CHUNKS = {  # magic → where the first chunk begins, how its name and size are packed, the name of the samples' chunk
    b"RIFF": (12, "<4sI", b"data"),
    b"RIFX": (12, ">4sI", b"data"),
    b"RF64": (12, "<4sI", b"data"),
    b"FORM": (12, ">4sI", b"SSND"),
    b"caff": (8, ">4sq", b"data"),
}
_MOST_CHUNKS = 1000  # before the samples; a file has about ten
_MPEG_IN_WAV = (0x50, 0x55)  # libsndfile's decoder of these writes to stderr
_UNWRITTEN = 0x7FFF_0000  # bytes; recorders that cannot go back promise 2 or 4 GB


@dataclass(frozen=True)
class Container:
    """What the first bytes say.

    `sndfile` and `ffmpeg` are the two libraries' names of the format, "" where a library is not to read it.
    `promised` and `present` are bytes of samples; None where a container does not say it in this way.
    `unwritten`: the length was never written. `joined`: another file follows the end of this one.
    """

    sndfile: str
    ffmpeg: str
    promised: int | None = None
    present: int | None = None
    unwritten: bool = False
    joined: bool = False


def recognise(file: BinaryIO) -> Container | None:
    """The container of a file that can seek, or None if it is no sound that hubbub knows. Leaves it at the start."""
    try:
        skip_id3(file)
        start = file.tell()
        head = file.read(16)
        for signature, sndfile, ffmpeg in _SIGNATURES:
            if re.match(signature, head, re.DOTALL):
                if start:  # libsndfile takes a file from its first byte
                    return Container("", ffmpeg)
                return _with_lengths(file, head, sndfile, ffmpeg)
        return None
    finally:
        file.seek(0)


def _with_lengths(file: BinaryIO, head: bytes, sndfile: str, ffmpeg: str) -> Container:
    if head[:4] == b".snd":
        begin, promised = struct.unpack(">II", head[4:12])
        return _data(file, sndfile, ffmpeg, begin, None if promised == 0xFFFFFFFF else promised)
    if not sndfile or head[:4] not in _CHUNKS:
        return Container(sndfile, ffmpeg)
    position, packed, samples = _CHUNKS[head[:4]]
    long = None  # the size of the samples where 32 bits are too few
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        header = file.read(struct.calcsize(packed))
        if len(header) < struct.calcsize(packed):
            break
        name, size = struct.unpack(packed, header)
        position += len(header)
        if name == b"ds64":
            _, long = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        if name == b"fmt " and struct.unpack(packed[0] + "H", file.read(2).ljust(2, b"\0"))[0] in _MPEG_IN_WAV:
            sndfile = ""
        if name == samples:
            return _data(file, sndfile, ffmpeg, position, long if long and size == 0xFFFFFFFF else size)
        if size < 0:
            break
        position += size + (size % 2 if head[:4] != b"caff" else 0)
    return Container(sndfile, ffmpeg)


def _data(file: BinaryIO, sndfile: str, ffmpeg: str, begin: int, promised: int | None) -> Container:
    """Compare the samples' promised length with what follows in the file."""
    present = file.seek(0, 2) - begin
    if promised is None or promised < 0:  # said to be unknown: nothing is wrong
        return Container(sndfile, ffmpeg)
    file.seek(begin)
    behind = file.read(8)
    chunk = len(behind) == 8 and behind[:4].isalnum() and struct.unpack("<I", behind[4:])[0] <= present - 8
    if (promised == 0 and present > 0 and not chunk) or promised >= max(_UNWRITTEN, present + 1):
        # of a length of 0, FFmpeg makes the rest of the file, and libsndfile nothing
        return Container("" if promised == 0 else sndfile, ffmpeg, unwritten=True)
    file.seek(begin + promised)
    joined = file.read(12)[:4] in (b"RIFF", b"FORM", b"fLaC", b"OggS")
    return Container(sndfile, ffmpeg, promised, min(promised, present), joined=joined)
