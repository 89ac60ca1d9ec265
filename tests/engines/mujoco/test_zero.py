"""An encoder's zero on MuJoCo: at the reading q the bodies stand where the nominal ones stand at q - b."""

import mujoco
import numpy as np

from engines.mujoco.everything_model import compile_model, put
from sim2real.engines.mujoco import MujocoEngine


def test_a_reading_is_off_by_the_offset(engine: MujocoEngine) -> None:
    """Hinges and a slide; limits, springs and gravity stay as they are."""
    rng, model, plain = np.random.default_rng(0), engine.model, compile_model()
    zero = rng.uniform(-0.3, 0.3, engine.nominal("joint_zero")[0].shape).astype(np.float32)
    put(engine, "joint_zero", zero)
    at = model.jnt_qposadr[engine.parts.joints]
    mine, other = mujoco.MjData(model), mujoco.MjData(plain)
    mine.qpos[:], other.qpos[:] = plain.qpos0, plain.qpos0
    mine.qpos[at] += 0.1
    other.qpos[at] += 0.1 - zero[:, 0]
    mujoco.mj_kinematics(model, mine)
    mujoco.mj_kinematics(plain, other)
    np.testing.assert_allclose(mine.xpos, other.xpos, atol=1e-12)
    np.testing.assert_allclose(mine.xmat, other.xmat, atol=1e-12)
    assert np.array_equal(model.jnt_range, plain.jnt_range) and np.array_equal(model.qpos_spring, plain.qpos_spring)
    other.qpos[:] = mine.qpos
    mujoco.mj_kinematics(plain, other)
    assert np.abs(mine.xpos - other.xpos).max() > 0.01 and engine.support("joint.zero_offset").able
