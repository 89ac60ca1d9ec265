"""The workspace: the one folder that the studio reads and writes. No path leaves it, by ``..`` or by a link."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sim2real.studio.errors import WorkspaceError

PRIVATE = ".studio"
"""Folder of the studio's own state below the workspace."""


class Workspace:
    """A folder and the paths below it."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Take a folder, which is made where it is missing.

        Raises:
            WorkspaceError: it is no folder, or nothing can be written there.
        """
        path = Path(root).expanduser()
        try:
            (path / PRIVATE).mkdir(parents=True, exist_ok=True)
            self.root = path.resolve(strict=True)
        except OSError as error:
            raise WorkspaceError(
                f"workspace {path}: {error.strerror or error}; give a folder that you may write"
            ) from error
        if not os.access(self.root / PRIVATE, os.W_OK):
            raise WorkspaceError(f"workspace {path}: nothing can be written there; give a folder that you may write")
        private = (self.root / PRIVATE).resolve()
        if private.parent != self.root:
            raise WorkspaceError(f"workspace {path}: '{PRIVATE}' leads to {private}, outside; remove that link")

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r})"

    @property
    def private(self) -> Path:
        """The studio's own folder."""
        return self.root / PRIVATE

    def path(self, given: str | os.PathLike[str]) -> Path:
        """Return the absolute path of what was given, with links followed.

        Args:
            given: relative to the workspace, or absolute and inside of it.

        Raises:
            WorkspaceError: it leads out of the workspace.
        """
        text = os.fspath(given)
        if "\0" in text or not text.strip():
            raise WorkspaceError("a path is empty or holds a zero byte; give one such as runs/first")
        try:
            found = (self.root / Path(text).expanduser()).resolve()
        except (OSError, RuntimeError) as error:
            raise WorkspaceError(f"'{text}' cannot be followed: {error}; give a path below the workspace") from error
        if found != self.root and self.root not in found.parents:
            raise WorkspaceError(f"'{text}' leads out of the workspace {self.root}; give a path below it")
        return found

    def relative(self, path: str | os.PathLike[str]) -> str:
        """Return a path inside as it is shown and stored: relative, with forward slashes."""
        return self.path(path).relative_to(self.root).as_posix()

    def files(self, pattern: str, most: int = 200) -> list[str]:
        """Return files below the workspace that fit a glob pattern, the newest first, without the studio's own.

        Args:
            pattern: such as ``runs/*/*.yaml``.
            most: how many at most.
        """
        found = []
        for path in self.root.glob(pattern):
            if PRIVATE in path.relative_to(self.root).parts:
                continue
            try:
                found.append((path.stat().st_mtime, self.relative(path)))
            except (OSError, WorkspaceError):
                continue  # a dangling link, or one that leads out
        return [name for _, name in sorted(found, reverse=True)[:most]]


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part.

    Raises:
        WorkspaceError: it cannot be written.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise WorkspaceError(f"cannot write {path}: {error.strerror or error}") from error
