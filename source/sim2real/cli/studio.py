"""``studio``: the panel in a browser, with the running worlds beside it."""

from __future__ import annotations

import argparse
import signal
import threading

HELP = """Open the studio in a browser: choose a robot, edit ranges, preview, generate, train, export, test transfer.

Everything a button does is a verb of this command line, run as a process of its own: it goes on when the page or the
studio is closed, and a studio of the same workspace finds it again. The studio reads and writes below the workspace
alone. It listens on this machine alone; with another --host a page has to show a token, which is printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--workspace", metavar="DIR", default=".", help="folder of runs and files (default: this one)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, loopback)")
    parser.add_argument("--port", type=int, default=8080, help="port (default: 8080; 0: any)")
    parser.add_argument(
        "--token", metavar="TEXT", help="what a page has to show (default: none on loopback, else one that is drawn)"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from sim2real.errors import Sim2RealError
    from sim2real.studio.browser.server import Studio

    if not 0 <= args.port <= 65_535:
        raise Sim2RealError(f"--port {args.port}: give a number from 0 to 65535")
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: stop.set())  # a service manager's end is as good as Ctrl-C
    studio = Studio(args.workspace, host=args.host, port=args.port, token=args.token)
    try:
        print(f"{studio.address}  (workspace {studio.panel.workspace.root}; Ctrl-C ends it, jobs go on)", flush=True)
        if studio.token:
            print(
                "The token in this address lets whoever has it run jobs here. The connection is not encrypted:",
                flush=True,
            )
            print("across a network that others share, use an SSH tunnel to a loopback address instead.", flush=True)
        while not stop.wait(1.0):
            pass
    finally:
        studio.close()
    return 0
