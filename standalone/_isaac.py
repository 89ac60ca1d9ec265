"""What the scripts for Isaac Sim's own Python share: the application first, then everything that needs it.

Isaac Sim loads its modules when the application starts; whatever imports ``omni`` or ``pxr`` before that fails or gets
another USD. So the scripts read their arguments, start the application, and import the rest inside functions.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import types
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _script import EXIT_USER

ROOT = Path(__file__).resolve().parents[1]
EXTENSION = ROOT / "exts" / "sim2real.studio"


@contextmanager
def application(headless: bool = True, extra_args: tuple[str, ...] = ()) -> Iterator[Any]:
    """Start Isaac Sim, and close it at the end.

    Yields:
        The ``SimulationApp``.
    """
    if importlib.util.find_spec("isaacsim") is None:
        print(
            "error: this Python has no Isaac Sim. Run the script with the python.sh of Isaac Sim 5.1 or 6.x; without "
            "Isaac Sim see docs/index.md for what runs on a bare machine.",
            file=sys.stderr,
        )
        sys.exit(EXIT_USER)
    from isaacsim import SimulationApp

    # A fast shutdown ends the process inside close(), with exit code 0 whatever happened.
    config: dict[str, Any] = {"headless": headless, "fast_shutdown": False}
    if extra_args:
        config["extra_args"] = list(extra_args)
    app = SimulationApp(config)
    try:
        yield app
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        app.close()


def graphs_only() -> None:
    """Make ``sim2real_studio.graphs`` importable without the extension's window, which needs a user interface."""
    if "sim2real_studio" not in sys.modules:
        package = types.ModuleType("sim2real_studio")
        package.__path__ = [str(EXTENSION / "sim2real_studio")]
        sys.modules["sim2real_studio"] = package


def run(app: Any, work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, updating the application, and return its result."""
    task = asyncio.ensure_future(work)
    while not task.done():
        app.update()
    return task.result()


def open_stage(app: Any, path: str | None) -> None:
    """Open a USD file, or build the demo stage where none is given."""
    import omni.usd

    context = omni.usd.get_context()
    if path is not None:
        from sim2real.errors import Sim2RealError

        if not context.open_stage(path):
            raise Sim2RealError(f"the stage {path} cannot be opened; give a USD file that Isaac Sim can read.")
        app.update()
        return
    from sim2real_studio.graphs.demo_stage import build_stage

    context.new_stage()
    app.update()
    build_stage(context.get_stage())
