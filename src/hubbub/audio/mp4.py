"""The index of an MP4 or QuickTime file must fit the file: some hundred bytes can promise what takes gigabytes to list.

FFmpeg makes an entry of 24 bytes of each sample that the tables promise (ISO/IEC 14496-12, 8.7 and 8.8), before it
looks whether there is one.
"""

import io
import struct
from collections.abc import Iterator

from hubbub.audio.errors import UndecodableError

_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts", b"mvex", b"udta", b"dinf"}
_ALWAYS = 2**20  # samples that any file may promise


def require_plausible(file: io.FileIO | io.BytesIO) -> None:
    """Raise UndecodableError where the tables promise more samples than the file can hold. Leaves it at its start."""
    size = file.seek(0, 2)
    samples = in_chunks = chunks = 0
    runs: list[tuple[int, int]] = []  # of chunks: the number of the first, and the samples in each
    for name, begin in _boxes(file, 0, size):
        file.seek(begin)
        if name == b"stsc":
            entries = struct.unpack(">4xI", file.read(8).ljust(8, b"\0"))[0]
            table = file.read(12 * min(entries, size // 12))
            runs = [entry[:2] for entry in struct.iter_unpack(">III", table[: len(table) // 12 * 12])]
        elif name in (b"stco", b"co64"):
            chunks = min(size, struct.unpack(">4xI", file.read(8).ljust(8, b"\0"))[0])
        elif name in (b"stsz", b"stz2"):
            samples += struct.unpack(">8xI", file.read(12).ljust(12, b"\0"))[0]
        elif name == b"trun":
            samples += struct.unpack(">4xI", file.read(8).ljust(8, b"\0"))[0]
        if name in (b"stsc", b"stco", b"co64"):
            ends = [first for first, _ in runs[1:]] + [chunks + 1]
            in_chunks = sum(max(0, end - first) * each for (first, each), end in zip(runs, ends, strict=False))
        if samples > max(_ALWAYS, 2 * size) or in_chunks > 4 * max(_ALWAYS, 2 * size):
            raise UndecodableError("its index promises more than the file can hold")
    file.seek(0)


def _boxes(file: io.FileIO | io.BytesIO, begin: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Names of the boxes between two places, and where their content begins; what is in one follows it."""
    parents = [(begin, end)]
    while parents:
        begin, end = parents.pop()
        file.seek(begin)
        size, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        content = begin + 8
        if size == 1:
            size = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))[0]
            content += 8
        if size == 0:
            size = end - begin
        after = max(content, begin + size)
        if after + 8 <= end:
            parents.append((after, end))
        yield name, content
        if name in _PARENTS and content + 8 <= min(after, end):
            parents.append((content, min(after, end)))
