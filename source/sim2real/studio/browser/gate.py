"""Who may talk to the studio: the check of every request, before viser sees it.

viser serves whoever reaches its port, and a web page of somebody else may reach a port of this machine through the
browser that shows it. So every request has to name this host, a WebSocket has to come from a page of this server, and
where other machines can reach the port, a token has to be shown. The same check serves files of the workspace, under
``/files/``, in a sandbox that keeps a page among them from talking to the panel.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import mimetypes
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sim2real.studio.errors import StudioError, WorkspaceError
from sim2real.studio.workspace import PRIVATE, Workspace

SHORTEST_TOKEN = 16
"""Characters that a chosen token has at least."""
LARGEST_FILE = 200_000_000
"""Longest file that is served, in bytes."""
MOST_PICTURES = 64
"""Pictures that are kept for pages; older ones are drawn again when they are shown again."""
FILES, PICTURES = "/files/", "/pictures/"
_SANDBOX = "sandbox allow-scripts allow-popups; default-src 'self' 'unsafe-inline' data: blob:; frame-ancestors 'none'"


@dataclass(frozen=True)
class Answer:
    """What is answered instead of what viser would."""

    status: int
    """HTTP status."""
    body: bytes = b""
    """Content."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers beside the content's length."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host's name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def choose_token(host: str, given: str | None) -> str | None:
    """Return the token that a page has to show; None on a loopback address without one.

    Args:
        host: address that the server listens on.
        given: the token that a person chose.

    Raises:
        StudioError: the chosen one is too short, or cannot stand in an address.
    """
    if given is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    if len(given) < SHORTEST_TOKEN or quote(given, safe="") != given:
        raise StudioError(
            f"a token of {len(given)} characters was given; it needs at least {SHORTEST_TOKEN} letters, digits or "
            "-_.~, such as the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return given


class Gate:
    """Decides about requests."""

    def __init__(self, workspace: Workspace, token: str | None) -> None:
        """Begin.

        Args:
            workspace: whose files are served.
            token: what a page has to show; None: requests have to name a loopback host.
        """
        self.workspace = workspace
        self.token = token
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def add_picture(self, name: str, png: bytes) -> str:
        """Keep a PNG for pages and return its address."""
        self._pictures[name] = png
        self._pictures.move_to_end(name)
        while len(self._pictures) > MOST_PICTURES:
            self._pictures.popitem(last=False)
        return f"{PICTURES}{quote(name, safe='')}.png"

    async def answer(self, target: str, headers: Mapping[str, str]) -> Answer | None:
        """Return what to answer, or None to let viser answer.

        Args:
            target: path and query of the request.
            headers: its headers by lower-case name; a name that came twice is left out by the caller as a bad request.
        """
        path, _, query = target.partition("?")
        host = headers.get("host", "")
        refused = self._refuse(path, query, host, headers)
        if refused is not None:
            return refused
        if "websocket" in headers.get("upgrade", "").lower():
            origin = urlsplit(headers.get("origin", ""))
            if origin.scheme not in ("http", "https") or origin.netloc.lower() != host.lower():
                return _plain(403, "This connection comes from a page of another server.")
            return None
        if path.startswith(FILES):
            return await asyncio.to_thread(self._file, unquote(path.removeprefix(FILES)))
        if path.startswith(PICTURES):
            png = self._pictures.get(unquote(path.removeprefix(PICTURES)).removesuffix(".png"))
            if png is None:
                return _plain(404, "This picture is not kept any more; open the panel again.")
            return Answer(200, png, {"Content-Type": "image/png", "Cache-Control": "max-age=3600"})
        return None

    def _refuse(self, path: str, query: str, host: str, headers: Mapping[str, str]) -> Answer | None:
        """Return a refusal, or the answer that keeps a token that was shown; None to go on."""
        name = _host_name(host)
        if not name:
            return _plain(400, "A request has to name its host.")
        if self.token is None:
            if is_loopback(name):
                return None
            return _plain(403, "This server is for this machine alone: open it as http://localhost, or start the studio"
                          " with --host and a token.")  # fmt: skip
        cookie = f"sim2real_studio_{host.rpartition(':')[2] if ':' in host.rpartition(']')[2] else 'token'}"
        given = dict(parse_qsl(query, keep_blank_values=True))
        if "token" in given:
            if not _same(given.pop("token"), self.token):
                return _plain(401, "The token is wrong; the studio printed the right address when it started.")
            rest = f"?{urlencode(given)}" if given else ""
            # Two slashes at the beginning would lead a browser to another host.
            where = "/" + path.lstrip("/\\") + rest
            kept = f"{cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            return Answer(303, b"", {"Location": where, "Set-Cookie": kept, "Referrer-Policy": "no-referrer"})
        shown = dict(part.strip().partition("=")[::2] for part in headers.get("cookie", "").split(";"))
        if _same(shown.get(cookie, ""), self.token):
            return None
        return _plain(401, "The studio asks for its token: open the address that it printed when it started.")

    def _file(self, name: str) -> Answer:
        try:
            path = self.workspace.path(name)
            inside = path.relative_to(self.workspace.root).parts
            if PRIVATE in inside or not path.is_file():
                return _plain(404, "There is no such file in the workspace.")
            if path.stat().st_size > LARGEST_FILE:
                return _plain(413, f"The file is larger than {LARGEST_FILE} bytes; open it in the workspace's folder.")
            body = path.read_bytes()
        except (WorkspaceError, OSError):
            return _plain(404, "There is no such file in the workspace.")
        return Answer(
            200,
            body,
            {
                "Content-Type": _kind(path),
                "Content-Security-Policy": _SANDBOX,
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )


def _kind(path: Path) -> str:
    """Content type of a file; what is no known kind of document is shown as text or kept as a download."""
    if path.suffix in (".yaml", ".yml", ".log", ".jsonl", ".md", ".toml", ".urdf"):
        return "text/plain; charset=utf-8"
    found = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") or found == "application/json" else found


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _plain(status: int, text: str) -> Answer:
    return Answer(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
