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
_W64 = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"  # behind the names of all of its chunks
#: magic → where the first chunk begins, how a chunk's name and size are packed, the bytes that chunks are padded to,
#: and the name of the one that holds the samples
_CHUNKS = {
    b"RIFF": (12, "<4sI", 2, b"data"),
    b"RIFX": (12, ">4sI", 2, b"data"),
    b"RF64": (12, "<4sI", 2, b"data"),
    b"FORM": (12, ">4sI", 2, b"SSND"),
    b"caff": (8, ">4sq", 1, b"data"),
    b"riff": (40, "<16sq", 8, b"data" + _W64),
}
_JOINED = (b"RIFF", b"FORM", b"RF64", b"fLaC", b"OggS", b"caff", b"riff", b".snd")
_OGG_PAGE = 27 + 255 + 255 * 255  # bytes, at most
_MOST_CHUNKS = 1000  # before the samples; a file has about ten
_MPEG_IN_WAV = (0x50, 0x55)  # libsndfile's decoder of these writes to stderr
_UNWRITTEN = 0x7FFF_0000  # bytes; recorders that cannot go back promise 2 or 4 GB


@dataclass(frozen=True)
class Container:
    """What the first bytes say.

    `sndfile` and `ffmpeg` are the two libraries' names of the format, "" where a library is not to read it.
    `promised` and `present` are bytes of samples; None where a container does not say it in this way.
    `unwritten`: the length was never written. `unended`: the mark of the end is missing. `joined`: another file
    follows.
    """

    sndfile: str
    ffmpeg: str
    promised: int | None = None
    present: int | None = None
    unwritten: bool = False
    unended: bool = False
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
                if ffmpeg == "ogg":
                    return _with_end(file)
                return _with_lengths(file, head, sndfile, ffmpeg)
        return None
    finally:
        file.seek(0)


def _with_end(file: BinaryIO) -> Container:
    """Compare the first and the last page of an Ogg file: flags in byte 5, the stream's number from byte 14."""
    file.seek(0)
    first = file.read(27)
    file.seek(max(0, file.seek(0, 2) - _OGG_PAGE))
    tail = file.read(_OGG_PAGE)
    last = tail[tail.rfind(b"OggS") :] if b"OggS" in tail else b""
    if len(last) < 27:
        return Container("OGG", "ogg", unended=True)
    return Container("OGG", "ogg", unended=not last[5] & 4, joined=last[14:18] != first[14:18])


def _with_lengths(file: BinaryIO, head: bytes, sndfile: str, ffmpeg: str) -> Container:
    if head[:4] == b".snd":
        begin, promised = struct.unpack(">II", head[4:12])
        return _data(file, sndfile, ffmpeg, begin, None if promised == 0xFFFFFFFF else promised)
    if not sndfile or head[:4] not in _CHUNKS:
        return Container(sndfile, ffmpeg)
    position, packed, padded, samples = _CHUNKS[head[:4]]
    long = None  # the size of the samples where 32 bits are too few
    end = file.seek(0, 2)
    for _ in range(_MOST_CHUNKS):
        if not 0 < position < end:
            break
        file.seek(position)
        header = file.read(struct.calcsize(packed))
        if len(header) < struct.calcsize(packed):
            break
        name, size = struct.unpack(packed, header)
        size -= len(header) if head[:4] == b"riff" else 0  # which counts the chunk's header too
        position += len(header)
        if name == b"ds64":
            _, long = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        if name == b"fmt " and struct.unpack(packed[0] + "H", file.read(2).ljust(2, b"\0"))[0] in _MPEG_IN_WAV:
            sndfile = ""
        if name == samples:
            return _data(file, sndfile, ffmpeg, position, long if long and size == 0xFFFFFFFF else size)
        position += size + -size % padded
    return Container(sndfile, ffmpeg)


def _data(file: BinaryIO, sndfile: str, ffmpeg: str, begin: int, promised: int | None) -> Container:
    """Compare the samples' promised length with what follows in the file."""
    present = file.seek(0, 2) - begin
    if promised is None or promised < 0 or present < 0:  # said to be unknown, or a header without sense
        return Container(sndfile, ffmpeg)
    file.seek(begin)
    behind = file.read(8)
    chunk = len(behind) == 8 and behind[:4].isalnum() and struct.unpack("<I", behind[4:])[0] <= present - 8
    if (promised == 0 and present > 0 and not chunk) or promised >= max(_UNWRITTEN, present + 1):
        # of a length of 0, FFmpeg makes the rest of the file, and libsndfile nothing
        return Container("" if promised == 0 else sndfile, ffmpeg, unwritten=True)
    file.seek(begin + min(promised, present))
    return Container(sndfile, ffmpeg, promised, min(promised, present), joined=file.read(4) in _JOINED)
