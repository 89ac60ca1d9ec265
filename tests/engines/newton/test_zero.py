"""An encoder's zero on Newton: the robot stands where the nominal one stands with the true angles, in both copies."""

import newton
import numpy as np
import pytest
import warp as wp

from engines.newton.test_engine import TOUCHED, WORLDS, engine_of, everything, go2, rows_of
from newton_models import odd_model, robot_model
from sim2real.engines.engine import EngineError


def offsets(engine, seed=0):
    """An error of every encoder that can have one, both signs."""
    values = np.random.default_rng(seed).uniform(-0.3, 0.3, engine.nominal("joint_zero").shape).astype(np.float32)
    values[:, engine.parts.hung < 0] = 0.0
    return values


def poses(model, joint_q):
    """Newton's forward kinematics, (bodies, 7)."""
    state = model.state()
    newton.eval_fk(model, wp.array(joint_q, dtype=wp.float32), model.joint_qd, state)
    return state.body_q.numpy().copy()


def same_poses(mine, other):
    """Places to 1e-5 m, rotations to 1e-5, whatever the quaternion's sign."""
    np.testing.assert_allclose(mine[:, :3], other[:, :3], atol=1e-5)
    np.testing.assert_allclose(np.abs((mine[:, 3:] * other[:, 3:]).sum(-1)), 1.0, atol=1e-6)


def coordinates(engine):
    """Newton's coordinate of every joint that can have an offset, (num_worlds, joints)."""
    model = engine._model
    dofs, places = (array.numpy()[:-1].tolist() for array in (model.joint_qd_start, model.joint_q_start))
    return np.vectorize(dict(zip(dofs, places, strict=True)).get)(engine.parts.dof[:, engine.parts.hung >= 0])


MODELS = pytest.mark.parametrize("make", [go2, lambda: odd_model(WORLDS)], ids=["hinges", "slide"])


@MODELS
def test_a_reading_is_off_by_the_offset(make):
    """FK at the reading q is the nominal FK at q - b, with moved frames beside it; so are the solver's own poses."""
    import mujoco_warp

    engine, plain = engine_of(make()), make()
    zero, model = offsets(engine), engine._model
    able, rows = engine.parts.hung >= 0, rows_of(*TOUCHED)
    assert able.any()
    place = engine.nominal("body_position")
    place[:, (engine.parts.frame >= 0).all(0)] += 0.02
    reference = engine_of(plain)
    for each in (engine, reference):
        each.write("body_position", wp.array(place), rows)
    engine.write("joint_zero", wp.array(zero), rows)
    engine.finish(("body_position", "joint_zero"), rows)
    reading = plain.joint_q.numpy() + 0.0
    at = coordinates(engine)
    reading[at] += np.random.default_rng(1).uniform(-0.2, 0.2, at.shape)
    true = reading.copy()
    true[at[TOUCHED]] -= zero[TOUCHED][:, able, 0]
    same_poses(poses(model, reading), poses(plain, true))
    assert np.abs(poses(model, reading)[:, :3] - poses(plain, reading)[:, :3]).max() > 0.005
    found = []
    for each, joint_q in ((engine, reading), (reference, true)):
        state = each._model.state()
        state.joint_q.assign(joint_q)
        solver, data = each._solver, each._solver.mjw_data
        solver._update_mjc_data(data, each._model, state)
        mujoco_warp.kinematics(solver.mjw_model, data)
        found.append(np.concatenate([data.xpos.numpy(), data.xquat.numpy()], axis=-1).reshape(-1, 7))
    same_poses(*found)
    np.testing.assert_allclose(engine.read("joint_zero")[TOUCHED], zero[TOUCHED], atol=2e-6)
    np.testing.assert_allclose(engine.read("body_position")[TOUCHED], place[TOUCHED], atol=1e-6)
    assert (engine.read("joint_zero")[[0, 2]] == 0.0).all()


@MODELS
def test_nominal_values_leave_no_trace(make):
    """Written and undone, all arrays of both copies of frames have the bits they had."""
    engine, rows = engine_of(make()), rows_of(*TOUCHED)
    before = everything(engine)
    engine.write("joint_zero", wp.array(offsets(engine)), rows)
    assert (everything(engine)["model", "joint_X_p"] != before["model", "joint_X_p"]).any()
    engine.write("joint_zero", wp.array(engine.nominal("joint_zero")), rows)
    for key, values in everything(engine).items():
        np.testing.assert_array_equal(values, before[key], err_msg=str(key))


def test_what_has_no_frame_is_refused():
    """An axis of a joint with three, and a model that closes loops."""
    engine = engine_of(odd_model(2))
    with pytest.raises(EngineError, match="hip:0, hip:1, hip:2 is one axis of several .*leave it out of 'select'"):
        engine.write("joint_zero", wp.array(engine.nominal("joint_zero") + np.float32(0.1)), rows_of(1))
    assert "closes loops" in engine_of(robot_model("panda", 2, floating=False)).support("joint.zero_offset").note
