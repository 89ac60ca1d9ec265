"""The extension's settings, in carb's tree: read once at start, written when the panel changes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import carb.settings
import carb.tokens

NAME = "sim2real.studio"
LIBRARY = f"/exts/{NAME}/library"
SHOW = f"/exts/{NAME}/show_on_startup"
WORKSPACE = f"/persistent/exts/{NAME}/workspace"
COMMAND = f"/persistent/exts/{NAME}/command"


def text(path: str) -> str:
    """Return a setting as text; empty where it is not set."""
    return str(carb.settings.get_settings().get(path) or "").strip()


def flag(path: str) -> bool:
    """Return a setting as a truth value; False where it is not set."""
    return bool(carb.settings.get_settings().get_as_bool(path))


def store(path: str, value: str) -> None:
    """Set a text."""
    carb.settings.get_settings().set_string(path, value)


def snapshot(paths: Iterable[str]) -> dict[str, Any]:
    """Return settings as they are, None where one is not set; :func:`restore` takes it."""
    tree = carb.settings.get_settings()
    return {path: tree.get(path) for path in paths}


def restore(values: dict[str, Any]) -> None:
    """Give settings back as they were."""
    tree = carb.settings.get_settings()
    for path, value in values.items():
        if tree.get(path) == value:
            continue
        if value is None:
            tree.destroy_item(path)
        else:
            tree.set(path, value)


def default_workspace(extension: Path) -> Path:
    """Return where runs go: `runs/studio` of the checkout, or `sim2real` in the user's documents."""
    checkout = extension.resolve().parents[1]
    if (checkout / "sim2real.sh").is_file():
        return checkout / "runs" / "studio"
    return Path(carb.tokens.get_tokens_interface().resolve("${app_documents}")) / "sim2real"
