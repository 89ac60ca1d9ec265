"""Replicator scenes of the opened stage: show a frame now, go back, capture a dataset, stop.

One thing at a time, as a task on the application's loop; how far it is and what went wrong are plain attributes, so
that a window can be closed meanwhile. A capture ends between two frames: `stop` raises a flag, what is whole is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import settings

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec

    from .graphs.capture import CaptureCfg
    from .graphs.randomizer import StageRandomizer

GRAPH_FRAMES = 256
"""Frames of a Replicator graph that is fired by hand; then it begins again."""
REMEDY = (
    "Replicator is not there ({error}); enable omni.replicator.core in Window > Extensions, and omni.warp for the"
    " depth camera's noise"
)
CHANGED_BY_REPLICATOR = (
    "/app/viewport/grid/enabled",
    "/app/viewport/outline/enabled",
    "/app/viewport/show/camera",
    "/app/viewport/show/lights",
    "/omni/replicator/globalSeed",
)
"""Settings that Replicator changes at its first step and leaves so; a person wants grid and outlines back."""


class Scenes:
    """What runs on the stage, and what it shows."""

    def __init__(self, changed: Callable[[], None], tell: Callable[[str], None]) -> None:
        """Show nothing.

        Args:
            changed: Called when something is to be drawn anew.
            tell: Takes a sentence for a notification.
        """
        self.text = ""
        """What is shown or done, in words."""
        self.error = ""
        """What went wrong last."""
        self.done, self.total = 0, 0
        """Frames of a capture, and of all."""
        self._changed, self._tell = changed, tell
        self._task: asyncio.Task[None] | None = None
        self._stop = False
        self._randomizer: StageRandomizer | None = None
        self._asked: Any = None

    @property
    def busy(self) -> bool:
        """Whether something runs."""
        return self._task is not None and not self._task.done()

    @property
    def shown(self) -> bool:
        """Whether the stage shows a frame and can be given back."""
        return self._randomizer is not None

    def show(self, spec: Spec, folder: Path, textures: Path, camera: str, frame: int | None, graph: bool) -> None:
        """Show a frame on the stage.

        Args:
            spec: What is uncertain.
            folder: Where made textures are kept.
            textures: What folders of textures in the spec are relative to.
            camera: Path of the camera; empty for the stage's only one.
            frame: Its number; None for the next one.
            graph: Whether a Replicator graph shows it, fired by its custom event.
        """

        async def work() -> None:
            from .graphs.randomizer import StageRandomizer

            asked = (spec.digest, str(folder), str(textures), camera, graph)
            if self._randomizer is None or asked != self._asked:
                self.restore()
                frames = GRAPH_FRAMES if graph else 0
                self._randomizer = StageRandomizer(spec, folder, camera, textures, frames)
                self._asked = asked
            plan = await self._randomizer.randomize(frame)
            self.text = f"The stage shows frame {plan.frame}."

        self._begin(work())

    def capture(self, spec: Spec, cfg: CaptureCfg) -> None:
        """Capture a dataset; one that is there already is completed."""

        async def work() -> None:
            from .graphs.capture import capture

            self.restore()
            result = await capture(spec, cfg, self._progressed, lambda: self._stop)
            left = f", {result.left} left: the same settings go on" if result.left else ""
            self.text = f"{result.frames} frames captured in {cfg.out}{left}"
            self._tell(self.text)

        self._begin(work())

    def stop(self) -> None:
        """End a capture after the frame that is being made."""
        self._stop = True
        self.text = "stopping after this frame"
        self._changed()

    def restore(self) -> None:
        """Give the stage back as it was."""
        if self._randomizer is not None:
            self._randomizer.close()
            self._randomizer, self._asked, self.text = None, None, ""
            self._changed()

    def close(self) -> None:
        """End what runs and give the stage back."""
        self._stop = True
        if self.busy:
            self._task.cancel()
        self._task = None
        self.restore()
        self._changed = self._tell = lambda *words: None

    def _progressed(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self.text = f"frame {done} of {total}" if not self._stop else self.text
        self._changed()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self.busy:
            work.close()
            self.error = "something runs on the stage already; wait for it, or stop it"
            self._changed()
            return
        self.error, self.text, self._stop, self.done, self.total = "", "", False, 0, 0
        self._task = asyncio.ensure_future(self._run(work))
        self._changed()

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        from sim2real.errors import Sim2RealError

        before = settings.snapshot(CHANGED_BY_REPLICATOR)
        try:
            await work
        except Sim2RealError as error:
            self._failed(str(error))
        except ImportError as error:
            self._failed(REMEDY.format(error=error))
        except Exception as error:  # Replicator's own: the stage was given back, and a person has to know
            self._failed(f"{type(error).__name__}: {error}")
        finally:
            settings.restore(before)
            self._changed()

    def _failed(self, text: str) -> None:
        self.error, self.text = text, ""
        self._tell(f"Replicator: {text}")
