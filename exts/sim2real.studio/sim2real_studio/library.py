"""Finds the library `sim2real` for Kit's Python, and says in words what is missing and how to get it.

The extension holds no logic of its own: panel, specs, draws and previews are the library's. In a checkout it lies two
folders above, in `source/`. What is found goes to the front of `sys.path` while the extension is enabled, and is taken
out again; modules that were imported stay loaded, so after an edit of the library the application has to be restarted.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 10)
"""Oldest Python that the library runs on."""
NEEDED = {
    "numpy": "numpy",
    "yaml": "pyyaml",
    "PIL": "pillow",
    "warp": "warp-lang",
}
"""Modules that the panel needs in Kit's own Python, and the packages that hold them."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that is missing, and the remedy."""

    what: str
    """One sentence."""
    remedy: str
    """What to do: a command, or a setting."""


def library_folder(extension: Path, configured: str) -> Path | None:
    """Return the folder to put on `sys.path`; None where `sim2real` can be imported without.

    Args:
        extension: The extension's folder.
        configured: The setting; empty for the checkout that holds the extension.
    """
    if configured:
        return Path(configured).expanduser()
    beside = extension.resolve().parents[1] / "source"
    return beside if (beside / "sim2real" / "__init__.py").is_file() else None


class Library:
    """The library on `sys.path`, for as long as the extension is enabled."""

    def __init__(self, extension: Path, configured: str) -> None:
        """Look for the library; nothing is imported yet."""
        self.extension = extension
        self.folder = library_folder(extension, configured)
        self._added: str | None = None

    def attach(self) -> list[Problem]:
        """Make `sim2real` importable; returns what is missing, nothing where all is there."""
        if self.folder is not None and str(self.folder) not in sys.path:
            self._added = str(self.folder)
            sys.path.insert(0, self._added)
        importlib.invalidate_caches()
        return self.problems()

    def detach(self) -> None:
        """Take the folder out of `sys.path` again."""
        if self._added is not None and self._added in sys.path:
            sys.path.remove(self._added)
        self._added = None

    def problems(self) -> list[Problem]:
        """Return what is missing."""
        found = []
        if sys.version_info[:2] < OLDEST:
            found.append(
                Problem(
                    what=f"This Python is {sys.version_info[0]}.{sys.version_info[1]}; sim2real needs 3.10 or newer.",
                    remedy="Use Isaac Sim 5.1 or 6.x.",
                )
            )
        if not _there("sim2real"):
            place = f"{self.folder} has no folder sim2real" if self.folder else "this extension lies in no checkout"
            found.append(
                Problem(
                    what=f"The library sim2real was not found: {place}.",
                    remedy="Clone the repository and add its folder exts/ to the Extension Search Paths, or set"
                    " /exts/sim2real.studio/library to the folder that holds sim2real/.",
                )
            )
        missing = [package for module, package in NEEDED.items() if not _there(module)]
        if missing:
            names = " ".join(missing)
            found.append(
                Problem(
                    what=f"Kit's Python lacks {names}.",
                    remedy=f"In the folder of Isaac Sim: ./python.sh -m pip install {names}",
                )
            )
        return found


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
