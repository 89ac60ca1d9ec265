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
from sim2real.contract import ContractError
from sim2real.deploy import JointPolicyRuntime, PolicyRuntime
for name in sys.argv[2:]:
    folder, _, precision = name.rpartition(":")
    try:
        runtime = (PolicyRuntime if "resnet" in sys.argv[1] else JointPolicyRuntime)(folder, precision=precision)
        print(precision, runtime.proven)
    except ContractError as error:
        print(precision, error)
absent = ("torch", "onnx", "yaml", "isaaclab", "warp")
print("imported:", [name for name in absent if name in sys.modules])
"""


def prove(python, kind, folder):
    """What becomes of every precision of a bundle there: its proof, or the words of the refusal."""
    manifest = read_manifest(folder)
    kept = [name for name in ("float", "fp16", "int8") if manifest.contract.model_file(name) in manifest.files]
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
    assert prove(light[1], kind, tmp_path / "b") == dict.fromkeys(("float", "fp16", "int8"), "True")


@pytest.mark.parametrize("light", [ROBOT], indirect=True, ids=["python3.10"])
def test_a_resnet18_proves_itself_there(light, bundle):  # noqa: F811
    """Float and FP16 give the same outputs. INT8 was seen to differ between releases of ONNX Runtime: the
    INT8 network proves itself too, or is refused by its golden vectors and by nothing else."""
    found = prove(light[1], "resnet18", bundle)
    assert (found.pop("float"), found.pop("fp16")) == ("True", "True")
    assert list(found) == ["int8"]
    assert found["int8"] == "True" or "the int8 network does not reproduce its golden outputs" in found["int8"]
