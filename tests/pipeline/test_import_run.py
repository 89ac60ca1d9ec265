"""A network of rsl_rl's own exporter with the contract of a task: it acts in the task's engine."""

import json

import pytest

from export.importers.artefacts import actor, plain_onnx, runner
from sim2real.deploy import JointPolicyRuntime
from sim2real.export.importers import ArtefactError
from sim2real.pipeline.import_run import import_for_task
from sim2real_tasks.velocity import TASK


@pytest.mark.slow
def test_a_network_acts_in_its_task(tmp_path):
    """Assembly, network and targets are compared with the environment's; golden vectors are its rollout."""
    runner(actor(45, 12)).export_policy_to_jit(str(tmp_path))
    source = tmp_path / "policy.pt"
    result = import_for_task(source, tmp_path / "b", TASK, "newton_mjwarp", steps=12, num_envs=2)
    assert result.parity["assembly_max_abs_error"] < 1e-5 and set(result.parity["not_run"]) == {"tensorrt"}
    assert result.report["golden"] == f"recorded in {TASK}" and not result.warnings
    runtime = JointPolicyRuntime(tmp_path / "b", task=TASK)
    assert runtime.contract.run.physics == "newton_mjwarp" and runtime.contract.robot.name == "go2"
    assert json.loads((tmp_path / "b/import.json").read_text())["supplied"] == {"physics": "newton_mjwarp"}
    with pytest.raises(ArtefactError, match="takes 48 numbers, its description makes 45"):
        import_for_task(plain_onnx(tmp_path / "x.onnx", (48, 12)), tmp_path / "c", TASK, "newton_mjwarp", num_envs=1)
