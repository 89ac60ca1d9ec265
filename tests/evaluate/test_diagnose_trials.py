"""In an engine: the correction that a policy needs gains most, and a policy that works is left alone."""

import numpy as np
import pytest

from evaluate.logs import GO2_STEPS, go2_bundle, go2_log
from evaluate.policies import go2_contract, write_bundle
from sim2real.contract import RobotState
from sim2real.deploy import JointPolicyRuntime
from sim2real.evaluate.diagnose_evidence import NOTHING
from sim2real.evaluate.diagnose_trials import CorrectedPolicy, TrialsCfg, _corrections, run_trials
from sim2real.evaluate.log import LogError

SECOND = TrialsCfg(engine="mujoco", episodes=2, episode_s=1.0)


def test_without_a_correction_it_is_the_runtime():
    contract, runtime, log = go2_contract(), JointPolicyRuntime(go2_bundle()), go2_log()
    plain = CorrectedPolicy(contract, runtime.infer, 1, NOTHING)
    for policy in (plain, runtime):
        policy.reset()
    for k in range(0, GO2_STEPS, 10):
        state = RobotState(
            joint_names=log.joint_names, joint_pos=log.joint_pos[k : k + 1], joint_vel=log.joint_vel[k : k + 1],
            base_quat_xyzw=log.base_quat_xyzw[k : k + 1], base_ang_vel=log.base_ang_vel[k : k + 1],
            commands={"base_velocity": log.commands["base_velocity"][k : k + 1]},
        )  # fmt: skip
        np.testing.assert_array_equal(plain.step(state), runtime.step(state))


def test_the_sign_that_a_policy_needs_gains_most(tmp_path, monkeypatch):
    """A policy that stands by holding its pose, but for one hip, which it drives away from it."""
    contract = go2_contract()
    weights = np.zeros((contract.state.size, 12))
    weights[9 + 3, 3] = 12.0
    bundle = write_bundle(tmp_path / "b", contract, weights)
    wanted = {"FR_hip_joint", "FL_hip_joint"}

    def few(contract):
        return (c for c in _corrections(contract) if c[1] in wanted and "sign" in c[0])

    monkeypatch.setattr("sim2real.evaluate.diagnose_trials._corrections", few)
    trials = run_trials(bundle, SECOND)
    best = trials.tried[0]
    assert best.text == "FR_hip_joint" and best.gain > 0.0 and best.low > 0.0
    assert best.low > max(trial.gain for trial in trials.tried if trial.text == "FL_hip_joint")
    assert len(trials.log) == 50


def test_what_is_tried_is_different_each_time():
    tried = list(_corrections(go2_contract()))
    said = [(name, text) for name, text, _, _ in tried]
    assert len(set(said)) == len(said) > 30
    with pytest.raises(LogError, match="0 episodes of 4.0 s"):
        TrialsCfg(engine="mujoco", episodes=0)
