"""No path leaves the workspace, and a file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from sim2real.studio import Workspace, WorkspaceError
from sim2real.studio.workspace import write_atomic


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a folder beside it."""
    (tmp_path / "outside").mkdir()
    return Workspace(tmp_path / "inside")


@pytest.mark.parametrize("given", ["..", "../outside", "a/../../outside/x", "/etc/passwd", "~", "", " ", "a\0b"])
def test_ways_out_are_closed(workspace: Workspace, given: str):
    """Neither dots, nor absolute paths, nor a home folder lead out."""
    with pytest.raises(WorkspaceError):
        workspace.path(given)


def test_links_do_not_lead_out(workspace: Workspace):
    """A link to a folder outside is followed before the path is judged."""
    (workspace.root / "link").symlink_to(workspace.root.parent / "outside")
    (workspace.root / "ring").symlink_to(workspace.root / "ring")
    for given in ("link", "link/x", "ring/x"):
        with pytest.raises(WorkspaceError):
            workspace.path(given)
    (workspace.root.parent / "outside" / "secret.yaml").touch()
    assert workspace.files("**/*.yaml") == [] and workspace.files("link/*.yaml") == []


def test_paths_inside_have_one_name(workspace: Workspace):
    """Relative, absolute and winding ways to a file are the same."""
    for given in ("runs/a", "./runs/../runs/a", workspace.root / "runs" / "a"):
        assert workspace.relative(given) == "runs/a"


def test_the_private_folder_may_be_no_link(tmp_path: Path):
    """State and logs stay in the workspace."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / ".studio").symlink_to(tmp_path / "outside")
    with pytest.raises(WorkspaceError, match="outside"):
        Workspace(tmp_path / "inside")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The old content stays, and nothing lies about."""
    path = tmp_path / "a.yaml"
    write_atomic(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkspaceError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
