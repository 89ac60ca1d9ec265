"""Bundles of a perceptron, a GRU and a ResNet18 load and prove themselves where nothing but their needs is installed.

Python 3.10, NumPy and ONNX Runtime in their oldest allowed versions, as `test_light_imports` makes it.
"""

import pytest

from export.recorded import recorded
from sim2real.contract import read_manifest
from sim2real.export import JointExportCfg, TargetGate, export_joint_policy
from test_light_imports import SETS, light, run  # noqa: F401

ROBOT = SETS[0]
PROVE = """
import sys
from sim2real.deploy import JointPolicyRuntime, PolicyRuntime
for name in sys.argv[2:]:
    folder, _, precision = name.rpartition(":")
    runtime = (PolicyRuntime if "resnet" in sys.argv[1] else JointPolicyRuntime)(folder, precision=precision)
    print(precision, runtime.proven)
absent = ("torch", "onnx", "yaml", "isaaclab", "warp")
print("imported:", [name for name in absent if name in sys.modules])
"""
PROVEN = dict.fromkeys(("float", "fp16", "int8"), "True")


def prove(python, kind, folder):
    """Whether each precision of a bundle has proven itself there; a refusal fails the test with its words."""
    manifest = read_manifest(folder)
    kept = [name for name in PROVEN if manifest.contract.model_file(name) in manifest.files]
    *said, imported = run(python, "-c", PROVE, kind, *(f"{folder}:{name}" for name in kept)).splitlines()
    assert imported == "imported: []"
    return dict(line.split(" ", 1) for line in said)


@pytest.mark.parametrize("light", [ROBOT], indirect=True, ids=["python3.10"])
@pytest.mark.parametrize("kind", ["mlp", "gru"])
def test_joint_policies_prove_themselves_there(light, kind, tmp_path):  # noqa: F811
    """All three precisions, over whole episodes, on ONNX Runtime's older kernels."""
    actor, contract, rollout = recorded(kind)
    cfg = JointExportCfg(latency_runs=3, gate_int8=TargetGate(relative_rmse=0.5, relative_max=5.0))
    export_joint_policy(actor, contract, rollout, tmp_path / "b", cfg)
    assert prove(light[1], kind, tmp_path / "b") == PROVEN


@pytest.mark.parametrize("light", [ROBOT], indirect=True, ids=["python3.10"])
def test_a_resnet18_proves_itself_there(light, bundle):  # noqa: F811
    """All three precisions. Newer releases of ONNX Runtime rewrite INT8 networks; run as written, all agree."""
    assert prove(light[1], "resnet18", bundle) == PROVEN
