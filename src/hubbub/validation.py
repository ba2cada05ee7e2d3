"""What others wrote, checked at the door against the type of a dataclass or a mapping.

Whatever it holds, errors are ValueError, and their text is one line.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from hubbub.formatting import printable

Kind = TypeVar("Kind")

#: How pydantic reads what a file says: no unknown keys, no infinite numbers.
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

_MOST_SHOWN = 200  # characters of what is wrong
_adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(TypeAdapter)


def from_json(kind: type[Kind], content: bytes | str) -> Kind:
    """What a JSON text says, as a `kind`; types must be the very ones, so that 1 is no text and no truth.

    Raises ValueError if it is not JSON, not UTF-8, nested too deep, or not of that kind.
    """
    try:
        checked: Kind = _adapter(kind).validate_json(content, strict=True)
    except ValidationError as error:
        raise ValueError(one_line(error)) from error
    return checked


def from_values(kind: type[Kind], values: Any) -> Kind:
    """Plain values as a `kind`. Raises ValueError if they are of another."""
    try:
        checked: Kind = _adapter(kind).validate_python(values)
    except ValidationError as error:
        raise ValueError(one_line(error)) from error
    return checked


def one_line(error: Exception) -> str:
    """What an error says, on one line that a terminal can show; of pydantic's, the first thing, and where it is."""
    text = str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        text = ": ".join(filter(None, [where, first["msg"].removeprefix("Value error, ")]))
    text = printable(" ".join(text.split())) or type(error).__name__
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
