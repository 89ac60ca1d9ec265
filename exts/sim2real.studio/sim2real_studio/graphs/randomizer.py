"""Randomize now: one click, one frame's scene on the opened stage, and back again.

Frames are shown in order or by number; what is shown is what a capture of the same spec and seed would render as that
frame. Closing gives the stage back as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .capture import CaptureCfg, plan_stage
from .graph import StageGraph
from .kept_settings import HIDDEN, KeptSettings
from .scan import StageError
from .stage_writer import StageWriter

if TYPE_CHECKING:
    from sim2real.spec import Spec
    from sim2real.vision.stage_plan_contents import StagePlan


class StageRandomizer:
    """Shows frames of a spec on the stage that is open."""

    def __init__(self, spec: Spec, folder: Path, camera: str = "", texture_root: Path = Path("."), graph: int = 0):
        """Read the stage; nothing is written yet.

        Args:
            spec: What is uncertain.
            folder: Where made textures are kept.
            camera: Path of the camera; empty for the stage's only one.
            texture_root: What folders of textures in the spec are relative to.
            graph: 0 writes frames to the stage; else they are shown by a Replicator graph of so many frames.

        Raises:
            StageError, VisionError: the stage, its textures and the spec do not fit.
        """
        import omni.usd

        cfg = CaptureCfg(out=folder, camera=camera, texture_root=texture_root)
        stage = omni.usd.get_context().get_stage()
        if stage is None:
            raise StageError("no stage is open; open or create one first.")
        self._planner = plan_stage(stage, spec, cfg)
        self._writer = StageWriter(stage, self._planner, poses=not graph)
        self._graph_frames = range(graph)
        self._graph: StageGraph | None = None
        self._kept: KeptSettings | None = None
        self.shown: StagePlan | None = None
        """What the stage shows; None for the stage as it is."""

    async def randomize(self, frame: int | None = None) -> StagePlan:
        """Show a frame; None for the one after what is shown.

        Raises:
            StageError: a number, where a graph shows its frames in its own order.
        """
        if self._graph_frames and frame is not None:
            raise StageError("a graph shows its frames in order; leave the number out.")
        if not self._writer.is_open:
            self._writer.open()
            if self._graph_frames:
                self._kept = KeptSettings(*HIDDEN)
                self._graph = StageGraph(self._writer, self._graph_frames)
        if self._graph is not None:
            self.shown = await self._graph.show_next()
            return self.shown
        if frame is None:
            frame = 0 if self.shown is None else self.shown.frame + 1
        plan = self._planner.plan(frame)
        self._writer.write(plan)
        self.shown = plan
        await _next_update()
        return plan

    def close(self) -> None:
        """Give the stage back as it was."""
        self._writer.close()
        if self._kept is not None:
            self._kept.give_back()
        self._graph, self._kept, self.shown = None, None, None


async def _next_update() -> Any:
    import omni.kit.app

    await omni.kit.app.get_app().next_update_async()
