"""A PD drive whose feed-forward can be scaled is Newton's own at 1, and has one factor more otherwise."""

import newton
import numpy as np
import warp as wp
from newton.actuators import Actuator, ClampingMaxEffort, Delay, DrivePD, DrivePID

from sim2real.actuators.feedforward import ScaledDrivePD, scale_feedforward

N = 16


def floats(values):
    return wp.array(np.broadcast_to(np.float32(values), (N,)).copy(), dtype=wp.float32, device="cpu")


def actuator(drive, **others):
    """An actuator of 16 joints."""
    return Actuator(indices=wp.array(np.arange(N, dtype=np.uint32), device="cpu"), drive=drive, **others)


def torque(actuator, steps=1, seed=0):
    """What it gives in a random state, after so many steps."""
    rng = np.random.default_rng(seed)
    state, control = newton.State(), newton.Control()
    state.joint_q, state.joint_qd = (floats(rng.normal(size=N)) for _ in range(2))
    control.joint_target_q, control.joint_target_qd, control.joint_act = (floats(rng.normal(size=N)) for _ in range(3))
    pair = [actuator.state(), actuator.state()]
    for _ in range(steps):
        control.joint_f = floats(0.0)
        actuator.step(state, control, *pair, dt=1e-3)
        pair.reverse()
    named = {name: getattr(state, name).numpy() for name in ("joint_q", "joint_qd")}
    named |= {name: getattr(control, name).numpy() for name in ("joint_target_q", "joint_target_qd", "joint_act")}
    return control.joint_f.numpy(), named


def test_at_one_it_is_newtons_drive():
    """The same torque, with a constant effort, a delay and a clamp around it; the gains' arrays are the same memory."""
    for others in ({}, {"delay": Delay(delay_steps=wp.array([2] * N, dtype=wp.int32, device="cpu"), max_delay=3)}):
        made = actuator(
            DrivePD(floats(20.0), floats(0.7), floats(0.3)), clamping=[ClampingMaxEffort(floats(15.0))], **others
        )
        expected, _ = torque(made, steps=4)
        kp = made.drive.kp
        assert scale_feedforward([made]) == 1 and made.drive.kp is kp
        found, _ = torque(made, steps=4)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)
        assert 0 < (np.abs(found) == 15.0).sum() < N


def test_the_factor_is_each_joints_own():
    """Torque = share * feed-forward + kp error + kd error, as NumPy says."""
    made = actuator(DrivePD(floats(20.0), floats(0.7)))
    scale_feedforward([made])
    share = np.linspace(0.0, 2.0, N, dtype=np.float32)
    made.drive.feedforward.assign(share)
    found, at = torque(made)
    expected = share * at["joint_act"] + 20 * (at["joint_target_q"] - at["joint_q"])
    expected += 0.7 * (at["joint_target_qd"] - at["joint_qd"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_it_is_changed_once_and_others_are_left():
    """A second call does nothing; a PID drive stays."""
    plain = actuator(DrivePD(floats(1.0), floats(1.0)))
    pid = actuator(DrivePID(floats(1.0), floats(1.0), floats(1.0), floats(1.0)))
    assert scale_feedforward([plain, pid]) == 1 and scale_feedforward([plain, pid]) == 0
    assert isinstance(plain.drive, ScaledDrivePD) and type(pid.drive) is DrivePID
