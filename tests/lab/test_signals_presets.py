"""The robots' own presets on their own tasks, on each engine: every signal finds its term and is at work."""

import pytest
import torch

from engine_env import ENGINES
from sim2real.lab import signal_paths
from sim2real.lab.apply import apply_spec
from sim2real.lab.launch import make_env
from sim2real.spec import load_spec
from sim2real_tasks import TASKS

PRESETS = ("go2", "panda", "anymal_c", "ur5")
"""Presets, which are called as their robots' tasks; the rover's task is a direct one, with tests of its own."""
COSTLY = PRESETS[2:]
WORLDS, STEPS = 4, 5


@pytest.mark.parametrize("preset", [pytest.param(p, marks=[pytest.mark.slow] if p in COSTLY else []) for p in PRESETS])
@pytest.mark.parametrize("physics", ENGINES)
def test_a_robots_preset_is_at_work_on_its_task(preset, physics):
    """All signals are placed, what they tell is finite and differs from the truth, delays differ between worlds."""
    told = []
    changes = {"scene.num_envs": WORLDS, "seed": 0}
    with make_env(TASKS[preset], physics, prepare=lambda cfg: told.append(apply_spec(cfg, preset)), **changes) as env:
        env.reset()
        for _ in range(STEPS):
            action = torch.full((WORLDS, env.action_manager.total_action_dim), 0.2)
            observation, *_ = env.step(action)
            assert all(torch.isfinite(group).all() for group in observation.values())
        assert sorted(told[0].signals) == sorted(load_spec(preset).signals)
        paths = signal_paths(env)
        assert len(paths) == len(told[0].signals)
        for place, path in paths.items():
            assert path.substeps == env.cfg.decimation, place
            assert len(set(path.values("latency").numpy()[:, 0].tolist())) == WORLDS, place
            if place.startswith("observations."):
                assert not torch.equal(path.read().reshape(WORLDS, -1), path.samples[-1]), place
