"""Headers of MP3 files: the tags before the sound, the size of a frame, the table that counts the frames."""

from typing import BinaryIO

_RATES = (44_100, 48_000, 32_000)  # Hz, of version 1
_SLOWER = {3: 1, 2: 2, 0: 4}  # by the code of the version: 1, 2 and 2.5
_KILOBITS = {  # a second, by whether it is version 1, and the code of the layer (1: III, 2: II)
    (True, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_TABLE = 256  # bytes of the first frame within which its table begins


def frame_size(head: bytes) -> int:
    """Bytes of the frame that begins with these 3, by ISO/IEC 11172-3 and 13818-3; 0 where they do not say.

    >>> frame_size(bytes([0xFF, 0xFB, 0x90]))
    417
    """
    if len(head) < 3 or head[0] != 0xFF or head[1] < 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer not in (1, 2) or bits in (0, 15) or rate == 3:
        return 0
    eighth = 144 if version == 3 or layer == 2 else 72  # of the samples in a frame
    return eighth * 1000 * _KILOBITS[version == 3, layer][bits] // (_RATES[rate] // _SLOWER[version]) + padding


def has_length(file: BinaryIO) -> bool:
    """Whether the first frame of an MP3 holds the table that counts its frames. Leaves the file where it stood."""
    position = file.tell()
    file.seek(0)
    skip_id3(file)
    head = file.read(_TABLE)
    file.seek(position)
    return any(name in head for name in (b"Xing", b"Info", b"VBRI"))


def skip_id3(file: BinaryIO) -> None:
    """Go behind the tags that stand before MP3 and others, each with a head of 10 bytes, its size of 7 bits a byte."""
    while (head := file.read(10))[:3] == b"ID3" and len(head) == 10:
        file.seek(sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)), 1)
    file.seek(-len(head), 1)
