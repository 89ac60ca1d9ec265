"""YAML as a tree that remembers lines: the loader reads through :class:`Node`, so every error says where.

PyYAML's composed tree is used instead of its loaded objects, because objects forget their line, keep the last of two
equal keys, read ``1e-3`` as text, ``010`` as eight and ``no`` as false. A node is asked for what is expected there and
answers with it or with a :class:`SpecError`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from sim2real.spec.errors import Fault, SpecError, did_you_mean, listing

T = TypeVar("T")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "value")}
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_LONGEST = 60


class Node:
    """One place in a spec."""

    def __init__(
        self, source: str, node: yaml.Node, key: str = "", line: int | None = None, folder: Path | None = None
    ) -> None:
        """Wrap a composed node.

        Args:
            source: what messages call the file.
            node: PyYAML's node.
            key: dotted path.
            line: from 1; replaces the node's own, for a value whose key says more.
            folder: where the file stands, which files it names are looked for in; None when it has no place.
        """
        self.source = source
        self.folder = folder
        self.node = node
        self.key = key
        self.line = node.start_mark.line + 1 if line is None else line

    def _child(self, node: yaml.Node, key: str, line: int | None = None) -> Node:
        return Node(self.source, node, key, line, self.folder)

    def fault(self, message: str) -> SpecError:
        """Return the error for this place; raise it."""
        return SpecError(Fault(self.source, self.line, self.key, message))

    def describe(self) -> str:
        """Return what stands here, in a few words."""
        node = self.node
        if isinstance(node, yaml.MappingNode):
            return "a mapping"
        if isinstance(node, yaml.SequenceNode):
            return f"a list of {len(node.value)}"
        if node.tag == _NULL:
            return "nothing"
        text = node.value if len(node.value) <= _LONGEST else node.value[: _LONGEST - 3] + "..."
        if node.style in ("'", '"'):
            return f"the text {text!r} in quotes"
        return f"{text!r}"

    @property
    def is_mapping(self) -> bool:
        """Whether a mapping stands here."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether a list stands here."""
        return isinstance(self.node, yaml.SequenceNode)

    def fields(self, expected: str) -> dict[str, Node]:
        """Return a mapping's entries; merge keys (``<<``) are filled in behind the mapping's own.

        Args:
            expected: what should stand here, for the message.

        Raises:
            SpecError: no mapping, a key that is not text, or a key given twice.
        """
        found: dict[str, Node] = {}
        merged: list[yaml.Node] = []
        self._check_tag("tag:yaml.org,2002:map")
        if not self.is_mapping:
            raise self.fault(f"got {self.describe()}; give {expected}")
        for key_node, value_node in self.node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in (*_PLAIN_TAGS, _MERGE):
                raise self._child(key_node, self.key).fault("a key has to be plain text")
            if key_node.tag == _MERGE:
                merged.append(value_node)
                continue
            name = key_node.value
            path = f"{self.key}.{name}" if self.key else name
            if name in found:
                first = found[name].line
                raise SpecError(Fault(self.source, line, path, f"given twice, first in line {first}; keep one of them"))
            found[name] = self._child(value_node, path, line)
        self._merge(found, merged)
        return found

    def _merge(self, found: dict[str, Node], merged: list[yaml.Node]) -> None:
        pending, seen = list(merged), {id(self.node)}
        if len(merged) == 1 and isinstance(merged[0], yaml.SequenceNode):
            pending = list(merged[0].value)
        while pending:
            node = pending.pop(0)
            if not isinstance(node, yaml.MappingNode):
                raise self._child(node, self.key).fault("'<<' merges mappings; give an alias of one, or a list")
            if id(node) in seen:
                continue
            seen.add(id(node))
            own = [pair for pair in node.value if pair[0].tag != _MERGE]
            inherited = [pair[1] for pair in node.value if pair[0].tag == _MERGE]
            for value in inherited:
                pending = [*(value.value if isinstance(value, yaml.SequenceNode) else [value]), *pending]
            copy = yaml.MappingNode(node.tag, own, node.start_mark, node.end_mark)
            for name, child in self._child(copy, self.key).fields("a mapping").items():
                found.setdefault(name, child)

    def only(self, fields: Mapping[str, Node], allowed: Iterable[str]) -> None:
        """Raise SpecError for the first entry whose name is not allowed."""
        names = list(allowed)
        for name, node in fields.items():
            if name not in names:
                hint = did_you_mean(name, names)
                raise node.fault(f"unknown key{hint}; allowed here: {listing(names)}")

    def items(self, expected: str) -> list[Node]:
        """Return a list's entries, or raise SpecError."""
        self._check_tag("tag:yaml.org,2002:seq")
        if not self.is_list:
            raise self.fault(f"got {self.describe()}; give {expected}")
        return [self._child(child, f"{self.key}[{i}]") for i, child in enumerate(self.node.value)]

    def text(self, expected: str) -> str:
        """Return a scalar's text, or raise SpecError when it is none, is empty or holds control characters."""
        self._check_tag(*_PLAIN_TAGS)
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag == _NULL or not self.node.value.strip():
            raise self.fault(f"got {self.describe()}; give {expected}")
        if not self.node.value.isprintable():
            raise self.fault(f"got text with unprintable characters; give {expected}")
        return str(self.node.value)

    def choice(self, what: str, allowed: Iterable[str]) -> str:
        """Return one of the allowed words, or raise SpecError with the list."""
        names = list(allowed)
        word = self.text(f"one of {listing(names)}")
        if word not in names:
            hint = did_you_mean(word, names)
            raise self.fault(f"unknown {what} '{word}'{hint}; allowed: {listing(names)}")
        return word

    def number(self, expected: str = "a number") -> float:
        """Return a finite number, or raise SpecError. ``1e-3`` is a number; ``'1'``, ``yes`` and ``1:30`` are not."""
        self._check_tag(*_PLAIN_TAGS)
        node = self.node
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            raise self.fault(f"got {self.describe()}; give {expected}")
        if node.style in ("'", '"'):
            raise self.fault(f"got {self.describe()}; give {expected} without quotes")
        text = node.value.strip()
        if re.fullmatch(r"[+-]?\.?(nan|inf|infinity)", text, re.IGNORECASE):
            raise self.fault(f"got {text}; give a finite number")
        if node.tag == _BOOL:
            raise self.fault(f"got '{text}', which YAML reads as true or false; give {expected}")
        if not text.isascii() or not _NUMBER.fullmatch(text):
            raise self.fault(f"got {self.describe()}; give {expected}, in decimals and without a unit")
        if re.fullmatch(r"[+-]?0\d+", text):
            raise self.fault(f"got {text}, which YAML reads as octal; write it without the leading zero")
        value = float(text)
        if not math.isfinite(value):
            raise self.fault(f"got {self.describe()}, beyond the largest number; give a finite number")
        return value

    def whole(self, expected: str, least: int, most: int) -> int:
        """Return a whole number in [least, most], exact at any size, or raise SpecError."""
        value = self.number(expected)
        if value != math.floor(value):
            raise self.fault(f"got {self.describe()}; give {expected}")
        text = str(self.node.value).strip()
        exact = int(text) if re.fullmatch(r"[+-]?\d{1,400}", text) else int(value)
        if not least <= exact <= most:
            raise self.fault(f"got {self.describe()}; give {expected}")
        return exact

    def _check_tag(self, *allowed: str) -> None:
        tag = self.node.tag
        standard = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", *_PLAIN_TAGS}
        if tag not in allowed and tag not in standard:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            raise self.fault(f"YAML tag {shown} is not allowed in a spec; write the plain value")


_MERGE = "tag:yaml.org,2002:merge"


def gather(parts: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Run each part, collect the results by name, and raise one SpecError with the faults of all that failed."""
    results: dict[str, T] = {}
    faults: list[Fault] = []
    for name, part in parts.items():
        try:
            results[name] = part()
        except SpecError as error:
            faults += error.faults
    if faults:
        raise SpecError(*faults)
    return results


def compose(text: str, source: str, folder: Path | None = None) -> Node:
    """Return the root of a YAML document.

    Raises:
        SpecError: the text is empty, no YAML, more than one document, or nested beyond reason.
    """
    line: int | None = None
    try:
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        said = f"no valid YAML: {problem}; check indentation, brackets and quotes"
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        said = f"no valid YAML: {error.reason}; save the file as UTF-8 text"
    except RecursionError:
        said = "nested too deeply; a spec needs six levels at most"
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        said = f"no valid YAML: {error}"
    else:
        if root is not None:
            return Node(source, root, folder=folder)
        said = "the spec is empty; it starts with 'schema: 1' and 'seed: 7'"
    raise SpecError(Fault(source, line, "", said))
