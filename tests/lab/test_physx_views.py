"""The rover on ovphysx as an engine: what is written is held, elsewhere not a bit changes, and bodies move as drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import warp as wp

from engine_env import open_env
from lab.physx_env import everything, lift, needs_physx, numbers, physics_step, put, rows_of
from sim2real.engines.engine import EngineError
from sim2real.engines.physx.materials import FRICTION_STEP, RESTITUTION_STEP
from sim2real.engines.quantities import QUANTITIES

pytestmark = needs_physx
N = 8
NUDGED = {
    "body_mass": 1.25,
    "body_com": None,
    "body_inertia": 1.25,
    "shape_friction": 1.5,
    "shape_restitution": None,
    "joint_viscous_friction": 3.0,
    "joint_friction": None,
    "joint_armature": None,
    "actuator_kp": None,
    "actuator_kd": 0.5,
    "actuator_effort_limit": 0.75,
    "actuator_velocity_limit": 1.5,
}
"""What each quantity is multiplied by; None where it is 0 and something is added."""
TURN = (0.1, 0.2, -0.3, 0.9273618495495703)
"""A quaternion that is along no axis."""


@pytest.fixture(scope="module")
def env():
    """Eight rovers."""
    with open_env("ovphysx", num_envs=N) as env:
        env.reset()
        yield env


@pytest.fixture(scope="module")
def shared(env):
    """The engine; made once, as tasks do."""
    from sim2real.lab.physx_views import physx_engine

    return physx_engine(env)


@pytest.fixture
def engine(shared):
    """The engine, which every test leaves as it found it."""
    yield shared
    nominal = {name: shared.nominal(name) for name in (*held(shared), "gravity")}
    put(shared, everything(shared), **nominal)
    shared.push(wp.zeros((N, len(shared.elements.body), 6), dtype=wp.float32, device="cpu"), everything(shared))


def held(engine):
    """Quantities that this scene has, one of each storage."""
    names = []
    for name in QUANTITIES:
        try:
            engine.nominal(name)
        except EngineError:
            continue
        names.append(name)
    return [name for name in names if name not in ("gravity", "joint_damping")]


def nudged(engine, name):
    """The nominal values of what can move, changed in every world differently."""
    values, factor = engine.nominal(name), NUDGED[name]
    kind = QUANTITIES[name].kind
    free = [i for i, element in enumerate(engine.elements.of(kind)) if not element.fixed]
    by_world = np.linspace(0.9, 1.1, N, dtype=np.float32)[:, None, None]
    values[:, free] = (values[:, free] + 0.01) * by_world if factor is None else values[:, free] * factor * by_world
    return values


def test_elements_are_named_as_in_the_scene(shared):
    """Bodies by name, shapes by body and number, walls and ground as fixed shapes of their own."""
    bodies = [(b.asset, b.name, b.fixed) for b in shared.elements.body]
    assert bodies[:3] == [("robot", "base", False), ("robot", "left_wheel", False), ("robot", "right_wheel", False)]
    assert bodies[3:] == [("obstacles", f"obstacle_{i:02d}", True) for i in range(12)]
    assert [(j.asset, j.name, j.prismatic) for j in shared.elements.joint] == [
        ("robot", "left_wheel_joint", False),
        ("robot", "right_wheel_joint", False),
    ]
    shapes = [(s.name, s.body) for s in shared.elements.shape if s.asset == "robot"]
    assert shapes == [("base/0", 0), ("base/1", 0), ("base/2", 0), ("left_wheel/0", 1), ("right_wheel/0", 2)]
    static = [(s.asset, s.name, s.body, s.fixed) for s in shared.elements.shape if s.body < 0]
    assert static == [(a, f"{a}/0", -1, True) for a in ("ground", "wall_left", "wall_right", "wall_back")]
    friction = shared.nominal("shape_friction")[0, :, 0]
    np.testing.assert_allclose(friction[[0, 1, 2, 3, 4]], [0.2, 0.01, 0.01, 1.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(friction[-4:], [0.01, 0.2, 0.2, 0.2], rtol=1e-6)
    assert shared.friction_combine == "max"


@pytest.mark.parametrize("name", NUDGED)
def test_a_write_is_held_where_it_was_meant(engine, name):
    """Three worlds of eight, entries that mean none among them; the solver's other rows keep every bit."""
    worlds, others = [1, 4, 6], [0, 2, 3, 5, 7]
    before, values = engine.read(name), nudged(engine, name)
    put(engine, rows_of(*worlds, padded=3), **{name: values})
    after = engine.read(name)
    np.testing.assert_array_equal(after[others], before[others])
    rounding = {"shape_friction": FRICTION_STEP / 2, "shape_restitution": RESTITUTION_STEP / 2}.get(name, 0.0)
    np.testing.assert_allclose(after[worlds], values[worlds], rtol=2e-6, atol=rounding + 3e-9)
    assert np.abs(after[worlds] - before[worlds]).max() > 1e-4


@pytest.mark.parametrize("name", NUDGED)
def test_nominal_values_come_back_to_the_bit(engine, name):
    """After a hundred other values nothing has drifted."""
    first = engine.nominal(name)
    put(engine, everything(engine), **{name: first})
    start = engine.read(name)
    for k in range(100):
        put(engine, rows_of(k % N), **{name: nudged(engine, name)})
    put(engine, everything(engine), **{name: first})
    np.testing.assert_allclose(engine.read(name), start, rtol=1e-6, atol=1e-10)
    put(engine, rows_of(2), **{name: nudged(engine, name)})
    put(engine, rows_of(2), **{name: first})
    again = engine.read(name)
    put(engine, rows_of(2), **{name: nudged(engine, name)})
    put(engine, rows_of(2), **{name: first})
    np.testing.assert_array_equal(engine.read(name), again)


def test_only_what_changed_is_uploaded(engine):
    """One body of two worlds is two rows, whatever the others are told again; a repeat uploads nothing."""
    tensor = engine.views.host["body_mass"][0].tensor
    values = engine.nominal("body_mass")
    values[:, 0] *= 1.5
    start = tensor.uploads
    put(engine, rows_of(3, 5), body_mass=values)
    assert tensor.uploads - start == 2
    put(engine, rows_of(3, 5), body_mass=values)
    assert tensor.uploads - start == 2


def test_a_write_before_the_upload_is_not_lost(engine):
    """Two writes of one quantity, then one upload: the second wins where both are, the first stays elsewhere."""
    one, two = engine.nominal("body_mass") * 2, engine.nominal("body_mass") * 3
    engine.write("body_mass", wp.array(one, dtype=wp.float32, device="cpu"), rows_of(0, 1))
    engine.write("body_mass", wp.array(two, dtype=wp.float32, device="cpu"), rows_of(1, 2))
    engine.finish(("body_mass",), rows_of(0, 1, 2))
    expected = engine.nominal("body_mass")
    expected[0], expected[1:3] = one[0], two[1:3]
    np.testing.assert_allclose(engine.read("body_mass"), expected, rtol=1e-6)


@pytest.mark.parametrize("together", [True, False])
def test_principal_axes_survive_a_centre_of_mass(engine, together):
    """An inertia along no axis and a moved centre, in one upload and one after the other, in both orders."""
    inertia, com = engine.nominal("body_inertia"), engine.nominal("body_com")
    full = np.array([[0.04, 0.003, -0.002], [0.003, 0.07, 0.004], [-0.002, 0.004, 0.09]], np.float32)
    inertia[:, 0], com[:, 0] = full.reshape(9), [0.05, 0.02, 0.03]
    rows = rows_of(0, 7)
    if together:
        put(engine, rows, body_com=com, body_inertia=inertia)
    else:
        put(engine, rows, body_inertia=inertia)
        put(engine, rows, body_com=com)
    np.testing.assert_allclose(engine.read("body_inertia")[[0, 7], 0], inertia[[0, 7], 0], atol=2e-8)
    np.testing.assert_array_equal(engine.read("body_com")[[0, 7], 0], com[[0, 7], 0])


def test_isaac_labs_own_copies_stay_true(engine, env):
    """Its data says what PhysX holds, the principal axes too; its own setter then disturbs nothing."""
    data, robot = env.robot.data, numbers(engine, "body", "robot")
    inertia, com = engine.nominal("body_inertia"), engine.nominal("body_com")
    inertia[:, 0] = np.array([[0.04, 0.003, -0.002], [0.003, 0.07, 0.004], [-0.002, 0.004, 0.09]]).reshape(9)
    com[:, 0] += 0.03
    data.body_com_pose_b.torch.clone(), data.root_com_pose_w.torch.clone()  # fill the caches with what will be stale
    put(
        engine,
        rows_of(2),
        body_inertia=inertia,
        body_com=com,
        body_mass=nudged(engine, "body_mass"),
        actuator_kd=nudged(engine, "actuator_kd"),
        joint_viscous_friction=nudged(engine, "joint_viscous_friction"),
        actuator_effort_limit=nudged(engine, "actuator_effort_limit"),
    )
    pairs = {
        "body_mass": data.body_mass.torch[..., None],
        "body_inertia": data.body_inertia.torch,
        "body_com": data.body_com_pose_b.torch[..., :3],
    }
    for name, copy in pairs.items():
        np.testing.assert_allclose(copy.numpy(), engine.read(name)[:, robot], rtol=1e-6, atol=1e-8, err_msg=name)
    joints = {
        "actuator_kd": (data.joint_damping.torch, env.robot.actuators["wheels"].damping),
        "joint_viscous_friction": (data.joint_viscous_friction_coeff.torch,),
        "actuator_effort_limit": (data.joint_effort_limits.torch,),
    }
    for name, copies in joints.items():
        for copy in copies:
            np.testing.assert_array_equal(copy.numpy(), engine.read(name)[..., 0], name)
    env.robot.set_coms_index(coms=data.body_com_pose_b.torch.clone())
    np.testing.assert_allclose(engine.read("body_inertia")[2, 0], inertia[2, 0], atol=2e-8)


def test_every_world_falls_with_its_own_gravity(engine, env):
    """Whatever its masses and centres of mass are, a tilted rover falls straight and does not begin to turn."""
    rng = np.random.default_rng(1)
    mass, com = engine.nominal("body_mass"), engine.nominal("body_com")
    mass[:, 0] *= np.linspace(0.7, 1.4, N, dtype=np.float32)[:, None]
    com[:, 0] += rng.uniform(-0.05, 0.05, (N, 3))
    gravity = rng.uniform([-4, -4, -12], [4, 4, -2], (N, 1, 3)).astype(np.float32)
    put(engine, everything(engine), gravity=gravity)
    put(engine, everything(engine), body_mass=mass, body_com=com)
    np.testing.assert_allclose(engine.read("gravity"), gravity, atol=1e-6)
    obstacles = env.obstacles.data.body_link_pose_w.torch.clone()
    lift(env, quaternion=TURN)
    physics_step(env, 24)
    velocity = env.robot.data.body_com_vel_w.torch.numpy()
    expected = np.broadcast_to(gravity * 24 * env.sim.get_physics_dt(), velocity[..., :3].shape)
    np.testing.assert_allclose(velocity[..., :3], expected, atol=3e-5)
    np.testing.assert_allclose(velocity[..., 3:], 0.0, atol=3e-5)
    torch.testing.assert_close(env.obstacles.data.body_link_pose_w.torch, obstacles, rtol=0, atol=1e-5)
    direction = gravity[:, 0] / np.linalg.norm(gravity[:, 0], axis=-1, keepdims=True)
    np.testing.assert_allclose(env.robot.data.GRAVITY_VEC_W.torch.numpy(), direction, atol=1e-6)


def test_projected_gravity_is_corrected_at_once(engine, env):
    """Without a physics step in between, and only for the worlds that were written."""
    lift(env, quaternion=TURN)
    before = env.robot.data.projected_gravity_b.torch.clone().numpy()
    gravity = engine.nominal("gravity")
    gravity[:] = [3.0, 0.0, -4.0]
    put(engine, rows_of(1), gravity=gravity)
    after = env.robot.data.projected_gravity_b.torch.numpy()
    others = [0, *range(2, N)]
    np.testing.assert_array_equal(after[others], before[others])
    rotation = np.array(wp.quat_to_matrix(wp.quat(*TURN))).reshape(3, 3)
    np.testing.assert_allclose(after[1], rotation.T @ [0.6, 0.0, -0.8], atol=1e-6)


def test_a_push_acts_at_the_centre_of_mass_until_it_ends(engine, env):
    """Its acceleration is force by mass; it adds to a wrench of the task's own; zero ends it, world by world."""
    com = engine.nominal("body_com")
    com[:, 0] += [0.06, 0.03, 0.02]
    put(engine, everything(engine), body_com=com, gravity=np.zeros((N, 1, 3)))
    robot = numbers(engine, "body", "robot")
    mass = engine.read("body_mass")[:, robot, 0]
    wrench = np.zeros((N, len(engine.elements.body), 6), np.float32)
    wrench[:, robot, 0] = 4.0 * mass  # as gravity would: nothing turns, however the masses are spread
    pushes = wp.array(wrench, dtype=wp.float32, device="cpu")
    engine.push(pushes, rows_of(0, 1, 2, 3))
    lift(env, quaternion=TURN)
    physics_step(env, 12)
    seconds = 12 * env.sim.get_physics_dt()
    velocity = env.robot.data.body_com_vel_w.torch.numpy()
    np.testing.assert_allclose(velocity[:4, :, 0], 4.0 * seconds, atol=3e-5)
    np.testing.assert_allclose(velocity[:4, :, 1:], 0.0, atol=3e-5)
    np.testing.assert_allclose(velocity[4:], 0.0, atol=3e-5)

    own = torch.zeros(N, len(robot), 3)
    own[:, 0, 2] = 10.0
    env.robot.permanent_wrench_composer.set_forces_and_torques_index(forces=own, is_global=True)
    engine.push(wp.zeros_like(pushes), rows_of(0))
    lift(env)
    physics_step(env, 1)
    momentum = (env.robot.data.body_com_vel_w.torch.numpy()[..., :3] * mass[..., None]).sum(1)
    dt = env.sim.get_physics_dt()
    np.testing.assert_allclose(momentum[:, 2], 10.0 * dt, rtol=1e-3)
    np.testing.assert_allclose(momentum[1:4, 0], 4.0 * mass[1:4].sum(1) * dt, rtol=1e-3)
    np.testing.assert_allclose(momentum[[0, 4, 5, 6, 7], 0], 0.0, atol=1e-4)
    env.robot.permanent_wrench_composer.reset()


def test_friction_is_the_effective_coefficient(engine, env):
    """On its back under a tilted gravity, a rover slides with g (sin a - mu cos a): once nominal, then as drawn."""
    robot = numbers(engine, "shape", "robot")
    angle, strength = np.radians(25.0), 9.81
    gravity = np.tile(np.array([np.sin(angle), 0.0, -np.cos(angle)], np.float32) * strength, (N, 1, 1))
    put(engine, everything(engine), gravity=gravity)
    for mu in (np.full(N, 0.2), np.linspace(0.05, 0.4, N)):
        friction = engine.nominal("shape_friction")
        friction[:, robot, 0] = mu[:, None]
        put(engine, everything(engine), shape_friction=friction)
        lift(env, height=0.0702, quaternion=(1.0, 0.0, 0.0, 0.0))
        physics_step(env, 8)
        start = env.robot.data.root_com_vel_w.torch[:, 0].numpy().copy()
        physics_step(env, 24)
        found = (env.robot.data.root_com_vel_w.torch[:, 0].numpy() - start) / (24 * env.sim.get_physics_dt())
        np.testing.assert_allclose(found, strength * (np.sin(angle) - mu * np.cos(angle)), rtol=0.03, atol=0.03)


def test_what_cannot_be_written_is_an_error(engine):
    """A wall's friction, a limit of a wheel that turns freely, a quantity that PhysX has not."""
    friction = engine.nominal("shape_friction")
    friction[:, -1] = 0.7
    with pytest.raises(EngineError, match="cannot change shape_friction of wall_back/0 once the scene is built"):
        put(engine, rows_of(0), shape_friction=friction)
    limit = engine.nominal("joint_limit") if "joint_limit" in held(engine) else None
    assert limit is None, "both wheels turn freely, so there is no limit to hold"
    with pytest.raises(EngineError, match="does not hold 'contact_stiffness'.*it holds actuator_effort_limit"):
        engine.read("contact_stiffness")
    assert not engine.support("joint.limit").able
    for target in ("body.frame_offset", "joint.zero_offset", "contact.damping", "joint.stiffness"):
        assert not engine.support(target).able and engine.support(target).note


def test_a_second_engine_takes_the_place_of_the_first(engine, env):
    """Its forces are not added twice."""
    from sim2real.lab.physx_views import physx_engine

    put(engine, everything(engine), gravity=np.zeros((N, 1, 3)))
    second = physx_engine(env)
    put(second, everything(second), gravity=np.tile(np.float32([0, 0, -2.0]), (N, 1, 1)))
    lift(env)
    physics_step(env, 6)
    found = env.robot.data.root_com_vel_w.torch[:, 2].numpy()
    np.testing.assert_allclose(found, -2.0 * 6 * env.sim.get_physics_dt(), atol=1e-5)
    physx_engine(env)


def resurfaced(scene, everything=True, **surface):
    """The scene, its fixed colliders and (if everything) its bodies' with something else of their surfaces."""

    def changed(collider):
        return replace(collider, surface=replace(collider.surface, **surface))

    scene.static = [(asset, changed(collider)) for asset, collider in scene.static]
    if everything:
        scene.bodies = [replace(b, colliders=tuple(map(changed, b.colliders))) for b in scene.bodies]
    return scene


def test_materials_that_would_make_something_else_of_a_draw_are_refused(env, shared):
    """Restitution is drawn for the pair, so the larger must act, and friction's pairs must have one rule."""
    from sim2real.lab.physx_views import _Scene

    assert shared.support("shape.restitution").able and shared.support("shape.friction").able
    said = resurfaced(_Scene(env), bounce_combine="average")._refused()
    assert list(said) == ["shape.restitution"] and "take the average of both" in said["shape.restitution"]
    said = resurfaced(_Scene(env), everything=False, restitution=0.5)._refused()
    assert list(said) == ["shape.restitution"] and "ground has one of its own" in said["shape.restitution"]
    scene = resurfaced(_Scene(env), combine="average")
    assert scene._rules("combine") == {"average"} and not scene._refused()
    asset, collider = scene.static[0]
    scene.static[0] = asset, replace(collider, surface=replace(collider.surface, combine="multiply"))
    said = scene._refused()
    assert (
        list(said) == ["shape.friction"] and "some the multiply of their materials' friction" in said["shape.friction"]
    )
