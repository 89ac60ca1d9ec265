"""Changing a spec's text in place, so that its comments, units and order stay as a person wrote them.

The composed YAML remembers where each value stands; a change replaces just those characters. What stands under an
anchor is shared by several places and is left to an editor.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from sim2real.spec.nodes import Node, compose
from sim2real.studio.errors import StudioError

Path = tuple[str, ...]
"""Keys from the top, such as ``("terms", "base_mass", "dist")``."""
_WORD = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][a-z_]*")
"""Words that need no quotes; the others are YAML's own for true, false and nothing."""


@lru_cache(maxsize=8)
def read(text: str, folder: str | None = None) -> Node:
    """Return the root of a spec's text.

    Raises:
        SpecError: it is no YAML.
    """
    fast = getattr(yaml, "CSafeLoader", None)  # ten times as fast, where PyYAML was built with it
    where = None if folder is None else FilePath(folder)
    try:
        root: Any = yaml.compose(text, Loader=fast) if fast is not None else None
    except (yaml.YAMLError, ValueError, RecursionError):
        root = None  # the other one tells what is wrong in the words of the spec's loader
    return compose(text, "the spec", where) if root is None else Node("the spec", root, folder=where)


def flow(value: Any) -> str:
    """Return plain data as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    return value if _WORD.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def replaced(text: str, path: Path, new: str) -> str:
    """Return the text with another value at a path.

    Raises:
        StudioError: nothing of its own stands there.
    """
    _, _, value = _find(text, path)
    begin, end = _span(value)
    return text[:begin] + new + text[end:]


def inserted(text: str, path: Path, new: str) -> str:
    """Return the text with a new entry at the end of the mapping that the path's last key is missing in.

    Raises:
        StudioError: that mapping is shared, or stands on several lines in braces.
    """
    key = path[-1]
    if len(path) == 1:
        return f"{text.rstrip()}\n{key}: {new}\n"
    _, _, parent = _find(text, path[:-1])
    if not isinstance(parent, yaml.MappingNode) or not parent.value:
        raise StudioError(f"{'.'.join(path[:-1])} holds no entries to put '{key}' beside")
    last = parent.value[-1][1]
    _, end = _span(last)
    if parent.flow_style:
        return f"{text[:end]}, {key}: {new}{text[end:]}"
    line_end = text.find("\n", end)
    at = len(text) if line_end < 0 else line_end
    indent = " " * parent.value[-1][0].start_mark.column
    return f"{text[:at]}\n{indent}{key}: {new}{text[at:]}"


def removed(text: str, path: Path) -> str:
    """Return the text without an entry; a mapping that held nothing else goes with it."""
    parent, key, value = _find(text, path)
    if len(parent.value) == 1 and len(path) > 1:
        return removed(text, path[:-1])
    _, end = _span(value)
    if parent.flow_style:
        entries = [(_span(one)[0], _span(other)[1]) for one, other in parent.value if one is not key]
        begin, close = parent.start_mark.index, parent.end_mark.index
        return text[:begin] + "{" + ", ".join(text[a:b] for a, b in entries) + "}" + text[close:]
    begin = text.rfind("\n", 0, key.start_mark.index) + 1
    line_end = text.find("\n", end)
    return text[:begin] + ("" if line_end < 0 else text[line_end + 1 :])


def has(text: str, path: Path) -> bool:
    """Return whether something of its own stands at a path."""
    try:
        _find(text, path)
    except StudioError:
        return False
    return True


def _find(text: str, path: Path) -> tuple[yaml.MappingNode, yaml.Node, yaml.Node]:
    """Return the mapping, the key and the value of the path's last key."""
    node: yaml.Node = read(text).node
    found: tuple[yaml.MappingNode, yaml.Node, yaml.Node] | None = None
    for depth, name in enumerate(path):
        where = ".".join(path[: depth + 1])
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        pair = next((pair for pair in pairs if pair[0].value == name), None)
        if pair is None or not isinstance(node, yaml.MappingNode):
            raise StudioError(f"{where} does not stand in the spec itself; edit the file")
        key, value = pair
        if value.start_mark.index < key.end_mark.index or text[value.start_mark.index] == "&":
            raise StudioError(f"{where} is shared by an anchor; edit the file")
        found = (node, key, value)
        node = value
    assert found is not None
    return found


def _span(node: yaml.Node) -> tuple[int, int]:
    """Where a value begins and ends; a block ends with its last entry, not with the blank lines behind it."""
    last = node
    while isinstance(last, yaml.CollectionNode) and not last.flow_style and last.value:
        entry = last.value[-1]
        last = entry[1] if isinstance(entry, tuple) else entry
    return node.start_mark.index, last.end_mark.index


def plain(node: yaml.Node) -> Any:
    """Return what stands at a node as plain data, numbers as the spec's reader reads them."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(entry) for entry in node.value]
    text = str(node.value)
    if getattr(node, "style", None) in ("'", '"'):
        return text
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) else text
