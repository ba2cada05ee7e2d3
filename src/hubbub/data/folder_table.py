"""The table of a folder of sounds: `metadata.csv` or `metadata.jsonl`, as the AudioFolder of Hugging Face has them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hubbub.errors import DataError
from hubbub.formatting import listing
from hubbub.storage import TableRow, read_table

NAMES = ("metadata.csv", "metadata.jsonl")  #: in a folder, whatever their case
COLUMNS = "file_name and label, and where known recording and fold"

_NEEDED, _OPTIONAL = ("file_name", "label"), ("recording", "fold")
_REMEDY = "correct the table"
_SEPARATORS = ",;\t"  # Excel writes semicolons where the comma separates decimals


def find(folder: Path) -> Path | None:
    """The table in a folder, None if there is none; raises DataError if there are several."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.lower() in NAMES)  # noqa: PTH208
    except OSError:
        return None  # whoever looks for sounds says what is wrong with the folder
    if len(names) > 1:
        raise DataError(f"{folder} has {listing(names)}: keep the one that is to be read")
    return folder / names[0] if names else None


def read(path: Path) -> list[TableRow]:
    """The rows of a table, with `file_name` as it stands there and every other value without spaces around it.

    A CSV file may be separated by commas, semicolons or tabs. In JSON lines, numbers are taken as their text.

    Raises DataError if it cannot be read, a column is missing or comes twice, or a row is none; it names the line.
    """
    if path.suffix.lower() == ".jsonl":
        return list(_json_lines(path))
    table = read_table(path, _REMEDY, separator(path))
    header = [name.strip() for name in table.header]
    if missing := [name for name in _NEEDED if name not in header]:
        raise DataError(f"{path}, line 1: has no column {listing(missing)}; the table takes {COLUMNS}")
    if twice := [name for name in (*_NEEDED, *_OPTIONAL) if header.count(name) > 1]:
        raise DataError(f"{path}, line 1: has the column {twice[0]} twice; {_REMEDY}")
    return [_row(dict(zip(header, row, strict=True)), line) for row, line in zip(table.rows, table.lines, strict=True)]


def _row(values: dict[str, str], line: int) -> TableRow:
    row = TableRow({name: value if name == "file_name" else value.strip() for name, value in values.items()})
    row.line = line
    return row


def separator(path: Path) -> str:
    """What separates the fields of a CSV file's header: a comma, semicolon or tab."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline(2**16)
    except (OSError, ValueError):
        return ","  # `read_table` says what is wrong
    return max(_SEPARATORS, key=header.count)


def _json_lines(path: Path) -> Iterator[TableRow]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _row(_texts(json.loads(line)), number)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); {_REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, line {max(1, number)}: {error}; {_REMEDY}") from error


def _texts(content: Any) -> dict[str, str]:
    """What a line of JSON says; raises ValueError for what says nothing."""
    if not isinstance(content, dict):
        raise ValueError('is not an object such as {"file_name": "a.wav", "label": "dog"}')
    values = {}
    for name in (*_NEEDED, *_OPTIONAL):
        value = content.get(name)
        if value is not None and type(value) not in (str, int):
            raise ValueError(f"{name} is not text")
        values[name] = "" if value is None else str(value)
        values[name].encode()  # half a surrogate pair, which JSON can hold, is a ValueError
    return values
