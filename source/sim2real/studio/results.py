"""What an action found, kept in the workspace: a window that is opened again shows the last preview."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.studio.outputs import Histogram, Output, Picture, Table, Text
from sim2real.studio.workspace import Workspace, write_atomic

FOLDER = "results"
_KINDS: dict[str, type[Any]] = {cls.__name__: cls for cls in (Table, Text, Histogram)}


def save_result(workspace: Workspace, action: str, outputs: list[Output]) -> None:
    """Keep what an action found; what of it is no picture, table, text or histogram is left out.

    Raises:
        WorkspaceError: it cannot be written.
    """
    from PIL import Image

    folder = workspace.private / FOLDER
    entries: list[dict[str, Any]] = []
    for i, output in enumerate(outputs):
        if isinstance(output, Picture):
            encoded = io.BytesIO()
            Image.fromarray(output.pixels).save(encoded, "PNG", compress_level=1)
            name = f"{action}.{i}.png"
            write_atomic(folder / name, encoded.getvalue())
            entries.append({"kind": "Picture", "file": name, "title": output.title, "caption": output.caption})
        elif type(output).__name__ in _KINDS:
            entries.append({"kind": type(output).__name__, **asdict(output)})  # type: ignore[arg-type]
    write_atomic(folder / f"{action}.json", json.dumps(entries))


def load_result(workspace: Workspace, action: str) -> list[Output]:
    """Return what an action found last; empty where there is nothing, or nothing that can be read."""
    folder = workspace.private / FOLDER
    try:
        entries = json.loads((folder / f"{action}.json").read_text(encoding="utf-8"))
        return [_output(folder, dict(entry)) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _output(folder: Path, entry: dict[str, Any]) -> Output:
    from PIL import Image

    kind = entry.pop("kind")
    if kind == "Picture":
        with Image.open(folder / Path(entry.pop("file")).name) as image:
            return Picture(pixels=np.asarray(image.convert("RGB")), **entry)
    cls = _KINDS[kind]
    return cls(**{name: _tuples(value) for name, value in entry.items()})  # type: ignore[no-any-return]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
