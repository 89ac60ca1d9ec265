"""The graph of the stand-in for Replicator: what runs when, on which prims, with which samples."""

import numpy as np
import pytest

from kit.replicator_scene import finish, new_stage, step


@pytest.fixture
def stage(kit):
    return new_stage(kit)


@pytest.fixture
def rep(kit, stage):
    import omni.replicator.core as rep

    rep.orchestrator.set_capture_on_play(False)
    rep.set_global_seed(11)
    yield rep
    finish(kit, rep)


def places(prims):
    return np.array([prim.GetAttribute("xformOp:translate").Get() for prim in prims])


def test_a_distribution_gives_each_prim_its_own_sample_within_bounds(kit, rep, stage):
    cubes = rep.create.cube(count=40)
    with rep.trigger.on_frame():
        with cubes:
            rep.modify.pose(
                position=rep.distribution.uniform((-1, 2, 0), (1, 3, 0)), scale=rep.distribution.choice([0.5, 2.0])
            )
    prims = cubes.get_output_prims()["prims"]
    step(kit, rep)
    first = places(prims)
    assert len(np.unique(first[:, 0])) == 40
    assert (abs(first[:, 0]) <= 1).all() and (first[:, 1] >= 2).all() and (first[:, 1] <= 3).all()
    assert {prim.GetAttribute("xformOp:scale").Get()[0] for prim in prims} == {0.5, 2.0}
    step(kit, rep)
    assert not np.allclose(places(prims), first)


def test_the_same_seed_gives_the_same_samples_after_a_stop(kit, rep, stage):
    cube = rep.create.cube()
    with rep.trigger.on_frame(), cube:
        rep.modify.pose(position=rep.distribution.normal((0, 0, 0), (1, 1, 1)))
    prims = cube.get_output_prims()["prims"]
    runs = []
    for _ in range(2):
        rows = []
        for _ in range(3):
            step(kit, rep)
            rows.append(places(prims)[0])
        runs.append(np.array(rows))
        finish(kit, rep)
    np.testing.assert_array_equal(runs[0], runs[1])
    rep.set_global_seed(12)
    step(kit, rep)
    assert not np.allclose(places(prims)[0], runs[0][0])


def test_without_a_trigger_a_node_runs_once(kit, rep, stage):
    cube = rep.functional.create.cube(name="Cube")
    with rep.get.prim_at_path("/Cube"):
        rep.modify.pose(position=rep.distribution.uniform((1, 1, 1), (2, 2, 2)))
    step(kit, rep)
    once = places([cube])
    assert (once >= 1).all()
    step(kit, rep)
    np.testing.assert_array_equal(places([cube]), once)


def test_an_event_fires_its_own_nodes_alone(kit, rep, stage):
    cube, ball = rep.create.cube(), rep.create.sphere()
    for event, item in (("cube", cube), ("ball", ball)):
        with rep.trigger.on_custom_event(event_name=event), item:
            rep.modify.pose(position=rep.distribution.sequence([(1.0, 0.0, 0.0), (2.0, 0.0, 0.0), (3.0, 0.0, 0.0)]))
    of = {name: item.get_output_prims()["prims"] for name, item in (("cube", cube), ("ball", ball))}
    step(kit, rep)
    rep.utils.send_og_event(event_name="cube")
    step(kit, rep)
    assert places(of["cube"])[0, 0] == 1.0
    assert not of["ball"][0].HasAttribute("xformOp:translate")
    for wanted in (2.0, 3.0, 1.0):
        rep.utils.send_og_event(event_name="cube")
        step(kit, rep)
        assert places(of["cube"])[0, 0] == wanted
    with pytest.raises(TypeError):
        rep.utils.send_og_event(event_name="")


def test_an_event_needs_no_step(kit, rep, stage):
    cube = rep.functional.create.cube(name="Cube")
    with rep.trigger.on_custom_event(event_name="now"), rep.get.prim_at_path("/Cube"):
        rep.modify.visibility(False)
    rep.utils.send_og_event(event_name="now")
    kit.tick()
    assert cube.GetAttribute("visibility").Get() == "invisible"


def test_intervals_and_numbers_of_executions(kit, rep, stage):
    prims = [rep.functional.create.cube(name=name) for name in ("Often", "Seldom", "Twice")]
    triggers = [rep.trigger.on_frame(), rep.trigger.on_frame(interval=3), rep.trigger.on_frame(max_execs=2)]
    for trigger, prim in zip(triggers, prims, strict=True):
        with trigger, rep.get.prim_at_path(str(prim.GetPath())):
            rep.modify.pose(position=rep.distribution.sequence([(float(i), 0.0, 0.0) for i in range(1, 40)]))
    seen = []
    for _ in range(7):
        step(kit, rep)
        seen.append(places(prims)[:, 0])
    counts = [len(np.unique(column)) for column in np.array(seen).T]
    assert counts[0] == 7 and counts[1] in (2, 3) and counts[2] == 2


def test_time_triggers_follow_the_timeline_and_turn_capture_on_play_on(kit, rep, stage):
    import carb.settings

    cube = rep.functional.create.cube(name="Cube")
    with rep.trigger.on_time(interval=1.0, enable_capture_on_play=False), rep.get.prim_at_path("/Cube"):
        rep.modify.pose(position=rep.distribution.sequence([(float(i), 0.0, 0.0) for i in range(1, 9)]))
    assert carb.settings.get_settings().get("/omni/replicator/captureOnPlay") is False
    seen = []
    for _ in range(6):
        step(kit, rep, delta_time=0.5)
        seen.append(places([cube])[0, 0])
    assert len(set(seen)) == 3
    rep.trigger.on_time(interval=1.0)
    assert carb.settings.get_settings().get("/omni/replicator/captureOnPlay") is True


def is_dark():
    import carb.settings

    return bool(carb.settings.get_settings().get("/test/dark"))


OUTSIDE = True


def leans_on_its_module():
    return OUTSIDE


def test_a_condition_is_its_source_alone(kit, rep, stage):
    import carb.settings

    cube = rep.functional.create.cube(name="Cube")
    with rep.trigger.on_condition(is_dark), rep.get.prim_at_path("/Cube"):
        rep.modify.visibility(False)
    step(kit, rep)
    assert not cube.GetAttribute("visibility").HasAuthoredValue()
    carb.settings.get_settings().set_bool("/test/dark", True)
    step(kit, rep)
    assert cube.GetAttribute("visibility").Get() == "invisible"
    with pytest.raises(TypeError, match="source"):
        rep.trigger.on_condition(lambda: True)
    with rep.trigger.on_condition(leans_on_its_module), rep.get.prim_at_path("/Cube"):
        rep.modify.visibility(True)
    kit.expect_fault("NameError: name 'OUTSIDE'")
    step(kit, rep)
    assert cube.GetAttribute("visibility").Get() == "invisible"


def test_lights_cameras_and_materials_take_distributions(kit, rep, stage):
    with rep.trigger.on_frame():
        lights = rep.create.light(
            light_type="Sphere",
            intensity=rep.distribution.uniform(200, 2000),
            temperature=rep.distribution.uniform(3000, 7000),
            position=rep.distribution.uniform((-2, -2, 1), (2, 2, 3)),
            count=3,
        )
        camera = rep.create.camera(
            focal_length=rep.distribution.uniform(20, 30), clipping_range=(0.01, 100.0), position=(0, 0, 5)
        )
        cubes = rep.create.cube(count=2)
        with cubes:
            rep.randomizer.color(colors=rep.distribution.uniform((0, 0, 0), (1, 1, 1)))
    step(kit, rep)
    values = []
    for prim in lights.get_output_prims()["prims"]:
        light = prim.GetChildren()[0]
        values.append(light.GetAttribute("inputs:intensity").Get())
        assert 3000 <= light.GetAttribute("inputs:colorTemperature").Get() <= 7000
        assert light.GetAttribute("inputs:enableColorTemperature").Get() is True
    assert len(set(values)) == 3 and all(200 <= v <= 2000 for v in values)
    eye = camera.get_output_prims()["prims"][0].GetChildren()[0]
    assert 20 <= eye.GetAttribute("focalLength").Get() <= 30
    from pxr import UsdShade

    colours = set()
    for prim in cubes.get_output_prims()["prims"]:
        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
        colours.add(
            tuple(UsdShade.Shader(material.GetPrim().GetChildren()[0]).GetInput("diffuse_color_constant").Get())
        )
    assert len(colours) == 2


def test_prims_are_found_when_the_graph_runs(kit, rep, stage):
    with rep.trigger.on_frame():
        with rep.get.prims(path_pattern=r"/Crate_\d+$"):
            rep.modify.semantics({"class": "crate"})
    for i in range(3):
        rep.functional.create.cube(name=f"Crate_{i}")
    rep.functional.create.cube(name="Other")
    step(kit, rep)
    from pxr import UsdSemantics

    labelled = [p.GetName() for p in stage.Traverse() if UsdSemantics.LabelsAPI.GetDirectTaxonomies(p)]
    assert labelled == ["Crate_0", "Crate_1", "Crate_2"]


def test_scattering_stays_on_the_surface_and_apart(kit, rep, stage):
    rep.functional.create.plane(scale=(4.0, 4.0, 1.0), name="Floor")
    balls = rep.create.sphere(count=6, scale=0.2)
    with rep.trigger.on_frame(), balls:
        rep.randomizer.scatter_2d(surface_prims=["/Floor"], check_for_collisions=True, offset=0.1)
    step(kit, rep)
    found = places(balls.get_output_prims()["prims"])
    np.testing.assert_allclose(abs(found[:, 2]), 0.1, atol=1e-6)
    assert (abs(found[:, :2]) <= 2.0).all()
    apart = np.linalg.norm(found[:, None] - found[None], axis=2) + 10 * np.eye(6)
    assert apart.min() > 0.2


def test_registered_functions_are_names_of_the_module(kit, rep, stage):
    def test_place(size):
        cube = rep.create.cube(count=size)
        with cube:
            rep.modify.pose(position=(0.0, 0.0, 3.0))
        return cube.node

    rep.randomizer.register(test_place)
    with rep.trigger.on_frame():
        rep.randomizer.test_place(2)
    step(kit, rep)
    assert [p.GetName() for p in stage.GetPrimAtPath("/Replicator").GetChildren() if "Cube" in p.GetName()] == [
        "Cube_Xform",
        "Cube_Xform_01",
    ]
    rep.randomizer.register(lambda: None, fn_name="test_nothing")
    with pytest.raises(ValueError, match="must return an item or its node"):
        rep.randomizer.test_nothing()


def test_another_stage_has_another_graph(kit, rep, stage):
    cube = rep.functional.create.cube(name="Cube")
    with rep.trigger.on_frame(), rep.get.prim_at_path("/Cube"):
        rep.modify.pose(position=rep.distribution.uniform((0, 0, 0), (1, 1, 1)))
    step(kit, rep)
    assert cube.IsValid()
    new_stage(kit)
    step(kit, rep)
    assert kit.faults == ()
