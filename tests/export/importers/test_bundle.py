"""The contract from elsewhere, and what a bundle says of itself."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from export.importers.artefacts import NAMES, SIZE, plain_onnx
from export.importers.raw_states import drawn_states, gravity, played
from sim2real.contract import Command, JointPositionAction, ObservationTerm, StateObservation
from sim2real.deploy import JointPolicyRuntime
from sim2real.export.errors import ExportError
from sim2real.export.importers import ArtefactError, ImportCfg, import_policy, read_contract
from sim2real.export.importers.assemble import UNPROVEN
from sim2real.export.tensorrt.script import plan_of_script

from contract.state_contracts import make  # isort: skip


def contract():
    """Of a leg whose terms are those of the small networks."""
    velocity = Command(
        name="go", kind="velocity_command", ranges={part: (-1, 1) for part in ("lin_vel_x", "lin_vel_y", "ang_vel_z")}
    )
    terms = (
        ObservationTerm(name="gyro", kind="base_ang_vel", size=3, unit="rad/s"),
        ObservationTerm(name="down", kind="projected_gravity", size=3, unit="1"),
        ObservationTerm(name="go", kind="velocity_command", size=3, unit="m/s, m/s, rad/s", command="go"),
        ObservationTerm(name="pos", kind="joint_pos", size=3, unit="rad", joints=NAMES, offset=(0.1, -0.2, 0.3)),
        ObservationTerm(name="vel", kind="joint_vel", size=3, unit="rad/s", joints=NAMES, scale=(0.05,)),
        ObservationTerm(name="last", kind="last_action", size=3, unit="1"),
    )
    action = JointPositionAction(joints=NAMES, scale=(0.5,), offset=(0.1, -0.2, 0.3), raw_clip=(-0.2, 0.2))
    return make(observation=StateObservation(terms=terms, commands=(velocity,)), action=action)


def check_round_trip(folder, answer):
    """The runtime gives what ``answer(observations)`` and the contract's arithmetic give."""
    pose, states = np.array([0.1, -0.2, 0.3], np.float32), drawn_states(NAMES)
    found = played(JointPolicyRuntime(folder, num_envs=4), states, NAMES, "go")
    last = np.zeros((4, 3), np.float32)
    for raw, targets in zip(states, found, strict=True):
        parts = [raw["gyro"], gravity(raw), raw["command"], raw["joint_pos"] - pose, raw["joint_vel"] * 0.05, last]
        last = np.clip(answer(np.concatenate(parts, axis=1).astype(np.float32)), -0.2, 0.2)
        np.testing.assert_allclose(targets, last * 0.5 + pose, atol=1e-5)


def test_a_torchscript_with_a_contract(tmp_path, rsl_jit):
    """rsl_rl's policy.pt: torch is compared too, and says so."""
    import torch

    path, model = rsl_jit
    result = import_policy(path, tmp_path / "b", ImportCfg(name="leg"), contract())
    assert result.report["from"] == "rsl_rl" and result.contract.name == "leg"
    assert "torch" not in result.parity["not_run"] and "in torch" in result.parity["against"]
    check_round_trip(tmp_path / "b", lambda seen: model.as_jit()(torch.from_numpy(seen)).detach().numpy())


def test_a_contract_is_taken_from_another_bundle(tmp_path):
    """From its folder, from contract.json, or from YAML; its own network and golden vectors stay behind."""
    first = import_policy(plain_onnx(tmp_path / "a.onnx"), tmp_path / "a", contract=contract())
    text = first.contract.to_dict()
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(text))
    for place in (tmp_path / "a", tmp_path / "a/contract.json", tmp_path / "c.yaml"):
        second = import_policy(plain_onnx(tmp_path / "b.onnx"), tmp_path / "b", contract=read_contract(place))
        assert replace(second.contract, name="a") == first.contract
    for name, content in (("x.json", "{"), ("x.json", "{}"), ("x.yaml", "a: 1"), ("x.yaml", "contract: 3")):
        (tmp_path / name).write_text(content)
        with pytest.raises(ArtefactError):
            read_contract(tmp_path / name)


def test_a_bundle_says_what_it_is_not(tmp_path):
    """Drawn golden vectors, what did not run, what was lost, and what was read."""
    source = plain_onnx(tmp_path / "policy.onnx")
    import_policy(source, tmp_path / "b", ImportCfg(seed=3), contract())
    report = json.loads((tmp_path / "b/import.json").read_text())
    parity = json.loads((tmp_path / "b/parity.json").read_text())
    manifest = json.loads((tmp_path / "b/contract.json").read_text())
    assert report["golden"] == "drawn" and report["files"]["policy.onnx"]["bytes"] == source.stat().st_size
    assert any("not a rollout" in warning for warning in report["warnings"])
    assert set(parity["not_run"]) == {"torch", "assembly", "tensorrt"} and parity["assembly_max_abs_error"] is None
    assert parity["precisions"]["int8"]["status"] == "not_run" and parity["keep"] == "float"
    made = {"policy.onnx", "golden.npz", "parity.json", "latency.json", "import.json", "build_on_device.py"}
    assert set(manifest["files"]) == made
    plan = plan_of_script((tmp_path / "b/build_on_device.py").read_text())
    assert plan.contract_sha256 == manifest["contract_sha256"] and list(plan.networks) == ["float"]
    again = import_policy(source, tmp_path / "c", ImportCfg(seed=3), contract())
    assert again.contract.golden == import_policy(source, tmp_path / "b", ImportCfg(seed=3), contract()).contract.golden
    assert again.contract.golden != UNPROVEN


def test_its_engine_is_built_as_any_others(tmp_path, monkeypatch, capsys):
    """On the stand-in of TensorRT: FP32 is built and proven; precisions that an import does not make are told."""
    from sim2real.cli.main import main
    from sim2real.contract import engine_devices, engine_record
    from tensorrt_double import machine

    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))
    machine.put(monkeypatch, "10.3.0")
    import_policy(plain_onnx(tmp_path / "policy.onnx"), tmp_path / "b", ImportCfg(seed=3), contract())
    assert main(["export", str(tmp_path / "b"), "--engine"]) == 0
    assert "fp32  pass: largest difference" in capsys.readouterr().out
    record = engine_record(tmp_path / "b", engine_devices(tmp_path / "b")[0])
    assert record["chosen"] == "fp32"
    JointPolicyRuntime(tmp_path / "b")


def test_a_tampered_bundle_is_refused(tmp_path):
    """The list of warnings too is a file of the bundle."""
    from sim2real.contract import ContractError, check_file, read_manifest

    import_policy(plain_onnx(tmp_path / "policy.onnx"), tmp_path / "b", contract=contract())
    path = tmp_path / "b/import.json"
    path.write_text(path.read_text().replace("drawn", "found"))
    with pytest.raises(ContractError, match="not the file that was exported"):
        check_file(read_manifest(tmp_path / "b"), tmp_path / "b", "import.json")


def test_a_bare_network_needs_a_contract(tmp_path):
    """Nobody can guess it."""
    with pytest.raises(ArtefactError, match="--task T .*--contract FILE"):
        import_policy(plain_onnx(tmp_path / "policy.onnx"), tmp_path / "b")
    with pytest.raises(ArtefactError, match=r"a policy is a \.onnx"):
        import_policy(tmp_path / "policy.bin", tmp_path / "b")
    with pytest.raises(ArtefactError, match="--from is 'gym'"):
        import_policy(tmp_path / "policy.onnx", tmp_path / "b", ImportCfg(kind="gym"))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((SIZE + 1, 3), f"takes {SIZE + 1} numbers, its description makes {SIZE}"), ((SIZE, 4), "moves 3 joints")],
)
def test_a_network_of_another_size_is_refused(tmp_path, sizes, said):
    """Before anything is written."""
    with pytest.raises(ArtefactError, match=said):
        import_policy(plain_onnx(tmp_path / "policy.onnx", sizes), tmp_path / "b", contract=contract())
    assert not (tmp_path / "b").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    """As every export does."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b/thesis.txt").write_text("mine")
    with pytest.raises(ExportError, match="holds something else than a bundle"):
        import_policy(plain_onnx(tmp_path / "policy.onnx"), tmp_path / "b", contract=contract())


def test_what_an_artefact_says_has_to_agree(tmp_path):
    """mjlab's joints are not the leg's, although the sizes fit."""
    text = {
        "joint_names": "hip,ankle,knee",
        "joint_stiffness": "1,1,1",
        "joint_damping": "1,1,1",
        "default_joint_pos": "0.1,-0.2,0.3",
        "observation_names": "base_ang_vel,projected_gravity,command,joint_pos,joint_vel,actions",
        "action_scale": "0.5,0.5,0.7",
        "command_names": "go",
    }
    source = plain_onnx(tmp_path / "policy.onnx", **text)
    with pytest.raises(ArtefactError, match=r"(?s)joints of the action: hip, ankle, knee / hip, knee, ankle.*scale"):
        import_policy(source, tmp_path / "b", contract=contract())
    text |= {"joint_names": "hip,knee,ankle", "action_scale": "0.5,0.5,0.5"}
    result = import_policy(plain_onnx(tmp_path / "policy.onnx", **text), tmp_path / "b", contract=contract())
    assert result.report["from"] == "mjlab"
