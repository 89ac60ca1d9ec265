"""The other side of a round trip: what a policy makes of raw states, computed from the artefact alone."""

import numpy as np

from sim2real.contract import RobotState
from sim2real.contract.assembly import downwards


def drawn_states(joints, num_envs=4, steps=6, seed=5):
    """States of a robot and commands, as dictionaries of float32 (num_envs, ...)."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(steps):
        quat = rng.normal(size=(num_envs, 4))
        made.append(
            {
                "joint_pos": rng.uniform(-0.5, 0.5, (num_envs, len(joints))),
                "joint_vel": rng.uniform(-2, 2, (num_envs, len(joints))),
                "quat": quat / np.linalg.norm(quat, axis=1, keepdims=True),
                "gyro": rng.uniform(-1, 1, (num_envs, 3)),
                "speed": rng.uniform(-1, 1, (num_envs, 3)),
                "command": rng.uniform(-1, 1, (num_envs, 3)),
            }
        )
    return [{name: value.astype(np.float32) for name, value in state.items()} for state in made]


def robot_state(raw, joints, command):
    """The same for a runtime, with the joints in another order."""
    order = np.argsort(joints)[::-1]
    return RobotState(
        joint_names=tuple(joints[i] for i in order),
        joint_pos=raw["joint_pos"][:, order],
        joint_vel=raw["joint_vel"][:, order],
        base_quat_xyzw=raw["quat"],
        base_ang_vel=raw["gyro"],
        base_lin_vel=raw["speed"],
        commands={command: raw["command"]},
    )


def gravity(raw):
    """The unit vector downwards, float32 (n, 3)."""
    return downwards(raw["quat"])


def played(runtime, states, joints, command):
    """Joint targets of a runtime over some decisions, (steps, n, joints)."""
    runtime.reset()
    return np.stack([runtime.step(robot_state(raw, joints, command)).copy() for raw in states])
