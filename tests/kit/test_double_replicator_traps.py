"""What Replicator swallows, mistakes or does only half is an error, or a fault that fails the test, in the stand-in."""

import numpy as np
import pytest

import kit_double
from kit.replicator_scene import build, finish, new_stage, step

MIXED = [1.0, "a"]


@pytest.fixture
def stage(kit_51):
    return new_stage(kit_51)


@pytest.fixture
def rep(stage):
    import omni.replicator.core as rep

    return rep


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rep: rep.modify.pose(position=(0, 0, 1)), ValueError, "outside of `with item:`"),
        (lambda rep: rep.distribution.uniform(np.zeros(3), np.ones(3)), TypeError, "tolist"),
        (lambda rep: rep.distribution.normal(0.0, np.float32(1.0)), TypeError, "numpy.float32"),
        (lambda rep: rep.distribution.uniform((0, 0), (1, 1, 1)), ValueError, "different lengths"),
        (lambda rep: rep.distribution.uniform(2.0, 1.0), ValueError, "above upper"),
        (lambda rep: rep.distribution.choice((1, 2)), TypeError, "Python list"),
        (lambda rep: rep.distribution.choice(MIXED), ValueError, "one type"),
        (lambda rep: rep.distribution.sequence([1, 2.0]), ValueError, "one type"),
        (lambda rep: rep.distribution.combine([(0, 1)]), TypeError, "combine takes"),
        (lambda rep: rep.create.light(light_type="Spot"), AssertionError, "light_type"),
        (lambda rep: rep.create.cube(position=np.zeros(3)), TypeError, "ndarray"),
        (lambda rep: rep.create.cube(count=3, position=[(0, 0, 0), (1, 1, 1)]), ValueError, "2 values for 3 prims"),
        (lambda rep: rep.create.cube(rotation=(0, 0, 90), look_at=(5, 5, 5)), ValueError, "exclude each other"),
        (lambda rep: rep.create.group("/World"), TypeError, "takes a list"),
        (lambda rep: rep.create.from_usd("/nowhere.usd"), ValueError, "no file"),
        (lambda rep: rep.get.prim_at_path("/Nowhere"), ValueError, "no prim at"),
        (lambda rep: rep.trigger.on_frame(interval=0), ValueError, "interval"),
        (lambda rep: rep.trigger.on_custom_event(""), TypeError, "name"),
        (lambda rep: rep.set_global_seed(2**31), ValueError, "2147483647"),
        (lambda rep: rep.set_global_seed(np.int64(3)), TypeError, "Python int"),
        (lambda rep: rep.orchestrator.set_capture_on_play(1), TypeError, "True or False"),
        (lambda rep: rep.functional.create.cube(parent="/Nowhere"), ValueError, "no prim"),
        (lambda rep: rep.functional.create.dome_light(intensity=np.float32(3)), TypeError, "number"),
        (lambda rep: rep.functional.create.material("OmniPBR.mdl", colour=(1, 0, 0)), ValueError, "Invalid attribute"),
        (lambda rep: rep.backends.get("DiskBackend").initialize("relative/folder"), ValueError, "relative"),
        (lambda rep: rep.writers.get("BasicWriter").initialize(output_dir="out", rgb=True), ValueError, "relative"),
        (lambda rep: rep.writers.get("BasicWriter").initialize(rgb=True), ValueError, "either output_dir or"),
        (lambda rep: rep.writers.get("BasicWriter").initialize(output_dir="/tmp/x"), ValueError, "asked for nothing"),
        (lambda rep: rep.writers.get("BasicWriter").initialize(output_dir="/tmp/x", depth=True), TypeError, "'depth'"),
    ],
)
def test_wrong_calls_raise(rep, call, error, message):
    with pytest.raises(error, match=message):
        call(rep)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"position": (0, 0, 0), "position_x": 1.0}, "position and position_x"),
        ({"rotation": (0, 0, 0), "rotation_z": 1.0}, "rotation and rotation_z"),
        ({"rotation": (0, 0, 0), "look_at": (1, 1, 1)}, "rotation and look_at"),
        ({"scale": 1.0, "size": 1.0}, "scale and size"),
        ({"rotation": (0, 0, 0), "rotation_order": "XXY"}, "rotation_order"),
        ({}, "does nothing"),
    ],
)
def test_a_pose_excludes_what_contradicts_itself(rep, values, message):
    with rep.create.cube(), pytest.raises(ValueError, match=message):
        rep.modify.pose(**values)


def test_a_material_is_no_bare_string(rep):
    cube = rep.functional.create.cube(name="Cube")
    material = rep.functional.create.material("OmniPBR.mdl", diffuse_color_constant=(1.0, 0.0, 0.0))
    with rep.get.prim_at_path("/Cube"):
        with pytest.raises(ValueError, match="bare string"):
            rep.modify.material(str(material.GetPath()))
        rep.modify.material([str(material.GetPath())])
    with pytest.raises(ValueError, match="use str"):
        rep.create.group([cube])


def test_a_list_of_prims_to_bind_is_refused_in_5_1_alone():
    for version in ("5.1", "6.0"):
        with kit_double.installed(version) as kit:
            new_stage(kit)
            import omni.replicator.core as rep

            cube = rep.functional.create.cube()
            if version == "5.1":
                with pytest.raises(ValueError, match="Invalid bind prim"):
                    rep.functional.create.material("OmniPBR.mdl", bind_prims=[cube])
            else:
                rep.functional.create.material("OmniPBR.mdl", bind_prims=[cube])
            material = rep.functional.create.material("OmniPBR.mdl")
            rep.functional.modify.material(cube, material)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f, p: f.pose(p, position_value=[(0, 0, 0), (1, 1, 1)]), ValueError, "a list of 2 for 3 prims"),
        (lambda f, p: f.pose(p, position_value=[0.0, 0.0, 1.0]), TypeError, "plain numbers in a tuple"),
        (lambda f, p: f.pose(p[0], position_value=(np.float32(0), 0.0, 0.0)), TypeError, "NumPy|numpy"),
        (lambda f, p: f.pose(p[0], look_at_value=(5, 0, 0)), ValueError, r"pass \(0, 0, 1\)"),
        (lambda f, p: f.pose(p[0], rotation_value=(0, 0, 0, 1)), ValueError, "quaternion"),
        (lambda f, p: f.pose(p[0]), ValueError, "does nothing"),
        (lambda f, p: f.pose("/Cube", position_value=(0, 0, 0)), TypeError, "Usd.Prim"),
        (lambda f, p: f.visibility(p, np.bool_(True)), TypeError, "numpy"),
        (lambda f, p: f.visibility(p, 1), ValueError, "True or False"),
        (lambda f, p: f.attribute(p, "colour", 1.0), ValueError, "no attribute 'colour'"),
        (lambda f, p: f.semantics(p, {"class": "a"}, mode="put"), ValueError, "mode"),
        (lambda f, p: f.material(p, p[0]), ValueError, "no material"),
    ],
)
def test_functional_calls_are_stricter_with_lists_and_types(rep, call, error, message):
    prims = rep.functional.create_batch.cube(count=3)
    with pytest.raises(error, match=message):
        call(rep.functional.modify, prims)


def test_positions_per_prim_are_a_list_of_tuples(rep):
    prims = rep.functional.create_batch.cube(count=2)
    rep.functional.modify.pose(prims, position_value=[(0.0, 0.0, 1.0), (0.0, 0.0, 2.0)], scale_value=0.5)
    assert [p.GetAttribute("xformOp:translate").Get()[2] for p in prims] == [1.0, 2.0]
    rep.functional.modify.pose(prims, look_at_value=(5.0, 0.0, 1.0), look_at_up_axis=(0, 0, 1))
    with pytest.raises(ValueError, match="gprim"):
        rep.functional.create.cube(parent=str(prims[0].GetPath()))


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda rep: rep.set_global_seed(0), "seed 0"),
        (lambda rep: rep.distribution.uniform(0, 1, seed=0), "seed 0"),
        (lambda rep: rep.rng.ReplicatorRNG(seed=0), "seed 0"),
        (lambda rep: rep.trigger.on_frame(num_frames=4), "max_execs"),
        (lambda rep: rep.create.camera(), "near plane lies at 1 m"),
        (lambda rep: rep.functional.create.camera(), "near plane lies at 1 m"),
        (lambda rep: rep.functional.create.sphere_light(color_temperature=3000), "is ignored"),
        (lambda rep: rep.create.light(light_type="dome", texture="/nowhere.hdr"), "does not exist"),
    ],
)
def test_what_replicator_lets_pass_fails_the_test(call, fault):
    for expected in (True, False):
        try:
            with kit_double.installed("6.0") as kit:
                new_stage(kit)
                import omni.replicator.core as rep

                if expected:
                    kit.expect_fault(fault)
                call(rep)
        except AssertionError as error:
            assert not expected and fault in str(error)
        else:
            assert expected, f"{fault!r} was no fault"


def test_a_new_layer_swallows_what_fails_in_it(kit_51, rep):
    kit_51.expect_fault("new_layer swallowed ValueError")
    with rep.new_layer():
        rep.modify.pose(position=(0, 0, 1))
    with rep.new_layer("Mine") as layer:
        cube = rep.functional.create.cube(name="Inside")
    assert layer.GetPrimAtPath(cube.GetPath())


def test_steps_do_not_overlap_and_are_awaited_in_a_window(kit_51):
    scene = build(kit_51)
    rep = scene.rep
    for name in ("step", "run_until_complete", "wait_until_complete"):
        with pytest.raises(rep.orchestrator.OrchestratorError, match=f"{name}_async"):
            getattr(rep.orchestrator, name)()

    async def twice():
        import asyncio

        first = asyncio.ensure_future(rep.orchestrator.step_async(delta_time=0.0))
        await asyncio.sleep(0)
        with pytest.raises(rep.orchestrator.OrchestratorError, match="under way"):
            await rep.orchestrator.step_async(delta_time=0.0)
        await first

    kit_51.run(twice())
    for bad in ({"rt_subframes": 0}, {"delta_time": -1.0}, {"delta_time": "0"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            step(kit_51, rep, **bad)
    finish(kit_51, rep)
    scene.product.destroy()


def test_render_products(kit_51):
    scene = build(kit_51)
    create, product = scene.rep.create, scene.product
    with pytest.raises(TypeError, match="whole pixels"):
        create.render_product("/Eye", (64.0, 48))
    with pytest.raises(TypeError, match="name must be a string"):
        create.render_product("/Eye", (64, 48), name=["a"])
    with pytest.raises(ValueError, match="with 0 cameras below"):
        create.render_product("/Cube", (64, 48))
    with pytest.raises(ValueError, match="items and of paths"):
        create.render_product([scene.rep.create.camera(clipping_range=(0.01, 9.0)), "/Eye"], (64, 48))
    plain = create.render_product("/Eye", (32, 24))
    assert create.render_product("/Eye", (32, 24)) is plain
    again = create.render_product("/Eye", (32, 24), force_new=True)
    assert again is not plain and again.path != plain.path
    for one in {product, plain, again, *scene.rep.create.render_product(["/Eye"], (64, 48))}:
        one.destroy()
    with pytest.raises(RuntimeError, match="was destroyed"):
        product.hydra_texture.set_updates_enabled(False)
    with pytest.raises(RuntimeError, match="was destroyed"):
        product.destroy()


def test_what_is_left_behind_fails_the_test():
    with pytest.raises(AssertionError) as error, kit_double.installed("5.1") as kit:
        scene = build(kit)
        annotator = scene.rep.annotators.get("rgb")
        annotator.attach(scene.product)

        class Left(scene.rep.Writer):
            def __init__(self):
                self.annotators = ["rgb"]

            def write(self, data):
                pass

        scene.rep.writers.register_writer(Left)
        writer = scene.rep.writers.get("Left")
        writer.initialize()
        writer.attach([scene.product])
    for kind in ("render product", "annotator", "writer class 'Left'", "writer 'Left'"):
        assert f"{kind}" in str(error.value)
