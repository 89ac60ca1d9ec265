"""Reading what others wrote: no size is trusted, nothing outside the artefact's folder is opened, nothing in it runs.

YAML is read with the safe loader, and one tag more: unitree_rl_lab writes "all joints" as a Python slice, which is
taken for what it means and never called. Values are handed out by functions that say where a wrong one stands.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim2real.contract.reading import LABEL
from sim2real.export.errors import ExportError

YAML_BYTES = 4 << 20
"""Largest description [bytes]."""
NETWORK_BYTES = 512 << 20
"""Largest network with all its weights [bytes]."""
_SLICE = "tag:yaml.org,2002:python/object/apply:builtins.slice"


class ArtefactError(ExportError):
    """Someone else's policy cannot become a bundle; nothing was written."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a file. Raises: ArtefactError: it cannot be read or is larger than ``limit`` [bytes]."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror}). Nothing was written.") from None
    if len(content) > limit:
        raise ArtefactError(f"{path}: larger than {limit >> 20} MiB, which is more than a policy needs. Not read.")
    return content


def read_yaml(path: Path, *, slices: bool = False) -> Mapping[str, Any]:
    """The mapping that a YAML file holds.

    Args:
        path: the file.
        slices: take ``!!python/object/apply:builtins.slice [null, null, null]`` for None, which means all joints.

    Raises:
        ArtefactError: no mapping, too large, twice the same key, or a tag that would make more than plain values.
    """
    return parse_yaml(read_bytes(path, YAML_BYTES), str(path), slices=slices)


def parse_yaml(content: bytes, source: str, *, slices: bool = False) -> Mapping[str, Any]:
    """The mapping that a YAML text holds; see ``read_yaml``."""
    import yaml

    class Loader(yaml.SafeLoader):
        """The safe loader; a key that comes twice is an error."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names = [key.value for key, _ in node.value if isinstance(key.value, str)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise yaml.constructor.ConstructorError(None, None, f"{', '.join(twice)} comes twice", node.start_mark)
            return super().construct_mapping(node, deep)

    if slices:
        Loader.add_constructor(_SLICE, _whole_slice)
    try:
        data = yaml.load(content, Loader)  # noqa: S506  a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, TypeError, RecursionError) as error:
        said = str(error).replace("\n", " ").strip()
        raise ArtefactError(
            f"{source}: not read: {said[:300]}. Only plain YAML is taken; nothing in it is ever run."
        ) from None
    if not isinstance(data, Mapping):
        raise ArtefactError(f"{source}: holds {type(data).__name__}; it must hold a mapping.")
    return data


def _whole_slice(loader: Any, node: Any) -> None:
    """A Python slice over everything, as None."""
    import yaml

    parts = loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None
    if parts != [None, None, None]:
        raise yaml.constructor.ConstructorError(
            None, None, f"a slice {parts}; only one over everything is known", node.start_mark
        )


def wrong(source: str, where: str, value: Any, allowed: str) -> ArtefactError:
    """The error for a value: what came, what is allowed."""
    return ArtefactError(f"{source}: {where} is {reprlib.repr(value)}; it must be {allowed}.")


def mapping(data: Mapping[str, Any], key: str, source: str, where: str = "") -> Mapping[str, Any]:
    """A part that is a mapping. Raises: ArtefactError."""
    value = _present(data, key, source, where)
    if not isinstance(value, Mapping):
        raise wrong(source, where + key, value, "a mapping")
    return value


def sequence(data: Mapping[str, Any], key: str, source: str, where: str = "") -> list[Any]:
    """A part that is a list. Raises: ArtefactError."""
    value = _present(data, key, source, where)
    if not isinstance(value, list):
        raise wrong(source, where + key, value, "a list")
    return value


def names(data: Mapping[str, Any], key: str, source: str, where: str = "") -> tuple[str, ...]:
    """A part that lists names, each once. Raises: ArtefactError."""
    value = sequence(data, key, source, where)
    return checked_names(value, source, where + key)


def checked_names(value: Any, source: str, where: str) -> tuple[str, ...]:
    """Names of joints or terms, each once, that can be written anywhere. Raises: ArtefactError."""
    good = isinstance(value, (list, tuple)) and all(isinstance(v, str) and LABEL.fullmatch(v) for v in value)
    if not good or len(set(value)) != len(value) or not value:
        raise wrong(source, where, value, "one or more names of letters, digits, '_', '-', '.', each once")
    return tuple(value)


def numbers(data: Mapping[str, Any], key: str, source: str, count: int | None = None, where: str = "") -> list[float]:
    """A part that lists finite numbers, so many of them. Raises: ArtefactError."""
    return checked_numbers(sequence(data, key, source, where), source, where + key, count)


def checked_numbers(value: Any, source: str, where: str, count: int | None = None) -> list[float]:
    """Finite numbers, so many of them. Raises: ArtefactError."""
    if not isinstance(value, (list, tuple)) or not all(_is_number(v) for v in value):
        raise wrong(source, where, value, "a list of finite numbers")
    if count is not None and len(value) != count:
        raise ArtefactError(f"{source}: {where} has {len(value)} numbers; it must have {count}.")
    return [float(v) for v in value]


def number(data: Mapping[str, Any], key: str, source: str, where: str = "") -> float:
    """A part that is a finite number. Raises: ArtefactError."""
    value = _present(data, key, source, where)
    if not _is_number(value):
        raise wrong(source, where + key, value, "a finite number")
    return float(value)


def per_output(value: Any, source: str, where: str, count: int) -> tuple[float, ...]:
    """One number, or one for each, as so many numbers; None is 1. Raises: ArtefactError."""
    if value is None:
        return (1.0,) * count
    if _is_number(value):
        return (float(value),) * count
    return tuple(checked_numbers(value, source, where, count))


def pair(value: Any, source: str, where: str) -> tuple[float, float] | None:
    """A range, or None where it has no end on either side. Raises: ArtefactError."""
    if value is None:
        return None
    good = isinstance(value, (list, tuple)) and len(value) == 2
    good = good and all(isinstance(v, (int, float)) and not math.isnan(v) for v in value) and value[0] <= value[1]
    if not good:
        raise wrong(source, where, value, "[low, high]")
    if all(math.isinf(v) for v in value):
        return None
    return (max(float(value[0]), -3.0e38), min(float(value[1]), 3.0e38))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _present(data: Mapping[str, Any], key: str, source: str, where: str) -> Any:
    if key not in data:
        raise ArtefactError(f"{source}: {where}{key} is missing; present are: {', '.join(map(str, data)) or 'none'}.")
    return data[key]
