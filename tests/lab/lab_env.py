"""What the tests of the lab share: making one of their tasks, and what an environment holds."""

import contextlib

import numpy as np
import torch


@contextlib.contextmanager
def open_task(name, physics, num_envs=6, **changes):
    """One of this folder's tasks, reset once, with what the spec does in it."""
    from lab import lab_tasks
    from sim2real.lab import randomization_of
    from sim2real.lab.launch import make_env

    lab_tasks.register()
    with make_env(f"Test-Lab-{name}", physics, **{"scene.num_envs": num_envs, **changes}) as env:
        observation, _ = env.reset()
        env.first_observation = observation
        yield env, randomization_of(env)


def act(env, steps=1):
    """Take steps without commanding anything; returns the last step's result."""
    action = torch.zeros(env.num_envs, env.action_space.shape[-1])
    for _ in range(steps):
        result = env.step(action)
    return result


def properties(found):
    """What the solver holds, by quantity."""
    return {name: found.engine.read(name).copy() for name in found.randomizer.quantities}


def state(env):
    """Root poses relative to the environments, root velocities, joint positions and velocities; copies."""
    data = env.scene["robot"].data
    pose = data.root_link_pose_w.torch.clone()
    pose[:, :3] -= env.scene.env_origins
    parts = (pose, data.root_com_vel_w.torch, data.joint_pos.torch, data.joint_vel.torch)
    return [part.clone().numpy() for part in parts]


def expected(found, term, episode, worlds=None):
    """NumPy's draws of a term, (worlds, count, dim)."""
    from sim2real.draws import Draws

    resolved = found.randomizer.terms[term]
    worlds = np.arange(found.randomizer.num_worlds) + found.first_world if worlds is None else np.asarray(worlds)
    drawn = Draws(found.spec.seed).sample(term, resolved.term.dist, worlds, episode, 0, resolved.count)
    return drawn.reshape(len(worlds), resolved.count, resolved.term.dist.dim)
