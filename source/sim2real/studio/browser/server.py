"""The studio as a server: a panel, its widgets, and the gate before them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from sim2real.studio.browser.gate import Gate, choose_token, is_loopback
from sim2real.studio.browser.guarded import guarded_server
from sim2real.studio.panel import Panel

LOOPBACK = "127.0.0.1"
"""Where the studio is served unless somebody says otherwise: nowhere but on this machine."""


class Studio:
    """A studio that is served."""

    def __init__(
        self,
        workspace: str | os.PathLike[str],
        *,
        host: str = LOOPBACK,
        port: int = 8080,
        token: str | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Open a workspace and serve its panel.

        Args:
            workspace: folder of runs and files; made where it is missing.
            host: address to listen on.
            port: port to listen on; 0: any.
            token: what a page has to show; None: none on a loopback address, else one that is drawn.
            command: the program that runs verbs; None: see :func:`sim2real.studio.command.find_command`.

        Raises:
            StudioError: the address, the token or the workspace cannot be used, or viser is missing.
        """
        from sim2real.studio.browser.scene_view import SceneView
        from sim2real.studio.browser.view import View

        self.token = choose_token(host, token)
        self.host = host
        self.panel = Panel(workspace, command)
        gate = Gate(self.panel.workspace, self.token)
        try:
            self.server: Any = guarded_server(host, port, gate)
        except BaseException:
            self.panel.close()
            raise
        self.view = View(self.server, self.panel, gate, (SceneView,))

    @property
    def address(self) -> str:
        """What to open in a browser, the token included."""
        host = "localhost" if is_loopback(self.host) else self.host
        shown = f"[{host}]" if ":" in host else host
        query = f"?token={self.token}" if self.token else ""
        return f"http://{shown}:{self.server.get_port()}/{query}"

    def close(self) -> None:
        """End the server and its threads; jobs go on, and the next studio finds them."""
        self.view.close()
        self.server.stop()
        self.panel.close()
