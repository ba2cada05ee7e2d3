"""YAML that people write, read as the values that JSON has, too: what a recipe may hold, and no more."""

from collections import Counter
from typing import Any

import yaml

from hubbub.validation import one_line

_MOST_BYTES = 200_000
_MOST_DIGITS = 18
_PLAIN = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


def read(content: bytes) -> dict[str, Any]:
    """The mapping that a YAML text is; a date stays the text that it was written as.

    Raises ValueError, of one line, for anything else: what is not YAML or UTF-8, is too long or nested too deep, has
    keys that are no texts or stand twice, or aliases, a few of which make a gigabyte.
    """
    values = value(content)
    if not isinstance(values, dict):
        raise ValueError("it must be a mapping of keys to values")
    return values


def value(content: bytes) -> Any:
    """The value that a YAML text is. Raises ValueError as `read`."""
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
    try:
        return yaml.load(content.decode("utf-8"), _PlainLoader)
    except Exception as error:  # PyYAML lets a dozen kinds out, RecursionError and IndexError among them
        raise ValueError(one_line(error)) from error


class _PlainLoader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("aliases are not read: write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value if key.tag.endswith(":str")]
        if len(names) < len(node.value):
            raise ValueError(f"line {node.start_mark.line + 1}: a key is no text")
        if len(set(names)) < len(names):
            twice = Counter(names).most_common(1)[0][0]
            raise ValueError(f"line {node.start_mark.line + 1}: the key {twice!r} stands twice")
        return super().construct_mapping(node, deep)

    def construct_number(self, node: Any) -> int:
        if len(node.value) > _MOST_DIGITS:
            raise ValueError(f"line {node.start_mark.line + 1}: a number of {len(node.value):,} digits")
        return int(self.construct_yaml_int(node))


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag in _PLAIN]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.yaml_constructors = {
    tag: construct for tag, construct in yaml.SafeLoader.yaml_constructors.items() if tag is None or tag in _PLAIN
} | {"tag:yaml.org,2002:int": _PlainLoader.construct_number}
