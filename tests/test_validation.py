"""The door for what others wrote: JSON and YAML."""

from dataclasses import dataclass

import pytest

from hubbub import yamlfile
from hubbub.validation import from_json, from_values


@dataclass
class Size:
    width: int
    name: str = ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"width": "3"}', r"width: Input should be a valid integer"),
        ('{"width": 3.0}', r"width: "),
        ('{"width": true}', r"width: "),
        ('{"width": 3, "name": 4}', r"name: Input should be a valid string"),
        ("{}", r"width: Field required"),
        ("[" * 100_000, r"Invalid JSON: recursion limit exceeded"),
        (b'{"width": 3, "name": "\xff"}', r"Invalid JSON: invalid unicode"),
        ('{"width": 3, "name": "\\ud800"}', r"Invalid JSON: unexpected end of hex escape"),
        ('{"width": ' + "9" * 10_000 + "}", r"Invalid JSON: number out of range"),
    ],
)
def test_json_of_another_kind(text: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        from_json(Size, text)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 250


def test_json_of_the_right_kind() -> None:
    assert from_json(Size, b'{"width": 3, "name": "gr\xc3\xb6\xc3\x9fe", "more": 1}') == Size(3, "größe")
    assert from_values(Size, {"width": 3}) == Size(3)


def test_yaml_has_the_values_that_json_has() -> None:
    text = "{a: 1, b: [0.5, true, null], c: 2024-01-01, d: {e: größe}}"
    assert yamlfile.read(text.encode()) == {"a": 1, "b": [0.5, True, None], "c": "2024-01-01", "d": {"e": "größe"}}
    assert yamlfile.value(b"5e-4") == "5e-4" and yamlfile.value(b"") is None


@pytest.mark.parametrize("text", [b"- a", b"a: &x [1]\nb: *x", b"a: !!timestamp 2024-01-01", b"a: !!binary aaaa"])
def test_yaml_that_is_more(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^.+$"):
        yamlfile.read(text)
