"""Signals never wait for the device: whole steps of a task with signals on everything, counted call by call."""

import contextlib

import numpy as np
import pytest
import torch
import warp as wp

from benchmarks.host_syncs import counted, our_folders
from benchmarks.signals_worker import TASK, prepare, terms_of
from engine_env import ENGINES
from sim2real.lab.launch import make_env

SEEN = {
    "item": "x[0].item()",
    "float": "float(x[0])",
    "branch": "1 if x[0] > 0 else 2",
    "whole number": "range(int(x[1]))",
    "tolist": "x.tolist()",
    "nonzero": "mask.nonzero()",
    "where": "torch.where(mask)",
    "read by mask": "x[mask]",
    "write by mask": "x.__setitem__(mask, 0.0)",
    "unique": "x.unique()",
    "equal": "torch.equal(x, x)",
    "cpu": "x.cpu()",
    "numpy": "np.asarray(x)",
    "new tensor": "torch.tensor([1.0])",
    "new ids": "torch.as_tensor([1, 2])",
    "new array": "wp.array([1.0], dtype=float, device='cpu')",
    "assigned": "array.assign(np.zeros(4))",
    "array on host": "array.numpy()",
    "synchronize": "wp.synchronize()",
}
FREE = {
    "sum": "x + x.sum()",
    "where": "torch.where(mask, x, 0.0)",
    "filled": "x.masked_fill(mask, 0.0)",
    "by ids": "x[ids]",
    "shared": "wp.to_torch(wp.from_torch(x))",
    "zeros": "wp.zeros(3, device='cpu').zero_()",
    "copied": "wp.copy(array, array)",
    "same": "torch.as_tensor(x)",
}


PHYSICS_STEP = ("count_step", "take_samples", "write_targets")
"""Kernels that act inside Newton's step."""


def evaluated(code, file):
    """Run an expression as if it stood in a file, and count."""
    x = torch.arange(4.0)
    names = {"x": x, "mask": x > 1.0, "ids": torch.zeros(2, dtype=torch.long), "torch": torch, "np": np, "wp": wp}
    names["array"] = wp.zeros(4, device="cpu")
    with counted() as counts:
        eval(compile(code, file, "eval"), names)
    return counts


@pytest.mark.parametrize("code", SEEN.values(), ids=SEEN)
def test_what_waits_is_seen_and_put_down_to_who_asks(code):
    """Each of them, in a file of ours and in another's."""
    ours = our_folders()[0] + "signals/made_up.py"
    counts = evaluated(code, ours)
    assert counts.syncs and all(f"{ours}:1" in name for name in counts.ours) and counts.ours
    counts = evaluated(code, "/elsewhere/made_up.py")
    assert counts.syncs and not counts.ours


@pytest.mark.parametrize("code", FREE.values(), ids=FREE)
def test_what_does_not_wait_is_not_counted(code):
    """Work on the device, and views of it."""
    assert not evaluated(code, our_folders()[0] + "signals/made_up.py").syncs


@contextlib.contextmanager
def go2(physics, contender, num_envs=4):
    """The velocity task with what a contender of the benchmark has, and steps behind it."""
    changes = {"scene.num_envs": num_envs, "terminations.base_contact": None, "events.push_robot": None}
    with make_env(TASK, physics, prepare=lambda cfg: prepare(cfg, contender), **changes) as env:
        env.reset()
        for _ in range(2):
            env.step(torch.zeros(num_envs, 12))
        yield env


def counted_step(env, ending):
    """One step at whose end some episodes end."""
    env.episode_length_buf[:] = 5
    env.episode_length_buf[:ending] = int(env.max_episode_length)
    with counted() as counts:
        env.step(torch.full((env.num_envs, 12), 0.1))
    return counts


@pytest.mark.parametrize("physics", ENGINES)
def test_signals_never_wait(physics):
    """Every observation term and the action behind a signal with all it can have: no wait, with and without resets; one
    launch for the command, one for all observations, and up to four small ones for each physics step."""
    with go2(physics, "ours_all") as env:
        terms = len(terms_of(env.cfg))
        assert terms >= 6
        for ending in (0, 2, 4):
            counts = counted_step(env, ending)
            assert not counts.ours
            launches = counts.our_launches
            assert launches.pop("sim2real.signals.kernels.command") == 1
            assert launches.pop("sim2real.signals.kernels.observe") == 1
            begun = {
                name: launches.pop(name) for name in list(launches) if name.endswith((".begin", "_all", "_blocks"))
            }
            assert bool(begun) == (ending > 0)
            assert set(launches) <= {f"sim2real.lab.signals_kernels.{name}" for name in PHYSICS_STEP}
            assert sum(launches.values()) <= 4 * env.cfg.decimation
        assert counted_step(env, 0).syncs.total() > 0  # Isaac Lab itself asks which episodes have ended
