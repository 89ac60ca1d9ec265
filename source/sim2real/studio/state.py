"""The panel's state as a file: what was set, and the spec's text. Written whole or not at all, read with suspicion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sim2real.errors import Sim2RealError
from sim2real.studio.document import SpecDocument
from sim2real.studio.errors import StudioError
from sim2real.studio.workspace import write_atomic

VERSION = 1
"""Of the file format."""
LARGEST = 4_000_000
"""Longest file that is read, in bytes."""


def write_state(path: Path, given: dict[str, Any], document: SpecDocument) -> None:
    """Write a state.

    Raises:
        WorkspaceError: it cannot be written.
    """
    spec: dict[str, Any] = {"name": document.name}
    if document.preset:
        spec["preset"] = True
    else:
        spec |= {"folder": document.folder, "off": [list(entry) for entry in document.off], "text": document.text}
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    state = {"studio": VERSION, "spec": spec, "values": plain}
    write_atomic(path, yaml.safe_dump(state, sort_keys=False, allow_unicode=True, width=2**20))


def read_state(
    path: Path, fallback: str | None, kept: dict[str, Any] | None = None
) -> tuple[dict[str, Any], SpecDocument, list[str]]:
    """Return the values, the spec, and what could not be read.

    Args:
        path: a state, or a spec.
        fallback: preset to begin with where there is no state, or a broken one; None: raise instead.
        kept: values that stay when the file is a spec alone.

    Raises:
        StudioError: the file cannot be read, and there is no ``fallback``.
        SpecError: its spec is wrong, and there is no ``fallback``.
    """
    try:
        return _read(path, kept or {})
    except FileNotFoundError:
        if fallback is None:
            raise StudioError(f"there is no file {path}; give one that was saved") from None
        return {}, SpecDocument.of_preset(fallback), []
    except Sim2RealError as error:
        if fallback is None:
            raise
        return {}, SpecDocument.of_preset(fallback), [_set_aside(path, error)]


def _set_aside(path: Path, error: Sim2RealError) -> str:
    """Keep a state that cannot be read beside the new one, and say so."""
    aside = path.with_suffix(".broken.yaml")
    try:
        path.replace(aside)
    except OSError:
        return f"the panel's state cannot be read ({error}); it began anew"
    return f"the panel's state cannot be read ({error}); it began anew, and the old file is {aside}"


def _read(path: Path, kept: dict[str, Any]) -> tuple[dict[str, Any], SpecDocument, list[str]]:
    try:
        if path.stat().st_size > LARGEST:
            raise StudioError(f"{path} has more than {LARGEST} bytes; it is no state of the panel")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"{path} cannot be read: {error}") from error
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise StudioError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from error
    if isinstance(found, dict) and "schema" in found:
        name = path.name.removesuffix(".yaml").removesuffix(".yml").removesuffix(".spec")
        return dict(kept), SpecDocument.of_file(path, name), []
    if not isinstance(found, dict) or found.get("studio") != VERSION:
        raise StudioError(f"{path} is neither a state of this panel ('studio: {VERSION}') nor a spec ('schema: 1')")
    values, spec = found.get("values") or {}, found.get("spec") or {}
    named = isinstance(spec, dict) and isinstance(spec.get("name"), str)
    if not named or not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise StudioError(f"{path}: 'values' and 'spec' have to be mappings, and the spec has a name")
    if spec.get("preset"):
        return dict(values), SpecDocument.of_preset(spec["name"]), []
    folder = spec.get("folder")
    document = SpecDocument(
        text=str(spec.get("text", "")),
        name=spec["name"],
        folder=folder if isinstance(folder, str) else None,
        off=tuple(tuple(map(str, entry)) for entry in spec.get("off") or () if isinstance(entry, list)),
    )
    _ = document.root, document.spec  # both raise for what is no spec
    return dict(values), document, []
