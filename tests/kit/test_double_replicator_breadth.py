"""The rest of the stand-in for Replicator: textures, instances, settings, bodies, references, first steps."""

import numpy as np
import pytest
from PIL import Image

from kit.replicator_scene import SIZE, build, finish, new_stage, step


@pytest.fixture
def stage(kit_51):
    return new_stage(kit_51)


@pytest.fixture
def rep(kit_51, stage):
    import omni.replicator.core as rep

    rep.orchestrator.set_capture_on_play(False)
    rep.set_global_seed(5)
    yield rep
    finish(kit_51, rep)


def shader_inputs(prim):
    """Inputs of the one shader of the bound material."""
    from pxr import UsdShade

    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    shader = UsdShade.Shader(material.GetPrim().GetChildren()[0])
    return {i.GetBaseName(): i.Get() for i in shader.GetInputs()}


def test_textures_come_from_files_that_exist(kit_51, rep, tmp_path):
    files = []
    for name, colour in (("a", (200, 10, 10)), ("b", (10, 200, 10))):
        Image.new("RGB", (4, 4), colour).save(tmp_path / f"{name}.png")
        files.append(str(tmp_path / f"{name}.png"))
    cubes = rep.create.cube(count=12)
    with rep.trigger.on_frame(), cubes:
        rep.randomizer.texture(files, texture_rotate=rep.distribution.uniform(0, 90), texture_scale=[(1.0, 1.0)] * 12)
    step(kit_51, rep)
    inputs = [shader_inputs(prim) for prim in cubes.get_output_prims()["prims"]]
    assert {i["diffuse_texture"].path for i in inputs} == set(files)
    assert all(0 <= i["texture_rotate"] <= 90 for i in inputs)
    kit_51.expect_fault("does not exist")
    with cubes:
        rep.randomizer.texture([str(tmp_path / "none.png")])
        with pytest.raises(TypeError, match="list of files"):
            rep.randomizer.texture(files[0])


def test_materials_and_turns(kit_51, rep):
    pool = rep.create.material_omnipbr(
        diffuse=rep.distribution.uniform((0.5, 0, 0), (1, 0, 0)),
        roughness=0.3,
        metallic=rep.distribution.choice([0.0, 1.0]),
        count=3,
    )
    cubes = rep.create.cube(count=20)
    with rep.trigger.on_frame(), cubes:
        rep.randomizer.materials(pool)
        rep.randomizer.rotation(min_angle=(0.0, 0.0, -30.0), max_angle=(0.0, 0.0, 30.0))
    step(kit_51, rep)
    prims = cubes.get_output_prims()["prims"]
    inputs = [shader_inputs(prim) for prim in prims]
    assert all(0.5 <= i["diffuse_color_constant"][0] <= 1 for i in inputs)
    assert {i["metallic_constant"] for i in inputs} <= {0.0, 1.0} and inputs[0]["reflection_roughness_constant"] > 0
    turns = np.array([prim.GetAttribute("xformOp:rotateXYZ").Get() for prim in prims])
    assert (abs(turns[:, 2]) <= 30).all() and len(np.unique(turns[:, 2])) == 20 and not turns[:, :2].any()


def test_instances_reference_what_was_sampled(kit_51, rep, stage):
    for name in ("/Assets/a", "/Assets/b"):
        stage.DefinePrim(name, "Cube")
    with rep.trigger.on_frame():
        items = rep.randomizer.instantiate(["/Assets/a", "/Assets/b"], size=5, mode="reference")
        with items:
            rep.modify.pose(position=rep.distribution.uniform((0, 0, 0), (1, 1, 1)))
    step(kit_51, rep)
    prims = items.get_output_prims()["prims"]
    assert len(prims) == 5 and {p.GetTypeName() for p in prims} <= {"Xform", "Cube"}
    assert all(p.HasAuthoredReferences() for p in prims)
    with pytest.raises(ValueError, match="without replacement"):
        rep.randomizer.instantiate(["/Assets/a"], size=2, with_replacements=False)


def test_combined_distributions_and_single_axes(kit_51, rep):
    cubes = rep.create.cube(count=8)
    with rep.trigger.on_frame(), cubes:
        rep.modify.pose(position=rep.distribution.combine([0.0, rep.distribution.uniform(1, 2), 3]))
        rep.modify.pose(
            rotation_z=rep.distribution.choice([90.0], seed=4), size=rep.distribution.log_uniform(0.1, 10.0)
        )
    step(kit_51, rep)
    for prim in cubes.get_output_prims()["prims"]:
        x, y, z = prim.GetAttribute("xformOp:translate").Get()
        assert (x, z) == (0.0, 3.0) and 1 <= y <= 2
        assert prim.GetAttribute("xformOp:rotateXYZ").Get()[2] == pytest.approx(90.0)
        assert 0.1 <= prim.GetAttribute("xformOp:scale").Get()[0] <= 10.0


def test_items_look_at_points_and_prims(kit_51, rep, stage):
    from pxr import Gf, UsdGeom

    rep.functional.create.cube(position=(0.0, 4.0, 1.0), name="Target")
    arrow = rep.create.cube(position=(0, 0, 1), look_at="/Target")
    for target in ("/Target", (0.0, 4.0, 1.0)):
        with arrow:
            rep.modify.pose(look_at=target)
        step(kit_51, rep)
        prim = arrow.get_output_prims()["prims"][0]
        ahead = UsdGeom.XformCache().GetLocalToWorldTransform(prim).TransformDir(Gf.Vec3d(0, 0, -1))
        np.testing.assert_allclose(ahead, (0, 1, 0), atol=1e-6)
    with arrow, pytest.raises(ValueError, match="no prim at"):
        rep.modify.pose(look_at="/Nowhere")


def test_the_first_step_toggles_each_trigger_once_more(kit_51, rep):
    """So a sequence is one ahead after the first step; what must not be is driven by an event."""
    cube, ball = rep.functional.create.cube(name="Cube"), rep.functional.create.sphere(name="Ball")
    rows = [(float(i), 0.0, 0.0) for i in range(9)]
    with rep.trigger.on_frame(), rep.get.prim_at_path("/Cube"):
        rep.modify.pose(position=rep.distribution.sequence(rows))
    with rep.trigger.on_custom_event(event_name="next"), rep.get.prim_at_path("/Ball"):
        rep.modify.pose(position=rep.distribution.sequence(rows))
    for expected in range(3):
        rep.utils.send_og_event(event_name="next")
        step(kit_51, rep)
        assert cube.GetAttribute("xformOp:translate").Get()[0] == expected + 1
        assert ball.GetAttribute("xformOp:translate").Get()[0] == expected


def test_settings_of_the_renderer_and_the_stage(kit_51, rep, stage):
    import carb.settings
    from pxr import UsdGeom

    get = carb.settings.get_settings().get
    rep.settings.set_render_pathtraced(samples_per_pixel=32)
    assert (get("/rtx/rendermode"), get("/rtx/pathtracing/totalSpp")) == ("PathTracing", 32)
    rep.settings.set_render_rtx_realtime(antialiasing="DLSS")
    assert (get("/rtx/rendermode"), get("/rtx/post/aa/op")) == ("RaytracedLighting", 3)
    with pytest.raises(ValueError, match="one of"):
        rep.settings.set_render_rtx_realtime(antialiasing="MSAA")
    rep.settings.set_stage_up_axis("Y")
    rep.settings.set_stage_meters_per_unit(0.01)
    assert UsdGeom.GetStageUpAxis(stage) == "Y" and UsdGeom.GetStageMetersPerUnit(stage) == 0.01
    with rep.trigger.on_frame():
        rep.settings.carb_settings("/test/grain", rep.distribution.uniform(1.5, 5.0))
    step(kit_51, rep)
    assert 1.5 <= get("/test/grain") <= 5.0
    rep.settings.carb_settings("/test/plain", True)
    assert get("/test/plain") is True


def test_dome_lights(kit_51, rep, tmp_path):
    import carb.settings

    plain = rep.functional.create.dome_light(intensity=500.0)
    assert plain.GetAttribute("inputs:exposure").Get() == 1.0  # twice the light of the intensity alone
    Image.new("RGB", (4, 2), (90, 120, 200)).save(tmp_path / "sky.png")
    rep.create.light(light_type="dome", texture=str(tmp_path / "sky.png"))
    assert carb.settings.get_settings().get("/omni/replicator/RTSubframes") == 3
    with pytest.raises(ValueError, match="takes none"):
        rep.create.light(light_type="sphere", texture=str(tmp_path / "sky.png"))


def test_bodies_and_scenes(rep, stage):
    from pxr import UsdPhysics

    physics = rep.functional.physics
    cube = rep.functional.create.cube()
    physics.apply_rigid_body(cube, kinematicEnabled=True, disableGravity=True, approximation="convexHull")
    assert cube.HasAPI(UsdPhysics.RigidBodyAPI) and cube.HasAPI(UsdPhysics.CollisionAPI)
    assert cube.GetAttribute("physics:kinematicEnabled").Get() is True
    physics.remove_rigid_body(cube)
    physics.remove_collider(cube)
    assert not cube.HasAPI(UsdPhysics.RigidBodyAPI) and not cube.HasAPI(UsdPhysics.CollisionAPI)
    physics.create_physics_scene("/Scene", enableCCD=True, gravityMagnitude=3.0)
    physics.apply_rigid_body(cube, physics_scene="/Scene")
    assert UsdPhysics.RigidBodyAPI(cube).GetSimulationOwnerRel().GetTargets() == ["/Scene"]
    with pytest.raises(ValueError, match="no physics scene"):
        physics.apply_collider(cube, physics_scene="/Other")
    assert stage.GetPrimAtPath("/Scene").GetAttribute("physics:gravityMagnitude").Get() == 3.0
    with pytest.raises(ValueError, match="could not be found"):
        physics.apply_rigid_body(cube, kinematic=True)
    with pytest.raises(ValueError, match="one of"):
        physics.apply_collider(cube, approximation="hull")


def test_references_clones_and_scopes(rep, stage, tmp_path):
    from pxr import Usd

    part = Usd.Stage.CreateNew(str(tmp_path / "part.usda"))
    part.SetDefaultPrim(part.DefinePrim("/Part", "Xform"))
    part.DefinePrim("/Part/box", "Cube")
    part.GetRootLayer().Save()
    create = rep.functional.create
    scope = create.scope(name="Things")
    one = create.reference(usd_path=str(tmp_path / "part.usda"), parent="/Things", name="one", position=(1.0, 0.0, 0.0))
    assert stage.GetPrimAtPath("/Things/one/box") and one.GetParent() == scope
    two = create.clone(one, name="two")
    assert stage.GetPrimAtPath("/Things/two/box") and two.GetAttribute("xformOp:translate").Get()[0] == 1.0
    with pytest.raises(ValueError, match="no file"):
        create.reference(usd_path=str(tmp_path / "none.usd"))
    with pytest.raises(ValueError, match="no valid prim name"):
        create.xform(name="two words")


def test_products_of_cameras_that_a_node_finds_are_tasks(kit_51):
    scene = build(kit_51)
    rep = scene.rep

    async def make():
        task = rep.create.render_product(rep.get.camera(path_pattern="Eye"), SIZE, name="later")
        assert not hasattr(task, "path")
        writer = rep.writers.get("BasicWriter")
        with pytest.raises(ValueError, match="task"):
            writer.attach([task])
        return await task

    product = kit_51.run(make())
    assert product.path.endswith("later")
    annotator = rep.annotators.get("rgb")
    with pytest.raises(NotImplementedError, match="one render product"):
        annotator.attach([scene.product, product])
    with pytest.raises(NotImplementedError, match="does not play"):
        rep.annotators.get("skeleton_data").attach(product)
    for one in (scene.product, product):
        one.destroy()


def test_a_writer_with_two_filters_is_refused(rep, tmp_path):
    writer = rep.writers.get("BasicWriter")
    with pytest.raises(ValueError, match="exclude each other"):
        writer.initialize(
            output_dir=str(tmp_path), rgb=True, semantic_types=["class"], semantic_filter_predicate="class:cube"
        )
    backend = rep.backends.get("DiskBackend")
    with pytest.raises(Exception, match="not initialized"):
        writer.initialize(backend=backend, rgb=True)


def test_a_stop_in_the_middle_waits_for_the_frame(kit_51):
    scene = build(kit_51)
    status, states = scene.rep.orchestrator.Status, []
    held = scene.rep.orchestrator.register_status_callback(states.append)
    with pytest.raises(TypeError, match="1 argument"):
        scene.rep.orchestrator.register_status_callback(lambda: None)
    step(kit_51, scene.rep)
    kit_51.run(scene.rep.orchestrator.stop_async())
    assert states == [
        status.INITIALIZING,
        status.STARTING,
        status.STEPPING,
        status.STEPPED,
        status.STOPPING,
        status.STOPPED,
    ]
    assert scene.rep.orchestrator.get_status() is status.STOPPED and not scene.rep.orchestrator.get_is_started()
    held.unregister()
    scene.product.destroy()


def test_attributes_are_found_below_replicators_own_xforms(kit_51, rep, stage):
    lamp = rep.create.light(light_type="Sphere")
    paint = rep.functional.create.material("OmniPBR.mdl", diffuse_color_constant=(1.0, 1.0, 1.0))
    with rep.trigger.on_frame():
        with lamp:
            rep.modify.attribute("intensity", rep.distribution.uniform(200.0, 2000.0))
        with rep.get.prim_at_path(str(paint.GetPath())):
            rep.modify.attribute("diffuse_color_constant", rep.distribution.uniform((0, 0, 0), (0.5, 0.5, 0.5)))
    step(kit_51, rep)
    light = lamp.get_output_prims()["prims"][0].GetChildren()[0]
    assert 200 <= light.GetAttribute("inputs:intensity").Get() <= 2000
    shader = paint.GetChildren()[0]
    assert max(shader.GetAttribute("inputs:diffuse_color_constant").Get()) <= 0.5
    kit_51.expect_fault("has no attribute 'brightness'")
    with lamp:
        rep.modify.attribute("brightness", 3.0)
    step(kit_51, rep)


def test_a_sequence_gives_as_many_items_as_its_stride(kit_51, rep):
    cubes = rep.create.cube(count=2)
    rows = [(float(i), 0.0, 0.0) for i in range(6)]
    with rep.trigger.on_custom_event(event_name="pairs"), cubes:
        rep.modify.pose(position=rep.distribution.sequence(rows, stride=2))
    for first in (0.0, 2.0, 4.0, 0.0):
        rep.utils.send_og_event(event_name="pairs")
        step(kit_51, rep)
        prims = cubes.get_output_prims()["prims"]
        assert [p.GetAttribute("xformOp:translate").Get()[0] for p in prims] == [first, first + 1]
    kit_51.expect_fault(r"gives 1 item\(s\) per evaluation for 2 prims")
    with cubes:
        rep.modify.pose(position=rep.distribution.sequence(rows))
    step(kit_51, rep)


@pytest.mark.parametrize(("kind", "value", "goes"), [("Double", 3, True), ("Int64", 3, False), ("String", "a", False)])
def test_attributes_of_a_graph_are_floats_vectors_and_names(kit_51, rep, stage, kind, value, goes):
    from pxr import Sdf

    attribute = stage.DefinePrim("/Mark").CreateAttribute("shown", getattr(Sdf.ValueTypeNames, kind))
    if not goes:
        kit_51.expect_fault("modify.attribute writes floats")
    with rep.get.prim_at_path("/Mark"):
        rep.modify.attribute("shown", rep.distribution.sequence([value, value]))
    step(kit_51, rep)
    assert (attribute.Get() is not None) is goes
