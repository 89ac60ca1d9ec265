"""Try the extension in your Isaac Sim and print what happened: attach the output to a bug report.

./python.sh standalone/smoke_isaac.py
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _isaac import EXTENSION, application, graphs_only, open_stage, run
from _script import finish, parse

NAME = "sim2real.studio"
Step = Callable[[Any, Path], str]
STEPS: dict[str, Step] = {}


def step(work: Step) -> Step:
    """Add a step; its docstring is its name."""
    STEPS[(work.__doc__ or "").strip()] = work
    return work


@step
def enable(app: Any, folder: Path) -> str:
    """enable the extension"""
    import omni.kit.app

    manager = omni.kit.app.get_app().get_extension_manager()
    manager.add_path(str(EXTENSION.parent))
    if not manager.set_extension_enabled_immediate(NAME, True):
        raise RuntimeError("the extension manager did not enable it; see the log above")
    return f"enabled as {manager.get_enabled_extension_id(NAME)}"


@step
def stage(app: Any, folder: Path) -> str:
    """build the demo stage"""
    graphs_only()  # so that the steps below can be tried where the extension does not start
    open_stage(app, None)
    return "built"


@step
def window(app: Any, folder: Path) -> str:
    """open the window"""
    import omni.ui as ui
    from sim2real_studio.window import TITLE

    ui.Workspace.show_window(TITLE, True)
    for _ in range(5):
        app.update()
    found = ui.Workspace.get_window(TITLE)
    return "visible" if found is not None and found.visible else "not visible"


@step
def frames(app: Any, folder: Path) -> str:
    """capture two frames, with BasicWriter"""
    from sim2real_studio.graphs.capture import CaptureCfg, capture

    from sim2real.datasets import DepthDataset
    from sim2real.spec import load_spec

    cfg = CaptureCfg(out=folder / "set", frames=2, width=320, height=240, basic_writer=True)
    run(app, capture(load_spec("stage"), cfg))
    seen = [float((frame.depth_m > 0).mean()) for frame in DepthDataset(folder / "set" / "dataset")]
    files = sum(path.is_file() for path in (folder / "set" / "basic_writer").rglob("*"))
    return f"depth in {seen[0]:.0%} and {seen[1]:.0%} of the pixels; BasicWriter wrote {files} files"


@step
def graph(app: Any, folder: Path) -> str:
    """show two frames by a Replicator graph"""
    from sim2real_studio.graphs.randomizer import StageRandomizer

    from sim2real.spec import load_spec

    randomizer = StageRandomizer(load_spec("stage"), folder, graph=4)
    try:
        shown = [run(app, randomizer.randomize()).frame for _ in range(2)]
    finally:
        randomizer.close()
    return f"frames {shown}"


@step
def disable(app: Any, folder: Path) -> str:
    """disable the extension"""
    import omni.kit.app

    manager = omni.kit.app.get_app().get_extension_manager()
    manager.set_extension_enabled_immediate(NAME, False)
    app.update()
    return "disabled" if not manager.is_extension_enabled(NAME) else "still enabled"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The script's arguments."""
    parser.add_argument("--window", action="store_true", help="show Isaac Sim's window")


def main(words: Sequence[str] | None = None) -> None:
    """Run every step and say how each ended; exit code 1 when one failed."""

    args = parse(__doc__, add_arguments, words)
    failed = 0
    with application(headless=not args.window) as app, tempfile.TemporaryDirectory() as folder:
        import omni.kit.app

        from sim2real import __version__

        print(f"sim2real {__version__}, Kit {omni.kit.app.get_app().get_kit_version()}, {platform.platform()}")
        for name, work in STEPS.items():
            try:
                print(f"{name}: {work(app, Path(folder))}")
            except (Exception, asyncio.CancelledError):
                failed += 1
                print(f"{name}: FAILED\n{traceback.format_exc()}")
        print("all steps passed" if not failed else f"{failed} of {len(STEPS)} steps failed")
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    finish(main)
