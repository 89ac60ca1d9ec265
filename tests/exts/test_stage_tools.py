"""The stage tools on real USD stages: the draws are a training's, nothing accumulates, undo leaves no trace."""

import numpy as np
import pytest

from exts.exts_fixtures import spec_of
from exts.stages import Numbers, robots
from sim2real.draws import Draws
from sim2real.engines.engine import EngineError

MASS = "{target: body.mass, select: base, op: scale, dist: {uniform: [0.5, 1.5]}, when: reset, keep: density}"
GAINS = "{target: actuator.strength, op: scale, dist: {uniform: [0.8, 1.2]}, when: reset, each: joint}"
FRICTION = "{target: shape.friction, select: foot, dist: {uniform: [0.45, 1.0]}, op: set, when: reset}"
TILT = "{target: world.gravity_tilt, dist: {uniform: [1, 5]}, unit: deg, when: reset}"


@pytest.fixture
def tools(bare_package, monkeypatch):
    """The package of the tools; physics is played by NumPy."""
    import sim2real_studio.stage_tools as package
    from sim2real_studio.stage_tools import handles

    opened = []

    def opener(selection):
        worlds = selection.num_worlds
        names = ("base", "thigh", "foot") if selection.articulated else handles._leaf(selection.paths)
        opened.append(Numbers(worlds, names, ("hip", "slide") if selection.articulated else ()))
        return opened[-1].handle()

    monkeypatch.setattr(handles, "GENERATIONS", ((lambda: opener, "numbers"),))
    package.opened = opened
    return package


def layer(stage) -> str:
    """The session layer as text: what the tools wrote into USD."""
    return stage.GetSessionLayer().ExportToString()


def test_draws_are_those_of_a_training(tools):
    """World 17's third episode has the same masses here as anywhere, whichever robot of the stage it is."""
    stage, spec = robots(2), spec_of(m=MASS)
    tools.StageTool().randomize(stage, ["/World"], spec, world=17, episode=3)
    expected = Draws(7).sample("m", spec.terms["m"].dist, [17, 18], 3)[:, 0]
    np.testing.assert_allclose(tools.opened[0].held["body_mass"][:, 0], 2.0 * expected, rtol=1e-6)
    assert (tools.opened[0].held["body_mass"][:, 1:] == 2.0).all()


def test_nothing_accumulates(tools):
    """Twice the same draw is the same number, and a draw in between changes nothing."""
    stage, spec, tool = robots(), spec_of(m=MASS, g=GAINS, f=FRICTION), tools.StageTool()
    tool.randomize(stage, ["/World/robot_0"], spec, episode=1)
    first, text = {name: array.copy() for name, array in tools.opened[0].held.items()}, layer(stage)
    tool.randomize(stage, ["/World/robot_0"], spec, episode=2)
    assert layer(stage) != text
    tool.randomize(stage, ["/World/robot_0"], spec, episode=1)
    for name, array in first.items():
        np.testing.assert_array_equal(tools.opened[0].held[name], array, err_msg=name)
    assert layer(stage) == text


def test_undo_leaves_no_trace(tools):
    """After as many undos as clicks every tensor is bit-equal, and the session layer is as it was."""
    stage, tool = robots(), tools.StageTool()
    spec = spec_of(m=MASS, g=GAINS, f=FRICTION, t=TILT)
    saved = stage.GetRootLayer().ExportToString()
    text = layer(stage)
    for episode in range(3):
        tool.randomize(stage, ["/World/robot_0"], spec, episode=episode)
    fresh = Numbers(1).held
    assert any((fresh[name] != array).any() for name, array in tools.opened[0].held.items())
    while tool.can_undo:
        tool.undo()
    for name, array in fresh.items():
        np.testing.assert_array_equal(tools.opened[0].held[name], array, err_msg=name)
    assert layer(stage) == text
    assert stage.GetRootLayer().ExportToString() == saved


def test_file_is_never_written(tools):
    """What goes into USD goes into the session layer: the root layer stays as it is, text by text."""
    stage = robots()
    saved = stage.GetRootLayer().ExportToString()
    tools.StageTool().randomize(stage, ["/World/robot_0"], spec_of(f=FRICTION, t=TILT))
    assert stage.GetRootLayer().ExportToString() == saved
    assert "physics:staticFriction" in layer(stage)


def test_friction_is_the_pairs(tools):
    """PhysX averages: the foot gets what makes the pair with the ground's 0.8 the draw, and keeps its ratio."""
    from pxr import UsdPhysics

    stage, spec = robots(friction=0.8), spec_of(f=FRICTION)
    outcome = tools.StageTool().randomize(stage, ["/World/robot_0"], spec, world=5)
    drawn = float(Draws(7).sample("f", spec.terms["f"].dist, 5)[0, 0])
    (material,) = [prim for prim in stage.Traverse() if str(prim.GetPath()).startswith("/Sim2RealStudio/World_robot")]
    held = UsdPhysics.MaterialAPI(material)
    assert held.GetStaticFrictionAttr().Get() == pytest.approx(2.0 * drawn - 0.8, abs=1e-6)
    assert held.GetDynamicFrictionAttr().Get() == pytest.approx(held.GetStaticFrictionAttr().Get())
    assert [change.element for change in outcome.changes] == ["robot/foot/0"]


def test_combine_rule_of_the_ground_is_kept(tools):
    """Where the ground's material says `max`, that rule acts on the pair: the draw is the foot's own friction."""
    from pxr import Sdf, UsdPhysics

    stage = robots(friction=0.3)
    ground = stage.GetPrimAtPath("/World/Looks/ground")
    ground.CreateAttribute("physxMaterial:frictionCombineMode", Sdf.ValueTypeNames.Token).Set("max")
    spec = spec_of(f=FRICTION)
    tools.StageTool().randomize(stage, ["/World/robot_0"], spec)
    (material,) = [prim for prim in stage.Traverse() if str(prim.GetPath()).startswith("/Sim2RealStudio/World_robot")]
    drawn = float(Draws(7).sample("f", spec.terms["f"].dist, 0)[0, 0])
    assert UsdPhysics.MaterialAPI(material).GetStaticFrictionAttr().Get() == pytest.approx(drawn, abs=1e-6)
    assert material.GetAttribute("physxMaterial:frictionCombineMode").Get() == "max"


def test_gravity_tilts_by_the_draw(tools):
    """The magnitude stays, the angle is the term's."""
    from sim2real_studio.stage_tools.overrides import gravity_of

    stage, spec = robots(), spec_of(t=TILT)
    tools.StageTool().randomize(stage, ["/World/robot_0"], spec, episode=4)
    gravity = gravity_of(stage).astype(float)
    angle = np.arccos(-gravity[2] / np.linalg.norm(gravity))
    assert np.linalg.norm(gravity) == pytest.approx(9.81, rel=1e-6)
    assert angle == pytest.approx(float(Draws(7).sample("t", spec.terms["t"].dist, 0, 4)[0, 0]), rel=1e-3)


def test_inertia_goes_last(tools):
    """A centre of mass that moves takes PhysX's principal axes along, so the inertia is written after it."""
    stage = robots()
    payload = "{target: body.payload, select: base, unit: kg, dist: {uniform: [0.5, 2]}, when: reset}"
    com = "{target: body.com, select: base, unit: m, dist: {uniform: [[0.01, 0, 0], [0.02, 0, 0]]}, when: reset}"
    tools.StageTool().randomize(stage, ["/World/robot_0"], spec_of(p=payload, c=com))
    assert tools.opened[0].order[-1] == "body_inertia" and "body_com" in tools.opened[0].order


def test_what_a_stage_cannot_have_is_told(tools):
    """Pushes and starts belong to episodes: they are left out and listed with a reason; the rest is applied."""
    push = (
        "{target: body.velocity_kick, select: base, unit: m/s, dist: {uniform: [0.1, 0.5]}, direction: x, when: reset}"
    )
    outcome = tools.StageTool().randomize(robots(), ["/World/robot_0"], spec_of(m=MASS, push=push))
    assert {change.term for change in outcome.changes} == {"m"}
    ((term, why),) = outcome.left_out
    assert term == "push" and "episodes" in why
    with pytest.raises(tools.StageError, match="changes nothing"):
        tools.StageTool().randomize(robots(), ["/World/robot_0"], spec_of(push=push))


def test_wrong_name_is_refused_before_anything_is_written(tools):
    """The library's own message, with the names that there are; no tensor and no layer is touched."""
    stage, tool = robots(), tools.StageTool()
    text = layer(stage)
    with pytest.raises(EngineError, match="trunk.*base"):
        tool.randomize(stage, ["/World/robot_0"], spec_of(m=MASS.replace("base", "trunk"), f=FRICTION))
    assert not tool.can_undo and layer(stage) == text and tools.opened[0].order == []


def test_failure_in_the_middle_gives_everything_back(tools, monkeypatch):
    """Half a draw is no draw: where a tensor refuses, what was written before is put back."""
    stage, tool = robots(), tools.StageTool()
    tool.randomize(stage, ["/World/robot_0"], spec_of(m=MASS), episode=1)
    tool.undo()
    numbers, text = tools.opened[0], layer(stage)
    whole = dict(numbers.held)

    class Refuses(dict):
        def __setitem__(self, name, value):
            if name == "actuator_kd" and value[0, 0] != 0.5:
                raise RuntimeError("the simulation refused")
            super().__setitem__(name, value)

    numbers.held = Refuses(whole)
    with pytest.raises(RuntimeError, match="refused"):
        tool.randomize(stage, ["/World/robot_0"], spec_of(m=MASS, g=GAINS, f=FRICTION))
    for name, array in whole.items():
        np.testing.assert_array_equal(numbers.held[name], array, err_msg=name)
    assert layer(stage) == text and not tool.can_undo


def test_several_robots_have_draws_of_their_own(tools):
    """Two robots are two worlds; gravity, which they share, cannot be drawn for both."""
    stage = robots(2)
    spec = spec_of(m=MASS, t=TILT)
    outcome = tools.StageTool().randomize(stage, ["/World/robot_0", "/World/robot_1"], spec)
    masses = tools.opened[0].held["body_mass"][:, 0]
    assert masses[0] != masses[1]
    assert dict(outcome.left_out)["t"].startswith("a stage has one gravity")
    assert {change.element for change in outcome.changes if "mass [kg]" in change.quantity} == {
        "0: robot/base",
        "1: robot/base",
    }


def test_overlapping_selections_are_refused(tools):
    """Nominal values are read once, before any draw: a robot cannot be randomized in two selections at a time."""
    stage, spec, tool = robots(2), spec_of(m=MASS), tools.StageTool()
    tool.randomize(stage, ["/World/robot_0"], spec)
    with pytest.raises(tools.StageError, match="undo that first"):
        tool.randomize(stage, ["/World"], spec)
    tool.undo()
    tool.randomize(stage, ["/World"], spec)


@pytest.mark.parametrize(
    "paths, said",
    [
        ([], "nothing is selected"),
        (["/World/nowhere"], "no such prim"),
        (["/World/ground"], "no articulation and no rigid body"),
    ],
)
def test_bad_selection_says_what_to_do(tools, paths, said):
    """Each of them names what came and what to select."""
    with pytest.raises(tools.StageError, match=said):
        tools.StageTool().randomize(robots(), paths, spec_of(m=MASS))


def test_different_robots_are_refused(tools):
    """Robots with other links cannot be worlds of one view."""
    from pxr import UsdGeom, UsdPhysics

    stage = robots(2)
    UsdPhysics.RigidBodyAPI.Apply(UsdGeom.Xform.Define(stage, "/World/robot_1/tail").GetPrim())
    with pytest.raises(tools.StageError, match="different robots"):
        tools.StageTool().randomize(stage, ["/World"], spec_of(m=MASS))


def test_a_click_on_a_link_or_collider_means_its_robot(tools):
    """Whatever part of a robot is clicked, the articulation above it is found."""
    for path in ("/World/robot_0", "/World/robot_0/foot", "/World/robot_0/foot/collision", "/World/robot_0/hip"):
        outcome = tools.StageTool().randomize(robots(), [path], spec_of(m=MASS))
        assert "/World/robot_0" in outcome.title, path


def test_loose_bodies_are_one_world(tools):
    """Rigid bodies without an articulation go by their own names."""
    from pxr import UsdGeom, UsdPhysics

    stage = robots(0)
    for name in ("box", "ball"):
        prim = UsdGeom.Cube.Define(stage, f"/World/{name}").GetPrim()
        UsdPhysics.RigidBodyAPI.Apply(prim)
        UsdPhysics.CollisionAPI.Apply(prim)
    outcome = tools.StageTool().randomize(
        stage, ["/World/box", "/World/ball"], spec_of(m=MASS.replace("base", "box"), f=FRICTION.replace("foot", ".*"))
    )
    assert {change.element for change in outcome.changes} == {"robot/box", "robot/box/0", "robot/ball/0"}
    with pytest.raises(tools.StageError, match="nothing was randomized"):
        tools.StageTool().undo()


def test_forget_gives_back_the_session_layer(tools):
    """When physics stops the tensors are gone, and so is what the tools wrote into USD."""
    stage, tool = robots(), tools.StageTool()
    text = layer(stage)
    tool.randomize(stage, ["/World/robot_0"], spec_of(f=FRICTION, t=TILT))
    tool.forget()
    assert layer(stage) == text and not tool.can_undo
