"""A plan on a real USD stage: what is written is what was planned, nothing adds up, and it can be taken away."""

from __future__ import annotations

import numpy as np
import pytest

from exts.graphs.graph_stages import demo, planner_of, spec_of, told

pytestmark = pytest.mark.usefixtures("bare_package")


@pytest.fixture
def stage():
    """The demo stage."""
    return demo()


def world(stage, path):
    """A prim's transform to the world, acting on columns."""
    from pxr import Usd, UsdGeom

    form = UsdGeom.XformCache(Usd.TimeCode.Default()).GetLocalToWorldTransform(stage.GetPrimAtPath(path))
    return np.array(form).T


def value(stage, path, name):
    """An attribute's value."""
    return stage.GetPrimAtPath(path).GetAttribute(name).Get()


def test_the_stage_is_read(stage, tmp_path):
    """Lamps, surfaces, objects, labels, the camera and the dome of the demo stage."""
    contents = planner_of(stage, tmp_path).contents
    assert [lamp.path for lamp in contents.lamps] == ["/World/lamps/left", "/World/lamps/right"]
    assert {lamp.intensity for lamp in contents.lamps} == {30000.0}
    assert (contents.dome, contents.dome_intensity) == ("/World/lamps/dome", 800.0)
    assert len(contents.surfaces) == 9 and len(contents.objects) == 5
    assert contents.camera.path == "/World/camera"
    assert contents.camera.focal_px(640) == pytest.approx(320.0 / np.tan(np.radians(43.5)), rel=1e-6)
    local = np.array(contents.camera.local)
    np.testing.assert_allclose(-local[:3, 2], (1.0, 0.0, 0.0), atol=1e-12)  # looks along +x
    np.testing.assert_allclose(local[:3, 1], (0.0, 0.0, 1.0), atol=1e-12)  # up is up
    assert {label for _, label in contents.labels} == {"obstacle", "floor", "wall"}


def test_what_was_planned_is_on_the_stage(stage, tmp_path):
    """Every value of a plan is read back from the composed stage."""
    from pxr import UsdGeom, UsdShade
    from sim2real_studio.graphs.places import distractor_path, shader_path
    from sim2real_studio.graphs.stage_writer import StageWriter

    from sim2real.vision.stage_plan_poses import matrix_from_rpy

    planner = planner_of(stage, tmp_path)

    def check_pose(path, pose, *, parent=None):
        expected = np.eye(4)
        expected[:3, :3] = matrix_from_rpy(np.radians(pose.rotation_deg)) * pose.scale
        expected[:3, 3] = pose.position
        np.testing.assert_allclose(world(stage, path), expected, atol=1e-9)

    with StageWriter(stage, planner) as writer:
        for frame in (3, 900):
            plan = planner.plan(frame)
            writer.write(plan)
            for lamp in plan.lamps:
                assert value(stage, lamp.path, "inputs:intensity") == pytest.approx(lamp.intensity)
                assert value(stage, lamp.path, "inputs:colorTemperature") == pytest.approx(lamp.temperature_K)
                assert value(stage, lamp.path, "inputs:enableColorTemperature") is True
                np.testing.assert_allclose(world(stage, lamp.path)[:3, 3], lamp.position, atol=1e-9)
            dome = "/World/lamps/dome"
            assert value(stage, dome, "inputs:intensity") == pytest.approx(plan.dome.intensity)
            assert value(stage, dome, "inputs:texture:file").path == planner.dome_file(plan.dome)
            assert np.degrees(np.arctan2(*world(stage, dome)[[1, 0], 0])) % 360 == pytest.approx(plan.dome.turn_deg)
            for surface in plan.surfaces:
                bound, _ = UsdShade.MaterialBindingAPI(stage.GetPrimAtPath(surface.path)).ComputeBoundMaterial()
                shader = shader_path(surface.path)
                assert str(bound.GetPath()) == shader.rpartition("/")[0]
                assert value(stage, shader, "inputs:diffuse_texture").path == planner.surface_file(surface)
                assert value(stage, shader, "inputs:metallic_constant") == surface.metallic
                assert value(stage, shader, "inputs:reflection_roughness_constant") == pytest.approx(surface.roughness)
            for thing in plan.objects:
                check_pose(thing.path, thing)
                seen = UsdGeom.Imageable(stage.GetPrimAtPath(thing.path)).ComputeVisibility()
                assert (seen == "inherited") == thing.visible
            for shape in plan.distractors:
                check_pose(distractor_path(shape.path), shape)
                assert stage.GetPrimAtPath(distractor_path(shape.path)).GetTypeName().lower() == shape.shape
            check_pose(plan.camera.path, plan.camera)
            assert value(stage, plan.camera.path, "focalLength") == pytest.approx(plan.camera.focal_length)
            assert tuple(value(stage, plan.camera.path, "clippingRange")) == pytest.approx((0.01, 100.0))


def test_nothing_adds_up(stage, tmp_path):
    """A frame looks the same alone and after a hundred others."""
    from sim2real_studio.graphs.stage_writer import StageWriter

    planner = planner_of(stage, tmp_path)
    with StageWriter(stage, planner) as writer:
        writer.write(planner.plan(5))
        alone = told(stage)
        for frame in range(100, 130):
            writer.write(planner.plan(frame))
        assert told(stage) != alone
        writer.write(planner.plan(5))
        assert told(stage) == alone


def test_the_stage_is_given_back(stage, tmp_path):
    """Byte for byte, whatever happened in between; the file's own layer was never touched."""
    from sim2real_studio.graphs.stage_writer import StageWriter

    before, file = told(stage), stage.GetRootLayer().ExportToString()
    planner = planner_of(stage, tmp_path)
    with StageWriter(stage, planner) as writer:
        writer.write(planner.plan(0))
        assert stage.GetRootLayer().ExportToString() == file
        assert told(stage) != before
    assert told(stage) == before
    with pytest.raises(KeyError), StageWriter(stage, planner) as writer:
        raise KeyError
    assert told(stage) == before
    StageWriter(stage, planner).open()  # forgotten, as by a reload of the extension
    with StageWriter(stage, planner):
        assert len(stage.GetSessionLayer().subLayerPaths) == 1
    assert told(stage) == before
    with pytest.raises(RuntimeError, match="not open"):
        writer.write(planner.plan(0))


def test_scanning_sees_no_layer_of_ours(stage, tmp_path):
    """What is read while a frame is shown has none of our own prims, and a stage keeps its fingerprint."""
    from sim2real_studio.graphs.scan import fingerprint
    from sim2real_studio.graphs.stage_writer import StageWriter

    planner, print_before = planner_of(stage, tmp_path), fingerprint(stage)
    with StageWriter(stage, planner):
        assert planner_of(stage, tmp_path).contents.surfaces == planner.contents.surfaces
        assert print_before == fingerprint(stage), "nothing moved yet: only the layer is there"
    stage.GetPrimAtPath("/World/obstacles/box_0").GetAttribute("xformOp:translate").Set((9, 9, 9))
    assert fingerprint(stage) != print_before


def test_only_the_outermost_of_nested_things_moves(stage, tmp_path):
    """A group that matches moves what is in it once."""
    from pxr import UsdGeom

    UsdGeom.Sphere.Define(stage, "/World/obstacles/box_0/handle")
    planner = planner_of(stage, tmp_path, spec_of("stage: {objects: {select: '/World/obstacles/.*', scale: 2}}"))
    assert "/World/obstacles/box_0/handle" not in [thing.path for thing in planner.contents.objects]
    assert len(planner.contents.objects) == 5


def test_a_dome_is_made_where_there_is_none(stage, tmp_path):
    """And is gone afterwards."""
    from sim2real_studio.graphs.places import DOME
    from sim2real_studio.graphs.stage_writer import StageWriter

    stage.RemovePrim("/World/lamps/dome")
    planner = planner_of(stage, tmp_path, spec_of("light: {ambient: 0.5}"))
    with StageWriter(stage, planner) as writer:
        writer.write(planner.plan(0))
        assert value(stage, DOME, "inputs:intensity") == 500.0
        assert value(stage, "/World/lamps/left", "inputs:intensity") == 15000.0
    assert not stage.GetPrimAtPath(DOME)


def test_a_reset_of_the_transform_stack_stays(stage, tmp_path):
    """A prim that ignores its parents' transforms still does."""
    from pxr import UsdGeom
    from sim2real_studio.graphs.stage_writer import StageWriter

    form = UsdGeom.Xformable(stage.GetPrimAtPath("/World/obstacles/box_0"))
    form.SetResetXformStack(True)
    planner = planner_of(stage, tmp_path, spec_of("stage: {objects: {select: '.*/box_0', scale: 2}}"))
    with StageWriter(stage, planner) as writer:
        writer.write(planner.plan(0))
        assert form.GetResetXformStack()


@pytest.mark.parametrize(
    ("change", "camera", "said"),
    [
        (None, "/World/lamps", "'/World/lamps' is no camera on the stage; there are: /World/camera"),
        ("/World/second", "", "the stage has 2 cameras; name one of /World/camera, /World/second"),
        (None, "", "semantics.ghost: '/Ghost' matches nothing"),
    ],
)
def test_a_wrong_stage_is_refused(stage, change, camera, said):
    """What came, and what is there."""
    from pxr import UsdGeom
    from sim2real_studio.graphs.scan import StageError, scan_stage

    if change:
        UsdGeom.Camera.Define(stage, change)
    with pytest.raises(StageError, match=said.replace("(", r"\(")):
        scan_stage(stage, spec_of("stage: {semantics: {ghost: '/Ghost'}}"), camera)
