"""Actors of rsl_rl and rollouts recorded of them on a small leg that swings, for the tests of the export."""

from dataclasses import replace

import numpy as np

from contract.state_contracts import JOINTS, make
from sim2real.contract import ActionMapper, ObservationAssembler, RobotState, Rollout

EPISODE = 40
"""Decisions after which a robot begins anew."""


def actor_of(kind, size, outputs=3, hidden=(64, 32), seed=0):
    """What an rsl_rl model of a kind (`mlp`, `gru`, `lstm`) gives for the export; its normalizer has seen data."""
    import torch
    from rsl_rl.models import MLPModel, RNNModel
    from tensordict import TensorDict

    torch.manual_seed(seed)
    seen = TensorDict({"policy": torch.randn(4, size)}, batch_size=4)
    shared = {"hidden_dims": hidden, "activation": "elu", "obs_normalization": True}
    shared["distribution_cfg"] = {"class_name": "GaussianDistribution", "init_std": 1.0}
    if kind == "mlp":
        model = MLPModel(seen, {"actor": ["policy"]}, "actor", outputs, **shared)
    else:
        memory = {"rnn_type": kind, "rnn_hidden_dim": 32, "rnn_num_layers": 2}
        model = RNNModel(seen, {"actor": ["policy"]}, "actor", outputs, **shared, **memory)
    for _ in range(20):
        model.update_normalization(TensorDict({"policy": torch.randn(64, size) * 0.7 + 0.1}, batch_size=64))
    return model.as_onnx(verbose=False).eval()


def record(actor, contract, steps=88, robots=16, seed=1):
    """Let an actor act on legs that follow their targets lazily; each begins anew after `EPISODE` decisions."""
    import torch

    rng = np.random.default_rng(seed)
    assembler, mapper = ObservationAssembler(contract, robots), ActionMapper(contract)
    states = [torch.zeros(state.shape(robots)) for state in contract.memory]
    pos, vel = np.zeros((robots, 3), np.float32), np.zeros((robots, 3), np.float32)
    last = np.zeros((robots, 3), np.float32)
    wanted = rng.uniform(-1, 1, (robots, 3)).astype(np.float32)
    order = [JOINTS.index(name) for name in mapper.joint_names]
    rows = []
    for step in range(steps):
        fresh = np.full(robots, step == 0) | ((step + np.arange(robots)) % EPISODE == 0)
        pos[fresh], vel[fresh], last[fresh] = rng.normal(size=(int(fresh.sum()), 3)) * 0.3, 0.0, 0.0
        wanted[fresh] = rng.uniform(-1, 1, (int(fresh.sum()), 3))
        tilt = rng.normal(size=(robots, 2)) * 0.1
        quat = np.concatenate([tilt, np.zeros((robots, 1)), np.sqrt(1 - (tilt**2).sum(1, keepdims=True))], axis=1)
        state = RobotState(
            joint_names=JOINTS,
            joint_pos=pos.copy(),
            joint_vel=vel.copy(),
            base_quat_xyzw=quat.astype(np.float32),
            base_ang_vel=(rng.normal(size=(robots, 3)) * 0.5).astype(np.float32),
            commands={"base_velocity": wanted.copy()},
            last_action=last.copy(),
        )
        assembler.reset(fresh)
        for memory in states:
            memory[:, torch.from_numpy(fresh)] = 0.0
        observation = assembler(state)
        with torch.inference_mode():
            found = actor(torch.from_numpy(observation), *states)
        output, *after = found if isinstance(found, tuple) else (found,)
        states = [value.clone() for value in after if value is not None]
        action = output.numpy()
        rows.append((state, fresh, observation, action, mapper.targets_in(state, action)))
        last = mapper.raw(action)
        goal = np.zeros_like(pos)
        goal[:, order] = rows[-1][4]
        vel = (0.8 * vel + 2.0 * (np.clip(goal, -2, 2) - pos)).astype(np.float32)
        pos = (pos + 0.02 * vel).astype(np.float32)
    names = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel")
    return Rollout(
        joint_names=JOINTS,
        states={name: np.stack([getattr(row[0], name) for row in rows]).astype(np.float32) for name in names},
        commands={"base_velocity": np.stack([row[0].commands["base_velocity"] for row in rows])},
        fresh=np.stack([row[1] for row in rows]),
        last_action=np.stack([row[0].last_action for row in rows]),
        observations=np.stack([row[2] for row in rows]),
        actions=np.stack([row[3] for row in rows]),
        targets=np.stack([row[4] for row in rows]),
    )


def recorded(kind, *, steps=88, robots=16, hidden=(64, 32), **changes):
    """An actor, its contract, and a rollout of it."""
    from sim2real.export import memory_of

    contract = make(history=2, **changes)
    actor = actor_of(kind, contract.state.size, hidden=hidden)
    contract = replace(contract, memory=memory_of(actor))
    return actor, contract, record(actor, contract, steps, robots)
