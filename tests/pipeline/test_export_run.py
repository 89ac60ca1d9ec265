"""From the run folder of a training to a bundle, by the verb, as a user does it."""

import json
import math

import numpy as np
import pytest

from engine_env import HAS_PHYSX
from sim2real.cli.main import main
from sim2real.deploy import JointPolicyRuntime
from sim2real.pipeline.export_run import policy_name
from sim2real_tasks.velocity import TASK

SPEC = """
schema: 1
seed: 4
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {uniform: [0.9, 1.1]}, keep: density}
signals:
  action: {latency: {uniform: [0.0, 0.02]}}
"""


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_two_commands_lead_from_a_task_to_a_bundle(tmp_path, capsys):
    """Train two iterations with a spec, export, load: the provenance is the run's, the robot is the nominal one."""
    spec, run, bundle = tmp_path / "spec.yaml", tmp_path / "run", tmp_path / "bundle"
    spec.write_text(SPEC)
    train = ["train", TASK, "--spec", str(spec), "--physics", "ovphysx", "--num-envs", "4", "--iterations", "2"]
    assert main([*train, "--out", str(run), "--device", "cpu", "--seed", "11"]) == 0
    capsys.readouterr()
    export = ["export", "--run", str(run), "--out", str(bundle), "--steps", "256", "--num-envs", "4"]
    assert main(export) == 0
    out, err = capsys.readouterr()
    for stage in (f"open          {TASK} in ovphysx, model_2.pt", "record        256 decisions of 4 robots"):
        assert f"\n{stage}\n" in f"\n{err}"
    assert err.index("record  ") < err.index("export  float") < err.index("make    int8") < err.index("write  ")
    assert "action: 12 joint positions" in out and f"bundle: {bundle}" in out
    parity = json.loads((bundle / "parity.json").read_text())
    assert (parity["steps"], parity["envs"]) == (256, 4) and parity["targets_max_abs_error"] < 1e-4
    runtime = JointPolicyRuntime(bundle, task=TASK)
    contract = runtime.contract
    assert contract.name == "velocity_flat_go2" and contract.spec_hash is not None
    assert contract.latency_s == pytest.approx((0.0, 0.02))
    assert (contract.run.seed, contract.run.iterations, contract.run.num_envs) == (11, 2, 4)
    assert contract.run.env_steps == 2 * 4 * 24 and contract.run.hours > 0.0
    assert contract.run.physics == "ovphysx" and contract.run.checkpoint == "model_2.pt"
    assert math.isclose(contract.robot.joint("FL_calf_joint").kp, 25.0)
    assert np.isfinite(runtime.infer(np.zeros((3, contract.state.size), np.float32))).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "{tmp}"], "run.json is not there; give the run folder of 'train'"),
        ([], "give --run RUN for a policy of 'train TASK', or --policy RUN and --data DIR"),
        (["--policy", "run"], "give --run RUN for a policy of 'train TASK', or --policy RUN and --data DIR"),
        (["--run", "{tmp}", "--no-int8", "--data", "d"], "--data, --no-int8 cannot go with --run; see 'export --help'"),
        (["--policy", "p", "--data", "d", "--steps", "9"], "--steps cannot go with --policy; see 'export --help'"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, arguments, message):
    """Exit code 2, the message, no traceback, nothing written."""
    out = tmp_path / "b"
    assert main(["export", *(word.format(tmp=tmp_path) for word in arguments), "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert not out.exists()


def test_a_policy_is_named_after_its_task():
    """Lower-case, without our prefix, a name in any case."""
    assert policy_name("Sim2Real-Velocity-Flat-Go2") == "velocity_flat_go2"
    assert policy_name("Isaac-Reach-Franka") == "isaac_reach_franka"
    assert policy_name("4-Legs") == "policy_4_legs"
