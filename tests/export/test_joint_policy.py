"""Bundles of joint policies: perceptrons and recurrent networks of rsl_rl, in every precision that holds its gate."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from contract.state_contracts import make
from export.recorded import EPISODE, record, recorded
from sim2real.contract import (
    ContractError,
    JointDeltaPositionAction,
    JointEffortAction,
    JointVelocityAction,
    Rollout,
    extract,
    read_manifest,
)
from sim2real.deploy import JointPolicyRuntime, OnnxNetwork
from sim2real.export import ExportError, JointExportCfg, ParityError, TargetGate, export_joint_policy
from sim2real.export.onnx_file import check
from sim2real.export.playing import TorchNetwork, play, without_empty

KINDS = ("mlp", "gru", "lstm")
LOOSE = JointExportCfg(latency_runs=3, gate_int8=TargetGate(relative_rmse=0.5, relative_max=5.0))


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    """Actor, rollout, folder and result of each kind of network; INT8 is kept whatever it costs."""
    actor, contract, rollout = recorded(request.param)
    folder = tmp_path_factory.mktemp(request.param) / "bundle"
    return request.param, actor, rollout, folder, export_joint_policy(actor, contract, rollout, folder, LOOSE)


def test_every_precision_is_there_and_of_one_piece(exported):
    """Three networks of opset 17 with one contract inside; they take and give single floats, and state by name."""
    kind, _, _, folder, result = exported
    assert result.precisions == ("float", "fp16", "int8") and result.parity["keep"] == "int8"
    contract = read_manifest(folder).contract
    states = {"mlp": [], "gru": ["h_in"], "lstm": ["h_in", "c_in"]}[kind]
    assert [state.input for state in contract.memory] == states
    assert [state.output for state in contract.memory] == [name.replace("in", "out") for name in states]
    for precision in result.precisions:
        proto = onnx.load(str(folder / contract.model_file(precision)))
        check(proto)
        inside, said = extract({p.key: p.value for p in proto.metadata_props}, precision)
        assert inside == contract and said == precision
        assert [value.name for value in proto.graph.input] == ["observation", *states]
        types = {value.type.tensor_type.elem_type for value in [*proto.graph.input, *proto.graph.output]}
        assert types == {onnx.TensorProto.FLOAT}


def test_every_stage_is_told_and_the_script_comes_along(tmp_path):
    """In the order of the work, each precision by its name; Python's bundle carries the script for a device too."""
    said = []
    cfg = JointExportCfg(latency_runs=3, calibrators=("minmax", "entropy"), gate_int8=LOOSE.gate_int8)
    export_joint_policy(*recorded("mlp"), tmp_path / "b", cfg, say=lambda *words: said.append(words))
    assert [(stage, precision) for stage, precision, _ in said] == [
        ("export", "float"),
        ("prove", "float"),
        ("make", "fp16"),
        ("make", "int8"),
        ("make", "int8"),
        ("golden", ""),
        *(("time", precision) for precision in ("float", "fp16", "int8")),
        ("write", ""),
    ]
    assert [words[2] for words in said[3:5]] == ["calibrator minmax", "calibrator entropy"]
    assert said[-1][2] == str(tmp_path / "b")
    assert "build_on_device.py" in read_manifest(tmp_path / "b").files


def test_weights_are_in_the_precision_that_the_file_names(exported):
    """FP16 holds half floats behind the normalizer, INT8 quantises the perceptron and leaves the memory in float."""
    kind, _, _, folder, _ = exported
    half, int8 = (onnx.load(str(folder / f"walk.{name}.onnx")).graph for name in ("fp16", "int8"))
    large = [tensor for tensor in half.initializer if np.prod(tensor.dims) > 200]
    assert large and all(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in large)
    assert [node.op_type for node in half.node][:3] == ["Sub", "Div", "Cast"]
    operators = [node.op_type for node in int8.node]
    assert operators.count("QuantizeLinear") >= 6 and operators.count("DequantizeLinear") >= 6
    assert {"mlp": 0, "gru": 2, "lstm": 2}[kind] == operators.count(kind.upper())


def test_each_network_answers_as_torch_over_whole_episodes(exported):
    """Episodes that no comparison of the export saw: float to rounding, FP16 and INT8 within their measure."""
    _, actor, _, folder, result = exported
    contract = result.contract
    fresh = record(actor, contract, steps=2 * EPISODE, robots=5, seed=9)
    module = without_empty(actor) if contract.memory else actor
    wanted, _ = play(TorchNetwork(module, contract), contract, fresh.observations, fresh.fresh)
    np.testing.assert_allclose(wanted, fresh.actions, atol=1e-5)
    allowed = {"float": 1e-5, "fp16": 0.01, "int8": 0.5}
    for precision in result.precisions:
        name = contract.model_file(precision)
        network = OnnxNetwork((folder / name).read_bytes(), name, threads=1)
        found, _ = play(network, contract, fresh.observations, fresh.fresh)
        error = np.sqrt(((found - wanted) ** 2).mean()) / wanted.std()
        assert error < allowed[precision], precision
    assert error > 1e-4, "INT8 that loses nothing was not quantised"


def test_the_runtime_remembers_for_each_robot(exported):
    """A recorded rollout, state by state, with its resets: the targets of training, in every precision's measure."""
    _, _, rollout, folder, result = exported
    for precision in result.precisions:
        runtime = JointPolicyRuntime(folder, rollout.num_envs, precision=precision)
        assert runtime.proven and runtime.action_kind == "position"
        worst = 0.0
        for step in range(rollout.steps):
            runtime.reset(rollout.fresh[step])
            targets = runtime.step(replace(rollout.state(step), last_action=rollout.last_action[step]))
            worst = max(worst, float(np.abs(targets - rollout.targets[step]).max()))
        assert worst < {"float": 1e-5, "fp16": 0.005, "int8": 0.2}[precision]


def test_a_memory_is_not_another_robots(exported):
    """Robots that run together decide as each does alone; a reset of one leaves the others' memory."""
    _, _, rollout, folder, result = exported
    together = JointPolicyRuntime(folder, 3)
    alone = [JointPolicyRuntime(folder, 1) for _ in range(3)]
    part = rollout.part(12, 3)
    for step in range(12):
        if step == 6:
            together.reset([1])
            alone[1].reset()
        targets = together.step(replace(part.state(step), last_action=None))
        for i, runtime in enumerate(alone):
            row = rollout_row(part, step, i)
            np.testing.assert_allclose(runtime.step(row)[0], targets[i], atol=1e-5)
    assert all(np.abs(values).max() > 0.0 for values in together.memory.values())
    assert bool(together.memory) == bool(result.contract.memory)


def rollout_row(rollout, step, robot):
    """The state of one robot."""
    state = rollout.state(step)
    cut = {name: getattr(state, name)[robot] for name in ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel")}
    commands = {name: values[robot] for name, values in state.commands.items()}
    return replace(state, commands=commands, last_action=None, **cut)


def test_what_was_proven_is_said(exported):
    """1408 decisions, whole episodes, every calibrator with its number; what was not run says so."""
    kind, _, rollout, folder, result = exported
    parity = json.loads((folder / "parity.json").read_text())
    assert parity == result.parity
    assert parity["frames"] == 88 * 16 and parity["whole_episodes"] >= 16
    entries = parity["precisions"]
    assert entries["float"]["frames"] == 1408 and entries["fp16"]["frames"] == entries["int8"]["frames"] == 88 * 12
    rows = entries["int8"]["candidates"]
    assert [row["calibrator"] for row in rows] == sorted(
        (row["calibrator"] for row in rows), key=lambda name: {r["calibrator"]: r["relative_rmse"] for r in rows}[name]
    )
    assert entries["int8"]["relative_rmse"] == rows[0]["relative_rmse"] > entries["fp16"]["relative_rmse"] > 0.0
    assert parity["engines"] == {} and set(parity["not_run"]) == {"tensorrt", "modelopt"}
    golden = Rollout.from_bytes((folder / "golden.npz").read_bytes(), "golden.npz")
    assert golden.steps * golden.num_envs == result.contract.golden.frames >= 1024 and golden.steps == rollout.steps
    assert set(golden.outputs) == {"fp16", "int8"}


def test_a_recurrent_network_is_not_asked_without_its_memory(exported):
    """An answer to an observation alone would be the answer at the start of an episode."""
    kind, _, rollout, folder, _ = exported
    runtime = JointPolicyRuntime(folder)
    if kind == "mlp":
        assert runtime.infer(rollout.observations[0]).shape == (16, 3)
    else:
        with pytest.raises(ContractError, match="the network is recurrent; give its memory too"):
            runtime.infer(rollout.observations[0])


def test_int8_below_its_gate_is_refused_with_the_numbers(tmp_path):
    """FP16 becomes the best; the table has every calibrator; the runtime says where the reason stands."""
    actor, contract, rollout = recorded("mlp")
    cfg = JointExportCfg(latency_runs=3, gate_int8=TargetGate(relative_rmse=1e-6), calibrators=("minmax", "percentile"))
    result = export_joint_policy(actor, contract, rollout, tmp_path / "b", cfg)
    entry = result.parity["precisions"]["int8"]
    assert entry["status"] == "fail" and not entry["kept"] and result.parity["keep"] == "fp16"
    assert "refused: the best calibrator (" in entry["reason"] and "of the spread of" in entry["reason"]
    assert {row["passes"] for row in entry["candidates"]} == {False} and len(entry["candidates"]) == 2
    assert not (tmp_path / "b" / "walk.int8.onnx").exists()
    with pytest.raises(ContractError, match="no INT8 network: the export refused it"):
        JointPolicyRuntime(tmp_path / "b", precision="int8")


def test_without_int8_it_says_not_run(tmp_path):
    """Nothing passed that was not tried."""
    actor, contract, rollout = recorded("mlp")
    result = export_joint_policy(actor, contract, rollout, tmp_path / "b", JointExportCfg(latency_runs=3, int8=False))
    assert result.parity["precisions"]["int8"]["status"] == "not_run" and result.parity["keep"] == "fp16"


ACTIONS = {
    "delta_position": lambda **given: JointDeltaPositionAction(**given),
    "velocity": lambda **given: JointVelocityAction(**given),
    "effort": lambda **given: JointEffortAction(**given),
}


@pytest.mark.parametrize("kind", ACTIONS)
def test_other_joint_targets_are_exported_and_proven(tmp_path, kind):
    """Steps, velocities, efforts: from recorded states to targets and back out of the bundle."""
    action = ACTIONS[kind](joints=("knee", "hip", "ankle"), scale=(0.5, 0.25, 0.1), offset=(0.0, 0.1, 0.0))
    actor, contract, rollout = recorded("mlp", action=action)
    export_joint_policy(actor, contract, rollout, tmp_path / "b", JointExportCfg(latency_runs=3, int8=False))
    runtime = JointPolicyRuntime(tmp_path / "b", rollout.num_envs)
    assert runtime.action_kind == kind
    runtime.reset()
    np.testing.assert_allclose(runtime.step(rollout.state(0)), rollout.targets[0], atol=1e-5)
    later = runtime.retarget(rollout.state(5))
    if kind == "delta_position":
        assert np.abs(later - rollout.targets[0]).max() > 0.01
        with pytest.raises(ContractError, match="'delta_position' needs joint_pos"):
            runtime.step(replace(rollout.state(1), joint_pos=None))
        spoilt = replace(rollout, targets=rollout.targets + 0.1)
        with pytest.raises(ParityError, match="from recorded states to joint targets"):
            export_joint_policy(actor, contract, spoilt, tmp_path / "c")
    else:
        np.testing.assert_allclose(later, rollout.targets[0], atol=1e-5)


def test_too_little_was_recorded(tmp_path):
    """Fewer decisions than parity asks for, and no whole episode of a recurrent network."""
    actor, contract, rollout = recorded("gru")
    with pytest.raises(ExportError, match=r"has 160 decisions \(10 steps of 16 robots\); parity is proven on at least"):
        export_joint_policy(actor, contract, rollout.part(10, 16), tmp_path / "b")
    calm = replace(rollout, fresh=np.arange(88)[:, None] * np.ones(16) == 0)
    with pytest.raises(ExportError, match="no robot ended an episode in 88 recorded steps"):
        export_joint_policy(actor, contract, calm, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_of_another_memory_is_refused(tmp_path):
    """The same actor, recorded as if it never forgot."""
    actor, contract, rollout = recorded("gru")
    forgetful = rollout.fresh.copy()
    forgetful[20] = True
    states = {name: values.copy() for name, values in rollout.states.items()}
    with pytest.raises(ParityError, match="differs from the training environment's|other actions than those"):
        export_joint_policy(actor, contract, replace(rollout, fresh=forgetful, states=states), tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_contract_without_the_memory_does_not_fit(tmp_path):
    """An LSTM under a contract that knows of no state."""
    actor, _, rollout = recorded("lstm")
    with pytest.raises(ExportError, match="the actor remembers h_in, c_in, which the contract does not say"):
        export_joint_policy(actor, make(history=2), rollout, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
