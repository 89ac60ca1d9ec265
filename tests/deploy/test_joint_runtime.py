"""The runtime of policies that move joints: it answers as its network, remembers, and refuses what it cannot prove."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from contract.state_contracts import JOINTS, make
from sim2real.contract import (
    ActionMapper,
    ContractError,
    GoldenReference,
    ObservationAssembler,
    RobotState,
    Rollout,
    embed,
    file_record,
    read_manifest,
    write_manifest,
)
from sim2real.deploy import JointPolicyRuntime, PolicyRuntime

STEPS, ROBOTS = 12, 3


def network(size, seed=0):
    """A linear policy as a loaded ONNX model, and its weights."""
    weights = (np.random.default_rng(seed).normal(size=(size, 3)) * 0.2).astype(np.float32)
    batch = "batch"
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "w"], ["x"]), helper.make_node("Tanh", ["x"], ["action"])],
        "walk",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [batch, size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), weights


def draw_state(rng, robots, names=JOINTS):
    """A state of some robots with every quantity that the test's terms ask for."""
    quat = rng.normal(size=(robots, 4))
    return RobotState(
        joint_names=names,
        joint_pos=rng.normal(size=(robots, len(names))),
        joint_vel=rng.normal(size=(robots, len(names))),
        base_quat_xyzw=quat / np.linalg.norm(quat, axis=1, keepdims=True),
        base_ang_vel=rng.normal(size=(robots, 3)),
        commands={"base_velocity": rng.normal(size=(robots, 3))},
    )


def record(contract, weights, seed=1):
    """A recorded stretch of that policy on random states; one robot starts anew half-way."""
    rng, assembler, mapper = np.random.default_rng(seed), ObservationAssembler(contract, ROBOTS), ActionMapper(contract)
    fresh = np.zeros((STEPS, ROBOTS), bool)
    fresh[0], fresh[STEPS // 2, 1] = True, True
    last, rows, states = np.zeros((ROBOTS, 3), np.float32), [], []
    for step in range(STEPS):
        assembler.reset(fresh[step])
        last = np.where(fresh[step][:, None], np.float32(0), last)
        states.append(draw_state(rng, ROBOTS))
        observation = assembler(replace(states[-1], last_action=last))
        action = np.tanh(observation @ weights)
        rows.append((last, observation, action, mapper.targets(action)))
        last = mapper.raw(action)
    names = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel")
    arrays = [np.stack(column).astype(np.float32) for column in zip(*rows, strict=True)]
    return Rollout(
        joint_names=JOINTS,
        action_joints=contract.joint_action.joints,
        states={name: np.stack([getattr(s, name) for s in states]).astype(np.float32) for name in names},
        commands={"base_velocity": np.stack([s.commands["base_velocity"] for s in states]).astype(np.float32)},
        fresh=fresh,
        last_action=arrays[0],
        observations=arrays[1],
        actions=arrays[2],
        targets=arrays[3],
    )


def write(folder, contract=None, spoil=None):
    """A bundle of the linear policy, whose golden vectors `spoil` may change before they are recorded."""
    contract = contract or make(history=3)
    model, weights = network(contract.state.size)
    golden = record(contract, weights)
    content = (spoil(golden) if spoil else golden).to_bytes()
    reference = GoldenReference(sha256=file_record(content).sha256, frames=STEPS * ROBOTS)
    contract = replace(contract, golden=reference)
    embed(model, contract, "float")
    files = {"golden.npz": content, contract.model_file("float"): model.SerializeToString()}
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_manifest(folder, contract, {name: file_record(data) for name, data in files.items()})
    return weights


@pytest.fixture
def bundle(tmp_path):
    """A bundle and its weights."""
    return tmp_path / "walk", write(tmp_path / "walk")


def test_it_answers_as_the_network_on_the_assembled_state(bundle):
    """Ten decisions of five robots: observation, action and target as the parts by themselves give them."""
    folder, weights = bundle
    runtime = JointPolicyRuntime(folder, 5)
    assembler, mapper = ObservationAssembler(runtime.contract, 5), ActionMapper(runtime.contract)
    rng, last = np.random.default_rng(3), np.zeros((5, 3), np.float32)
    assert runtime.joint_names == ("knee", "hip", "ankle") and runtime.rate_hz == 50.0 and runtime.num_envs == 5
    for _ in range(10):
        state = draw_state(rng, 5)
        observation = assembler(replace(state, last_action=last))
        last = mapper.raw(np.tanh(observation @ weights))
        np.testing.assert_allclose(runtime.step(state), mapper.targets(last), atol=1e-5)
        np.testing.assert_array_equal(runtime.observation, observation)
        np.testing.assert_allclose(runtime.last_action, last, atol=1e-5)
        last = runtime.last_action


def test_robots_do_not_influence_each_other_and_reset_is_theirs_alone(bundle):
    """Three robots in one runtime decide as each does alone, the second of them starting anew half-way."""
    folder, _ = bundle
    together, alone = JointPolicyRuntime(folder, 3), [JointPolicyRuntime(folder, 1) for _ in range(3)]
    rng = np.random.default_rng(4)
    for step in range(8):
        if step == 4:
            together.reset([1])
            alone[1].reset()
        state = draw_state(rng, 3)
        targets = together.step(state)
        for i, runtime in enumerate(alone):
            row = RobotState(
                joint_names=JOINTS,
                commands={"base_velocity": state.commands["base_velocity"][i]},
                **{n: getattr(state, n)[i] for n in ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel")},
            )
            np.testing.assert_allclose(runtime.step(row)[0], targets[i], atol=1e-6)
    assert np.abs(together.last_action).max() > 0.01


def test_after_a_reset_it_is_as_new(bundle):
    """The same states give the same targets again."""
    runtime = JointPolicyRuntime(bundle[0], 2)
    states = [draw_state(np.random.default_rng(seed), 2) for seed in range(6)]
    first = [runtime.step(state) for state in states]
    assert not np.allclose(runtime.step(states[0]), first[0])
    runtime.reset()
    np.testing.assert_array_equal([runtime.step(state) for state in states], first)


def change(**fields):
    """Spoil one array of the golden vectors in one number."""

    def spoil(golden):
        changed = {}
        for name, amount in fields.items():
            changed[name] = getattr(golden, name).copy()
            changed[name][-1, -1, -1] += amount
        return replace(golden, **changed)

    return spoil


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("observations", "the assembly does not give the golden observations .*install that one, or export again"),
        ("actions", "the network does not give the golden actions .*Try another execution provider"),
        ("targets", "the mapping of actions does not give the golden targets"),
    ],
)
def test_golden_vectors_that_do_not_come_out_are_refused(tmp_path, name, message):
    """One number of each is off by a hundredth."""
    write(tmp_path / "walk", spoil=change(**{name: 0.01}))
    with pytest.raises(ContractError, match=message):
        JointPolicyRuntime(tmp_path / "walk")


def test_golden_vectors_that_are_no_number_are_refused(tmp_path):
    """NaN is not close enough."""
    write(tmp_path / "walk", spoil=change(actions=np.nan))
    with pytest.raises(ContractError, match="output of robot 2 is not finite; the policy must not run on it"):
        JointPolicyRuntime(tmp_path / "walk")


def test_a_network_of_another_size_is_refused(tmp_path):
    """Golden vectors and hashes fit, the input does not."""
    folder = tmp_path / "walk"
    write(folder)
    manifest = read_manifest(folder)
    model, _ = network(manifest.contract.state.size + 1)
    embed(model, manifest.contract, "float")
    content = model.SerializeToString()
    (folder / "walk.onnx").write_bytes(content)
    write_manifest(folder, manifest.contract, {**manifest.files, "walk.onnx": file_record(content)})
    with pytest.raises(ContractError, match=r"walk.onnx: the network takes .*52\].*says .*51\]"):
        JointPolicyRuntime(folder)


def test_each_runtime_refuses_the_others_policy(bundle):
    """A policy that moves joints answers no frames; another task is another policy."""
    with pytest.raises(ContractError, match="policy 'walk' for task 'Test-Velocity-Flat' gives position; wanted"):
        PolicyRuntime(bundle[0])
    with pytest.raises(ContractError, match="the policy is for task 'Test-Velocity-Flat', wanted is 'reach'"):
        JointPolicyRuntime(bundle[0], task="reach")


def test_damaged_golden_vectors_are_refused(tmp_path):
    """A file that is no archive, of the right hash."""

    class Rubbish:
        def to_bytes(self):
            return b"PK rubbish"

    write(tmp_path / "walk", spoil=lambda golden: Rubbish())
    with pytest.raises(ContractError, match="golden.npz: the golden vectors cannot be read"):
        JointPolicyRuntime(tmp_path / "walk")


def test_a_network_is_one_file_that_onnx_takes(bundle):
    """The test's own network is a valid one."""
    onnx.checker.check_model(onnx.load(str(bundle[0] / "walk.onnx")), full_check=True)


def test_a_robot_needs_numpy_and_onnx_runtime_alone(bundle):
    """In a process where nothing else can be imported, the policy still decides."""
    code = f"""
import sys
for name in ("torch", "onnx", "onnxscript", "yaml", "warp", "PIL", "matplotlib", "isaaclab"):
    sys.modules[name] = None
from sim2real.contract import RobotState
from sim2real.deploy import JointPolicyRuntime
state = RobotState(
    joint_names={JOINTS!r}, joint_pos=[0.1, 0.2, 0.3], joint_vel=[0.0, 0.0, 0.0], base_quat_xyzw=[0.0, 0.0, 0.0, 1.0],
    base_ang_vel=[0.0, 0.0, 0.0], commands={{"base_velocity": [0.5, 0.0, 0.0]}},
)
print(JointPolicyRuntime({str(bundle[0])!r}).step(state).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "(1, 3)", done.stderr


def forge(folder, change, golden=None):
    """Another contract in a bundle, inside the network too, with every hash put right."""
    manifest = read_manifest(folder)
    contract, files = change(manifest.contract), dict(manifest.files)
    if golden is not None:
        content = golden(Rollout.from_bytes((folder / "golden.npz").read_bytes(), "golden")).to_bytes()
        (folder / "golden.npz").write_bytes(content)
        files["golden.npz"] = file_record(content)
        contract = replace(contract, golden=replace(contract.golden, sha256=files["golden.npz"].sha256))
    model = onnx.load(str(folder / "walk.onnx"))
    embed(model, contract, "float")
    files["walk.onnx"] = file_record(model.SerializeToString())
    (folder / "walk.onnx").write_bytes(model.SerializeToString())
    write_manifest(folder, contract, files)


def other_term(contract):
    """The joints of a term in another order."""
    observation = contract.state
    angles = replace(observation.terms[3], joints=("hip", "ankle", "knee"))
    return replace(
        contract, observation=replace(observation, terms=(*observation.terms[:3], angles, *observation.terms[4:]))
    )


def other_action(contract):
    """The names of two joints of the action exchanged; every number stays."""
    first, second, *rest = contract.joint_action.joints
    return replace(contract, action=replace(contract.joint_action, joints=(second, first, *rest)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_term, "the assembly does not give the golden observations"),
        (other_action, "the golden targets are of .*Each joint would do what another should"),
    ],
)
def test_shuffled_joints_are_refused(bundle, change, message):
    """Though every hash was put right, in the network too: the recording has its joints by name."""
    folder, _ = bundle
    forge(folder, change)
    with pytest.raises(ContractError, match=message):
        JointPolicyRuntime(folder)


def test_who_forges_the_recording_too_is_not_found_out(bundle):
    """Hashes and recordings guard against accidents; whoever may write every file can say anything (docs/bundle.md)."""
    folder, _ = bundle
    forge(folder, other_action, lambda golden: replace(golden, action_joints=()))
    assert JointPolicyRuntime(folder).proven
