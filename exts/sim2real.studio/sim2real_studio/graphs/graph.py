"""The same draws as a Replicator graph: nodes under a custom event, fed with the numbers of the planned frames.

Each thing that changes has a node of its own and each node a sequence: item k is what the k-th frame shows. Replicator
draws nothing, so its seed decides nothing. Which frame is on the
stage, the graph itself says: one node writes its number, so that nobody has to count what Replicator evaluates while it
warms up. The graph is there for those who work with Replicator's own triggers, writers and recorder; what captures our
datasets writes USD directly, because a sequence knows its own position only and a plan any frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError
from sim2real.vision.stage_plan_contents import StagePlan

from .events import EVENT
from .materials import linear
from .places import HOME, distractor_path, shader_path

if TYPE_CHECKING:
    from sim2real.vision.stage_plan import StagePlanner

    from .stage_writer import StageWriter

MARK = (f"{HOME}/shown", "sim2real:frame")
"""Prim and attribute that say which frame the stage shows."""
NOTHING = -1
MOST_FRAMES = 4096
"""Frames of one graph: each node holds all its values."""


class GraphError(Sim2RealError):
    """A graph that cannot be built or shown as asked."""


class StageGraph:
    """A Replicator graph that shows planned frames, one for each event."""

    def __init__(self, writer: StageWriter, frames: Sequence[int]) -> None:
        """Build the graph.

        Args:
            writer: An open writer with ``poses=False``: it made the shapes and materials that the nodes change, and its
                layer takes what they author.
            frames: The frames to show, in this order; then the graph begins again.

        Raises:
            GraphError: no frames or too many, or a writer that is closed or moves things itself.
        """
        from pxr import Sdf

        if not 1 <= len(set(frames)) == len(frames) <= MOST_FRAMES:
            raise GraphError(f"frames: got {len(frames)}; a graph shows 1 to {MOST_FRAMES}, each once.")
        if not writer.is_open or writer.poses:
            raise GraphError("the graph needs an open StageWriter(..., poses=False).")
        self._writer = writer
        self.plans = {plan.frame: plan for plan in writer.planner.plans(frames)}
        with writer.editing():
            mark = writer.stage.DefinePrim(MARK[0])
            mark.CreateAttribute(MARK[1], Sdf.ValueTypeNames.Double).Set(NOTHING)  # a graph writes no integers
            _build(tuple(self.plans.values()), writer.planner, writer.dome)

    @property
    def shown(self) -> StagePlan | None:
        """What the stage shows; None before the first event."""
        frame = int(self._writer.stage.GetPrimAtPath(MARK[0]).GetAttribute(MARK[1]).Get())
        return self.plans.get(frame)

    async def show_next(self, rt_subframes: int = 1) -> StagePlan:
        """Fire the event and wait until the frame is rendered; returns what the stage shows.

        Raises:
            GraphError: no node wrote to the stage.
        """
        import omni.replicator.core as rep

        with self._writer.editing():
            rep.utils.send_og_event(event_name=EVENT)
            await rep.orchestrator.step_async(rt_subframes=rt_subframes, delta_time=0.0, pause_timeline=False)
        plan = self.shown
        if plan is None:
            raise GraphError(f"the event '{EVENT}' was fired and no node wrote to the stage; see Replicator's log.")
        return plan


def _build(plans: Sequence[StagePlan], planner: StagePlanner, dome: str) -> None:
    import omni.replicator.core as rep

    first = plans[0]
    with rep.trigger.on_custom_event(event_name=EVENT):
        with rep.get.prim_at_path(MARK[0]):
            rep.modify.attribute(MARK[1], _sequence([plan.frame for plan in plans]))
        for k, lamp in enumerate(first.lamps):
            rows = [plan.lamps[k] for plan in plans]
            with rep.get.prim_at_path(lamp.path):
                _attributes(rows, {"intensity": "inputs:intensity", "temperature_K": "inputs:colorTemperature"})
                if lamp.position is not None:
                    rep.modify.pose(position=_sequence([row.position for row in rows]))
        if first.dome is not None:
            _build_dome([plan.dome for plan in plans], dome, planner)
        for k, surface in enumerate(first.surfaces):
            painted = [plan.surfaces[k] for plan in plans]
            _build_material(surface.path, painted, planner)
        for k, thing in enumerate(first.objects):
            _build_pose(thing.path, [plan.objects[k] for plan in plans])
        for k, shape in enumerate(first.distractors):
            path = distractor_path(shape.path)
            _build_pose(path, [plan.distractors[k] for plan in plans])
            if shape.colour is not None:
                _build_colour(path, [plan.distractors[k].colour for plan in plans])
        if first.camera is not None:
            moved: list[Any] = [plan.camera for plan in plans]
            _build_pose(first.camera.path, moved, visibility=False)
            with rep.get.prim_at_path(first.camera.path):
                _attributes(moved, {"focal_length": "focalLength"})


def _sequence(values: list[Any]) -> Any:
    import omni.replicator.core as rep

    return rep.distribution.sequence(values)


def _attributes(rows: Sequence[Any], names: dict[str, str]) -> None:
    """Nodes for fields of the plan that are drawn, inside ``with prims:``."""
    import omni.replicator.core as rep

    for field, name in names.items():
        values = [getattr(row, field) for row in rows]
        if values[0] is not None:
            rep.modify.attribute(name, _sequence(values))


def _build_pose(path: str, rows: Sequence[Any], *, visibility: bool = True) -> None:
    import omni.replicator.core as rep

    with rep.get.prim_at_path(path):
        rep.modify.pose(
            position=_sequence([row.position for row in rows]),
            rotation=_sequence([row.rotation_deg for row in rows]),
            scale=_sequence([row.scale for row in rows]),
        )
        if visibility:
            rep.modify.visibility(_sequence([row.visible for row in rows]))


def _build_dome(rows: Sequence[Any], path: str, planner: StagePlanner) -> None:
    import omni.replicator.core as rep

    with rep.get.prim_at_path(path):
        names = {"intensity": "inputs:intensity", "temperature_K": "inputs:colorTemperature"}
        _attributes(rows, names)
        if rows[0].texture is not None:
            rep.modify.attribute("inputs:texture:file", _sequence([planner.dome_file(row) for row in rows]))
        up = planner.contents.up
        rep.modify.pose(rotation=_sequence([tuple(row.turn_deg * along for along in up) for row in rows]))


def _build_material(path: str, rows: Sequence[Any], planner: StagePlanner) -> None:
    import omni.replicator.core as rep

    with rep.get.prim_at_path(shader_path(path)):
        names = {"roughness": "reflection_roughness_constant", "metallic": "metallic_constant"}
        _attributes(rows, {field: f"inputs:{name}" for field, name in names.items()})
        rep.modify.attribute("inputs:diffuse_texture", _sequence([planner.surface_file(row) for row in rows]))
        scales = [row.tiling * planner.contents.metres_per_unit for row in rows]
        rep.modify.attribute("inputs:texture_scale", _sequence([(scale, scale) for scale in scales]))
    if rows[0].colour is not None:
        _build_colour(path, [row.colour for row in rows])


def _build_colour(path: str, colours: Sequence[Any]) -> None:
    import omni.replicator.core as rep

    with rep.get.prim_at_path(shader_path(path)):
        rep.modify.attribute("inputs:diffuse_color_constant", _sequence([linear(colour) for colour in colours]))
