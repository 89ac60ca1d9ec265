"""The Replicator graph on the stand-in: the same draws as everywhere, fired by one event, taken away again."""

from __future__ import annotations

import numpy as np
import pytest

from exts.graphs.graph_stages import planner_of, spec_of, told


def composed(stage, planner, plan):
    """Every value on the stage that a plan speaks of, as numbers and texts."""
    from pxr import Usd, UsdGeom
    from sim2real_studio.graphs.places import distractor_path, shader_path

    cache, found = UsdGeom.XformCache(Usd.TimeCode.Default()), {}

    def pose(path):
        prim = stage.GetPrimAtPath(path)
        found[path] = np.array(cache.GetLocalToWorldTransform(prim)).round(4).tolist()
        if not prim.IsA(UsdGeom.Camera):
            found[f"{path} seen"] = UsdGeom.Imageable(prim).ComputeVisibility()

    def attributes(path, *names):
        for name in names:
            got = stage.GetPrimAtPath(path).GetAttribute(name).Get()
            plain = getattr(got, "path", got)
            found[f"{path}.{name}"] = plain if isinstance(plain, str) else np.round(np.array(plain, float), 4).tolist()

    for lamp in plan.lamps:
        pose(lamp.path)
        attributes(lamp.path, "inputs:intensity", "inputs:colorTemperature", "inputs:enableColorTemperature")
    pose(planner.contents.dome)
    attributes(planner.contents.dome, "inputs:intensity", "inputs:texture:file")
    inputs = ("diffuse_texture", "diffuse_color_constant", "texture_scale", "metallic_constant")
    for surface in plan.surfaces:
        attributes(shader_path(surface.path), *(f"inputs:{name}" for name in inputs))
    for thing in (*plan.objects, plan.camera):
        pose(thing.path)
    attributes(plan.camera.path, "focalLength")
    for shape in plan.distractors:
        pose(distractor_path(shape.path))
        attributes(shader_path(distractor_path(shape.path)), "inputs:diffuse_color_constant")
    return found


def test_the_graph_shows_what_the_writer_writes(kit, opened, tmp_path):
    """Each event shows the next planned frame, with the values that are written directly for that frame."""
    from sim2real_studio.graphs.graph import StageGraph
    from sim2real_studio.graphs.stage_writer import StageWriter

    before, file = told(opened), opened.GetRootLayer().ExportToString()
    planner = planner_of(opened, tmp_path)
    shown = {}
    with StageWriter(opened, planner, poses=False) as writer:
        graph = StageGraph(writer, range(5, 9))
        assert graph.shown is None
        for _ in range(6):
            plan = kit.run(graph.show_next())
            shown[plan.frame] = composed(opened, planner, plan)
    assert sorted(shown) == [5, 6, 7, 8]
    with StageWriter(opened, planner) as writer:
        for frame, found in shown.items():
            writer.write(planner.plan(frame))
            assert composed(opened, planner, planner.plan(frame)) == found
    assert told(opened) == before
    assert opened.GetRootLayer().ExportToString() == file


def test_an_event_is_one_frame(kit, opened, tmp_path):
    """One event and one step for each frame, and neither without being asked."""
    from sim2real_studio.graphs.events import EVENT
    from sim2real_studio.graphs.randomizer import StageRandomizer

    randomizer = StageRandomizer(spec_of("light: {intensity: {uniform: [0.5, 2]}}"), tmp_path, graph=8)
    plans = [kit.run(randomizer.randomize()) for _ in range(3)]
    events = kit.journal.calls("omni.replicator.core.utils.send_og_event")
    assert [call.arguments["event_name"] for call in events] == [EVENT] * 3
    assert len(kit.journal.calls("omni.replicator.core.orchestrator.step_async")) == 3
    assert len({plan.frame for plan in plans}) == 3
    assert randomizer.shown == plans[-1]
    randomizer.close()


def test_wrong_graphs_are_refused(kit, opened, tmp_path):
    """No frames, a frame twice, or a writer that would move things as well."""
    from sim2real_studio.graphs.graph import GraphError, StageGraph
    from sim2real_studio.graphs.stage_writer import StageWriter

    planner = planner_of(opened, tmp_path)
    with StageWriter(opened, planner, poses=False) as writer:
        for frames in ([], [1, 1], range(5000)):
            with pytest.raises(GraphError, match="a graph shows 1 to 4096, each once"):
                StageGraph(writer, frames)
    with pytest.raises(GraphError, match="needs an open StageWriter"):
        StageGraph(writer, [1])
    with StageWriter(opened, planner) as writer, pytest.raises(GraphError, match="poses=False"):
        StageGraph(writer, [1])


def test_randomize_now_and_back(kit, opened, tmp_path):
    """Frames in order, one by number, the next after it; closing gives the stage back."""
    from sim2real_studio.graphs.randomizer import StageRandomizer

    from sim2real.spec import load_spec

    before = told(opened)
    randomizer = StageRandomizer(load_spec("stage"), tmp_path)
    assert [kit.run(randomizer.randomize(at)).frame for at in (None, None, 40, None)] == [0, 1, 40, 41]
    assert told(opened) != before
    randomizer.close()
    assert told(opened) == before and randomizer.shown is None
    assert kit.run(randomizer.randomize()).frame == 0
    randomizer.close()
    assert told(opened) == before
