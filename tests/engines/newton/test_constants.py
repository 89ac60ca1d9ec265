"""The constants of some worlds against Newton's own refresh of all worlds, and against MuJoCo in double precision."""

import numpy as np
import pytest
import warp as wp

from newton_models import odd_model, robot_model, solver_of
from sim2real.engines.engine import EngineError, Rows
from sim2real.engines.newton.constants import DerivedConstants

NAMES = ("body_subtreemass", "body_invweight0", "dof_invweight0", "actuator_acc0", "meaninertia")
WORLDS = 5
MODELS = {
    "go2": lambda: robot_model("go2", WORLDS, actuated=True),
    "g1": lambda: robot_model("g1", WORLDS, actuated=True),
    "panda": lambda: robot_model("panda", WORLDS, floating=False, actuated=True),
    "odd": lambda: odd_model(WORLDS),
}


def rows_of(*worlds):
    return Rows(index=wp.array(np.array(worlds, np.int32), dtype=wp.int32), n=len(worlds))


def constants_of(solver):
    """Copies of the derived arrays by name."""
    found = {name: getattr(solver.mjw_model, name).numpy().copy() for name in NAMES[:-1]}
    return found | {"meaninertia": solver.mjw_model.stat.meaninertia.numpy().copy()}


def disturb(model, seed=0):
    """Draw masses, centres, inertias and armatures of all worlds, in Newton's arrays only."""
    rng = np.random.default_rng(seed)
    mass = rng.uniform(0.5, 1.6, model.body_count).astype(np.float32)
    model.body_mass.assign(model.body_mass.numpy() * mass)
    model.body_inertia.assign(model.body_inertia.numpy() * mass[:, None, None])
    model.body_com.assign(model.body_com.numpy() + rng.uniform(-0.03, 0.03, (model.body_count, 3)).astype(np.float32))
    armature = model.joint_armature.numpy()
    model.joint_armature.assign(armature * rng.uniform(0.5, 2.0, armature.shape).astype(np.float32))


def refresh_fully(model, solver):
    """Newton's own refresh of every world."""
    import newton

    flags = newton.ModelFlags.BODY_INERTIAL_PROPERTIES | newton.ModelFlags.JOINT_DOF_PROPERTIES
    solver.notify_model_changed(flags | newton.ModelFlags.BODY_PROPERTIES)


def mujoco_constants(model, solver, world):
    """The constants of one world by MuJoCo's C library, in double precision; mean inertia from physical armatures."""
    import copy

    import mujoco

    mjw, host = solver.mjw_model, copy.deepcopy(solver.mj_model)
    for name in ("body_mass", "body_ipos", "body_iquat", "body_inertia", "body_pos", "body_quat", "dof_armature"):
        getattr(host, name)[:] = getattr(mjw, name).numpy()[world]
    for name in ("jnt_pos", "jnt_axis", "qpos0"):
        getattr(host, name)[:] = getattr(mjw, name).numpy()[world]
    data = mujoco.MjData(host)
    physical = model.joint_armature.numpy()[solver.mjc_dof_to_newton_dof.numpy()[world]]
    locked = host.dof_armature > 1e6
    held = host.dof_armature[locked].copy()
    host.dof_armature[locked] = physical[locked]
    mujoco.mj_setConst(host, data)
    mean = host.stat.meaninertia
    host.dof_armature[locked] = held
    mujoco.mj_setConst(host, data)
    found = {name: getattr(host, name).copy() for name in NAMES[:-1]}
    return found | {"meaninertia": np.array(mean)}


def largest_error(values, truth):
    """Largest relative error; where the truth is nothing, so must be the value."""
    truth = np.asarray(truth, np.float64)
    assert (np.asarray(values)[truth == 0] == 0).all()
    there = truth != 0
    return float(np.max(np.abs(values - truth)[there] / np.abs(truth[there]), initial=0.0))


@pytest.fixture(scope="module", params=list(MODELS))
def refreshed(request):
    """A disturbed model whose worlds 1 and 3 were refreshed here: before, after, after Newton's full refresh."""
    model = MODELS[request.param]()
    solver = solver_of(model)
    engine = DerivedConstants(model, solver)
    disturb(model)
    refresh_fully(model, solver)
    full = constants_of(solver)
    for name in NAMES[:-1]:
        getattr(solver.mjw_model, name).fill_(7.0)
    solver.mjw_model.stat.meaninertia.fill_(7.0)
    before = constants_of(solver)
    engine.refresh(rows_of(3, -1, 1))
    return model, solver, before, constants_of(solver), full


@pytest.mark.parametrize("name", NAMES)
def test_touched_worlds_equal_the_full_refresh(refreshed, name):
    # What is left is the full refresh's own rounding: it works in single precision, see the next tests.
    ours, full = refreshed[3][name][[1, 3]], refreshed[4][name][[1, 3]]
    np.testing.assert_allclose(ours, full, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_untouched_worlds_are_bit_equal(refreshed, name):
    _, _, before, after, _ = refreshed
    np.testing.assert_array_equal(after[name][[0, 2, 4]], before[name][[0, 2, 4]])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("world", [1, 3])
def test_double_precision_says_the_same(refreshed, name, world):
    model, solver, _, after, _ = refreshed
    truth = mujoco_constants(model, solver, world)[name]
    if name == "body_invweight0":
        truth[0] = 0
    # MuJoCo has the inertia as principal moments and axes in single precision, which costs up to 4e-6.
    assert largest_error(after[name][world], truth) < 5e-6


def test_the_pose_of_a_robot_in_the_world_does_not_matter():
    near, far = robot_model("go2", 2), robot_model("go2", 2)
    far.body_q.assign(far.body_q.numpy() + np.array([800, -500, 0, 0, 0, 0, 0], np.float32))
    found = []
    for model in (near, far):
        solver = solver_of(model)
        engine = DerivedConstants(model, solver)
        engine.refresh(rows_of(0, 1))
        found.append(constants_of(solver))
    for name in NAMES:
        np.testing.assert_array_equal(found[0][name], found[1][name])


def test_one_world_or_all_at_once_is_the_same():
    model = robot_model("go2", WORLDS)
    solver = solver_of(model)
    engine = DerivedConstants(model, solver)
    disturb(model)
    refresh_fully(model, solver)
    engine.refresh(rows_of(*range(WORLDS)))
    together = constants_of(solver)
    for world in reversed(range(WORLDS)):
        engine.refresh(rows_of(world))
    for name, values in constants_of(solver).items():
        np.testing.assert_array_equal(values, together[name])


def test_moved_joint_frames_are_followed():
    model = odd_model(3)
    solver = solver_of(model)
    engine = DerivedConstants(model, solver)
    moved = solver.mjw_model.body_pos.numpy()
    moved[1, 1:] += np.random.default_rng(3).uniform(-0.1, 0.1, moved[1, 1:].shape)
    solver.mjw_model.body_pos.assign(moved)
    engine.place(rows_of(1))
    engine.refresh(rows_of(1))
    after = constants_of(solver)
    truth = mujoco_constants(model, solver, 1)
    for name in NAMES[:3]:
        assert largest_error(after[name][1], truth[name]) < 5e-6, name
    assert (after["dof_invweight0"][1, :4] != after["dof_invweight0"][0, :4]).any()


def test_locking_armature_stays_out_of_the_mean_inertia():
    model = odd_model(1)
    solver = solver_of(model)
    assert solver.mjw_model.dof_armature.numpy().max() > 1e9
    DerivedConstants(model, solver).refresh(rows_of(0))
    assert 0 < solver.mjw_model.stat.meaninertia.numpy()[0] < 10


def test_the_state_of_the_simulation_is_not_touched():
    model = robot_model("go2", 2)
    solver = solver_of(model)
    engine = DerivedConstants(model, solver)
    arrays = {name: value for name, value in vars(solver.mjw_data).items() if isinstance(value, wp.array)}
    assert {"qpos", "xpos", "M", "cdof"} <= set(arrays)
    before = {name: value.numpy().copy() for name, value in arrays.items()}
    engine.refresh(rows_of(0, 1))
    for name, value in arrays.items():
        np.testing.assert_array_equal(value.numpy(), before[name], err_msg=name)


def test_no_rows_is_no_work():
    model = robot_model("panda", 1, floating=False)
    solver = solver_of(model)
    engine = DerivedConstants(model, solver)
    before = constants_of(solver)
    engine.refresh(Rows(index=wp.zeros(0, dtype=wp.int32), n=0))
    for name, values in constants_of(solver).items():
        np.testing.assert_array_equal(values, before[name])


def test_tendons_are_refused():
    import newton

    mjcf = """<mujoco><worldbody><body><joint name="a" type="hinge" axis="0 1 0"/><geom size=".1"/>
      <body pos="0 0 1"><joint name="b" type="hinge" axis="0 1 0"/><geom size=".1"/></body></body></worldbody>
      <tendon><fixed><joint joint="a" coef="1"/><joint joint="b" coef="-1"/></fixed></tendon></mujoco>"""
    builder = newton.ModelBuilder()
    newton.solvers.SolverMuJoCo.register_custom_attributes(builder)
    builder.add_mjcf(mjcf)
    model = builder.finalize(device="cpu")
    with pytest.raises(EngineError, match="it has 1 tendons, whose inverse weights .* use physics=ovphysx"):
        DerivedConstants(model, solver_of(model))


@pytest.mark.skipif(not wp.is_cuda_available(), reason="no CUDA device")
def test_captured_in_a_graph_without_a_host_sync():
    model = robot_model("go2", 64, actuated=True, device="cuda:0")
    solver = solver_of(model)
    engine = DerivedConstants(model, solver)
    disturb(model)
    refresh_fully(model, solver)
    full = constants_of(solver)
    index = wp.array(np.arange(64, dtype=np.int32), device="cuda:0")
    rows = Rows(index=index, n=64)
    engine.refresh(rows)
    with wp.ScopedCapture(device="cuda:0") as capture:
        engine.refresh(rows)
    solver.mjw_model.dof_invweight0.zero_()
    wp.capture_launch(capture.graph)
    np.testing.assert_allclose(solver.mjw_model.dof_invweight0.numpy(), full["dof_invweight0"], rtol=1e-4)
