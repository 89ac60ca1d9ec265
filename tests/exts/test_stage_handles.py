"""Three generations of Isaac's physics classes behind one adapter: signatures, shapes, refusals, nothing in the file.

The classes are the stand-in's: they hold arrays of the right shapes and refuse what the tables do not have; there is no
physics behind them.
"""

import importlib

import numpy as np
import pytest

from exts.exts_fixtures import spec_of
from exts.stages import robots
from kit_double.kit_app import take_extension_away
from sim2real.draws import Draws

GENERATIONS = ("isaacsim.core.experimental.prims", "isaacsim.core.prims", "omni.isaac.core")
MASS = "{target: body.mass, select: base, op: scale, dist: {uniform: [0.5, 1.5]}, when: reset, keep: density}"
COM = "{target: body.com, select: base, unit: m, dist: {uniform: [[0.01, 0, 0], [0.02, 0, 0]]}, when: reset}"
GAINS = "{target: actuator.kp, op: scale, dist: {uniform: [0.8, 1.2]}, when: reset, each: joint}"
DAMPING = "{target: actuator.kd, op: scale, dist: {uniform: [0.8, 1.2]}, when: reset}"
ARMATURE = "{target: joint.armature, select: hip, op: set, unit: kg*m^2, dist: {uniform: [0.01, 0.02]}, when: reset}"
FRICTION = "{target: joint.friction, select: hip, op: add, unit: N*m, dist: {uniform: [0.1, 0.2]}, when: reset}"
VISCOUS = "{target: joint.damping, select: hip, op: add, unit: N*m*s/rad, dist: {uniform: [0.1, 0.2]}, when: reset}"
LIMIT = "{target: joint.limit, select: hip, op: add, unit: rad, dist: {uniform: [[0.01, 0.01], [0.02, 0.02]]}}"


@pytest.fixture
def world(kit, bare_package):
    """Two robots with drives on the opened stage; physics runs."""
    import omni.timeline
    import omni.usd
    from pxr import UsdPhysics

    context = omni.usd.get_context()
    context.new_stage()
    kit.tick()
    stage = context.get_stage()
    made = robots(2)  # a layer lives as long as its stage
    stage.GetRootLayer().TransferContent(made.GetRootLayer())
    for number in range(2):
        for name, kind in (("hip", "angular"), ("slide", "linear")):
            joint = stage.GetPrimAtPath(f"/World/robot_{number}/{name}")
            drive = UsdPhysics.DriveAPI.Apply(joint, kind)
            drive.CreateStiffnessAttr(2.0)
            drive.CreateDampingAttr(0.5)
            drive.CreateMaxForceAttr(30.0)
    hip = UsdPhysics.RevoluteJoint(stage.GetPrimAtPath("/World/robot_0/hip"))
    hip.CreateLowerLimitAttr(-90.0)
    hip.CreateUpperLimitAttr(90.0)
    importlib.import_module("isaacsim.core.simulation_manager")  # the app's physics, which follows the timeline
    timeline = omni.timeline.get_timeline_interface()
    timeline.play()
    timeline.commit()
    kit.tick(2)
    yield stage
    timeline.stop()
    timeline.commit()
    kit.tick(2)


@pytest.fixture(params=GENERATIONS)
def api(request, kit):
    """One generation; the newer ones are not in this app."""
    wanted = request.param
    if wanted == "omni.isaac.core" and kit.is_6:
        pytest.skip("Isaac Sim 6 has no omni.isaac.*")
    for newer in GENERATIONS[: GENERATIONS.index(wanted)]:
        take_extension_away(kit, newer)
    return wanted


def held(api: str, what: str) -> np.ndarray:
    """A quantity as the generation's own class reads it, without the adapter."""
    if api == GENERATIONS[0]:
        view = importlib.import_module(api).Articulation(["/World/robot_0", "/World/robot_1"])
        names = {"mass": "get_link_masses", "inertia": "get_link_inertias", "armature": "get_dof_armatures"}
        names |= {"gains": "get_dof_gains", "com": "get_link_coms"}
        found = getattr(view, names[what])()
    else:
        module, cls = ("isaacsim.core.prims", "Articulation")
        if api == "omni.isaac.core":
            module, cls = "omni.isaac.core.articulations", "ArticulationView"
        view = getattr(importlib.import_module(module), cls)(["/World/robot_0", "/World/robot_1"])
        view.initialize()
        names = {"mass": "get_body_masses", "inertia": "get_body_inertias", "armature": "get_armatures"}
        names |= {"gains": "get_gains", "com": "get_body_coms"}
        found = getattr(view, names[what])()
    found = found[0] if isinstance(found, tuple) else found
    return np.array(found.numpy() if hasattr(found, "numpy") else found)


def test_draws_arrive_and_undo_takes_them_back(world, api):
    """What the class itself reads afterwards is the draw times what it read before; undone, it is what it was."""
    from sim2real_studio.stage_tools import StageTool

    before = {what: held(api, what) for what in ("mass", "inertia", "armature", "gains", "com")}
    saved = world.GetRootLayer().ExportToString()
    spec, tool = spec_of(m=MASS, c=COM, k=GAINS, d=DAMPING, a=ARMATURE), StageTool()
    outcome = tool.randomize(world, ["/World"], spec, world=3)
    assert outcome.api == api and not outcome.left_out
    drawn = Draws(7).sample("m", spec.terms["m"].dist, [3, 4])[:, 0]
    np.testing.assert_allclose(held(api, "mass")[:, 0], before["mass"][:, 0] * drawn, rtol=1e-6)
    np.testing.assert_allclose(
        held(api, "inertia")[:, 0], before["inertia"][:, 0] * drawn[:, None], rtol=1e-5, atol=1e-9
    )
    gains = Draws(7).sample("k", spec.terms["k"].dist, [3, 4], count=2)
    np.testing.assert_allclose(held(api, "gains"), before["gains"] * gains, rtol=1e-6)
    armature = Draws(7).sample("a", spec.terms["a"].dist, [3, 4])[:, 0]
    np.testing.assert_allclose(held(api, "armature")[:, 0], armature, rtol=1e-6)
    com = Draws(7).sample("c", spec.terms["c"].dist, [3, 4])[:, 0]
    np.testing.assert_allclose(held(api, "com")[:, 0], before["com"][:, 0] + com, atol=1e-7)
    tool.undo()
    for what, array in before.items():
        np.testing.assert_array_equal(held(api, what), array, err_msg=what)
    assert world.GetRootLayer().ExportToString() == saved


def test_joint_friction_has_a_unit_only_in_the_newest(world, api):
    """The older classes know a coefficient: the terms are left out with that reason, and nothing is guessed."""
    from sim2real_studio.stage_tools import StageTool

    spec = spec_of(m=MASS, f=FRICTION, v=VISCOUS)
    outcome = StageTool().randomize(world, ["/World/robot_0"], spec)
    if api == GENERATIONS[0]:
        assert not outcome.left_out and {change.term for change in outcome.changes} == {"m", "f", "v"}
    else:
        assert {term for term, _ in outcome.left_out} == {"f", "v"}
        assert all("no unit" in why for _, why in outcome.left_out)


def test_position_limits_of_the_newest(world, kit):
    """Lower and upper limit move by the two components of the draw, in rad."""
    from sim2real_studio.stage_tools import StageTool

    outcome = StageTool().randomize(world, ["/World/robot_0"], spec_of(l=LIMIT))
    (change,) = outcome.changes
    before, after = ([float(v) for v in text.split(", ")] for text in (change.before, change.after))
    assert before == pytest.approx([-np.pi / 2, np.pi / 2], abs=1e-3)
    assert 0.01 <= after[0] - before[0] <= 0.021 and 0.01 <= after[1] - before[1] <= 0.021


def test_loose_bodies(world, api):
    """Rigid bodies without an articulation, in every generation; the API that a class applies is not in the file."""
    from pxr import UsdGeom, UsdPhysics
    from sim2real_studio.stage_tools import StageTool

    for name in ("box", "ball"):
        UsdPhysics.RigidBodyAPI.Apply(UsdGeom.Cube.Define(world, f"/World/{name}").GetPrim())
    saved = world.GetRootLayer().ExportToString()
    spec = spec_of(m=MASS.replace("base", "box|ball").replace("when: reset,", "when: reset, each: body,"))
    outcome = StageTool().randomize(world, ["/World/box", "/World/ball"], spec)
    assert {change.element for change in outcome.changes} == {"robot/box", "robot/ball"}
    assert len({change.after for change in outcome.changes if "mass [kg]" in change.quantity}) == 2
    assert world.GetRootLayer().ExportToString() == saved


def test_physics_that_does_not_run_is_told(world, api, kit):
    """Before Play there are no tensors: the message says what to press, and nothing is written."""
    import omni.timeline
    from sim2real_studio.stage_tools import StageError, StageTool

    timeline = omni.timeline.get_timeline_interface()
    timeline.stop()
    timeline.commit()
    kit.tick(2)
    tool = StageTool()
    with pytest.raises(StageError, match="[Pp]ress Play"):
        tool.randomize(world, ["/World/robot_0"], spec_of(m=MASS))
    assert not tool.can_undo


def test_app_without_any_of_them_is_told(world, kit):
    """The message names the extensions to enable."""
    from sim2real_studio.stage_tools import StageError, StageTool

    for name in GENERATIONS:
        take_extension_away(kit, name)
    with pytest.raises(StageError, match="isaacsim.core.experimental.prims"):
        StageTool().randomize(world, ["/World/robot_0"], spec_of(m=MASS))
