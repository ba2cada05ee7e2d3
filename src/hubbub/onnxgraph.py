"""What an ONNX file holds, read from its bytes before anything runs it: operators, metadata, data kept elsewhere.

ONNX files are Protocol Buffers (https://protobuf.dev/programming-guides/encoding); the numbers of the fields are those
of `onnx.proto`, which never change. Only the messages that matter are walked, without recursion; the rest is skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

_MOST_FIELDS = 2_000_000  # of all messages; the built-in model has 4,000

#: By kind of message, the fields that are messages themselves, and their kind.
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 14: "entry", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
}
_OP_TYPE, _DOMAIN = 4, 7  # of a node
_DATA_TYPE, _EXTERNAL_DATA, _DATA_LOCATION = 2, 13, 14  # of a tensor
_KEY, _VALUE = 1, 2  # of a metadata entry
_STRING, _EXTERNAL = 8, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class Contents:
    """What is in the file.

    Attributes:
        graphs: how many, those inside operators among them.
        operators: "Conv", or "domain.Name" for one that is not ONNX's own.
        metadata: keys and values; a key may stand twice.
        external: whether some tensor's values lie in another file. texts: whether some tensor holds texts.
    """

    graphs: int = 0
    operators: set[str] = field(default_factory=set)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    external: bool = False
    texts: bool = False


def read(content: bytes) -> Contents:
    """Raises ValueError if the bytes are no Protocol Buffers message, or one of absurdly many fields."""
    contents, count = Contents(), 0
    waiting: list[tuple[str, memoryview]] = [("model", memoryview(content))]
    while waiting:
        kind, message = waiting.pop()
        texts: dict[int, list[str]] = {}
        for number, value in _fields(message):
            count += 1
            if count > _MOST_FIELDS:
                raise ValueError(f"more than {_MOST_FIELDS:,} fields")
            if isinstance(value, memoryview) and number in _INSIDE.get(kind, {}):
                waiting.append((_INSIDE[kind][number], value))
            elif isinstance(value, memoryview) and kind in ("node", "entry"):
                texts.setdefault(number, []).append(bytes(value).decode("utf-8", "backslashreplace"))
            elif kind == "tensor":
                contents.external |= number == _EXTERNAL_DATA or (number, value) == (_DATA_LOCATION, _EXTERNAL)
                contents.texts |= (number, value) == (_DATA_TYPE, _STRING)
        if kind == "graph":
            contents.graphs += 1
        elif kind == "node":  # a field that stands twice counts twice: readers differ in which one they take
            named = product(texts.get(_DOMAIN, [""]), texts.get(_OP_TYPE, [""]))
            contents.operators |= {".".join(filter(None, names)) for names in named}
        elif kind == "entry":
            contents.metadata += product(texts.get(_KEY, [""]), texts.get(_VALUE, [""]))
    return contents


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a message; numbers of fixed width, which nobody asks for, are 0."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError(f"a field of number {number}")
        value: int | memoryview = 0
        if wire == _VARINT:
            value, position = _varint(message, position)
            value &= 0xFFFFFFFF  # as readers cut what they take for 32 bits
        elif wire in (_BYTES, _FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
            if wire == _BYTES:
                length, position = _varint(message, position)
                value = message[position : position + length]
            position += length
        else:
            raise ValueError(f"a field of type {wire}")
        if position > len(message):
            raise ValueError("a field beyond the end")
        yield number, value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number of variable length, least significant seven bits first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("a number beyond the end")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number of more than ten bytes")
