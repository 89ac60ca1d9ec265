"""The MuJoCo engine: against models that MuJoCo's own compiler makes of the same numbers, and against what they do."""

import mujoco
import numpy as np
import pytest

from engines.mujoco.everything_model import LEGGED, compile_model, image, index, make_engine, put, rows
from sim2real.engines.engine import EngineError
from sim2real.engines.mujoco.inertia import full_inertia, rotation
from sim2real.engines.quantities import QUANTITIES, TARGET_QUANTITIES

MISSING = (
    "shape_restitution", "contact_stiffness", "contact_damping", "actuator_velocity_limit", "actuator_voltage",
    "actuator_backlash", "actuator_thermal_resistance",
)  # fmt: skip
HELD = [name for name in QUANTITIES if name not in MISSING]


def physical_inertia(rng, nominal):
    """An inertia with other axes and moments near the nominal ones, that a body can have."""
    values, axes = np.linalg.eigh(nominal.reshape(3, 3).astype(float))
    second = np.maximum((values.sum() / 2 - values), 1e-9) * rng.uniform(0.7, 1.4, 3)
    quat = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quat, rng.normal(size=3) / 3, rng.uniform(0.0, 0.6))
    turn = rotation(quat / np.linalg.norm(quat))
    moments = second.sum() - second
    return (turn @ axes) @ np.diag(moments) @ (turn @ axes).T


def drawn(engine, quantity, rng):
    """Values other than the nominal ones that the model can hold, (count, width)."""
    nominal = engine.nominal(quantity)[0].astype(float)
    bodies = engine.elements.body
    if quantity in ("body_com", "body_position"):
        still = np.array([b.fixed or b.name == "crate" or (quantity == "body_position" and b.name == "base")
                          for b in bodies])  # fmt: skip
        return nominal + np.where(still[:, None], 0.0, rng.uniform(-0.03, 0.03, nominal.shape))
    if quantity == "body_inertia":
        keep = [b.fixed or b.name == "crate" for b in bodies]
        return np.array([v if k else physical_inertia(rng, v).reshape(9) for v, k in zip(nominal, keep, strict=True)])
    if quantity in ("gravity", "joint_zero"):
        return nominal + rng.uniform(-1, 1, nominal.shape)
    if quantity == "joint_limit":
        return np.where(np.isfinite(nominal), nominal + rng.uniform(-0.1, 0.1, nominal.shape), nominal)
    if quantity.startswith("actuator"):
        return nominal * rng.uniform(0.7, 1.3, nominal.shape)
    return nominal * rng.uniform(0.5, 1.5, nominal.shape) + rng.uniform(0.0, 0.1, nominal.shape)


@pytest.mark.parametrize("quantity", HELD)
def test_what_is_written_is_read(engine, quantity):
    """The model holds the draw, other quantities stay as they were."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        values = drawn(engine, quantity, rng).astype(np.float32)
        put(engine, quantity, values)
        np.testing.assert_allclose(engine.read(quantity)[0], values, rtol=3e-6, atol=3e-7)
    shared = {"joint_damping", "joint_viscous_friction"}
    for other in HELD:
        if other != quantity and not {other, quantity} <= shared:
            assert np.array_equal(engine.read(other), engine.nominal(other)), other


def test_nothing_accumulates_and_nominal_values_leave_no_trace(engine):
    """After a thousand draws of everything, writing the nominal values gives the model back, byte for byte."""
    rng = np.random.default_rng(2)
    before = image(compile_model())
    for _ in range(1000):
        quantity = HELD[rng.integers(len(HELD))]
        put(engine, quantity, drawn(engine, quantity, rng))
    assert image(engine.model) != before
    for quantity in HELD:
        if quantity != "joint_viscous_friction":
            put(engine, quantity, engine.nominal(quantity)[0])
    assert image(engine.model) == before


def test_order_does_not_matter(engine):
    """The same draws in another order make the same model."""
    rng = np.random.default_rng(3)
    names = [name for name in HELD if name != "joint_viscous_friction"]
    draws = {name: drawn(engine, name, rng) for name in names}
    other = make_engine()
    for name in names:
        put(engine, name, draws[name], finish=False)
    for name in reversed(names):
        put(other, name, draws[name], finish=False)
    for each in (engine, other):
        each.finish(tuple(names), rows(0))
    assert image(engine.model) == image(other.model)


def compiled_with(values):
    """The model as MuJoCo's compiler makes it from the values, by quantity."""
    spec = mujoco.MjSpec.from_string(LEGGED)
    engine = make_engine()
    model = engine.model
    for i, b in enumerate(engine.parts.bodies):
        body = spec.body(engine.elements.body[i].name)
        body.explicitinertial = True
        body.ipos, body.pos = values["body_com"][i], values["body_position"][i]
        body.mass = float(values["body_mass"][i, 0])
        m = values["body_inertia"][i].reshape(3, 3)
        body.fullinertia = [m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]]
        assert model.body(b).name == body.name
    for j, element in enumerate(engine.elements.joint):
        joint = spec.joint(element.name)
        joint.armature = float(values["joint_armature"][j, 0])
    return spec.compile()


def test_equals_what_the_compiler_makes_of_the_same_numbers(engine):
    """All derived constants are those of a model compiled with the drawn masses, inertias, frames and armatures."""
    rng = np.random.default_rng(4)
    names = ("body_mass", "body_com", "body_inertia", "body_position", "joint_armature")
    for _ in range(10):
        draws = {name: drawn(engine, name, rng).astype(np.float32).astype(float) for name in names}
        for name in names:
            put(engine, name, draws[name], finish=False)
        engine.finish(names, rows(0))
        compiled, compared = compiled_with(draws), 0
        for field in ("body_mass", "body_ipos", "body_subtreemass", "body_invweight0", "dof_M0", "dof_invweight0",
                      "actuator_acc0", "tendon_invweight0", "tendon_length0", "eq_data", "body_sameframe",
                      "geom_sameframe", "geom_pos", "cam_poscom0"):  # fmt: skip
            want, got = getattr(compiled, field), getattr(engine.model, field)
            if field.endswith("sameframe"):
                want, got = want[:-1], got[:-1]  # the wall's is written out by the compiler as a full matrix
            np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-7, err_msg=field)
            compared += want.size
        np.testing.assert_allclose(engine.model.stat.meaninertia, compiled.stat.meaninertia, rtol=1e-6)
        for b in range(compiled.nbody):
            inertia = [full_inertia(m.body_inertia[b], m.body_iquat[b]) for m in (engine.model, compiled)]
            np.testing.assert_allclose(*inertia, rtol=1e-5, atol=1e-6)
        assert compared > 150


def test_moves_as_a_compiled_model_moves(engine):
    """A second of falling and bouncing is the same as in the model compiled with the draws."""
    rng = np.random.default_rng(5)
    names = ("body_mass", "body_com", "body_inertia", "joint_armature")
    draws = {name: engine.nominal(name)[0].astype(float) for name in ("body_position", *names)}
    draws |= {name: drawn(engine, name, rng).astype(np.float32).astype(float) for name in names}
    for name in names:
        put(engine, name, draws[name])
    other = compiled_with(draws)
    data, reference, plain = mujoco.MjData(engine.model), mujoco.MjData(other), compile_model()
    unmoved = mujoco.MjData(plain)
    for model, state in ((engine.model, data), (other, reference), (plain, unmoved)):
        state.ctrl[:] = 0.3
        for _ in range(150):
            mujoco.mj_step(model, state)
    np.testing.assert_allclose(data.qpos, reference.qpos, atol=1e-4)
    assert np.abs(data.qpos - unmoved.qpos).max() > 1e-2
    assert data.ncon > 0


def test_contacts_are_found_wherever_the_inertial_frame_goes(engine):
    """MuJoCo leaves the collision boxes behind when the inertial frame moves; ours go along."""

    def contacts(model):
        data = mujoco.MjData(model)
        data.qpos[:3], data.qpos[3:7] = (0.75, 0.0, 0.25), (0.92, 0.1, 0.3, 0.2)
        mujoco.mj_forward(model, data)
        return sorted((int(c.geom1), int(c.geom2), round(float(c.dist), 9)) for c in data.contact)

    expected = contacts(engine.model)
    assert any("crate" in (engine.model.geom(a).name, engine.model.geom(b).name) for a, b, _ in expected)
    rng, lost = np.random.default_rng(6), 0
    for _ in range(100):
        com = engine.nominal("body_com")[0]
        com[0] += rng.uniform(-0.6, 0.6, 3)
        put(engine, "body_com", com)
        put(engine, "body_inertia", drawn(engine, "body_inertia", rng))
        assert contacts(engine.model) == expected
        left_behind = compile_model()
        left_behind.body_ipos[1], left_behind.body_iquat[1] = engine.model.body_ipos[1], engine.model.body_iquat[1]
        mujoco.mj_setConst(left_behind, mujoco.MjData(left_behind))
        lost += contacts(left_behind) != expected
    assert lost, "MuJoCo moves the boxes itself now: drop ours"


def test_scaled_inertia_keeps_its_axes(engine):
    """A mass with the inertia that follows it leaves the principal axes where they are, to the bit."""
    put(engine, "body_inertia", engine.nominal("body_inertia")[0] * np.float32(1.3))
    assert np.array_equal(engine.model.body_iquat, compile_model().body_iquat)
    np.testing.assert_allclose(engine.model.body_inertia[1:4], compile_model().body_inertia[1:4] * 1.3, rtol=1e-5)


def test_constants_that_were_given_stay():
    """A statistic from the file, and weights that a program set, are not derived over."""
    given = LEGGED.replace("<worldbody>", '<statistic meaninertia="7"/><worldbody>', 1)
    model = compile_model(given)
    model.dof_invweight0[0] = 123.0
    from sim2real.engines.mujoco import MujocoEngine

    engine = MujocoEngine(model, mujoco.MjData(model))
    put(engine, "body_mass", engine.nominal("body_mass")[0] * 2)
    assert model.stat.meaninertia == 7.0 and model.dof_invweight0[0] == 123.0
    fresh = make_engine()
    put(fresh, "body_mass", fresh.nominal("body_mass")[0] * 2)
    assert np.array_equal(model.dof_invweight0[1:], fresh.model.dof_invweight0[1:])
    assert model.stat.extent == compile_model().stat.extent


def test_rows_that_name_no_world_touch_nothing(engine):
    """-1 is no world: neither values nor constants nor pushes are written."""
    import warp as wp

    before = image(engine.model)
    values = wp.array(engine.nominal("body_mass") * 2, dtype=float, device="cpu")
    for nobody in (rows(-1), rows(-1, -1), rows()):
        engine.write("body_mass", values, nobody)
        engine.finish(("body_mass",), nobody)
        engine.push(wp.ones((1, len(engine.elements.body), 6), dtype=float, device="cpu"), nobody)
    assert image(engine.model) == before and not engine.data.xfrc_applied.any()


def test_a_push_is_force_over_mass_until_it_is_ended(engine):
    """A crate of 1 kg is accelerated by the force, also after the data was reset; zero ends it."""
    import warp as wp

    crate, model, data = index(engine, "body", "crate"), engine.model, engine.data
    wrench = np.zeros((1, len(engine.elements.body), 6), dtype=np.float32)
    wrench[0, crate, :3] = (3.0, 0.0, 20.0)
    model.opt.gravity[:] = 0.0
    data.qpos[model.jnt_qposadr[model.body_jntadr[crate + 1]] + 2] = 3.0
    engine.push(wp.array(wrench, dtype=float, device="cpu"), rows(0))
    mujoco.mj_forward(model, data)
    dof = model.body_dofadr[crate + 1]
    np.testing.assert_allclose(data.qacc[dof : dof + 3], (3.0, 0.0, 20.0), rtol=1e-6)
    mujoco.mj_resetData(model, data)
    assert not data.xfrc_applied.any()
    engine.hold_push()
    np.testing.assert_allclose(data.xfrc_applied[crate + 1], wrench[0, crate])
    engine.push(wp.zeros((1, len(engine.elements.body), 6), dtype=float, device="cpu"), rows(0))
    assert not data.xfrc_applied.any()
    data.xfrc_applied[1, 0] = 5.0
    engine.hold_push()
    assert data.xfrc_applied[1, 0] == 5.0, "a force of somebody else is overwritten"


@pytest.mark.parametrize(
    "quantity, kind, name, value, words",
    [
        ("body_mass", "body", "FL_calf", [0.0], "body_mass: body 'FL_calf' gets 0"),
        ("body_mass", "body", "base", [np.nan], "gets nan"),
        ("body_com", "body", "crate", [0.01, 0, 0], 'simple="false"'),
        ("body_inertia", "body", "crate", [2, 0.5, 0, 0.5, 2, 0, 0, 0, 2], 'simple="false"'),
        ("body_inertia", "body", "base", [1, 0, 0, 0, 1, 0, 0, 0, -1], "principal moments"),
        ("body_position", "body", "base", [0, 0, 1], "floats"),
        ("body_position", "body", "wall", [0, 0, 1], "is fixed"),
        ("joint_damping", "joint", "FL_hip", [-1.0], "joint 'FL_hip' gets -1"),
        ("joint_limit", "joint", "FL_hip", [1.0, -1.0], "nominal -1.0472, 1.0472"),
        ("actuator_kp", "joint", "FL_knee", [3.0], "no servo"),
        ("gravity", "world", "world", [0, 0, np.inf], "gets 0, 0, inf"),
    ],
)
def test_what_cannot_be_simulated_is_refused(engine, quantity, kind, name, value, words):
    """By name, with the value; the model is untouched."""
    before = image(engine.model)
    values = engine.nominal(quantity)[0]
    values[index(engine, kind, name)] = value
    with pytest.raises(EngineError) as caught:
        put(engine, quantity, values)
    assert words in str(caught.value)
    assert image(engine.model) == before


def test_unknown_quantities_and_wrong_shapes_are_refused(engine):
    """MuJoCo has no restitution; arrays must be of the layout."""
    for call in (engine.nominal, engine.read, lambda q: put(engine, q, [[0.0]])):
        with pytest.raises(EngineError, match="does not hold 'shape_restitution'"):
            call("shape_restitution")
    with pytest.raises(EngineError, match="body_mass: got shape"):
        put(engine, "body_mass", [[1.0]])


def test_every_supported_target_is_held(engine):
    """What is promised can be written, what is refused says why."""
    for target, quantities in TARGET_QUANTITIES.items():
        support = engine.support(target)
        if support.able:
            assert support.where and support.device == "cpu"
            assert all(engine.nominal(quantity).shape[0] == 1 for quantity in quantities)
        else:
            assert support.note and not support.where
    assert engine.support("joint.damping").excludes == ("joint.viscous_friction",)
    assert not engine.support("joint.sparkle").able
