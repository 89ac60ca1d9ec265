"""Run folders as the panel reads them: a training's curves, its checkpoints, the bundles and reports of a workspace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.studio.workspace import Workspace

if TYPE_CHECKING:
    from sim2real.studio.values import Values

LARGEST_JSON = 64_000_000
"""Longest file of numbers that is read, in bytes."""


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a file's mapping; None where there is none, or none yet."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_curve_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the iterations of a training, the oldest first; empty where there are none."""
    found = read_json(folder / "curves.json") or {}
    rows = found.get("rows")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def run_folders(workspace: Workspace) -> list[str]:
    """Return the folders of trainings of tasks, the newest first."""
    return [name.rpartition("/")[0] for name in workspace.files("**/run.json")]


def bundle_folders(workspace: Workspace) -> list[str]:
    """Return the folders of bundles, the newest first."""
    return [name.rpartition("/")[0] for name in workspace.files("**/contract.json")]


def dataset_folders(workspace: Workspace) -> list[str]:
    """Return the folders of datasets, the newest first."""
    return [name.rpartition("/")[0] for name in workspace.files("**/dataset.json")]


def bundle_of(values: Values) -> str:
    """Return the folder of the bundle that the Export section writes and the Transfer section tests."""
    return str(values["export.out"] or f"{values['train.out']}/bundle")
