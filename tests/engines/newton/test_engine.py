"""Newton's engine on real models: what is written is held by both copies of the model, and nothing else changes."""

import numpy as np
import pytest
import warp as wp

from newton_models import odd_model, robot_model, solver_of
from sim2real.engines.engine import EngineError, Rows
from sim2real.engines.newton.actuators import MOTOR
from sim2real.engines.newton.engine import NewtonEngine, NewtonViews
from sim2real.engines.newton.parts import Asset
from sim2real.engines.quantities import QUANTITIES, SHARED_OUT

WORLDS = 4
TOUCHED = [3, 1]
ROBOT = [Asset(name="robot", path="")]
MISSING = ("shape_restitution", SHARED_OUT, *MOTOR)
HELD = [name for name in QUANTITIES if name not in MISSING]
WRITABLE = [name for name in HELD if name not in ("body_position", "joint_zero")]


def rows_of(*worlds):
    return Rows(index=wp.array(np.array(worlds, np.int32), dtype=wp.int32), n=len(worlds))


def engine_of(model, **options):
    return NewtonEngine(NewtonViews(model=model, solver=solver_of(model, **options), assets=ROBOT))


def go2():
    model = robot_model("go2", WORLDS, actuated=True)
    model.joint_damping.assign(np.linspace(0.1, 0.9, len(model.joint_damping)).astype(np.float32))
    return model


def keep_bases(engine, quantity, values):
    """Leave the place of bodies that have no parent as it is."""
    if quantity == "body_position":
        bases = (engine.parts.frame < 0).any(0)
        values[:, bases] = engine.nominal(quantity)[:, bases]
    return values


def drawn(engine, quantity, seed=0, turn=True):
    """Values of every world that differ from the nominal ones; an inertia stays an inertia, turned or only scaled."""
    rng = np.random.default_rng(seed)
    nominal = engine.nominal(quantity)
    if quantity == "body_inertia":
        if not turn:
            return nominal * rng.uniform(0.7, 1.3, (*nominal.shape[:2], 1)).astype(np.float32)
        turn = np.linalg.qr(rng.normal(size=(*nominal.shape[:2], 3, 3)))[0]
        tensor = nominal.reshape(*nominal.shape[:2], 3, 3).astype(np.float64)
        value = turn @ tensor @ np.swapaxes(turn, -1, -2) * rng.uniform(0.7, 1.3, (*nominal.shape[:2], 1, 1))
        return (0.5 * (value + np.swapaxes(value, -1, -2))).reshape(nominal.shape).astype(np.float32)
    values = nominal * rng.uniform(0.7, 1.3, nominal.shape) + rng.uniform(0.001, 0.01, nominal.shape)
    return keep_bases(engine, quantity, values.astype(np.float32))


def arrays_of(owner):
    """Copies of all Warp arrays of an object, by name."""
    found = {}
    for name, value in vars(owner).items():
        if isinstance(value, wp.array) and value.size:
            found[name] = value.numpy().copy()
    return found


def everything(engine):
    """Copies of the arrays of Newton's model, of MuJoCo Warp's model, and of its state."""
    solver, model = engine._solver, engine._model
    parts = {"model": model, "mujoco": model.mujoco, "mjw": solver.mjw_model, "data": solver.mjw_data}
    parts |= {"opt": solver.mjw_model.opt, "stat": solver.mjw_model.stat}
    return {(part, name): values for part, owner in parts.items() for name, values in arrays_of(owner).items()}


@pytest.mark.parametrize("quantity", WRITABLE)
def test_what_is_written_is_read_back(quantity):
    engine = engine_of(go2())
    before, values = engine.read(quantity), drawn(engine, quantity)
    engine.write(quantity, wp.array(values), rows_of(3, -1, 1))
    engine.finish((quantity,), rows_of(3, -1, 1))
    held = engine.read(quantity)
    assert held.shape == values.shape and held.dtype == np.float32
    rounding = 1e-6 if quantity.startswith("contact_") else 0.0  # MuJoCo keeps a time constant and a damping ratio
    np.testing.assert_allclose(held[TOUCHED], values[TOUCHED], rtol=rounding, atol=0)
    np.testing.assert_array_equal(held[[0, 2]], before[[0, 2]])
    assert (held[TOUCHED] != before[TOUCHED]).mean() > 0.9  # two of the Go2's bodies have no inertia to draw


@pytest.mark.parametrize("quantity", HELD)
def test_nothing_else_changes(quantity):
    engine = engine_of(go2())
    values = wp.array(drawn(engine, quantity))
    before = everything(engine)
    engine.write(quantity, values, rows_of(*TOUCHED))
    engine.finish((quantity,), rows_of(*TOUCHED))
    after, changed = everything(engine), set()
    for (part, name), old in before.items():
        new = after[part, name]
        if (new == old).all():
            continue
        changed.add(part)
        assert part != "data", f"the state changed: {name}"
        if len(old) in (WORLDS, WORLDS + 1):
            other = [row for row in range(len(old)) if row not in TOUCHED]
            np.testing.assert_array_equal(new[other], old[other], err_msg=f"{part}.{name}")
        else:
            assert len(old) % WORLDS <= 1, (part, name)  # flat through the worlds, and perhaps one for all
            size = len(old) // WORLDS
            for world in (0, 2):
                mine = slice(world * size, (world + 1) * size)
                np.testing.assert_array_equal(new[mine], old[mine], err_msg=f"{part}.{name}")
    assert "model" in changed or "mujoco" in changed or quantity == "shape_friction" or quantity.startswith("contact_")


@pytest.mark.parametrize("make", [go2, lambda: odd_model(WORLDS)], ids=["go2", "odd"])
def test_the_solver_holds_what_a_full_notification_would_bring(make):
    import newton

    engine = engine_of(make())
    rows = rows_of(*range(WORLDS))
    names = [name for name in WRITABLE if engine.nominal(name).size]
    if make is go2:
        names += ["body_position", "joint_zero"]
    for name in names:
        engine.write(name, wp.array(drawn(engine, name, turn=False)), rows)
    engine.finish(tuple(names), rows)
    ours = everything(engine)
    flags = newton.ModelFlags
    engine._solver.notify_model_changed(
        flags.BODY_INERTIAL_PROPERTIES
        | flags.BODY_PROPERTIES
        | flags.JOINT_PROPERTIES
        | flags.JOINT_DOF_PROPERTIES
        | flags.MODEL_PROPERTIES
        | flags.SHAPE_PROPERTIES
    )
    shared = engine.parts.geom_mjw[engine.parts.shape_shared >= 0]
    turned = {("mjw", "body_iquat")}  # an axis and its opposite are the same axis; the tensor is compared elsewhere
    for key, full in everything(engine).items():
        if key[0] not in ("mjw", "opt", "stat") or key in turned:
            continue
        mine = ours[key]
        if key[1] in ("geom_friction", "geom_solref"):
            mine, full = np.delete(mine, shared, axis=1), np.delete(full, shared, axis=1)
        # Newton finds principal moments in single precision, and everything derived has that from them.
        np.testing.assert_allclose(mine, full, rtol=1e-4, atol=1e-6, err_msg=str(key))


def test_a_scaled_inertia_keeps_its_axes_to_the_bit():
    engine = engine_of(go2())
    axes = engine._solver.mjw_model.body_iquat.numpy().copy()
    moments = engine._solver.mjw_model.body_inertia.numpy().copy()
    engine.write("body_inertia", wp.array(engine.nominal("body_inertia") * np.float32(1.37)), rows_of(2))
    np.testing.assert_array_equal(engine._solver.mjw_model.body_iquat.numpy(), axes)
    np.testing.assert_allclose(engine._solver.mjw_model.body_inertia.numpy()[2], moments[2] * 1.37, rtol=1e-6)
    engine.write("body_inertia", wp.array(engine.nominal("body_inertia")), rows_of(2))
    np.testing.assert_allclose(engine._solver.mjw_model.body_inertia.numpy(), moments, rtol=2e-7)


def test_a_turned_inertia_gets_axes_that_make_the_tensor():
    engine = engine_of(go2())
    values = drawn(engine, "body_inertia")
    engine.write("body_inertia", wp.array(values), rows_of(*range(WORLDS)))
    moments, axes = engine._reader.principal()
    w, x, y, z = np.moveaxis(axes.astype(np.float64), -1, 0)
    columns = [
        np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], -1),
        np.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)], -1),
        np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    axes = np.stack(columns, -1)
    tensor = np.einsum("...ij,...j,...kj->...ik", axes, moments, axes)
    want = values.reshape(tensor.shape)
    assert (np.abs(tensor - want).max((-1, -2)) <= 1e-6 * np.trace(want, axis1=-2, axis2=-1)).all()
    assert (np.diff(moments, axis=-1) <= 0).all(), "MuJoCo wants the largest first"
    inverse = engine._model.body_inv_inertia.numpy()[engine.parts.body]
    heavy = want[:, :, 0, 0] > 0
    product = inverse[heavy] @ want[heavy].astype(np.float64)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-3)
    assert (inverse[~heavy] == 0).all() and heavy.mean() > 0.9


def test_masses_and_their_inverses_agree():
    engine = engine_of(go2())
    engine.write("body_mass", wp.array(drawn(engine, "body_mass")), rows_of(0, 2))
    model = engine._model
    written = engine.parts.body[[0, 2]]
    np.testing.assert_allclose(model.body_mass.numpy()[written] * model.body_inv_mass.numpy()[written], 1, rtol=2e-7)
    engine.write("body_mass", wp.array(engine.nominal("body_mass")), rows_of(0, 2))
    massless = model.body_mass.numpy() == 0
    assert massless.any() and (model.body_inv_mass.numpy()[massless] == 0).all()


def test_a_thousand_writes_do_not_drift():
    engine = engine_of(go2())
    names = ("body_mass", "body_com", "body_inertia", "joint_armature")
    nominal = {name: wp.array(engine.nominal(name)) for name in names}
    values = [{name: wp.array(drawn(engine, name, seed)) for name in names} for seed in range(3)]
    rows = rows_of(*TOUCHED)

    def put(columns):
        for name in names:
            engine.write(name, columns[name], rows)
        engine.finish(names, rows)

    put(values[0])
    put(nominal)
    before = everything(engine)
    for step in range(1000):
        put(values[step % 3])
    put(nominal)
    for key, values_now in everything(engine).items():
        np.testing.assert_array_equal(values_now, before[key], err_msg=str(key))


def test_a_kinematic_body_stays_locked():
    engine = engine_of(odd_model(2))
    bodies = {body.name: body for body in engine.elements.body}
    assert bodies["box"].fixed and bodies["base"].fixed and not bodies["arm"].fixed
    rows = rows_of(0, 1)
    for name in ("body_mass", "joint_armature"):
        engine.write(name, wp.array(drawn(engine, name)), rows)
    engine.finish(("body_mass", "joint_armature"), rows)
    assert (engine._solver.mjw_model.dof_armature.numpy()[:, -6:] == np.float32(1e10)).all()


def test_elements_of_a_model():
    engine = engine_of(odd_model(2))
    assert [joint.name for joint in engine.elements.joint] == ["reach", "hip:0", "hip:1", "hip:2"]
    assert [joint.prismatic for joint in engine.elements.joint] == [True, False, False, False]
    shapes = [(shape.asset, shape.name, shape.body, shape.fixed) for shape in engine.elements.shape]
    assert shapes == [
        ("ground", "ground/0", -1, True),
        ("robot", "arm/0", 1, False),
        ("robot", "leg/0", 5, False),
        ("robot", "box/0", 6, True),
    ]


def test_each_world_falls_with_its_own_gravity():
    model = odd_model(3)
    engine = engine_of(model, disable_contacts=True)
    gravity = np.array([[[0, 0, -9.81]], [[0, 0, -1.62]], [[3.0, 0, -9.0]]], np.float32)
    engine.write("gravity", wp.array(gravity), rows_of(1, 2))
    engine.finish(("gravity",), rows_of(1, 2))
    state, after, control = model.state(), model.state(), model.control()
    solver = engine._solver
    solver.step(state, after, control, None, 0.01)
    trunk = engine.parts.body[:, 4]
    np.testing.assert_allclose(after.body_qd.numpy()[trunk, :3] / 0.01, gravity[:, 0], rtol=0.02, atol=0.05)


def test_a_push_accelerates_its_body_until_it_ends():
    model = robot_model("go2", 2)
    callbacks = []
    solver = solver_of(model, disable_contacts=True)
    engine = NewtonEngine(NewtonViews(model=model, solver=solver, assets=ROBOT, add_force=callbacks.append))
    wrench = np.zeros((2, len(engine.elements.body), 6), np.float32)
    wrench[:, 0, 0] = 50.0
    engine.push(wp.array(wrench), rows_of(1))
    assert len(callbacks) == 1

    def gain():
        """How much more momentum along x the second world got in a step than the first [kg·m/s]."""
        state, after = model.state(), model.state()
        state.clear_forces()
        for callback in callbacks:
            callback(state)
        solver.step(state, after, model.control(), None, 0.002)
        mass = model.body_mass.numpy()[engine.parts.body]
        first, second = (after.body_qd.numpy()[engine.parts.body, 0] * mass).sum(1)
        return second - first

    assert gain() == pytest.approx(50 * 0.002, rel=2e-3)
    engine.push(wp.zeros((2, wrench.shape[1], 6)), rows_of(0, 1))
    assert len(callbacks) == 1
    assert gain() == 0


def test_sleeping_worlds_wake():
    engine = engine_of(go2(), enable_sleeping=True)
    data = engine._solver.mjw_data
    awake = data.tree_asleep.numpy().copy()
    data.tree_asleep.fill_(0)
    engine.write("body_mass", wp.array(drawn(engine, "body_mass")), rows_of(1))
    engine.finish(("body_mass",), rows_of(1))
    asleep = data.tree_asleep.numpy()
    np.testing.assert_array_equal(asleep[1], awake[1])
    assert (asleep[[0, 2, 3]] == 0).all()


def test_converted_contacts_are_forgotten():
    engine = engine_of(go2(), use_mujoco_contacts=False)
    engine._solver._last_nacon_count.fill_(5)
    engine.write("joint_damping", wp.array(drawn(engine, "joint_damping")), rows_of(1))
    engine.finish(("joint_damping",), rows_of(1))
    assert engine._solver._last_nacon_count.numpy()[0] == 5, "damping is in no contact"
    engine.write("shape_friction", wp.array(drawn(engine, "shape_friction")), rows_of(1))
    engine.finish(("shape_friction",), rows_of(1))
    assert engine._solver._last_nacon_count.numpy()[0] == 0


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("shape.restitution", "no coefficient of restitution"),
        ("actuator.velocity_limit", "no speed limit"),
        ("body.force", "nothing was given through which forces reach the steps"),
        ("signals.imu", "'signals.imu' is no property of this engine"),
    ],
)
def test_what_cannot_be_held_is_said(target, reason):
    support = engine_of(go2()).support(target)
    assert not support.able and reason in support.note


def test_targets_of_one_field_exclude_each_other():
    engine = engine_of(go2())
    assert engine.support("joint.damping").excludes == ("joint.viscous_friction",)
    assert engine.support("joint.viscous_friction").excludes == ("joint.damping",)


def test_loops_have_no_frame_offset():
    engine = engine_of(robot_model("panda", 2, floating=False))
    assert "closes loops" in engine.support("body.frame_offset").note
    with pytest.raises(EngineError, match="does not hold body_position: the model closes loops"):
        engine.nominal("body_position")


def test_moved_frames_are_read_back_and_a_floating_base_has_none():
    engine = engine_of(go2())
    values = engine.nominal("body_position")
    values[:, 0] += 0.1
    with pytest.raises(EngineError, match="base floats freely .*leave it out of 'select'"):
        engine.write("body_position", wp.array(values), rows_of(1))
    values = drawn(engine, "body_position")
    engine.write("body_position", wp.array(values), rows_of(1))
    np.testing.assert_allclose(engine.read("body_position")[1], values[1], atol=1e-7)


def test_wrong_calls_are_errors():
    engine = engine_of(go2())
    with pytest.raises(EngineError, match="does not hold shape_restitution: MuJoCo has no coefficient"):
        engine.nominal("shape_restitution")
    with pytest.raises(EngineError, match="there is no quantity 'mass'"):
        engine.read("mass")
    with pytest.raises(EngineError, match=r"shape \(4, 2, 1\); this engine's have \(4, 31, 1\)"):
        engine.write("body_mass", wp.zeros((4, 2, 1)), rows_of(0))
    with pytest.raises(EngineError, match="forces reach the steps"):
        engine.push(wp.zeros((4, 31, 6)), rows_of(0))


def test_the_cpu_library_is_refused():
    model = robot_model("panda", 1, floating=False)
    with pytest.raises(EngineError, match="use_mujoco_cpu=False"):
        engine_of(model, use_mujoco_cpu=True)
