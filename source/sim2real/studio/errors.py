"""What goes wrong in the studio because of an input: every message says what came, what is allowed, what to do."""

from __future__ import annotations

from sim2real.errors import Sim2RealError


class StudioError(Sim2RealError):
    """Something that the person at the panel can mend."""


class FieldError(StudioError):
    """A value that a field does not take; it never enters the panel."""

    def __init__(self, key: str, message: str) -> None:
        """Take the field's key and what to show beside it.

        Args:
            key: such as ``train.num_envs``.
            message: what came, what is allowed.
        """
        self.key, self.message = key, message
        super().__init__(f"{key}: {message}")


class WorkspaceError(StudioError):
    """A path that leaves the workspace, or a workspace that cannot be used."""
