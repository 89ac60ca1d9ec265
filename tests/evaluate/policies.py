"""Bundles of linear policies for the transfer test: no training, the whole way from file to joint targets."""

from dataclasses import replace

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from evaluate.robots import go2, panda
from sim2real.contract import (
    ActionMapper,
    Command,
    Contract,
    GoldenReference,
    JointPositionAction,
    ObservationAssembler,
    ObservationTerm,
    RobotState,
    Rollout,
    StateObservation,
    TrainingRun,
    embed,
    file_record,
    write_manifest,
)

STEPS, ROBOTS = 4, 2


def go2_contract(ranges=None, heading=None, physics="newton_mjwarp", **changes):
    """A Go2's velocity policy; asked to stand still unless ranges say otherwise."""
    robot = go2()
    names = robot.joint_names
    default = tuple(joint.default_pos for joint in robot.joints)
    still = {"lin_vel_x": (0.0, 0.0), "lin_vel_y": (0.0, 0.0), "ang_vel_z": (0.0, 0.0)}
    terms = (
        ObservationTerm(name="gyro", kind="base_ang_vel", size=3, unit="rad/s"),
        ObservationTerm(name="down", kind="projected_gravity", size=3, unit="1"),
        ObservationTerm(
            name="wanted", kind="velocity_command", size=3, unit="m/s, m/s, rad/s", command="base_velocity"
        ),
        ObservationTerm(name="joint_pos", kind="joint_pos", size=12, unit="rad", joints=names, offset=default),
        ObservationTerm(name="last", kind="last_action", size=12, unit="1"),
    )
    command = Command(
        name="base_velocity", kind="velocity_command", ranges=ranges or still, heading_stiffness=heading,
        resample_s=(10.0, 10.0),
    )  # fmt: skip
    values = dict(
        name="stand", task="Sim2Real-Velocity-Flat-Go2", rate_hz=50, robot=robot, code_version="0.1.0",
        observation=StateObservation(terms=terms, commands=(command,)),
        action=JointPositionAction(joints=names, scale=(0.25,), offset=default),
        run=TrainingRun(physics=physics, physics_dt_s=0.005, decimation=4),
        golden=GoldenReference(sha256="0" * 64, frames=1),
    )  # fmt: skip
    return Contract(**{**values, **changes})


def panda_contract(ranges):
    """A Panda's reach policy of seven joints, whose fingers are held."""
    robot = panda()
    names = robot.joint_names[:7]
    default = tuple(joint.default_pos for joint in robot.joints[:7])
    command = Command(name="ee_pose", kind="pose_command", ranges=ranges, body="panda_hand", resample_s=(1.5, 1.5))
    terms = (
        ObservationTerm(name="joint_pos", kind="joint_pos", size=7, unit="rad", joints=names, offset=default),
        ObservationTerm(name="wanted", kind="pose_command", size=7, unit="m, quaternion xyzw", command="ee_pose"),
    )
    return Contract(
        name="reach", task="Sim2Real-Reach-Panda", rate_hz=30, robot=robot, code_version="0.1.0",
        observation=StateObservation(terms=terms, commands=(command,)),
        action=JointPositionAction(joints=names, scale=(0.5,), offset=default),
        run=TrainingRun(physics="ovphysx", physics_dt_s=1 / 120, decimation=4),
        golden=GoldenReference(sha256="0" * 64, frames=1),
    )  # fmt: skip


def write_bundle(folder, contract, weights=None):
    """A bundle of the policy action = observation @ weights, of nothing at all where there are none."""
    outputs = len(contract.joint_positions.joints)
    weights = np.zeros((contract.state.size, outputs)) if weights is None else weights
    weights = np.asarray(weights, np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "w"], ["action"])],
        contract.name,
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", contract.state.size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", outputs])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    golden = _record(contract, weights).to_bytes()
    reference = GoldenReference(sha256=file_record(golden).sha256, frames=STEPS * ROBOTS)
    contract = replace(contract, golden=reference)
    embed(model, contract, "float")
    folder.mkdir(parents=True)
    contents = {"golden.npz": golden, contract.model_file("float"): model.SerializeToString()}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    write_manifest(folder, contract, {name: file_record(data) for name, data in contents.items()})
    return folder


def _record(contract, weights):
    rng, assembler, mapper = np.random.default_rng(1), ObservationAssembler(contract, ROBOTS), ActionMapper(contract)
    names = contract.robot.joint_names
    widths = {"joint_pos": len(names), "joint_vel": len(names), "base_ang_vel": 3}
    states = {name: rng.normal(size=(STEPS, ROBOTS, width)).astype(np.float32) for name, width in widths.items()}
    states["base_quat_xyzw"] = np.tile(np.array([0, 0, 0, 1], np.float32), (STEPS, ROBOTS, 1))
    width = 3 if contract.state.commands[0].kind == "velocity_command" else 7
    commands = {contract.state.commands[0].name: rng.normal(size=(STEPS, ROBOTS, width)).astype(np.float32)}
    fresh = np.zeros((STEPS, ROBOTS), bool)
    fresh[0] = True
    last, rows = np.zeros((ROBOTS, weights.shape[1]), np.float32), []
    for step in range(STEPS):
        assembler.reset(fresh[step])
        state = RobotState(
            joint_names=names, last_action=last, **{name: values[step] for name, values in states.items()},
            commands={name: values[step] for name, values in commands.items()},
        )  # fmt: skip
        seen = assembler(state)
        action = seen @ weights
        rows.append((last, seen, action, mapper.targets(action)))
        last = mapper.raw(action)
    last, seen, action, targets = (np.stack(column).astype(np.float32) for column in zip(*rows, strict=True))
    return Rollout(
        joint_names=names, states=states, commands=commands, fresh=fresh, last_action=last, observations=seen,
        actions=action, targets=targets,
    )  # fmt: skip
