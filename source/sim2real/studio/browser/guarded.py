"""viser's server behind the gate. The one file that leans on how viser starts its server.

viser has no hook for requests: it calls ``websockets.asyncio.server.serve`` from the thread that its constructor waits
for. While the constructor runs, that name is another function, which puts the gate's check before viser's own. If viser
ever starts its server in another way, nothing is served.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import socket
import threading
from typing import Any

from sim2real.studio.browser.gate import Answer, Gate
from sim2real.studio.errors import StudioError

_PATCHING = threading.Lock()


def guarded_server(host: str, port: int, gate: Gate) -> Any:
    """Start viser's server with a gate before it and return it, a ``viser.ViserServer``.

    Args:
        host: address to listen on.
        port: port to listen on; 0: any.
        gate: what decides about requests.

    Raises:
        StudioError: the port is taken, viser is missing, or cannot be guarded.
    """
    try:
        import viser
        import websockets.asyncio.server as websockets_server
    except ImportError as error:
        raise StudioError(
            "the studio needs the Python package viser, which is not installed: run './sim2real.sh setup', or "
            "pip install 'sim2real[studio]'"
        ) from error

    class Server(viser.ViserServer):
        """Without viser's share link, which would put the panel on the internet at any page's wish."""

        def request_share_url(self, verbose: bool = True) -> str | None:
            return None

    _check_port(host, port)
    guarded: list[bool] = []
    original = websockets_server.serve

    def serve(*args: Any, process_request: Any = None, **options: Any) -> Any:
        guarded.append(True)
        return original(*args, process_request=_before(gate, process_request), **options)

    with _PATCHING:
        websockets_server.serve = serve  # type: ignore[assignment,misc]
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # viser prints an address without the token
                server = Server(host=host, port=port, verbose=False)
        finally:
            websockets_server.serve = original  # type: ignore[misc]
    if not guarded:
        server.stop()
        raise StudioError(f"viser {viser.__version__} starts its server in a way that cannot be guarded; use 1.1.1")
    if port and server.get_port() != port:
        server.stop()
        raise StudioError(f"port {port} was taken by another program at this moment; give another one with --port")
    return server


def _check_port(host: str, port: int) -> None:
    """Refuse a port that is taken; viser would take the next one, and say nothing."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(address)
    except (OSError, OverflowError) as error:
        raise StudioError(
            f"{host}:{port} cannot be used ({error}); give another --port, or a --host that this machine has"
        ) from error


def _before(gate: Gate, process_request: Any) -> Any:
    """Put the gate before a handler of requests."""

    async def handle(connection: Any, request: Any) -> Any:
        answer = await _ask(gate, request)
        if answer is not None:
            return _response(answer)
        response = process_request(connection, request) if process_request is not None else None
        if inspect.isawaitable(response):
            response = await response
        if response is not None:
            response.headers["X-Frame-Options"] = "DENY"
        return response

    return handle


async def _ask(gate: Gate, request: Any) -> Answer | None:
    headers: dict[str, str] = {}
    for name, value in request.headers.raw_items():
        if name.lower() in headers and name.lower() in ("host", "origin", "cookie", "upgrade"):
            return Answer(400, b"A header came twice.\n", {"Content-Type": "text/plain; charset=utf-8"})
        headers[name.lower()] = value
    return await gate.answer(request.path, headers)


def _response(answer: Answer) -> Any:
    from http import HTTPStatus

    from websockets.datastructures import Headers
    from websockets.http11 import Response

    headers = Headers(**{**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"})
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, answer.body)
