"""isaacsim in the stand-in: views, materials and the physics that they write to."""

import inspect

import numpy as np
import pytest

import kit_double
from kit.replicator_scene import new_stage
from kit_double.isaac import _table

LINKS, DOFS = ["base", "upper", "fore"], ["base_upper", "upper_fore"]


def build_robots(stage, count=2):
    """Articulations of three links and two hinges, and a loose box."""
    from pxr import Gf, UsdGeom, UsdPhysics

    UsdGeom.Xform.Define(stage, "/World")
    for i in range(count):
        root = f"/World/robot_{i}"
        UsdPhysics.ArticulationRootAPI.Apply(UsdGeom.Xform.Define(stage, root).GetPrim())
        for k, name in enumerate(LINKS):
            link = UsdGeom.Xform.Define(stage, f"{root}/{name}").GetPrim()
            UsdPhysics.RigidBodyAPI.Apply(link)
            mass = UsdPhysics.MassAPI.Apply(link)
            mass.CreateMassAttr(1.0 + k)
            mass.CreateCenterOfMassAttr(Gf.Vec3f(0.1 * k, 0.0, 0.0))
            mass.CreateDiagonalInertiaAttr(Gf.Vec3f(0.01, 0.02, 0.03))
        for name in reversed(DOFS):
            joint = UsdPhysics.RevoluteJoint.Define(stage, f"{root}/{name}")
            parent, child = name.split("_")
            joint.CreateBody0Rel().SetTargets([f"{root}/{parent}"])
            joint.CreateBody1Rel().SetTargets([f"{root}/{child}"])
            joint.CreateLowerLimitAttr(-90.0)
            joint.CreateUpperLimitAttr(45.0)
            drive = UsdPhysics.DriveAPI.Apply(joint.GetPrim(), "angular")
            drive.CreateStiffnessAttr(2.0)
            drive.CreateMaxForceAttr(30.0)
    box = UsdGeom.Cube.Define(stage, "/World/box").GetPrim()
    UsdPhysics.RigidBodyAPI.Apply(box)
    UsdPhysics.MassAPI.Apply(box).CreateMassAttr(4.0)


@pytest.fixture
def stage(kit):
    stage = new_stage(kit)
    build_robots(stage)
    return stage


@pytest.fixture
def play(kit):
    """Plays the timeline, and stops it at the end."""
    import omni.timeline

    timeline = omni.timeline.get_timeline_interface()

    def start():
        timeline.play()
        kit.tick(2)

    yield start
    timeline.stop()
    kit.tick(2)


def test_every_tabled_class_and_function_is_there(kit):
    import importlib

    played = {name for name in kit_double.names_of(kit.version) if name.startswith("isaacsim")}
    for module in _table.table():
        names = _table.names_in(module, kit.version)
        if module not in played or not names:
            continue
        made = importlib.import_module(module)
        for name, row in names.items():
            if not hasattr(made, name):
                assert name in UNPLAYED, f"{module}.{name}"
                continue
            if isinstance(row, dict):
                lacking = [method for method in row if not hasattr(getattr(made, name), method)]
                assert not lacking, f"{module}.{name} lacks {lacking}"
            else:
                wanted = kit_double.signature_of(_table.parts_of(row)[2])
                assert inspect.signature(getattr(made, name)) == wanted


UNPLAYED = {"NumpyEncoder", "Version", "PhysxScene", "PhysxGpuCfg"}


def test_an_articulation_reads_the_stage_in_radians(kit, stage, play):
    from isaacsim.core.experimental.prims import Articulation

    robot = Articulation("/World/robot_.*")
    assert (len(robot), robot.link_names, robot.dof_names) == (2, LINKS, DOFS)
    assert not robot.is_physics_tensor_entity_valid()
    with pytest.raises(RuntimeError, match="physics is not initialized"):
        robot.get_link_masses()
    play()
    assert robot.is_physics_tensor_entity_initialized()
    np.testing.assert_allclose(robot.get_link_masses().numpy(), [[1, 2, 3]] * 2)
    lower, upper = (bound.numpy() for bound in robot.get_dof_limits())
    np.testing.assert_allclose((lower[0, 0], upper[1, 1]), (-np.pi / 2, np.pi / 4), rtol=1e-6)
    stiffness, damping = robot.get_dof_gains()
    np.testing.assert_allclose(stiffness.numpy(), np.full((2, 2), np.degrees(2.0)), rtol=1e-6)
    assert not damping.numpy().any()
    np.testing.assert_allclose(robot.get_dof_max_efforts().numpy(), 30.0)
    positions, orientations = robot.get_link_coms()
    assert positions.shape == (2, 3, 3) and orientations.shape == (2, 3, 4)
    np.testing.assert_allclose(robot.get_link_inertias().numpy()[0, 0], np.diag([0.01, 0.02, 0.03]).ravel())


def test_writes_reach_the_rows_that_were_named_alone(kit, stage, play):
    from isaacsim.core.experimental.prims import Articulation

    robot = Articulation(["/World/robot_0", "/World/robot_1"])
    play()
    robot.set_link_masses([[5.0]], indices=[1], link_indices=[2])
    np.testing.assert_allclose(robot.get_link_masses().numpy(), [[1, 2, 3], [1, 2, 5]])
    robot.set_dof_gains(dampings=np.array([0.5, 0.7], np.float32))
    np.testing.assert_allclose(robot.get_dof_gains()[1].numpy(), [[0.5, 0.7]] * 2)
    robot.set_dof_friction_properties(0.1, viscous_frictions=0.3, dof_indices=[0])
    static, dynamic, viscous = (array.numpy() for array in robot.get_dof_friction_properties())
    np.testing.assert_allclose([static[0], dynamic[0], viscous[0]], [[0.1, 0], [0, 0], [0.3, 0]])
    robot.set_link_coms(positions=(0.0, 0.0, 0.5))
    np.testing.assert_allclose(robot.get_link_coms()[0].numpy()[..., 2], 0.5)
    with pytest.raises(ValueError, match=r"takes \(2, 3\)"):
        robot.set_link_masses(np.ones((2, 4)))
    with pytest.raises(ValueError, match="above 0"):
        robot.set_link_masses(-1.0)
    with pytest.raises(ValueError, match="not a number"):
        robot.set_dof_armatures(np.nan)
    with pytest.raises(IndexError, match="not within"):
        robot.set_dof_armatures(0.1, indices=[2])
    with pytest.raises(AssertionError, match="all values are None"):
        robot.set_dof_gains()
    with pytest.raises(TypeError, match="no keyword 'stiffness'"):
        robot.set_dof_gains(stiffness=1.0)
    with pytest.raises(TypeError, match="positional"):
        robot.set_link_masses(1.0, [0])


def test_a_stop_forgets_what_was_written(kit, stage, play):
    import omni.timeline
    from isaacsim.core.experimental.prims import RigidPrim

    box = RigidPrim("/World/box")
    play()
    box.set_masses([[9.0]])
    assert box.get_masses().numpy().tolist() == [[9.0]]
    omni.timeline.get_timeline_interface().stop()
    kit.tick(2)
    with pytest.raises(RuntimeError, match="not initialized"):
        box.get_masses()
    play()
    assert box.get_masses().numpy().tolist() == [[4.0]]
    box.set_coms((0.0, 0.0, 0.1))
    np.testing.assert_allclose(box.get_coms()[0].numpy(), [[0.0, 0.0, 0.1]])


def test_what_a_view_cannot_hold_is_refused(kit, stage):
    from isaacsim.core.experimental.prims import Articulation, RigidPrim

    for path, message in (("/World/robot_9", "no prim matches"), ("World/box", "begin with"), ("/World/box", "roots")):
        with pytest.raises(ValueError, match=message):
            Articulation(path)
    with pytest.raises(TypeError, match="text"):
        RigidPrim([3])
    with pytest.raises(TypeError, match="no keyword 'contact_filter_paths'") if kit.version == "5.1" else _nothing():
        RigidPrim("/World/box", contact_filter_paths=None)
    with pytest.raises(AttributeError, match="nearest: 'get_masses'"):
        RigidPrim("/World/box").get_mass  # noqa: B018
    with pytest.raises(NotImplementedError, match="does not play"):
        RigidPrim("/World/box").set_sleep_thresholds(0.1)


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_materials_and_what_they_are_bound_to(kit, stage):
    from isaacsim.core.experimental.materials import RigidBodyMaterial
    from isaacsim.core.experimental.prims import GeomPrim

    rubber = RigidBodyMaterial("/World/rubber", static_frictions=1.1, dynamic_frictions=0.9, restitutions=0.2)
    assert [array.numpy().item() for array in rubber.get_friction_coefficients()] == pytest.approx([1.1, 0.9])
    rubber.set_friction_coefficients(dynamic_frictions=[[0.8]])
    rubber.set_combine_modes(frictions="max")
    prim = stage.GetPrimAtPath("/World/rubber")
    assert prim.GetAttribute("physics:dynamicFriction").Get() == pytest.approx(0.8)
    assert prim.GetAttribute("physxMaterial:frictionCombineMode").Get() == "max"
    with pytest.raises(ValueError, match="'maximum': one of"):
        rubber.set_combine_modes(frictions="maximum")
    with pytest.raises(ValueError, match="negative"):
        rubber.set_restitution_coefficients(-0.1)
    shapes = GeomPrim("/World/box", apply_collision_apis=True)
    shapes.apply_physics_materials(rubber)
    shapes.set_offsets([[0.02]], [[0.0]])
    from pxr import UsdPhysics, UsdShade

    box = stage.GetPrimAtPath("/World/box")
    assert box.HasAPI(UsdPhysics.CollisionAPI)
    assert UsdShade.MaterialBindingAPI(box).ComputeBoundMaterial("physics")[0].GetPath() == "/World/rubber"


def test_the_classic_views_are_initialized_and_share_the_physics(kit, stage, play):
    from isaacsim.core.experimental.prims import Articulation as New
    from isaacsim.core.prims import Articulation, RigidPrim

    robot = Articulation(prim_paths_expr="/World/robot_.*", name="robots")
    with pytest.raises(RuntimeError, match="not initialized"):
        robot.initialize()
    play()
    with pytest.raises(RuntimeError, match=r"call initialize\(\)"):
        robot.get_body_masses()
    robot.initialize()
    assert robot.is_physics_handle_valid() and robot.count == 2 and robot.body_names == LINKS
    robot.set_body_masses(np.full((2, 1), 7.0), body_indices=np.array([1]))
    np.testing.assert_allclose(robot.get_body_masses(), [[1, 7, 3]] * 2)
    np.testing.assert_allclose(New("/World/robot_.*").get_link_masses().numpy(), [[1, 7, 3]] * 2)
    robot.set_gains(kps=np.full((2, 1), 3.0), joint_names=["upper_fore"])
    np.testing.assert_allclose(robot.get_gains()[0][:, 1], 3.0)
    robot.set_max_efforts(np.full((2, 2), 5.0))
    np.testing.assert_allclose(robot.get_max_efforts(), 5.0)
    box = RigidPrim("/World/box")
    box.initialize()
    assert box.get_masses().shape == (1,) and box.get_coms()[0].shape == (1, 1, 3)
    with pytest.raises(TypeError, match="no keyword 'link_indices'"):
        robot.set_body_masses(np.ones((2, 3)), link_indices=[0])


def test_names_of_4_x_are_there_in_5_1_and_gone_in_6_0():
    with kit_double.installed("5.1"):
        from isaacsim.core.prims import Articulation
        from omni.isaac.core.articulations import ArticulationView
        from omni.isaac.core.prims import RigidPrimView

        assert ArticulationView is Articulation and hasattr(RigidPrimView, "set_masses")
    with kit_double.installed("6.0"), pytest.raises(ModuleNotFoundError, match=r"Isaac Sim 5\.1 has it"):
        import omni.isaac.core  # noqa: F401


def test_the_manager_differs_by_version(kit, stage):
    from isaacsim.core.simulation_manager import SimulationManager

    with pytest.raises(RuntimeError, match="not initialized"):
        SimulationManager.step()
    SimulationManager.initialize_physics()
    if kit.version == "5.1":
        SimulationManager.step(render=False)
        with pytest.raises(TypeError, match="lacks @classmethod"):
            SimulationManager.set_physics_dt(0.01)
        with pytest.raises(TypeError, match="steps"):
            SimulationManager.step(steps=2)
    else:
        SimulationManager.step(steps=2)
        SimulationManager.setup_simulation(dt=0.01, device="cpu")
        with pytest.raises(TypeError, match="render"):
            SimulationManager.step(render=False)
        with pytest.raises(ValueError, match="dt"):
            SimulationManager.setup_simulation(dt=0.0)
    uid = SimulationManager.register_callback(lambda *_: None, "post_step", order=1)
    assert [item.kind for item in kit.resources.alive("simulation*")] == ["simulation callback"]
    SimulationManager.deregister_callback(uid)
    from isaacsim.core.experimental.prims import RigidPrim

    assert RigidPrim("/World/box").get_masses().numpy().item() == 4.0


def test_world_and_its_context(kit, stage):
    from isaacsim.core.api import SimulationContext, World
    from isaacsim.core.api.materials import PhysicsMaterial
    from isaacsim.core.prims import Articulation

    world = World(physics_dt=0.01, stage_units_in_meters=1.0)
    with pytest.raises(RuntimeError, match="already"):
        SimulationContext()
    world.reset()
    steps = []
    world.add_physics_callback("count", steps.append)
    with pytest.raises(TypeError, match="1 argument"):
        world.add_physics_callback("wrong", lambda: None)
    for _ in range(3):
        world.step(render=False)
    assert steps == [0.01] * 3
    world.get_physics_context().set_gravity(-3.0)
    assert stage.GetPrimAtPath("/physicsScene").GetAttribute("physics:gravityMagnitude").Get() == 3.0
    robot = Articulation("/World/robot_.*")
    robot.initialize()
    world.reset()
    with pytest.raises(RuntimeError, match="physics was restarted"):
        robot.get_gains()
    ice = PhysicsMaterial("/World/ice", static_friction=0.1, dynamic_friction=0.05, restitution=0.0)
    ice.set_dynamic_friction(0.02)
    assert ice.get_dynamic_friction() == pytest.approx(0.02)
    world.stop()
    World.clear_instance()


def test_clones_stand_on_a_grid(kit, stage):
    from isaacsim.core.cloner import GridCloner

    cloner = GridCloner(spacing=2.0)
    cloner.define_base_env("/World/envs")
    stage.DefinePrim("/World/envs/env_0", "Xform")
    stage.DefinePrim("/World/envs/env_0/box", "Cube")
    paths = cloner.generate_paths("/World/envs/env", 4)
    cloner.clone("/World/envs/env_0", paths, copy_from_source=True)
    assert all(stage.GetPrimAtPath(f"{path}/box") for path in paths)
    from pxr import UsdGeom

    found = {
        tuple(UsdGeom.XformCache().GetLocalToWorldTransform(stage.GetPrimAtPath(p)).ExtractTranslation()) for p in paths
    }
    assert found == {(x, y, 0.0) for x in (-1.0, 1.0) for y in (-1.0, 1.0)}
    with pytest.raises(ValueError, match="global_paths"):
        cloner.filter_collisions("/physicsScene", "/World/collisions", paths)
    cloner.filter_collisions("/physicsScene", "/World/collisions", paths, global_paths=["/World/box"])


def test_randomization_asks_of_registered_views_inside_a_gate(kit, stage):
    import omni.replicator.core as rep
    from isaacsim.core.prims import RigidPrim

    if kit.version == "5.1":
        import isaacsim.replicator.domain_randomization as dr
    else:
        import isaacsim.replicator.experimental.domain_randomization as dr
    box = RigidPrim("/World/box", name="box")
    view, mass = dr.physics_view, rep.distribution.uniform(1.0, 2.0)
    if kit.version == "5.1":
        view.register_rigid_prim_view(box)
    else:
        with pytest.raises(TypeError, match="name"):
            view.register_rigid_prim_view(box)
        view.register_rigid_prim_view(box, "box")
    with pytest.raises(ValueError, match="inside"), dr.gate.on_env_reset():
        pass
    with pytest.raises(RuntimeError, match="on_rl_frame"):
        view.step_randomization([0])
    with dr.trigger.on_rl_frame(num_envs=2), dr.gate.on_env_reset():
        view.randomize_rigid_prim_view("box", operation="scaling", mass=mass)
        with pytest.raises(ValueError, match="not registered"):
            view.randomize_rigid_prim_view("crate", mass=mass)
        with pytest.raises(TypeError, match=r"rep\.distribution"):
            view.randomize_rigid_prim_view("box", mass=(1.0, 2.0))
        with pytest.raises(TypeError, match="no keyword 'masses'; nearest: 'mass'"):
            view.randomize_rigid_prim_view("box", masses=mass)
    with pytest.raises(ValueError, match="inside a gate"):
        view.randomize_rigid_prim_view("box", mass=mass)
    view.step_randomization([0, 1])
    with pytest.raises(IndexError):
        view.step_randomization([2])


def test_small_modules(kit, stage, tmp_path):
    from isaacsim.core.experimental.utils import stage as stage_utils
    from isaacsim.core.utils.extensions import enable_extension
    from isaacsim.core.version import get_version
    from isaacsim.storage.native import get_assets_root_path

    assert get_version()[0] == kit.app_version
    assert stage_utils.get_current_stage() == stage and stage_utils.get_stage_up_axis() == "Z"
    with pytest.raises(FileNotFoundError):
        stage_utils.add_reference_to_stage(str(tmp_path / "none.usd"), "/World/ref")
    with pytest.raises(RuntimeError, match="assets root"):
        get_assets_root_path()
    enable_extension("omni.replicator.core")


def test_labels_of_either_generation(kit, stage):
    from isaacsim.core.utils.semantics import add_labels, get_labels

    box = stage.GetPrimAtPath("/World/box")
    add_labels(box, ["crate"], instance_name="class")
    add_labels(box, ["wood"], overwrite=False)
    assert get_labels(box) == {"class": ["crate", "wood"]}
    with pytest.raises(TypeError, match="list of labels"):
        add_labels(box, "crate")
    if kit.version == "6.0":
        from isaacsim.core.experimental.utils import semantics

        semantics.add_labels("/World/box", labels="red", taxonomy="colour")
        assert semantics.get_labels("/World/box")["colour"] == ["red"]
        semantics.remove_all_labels("/World/box")
        assert get_labels(box) == {}
