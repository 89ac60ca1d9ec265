"""Checkpoints of a run: whole files only, with all that a resumed training needs to go on where it was.

A checkpoint is rsl_rl's own (networks, normalisers, optimiser), so that other tools can play it; its `infos` hold the
rest: what a spec's randomizer and curriculum have counted, what the environment has, the random generators, and how
long it all took. Written beside and renamed: a killed run leaves the last whole one.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

from sim2real.learn.errors import LearnError

NAME = re.compile(r"model_(\d+)\.pt")
"""Names of checkpoints, with the number of iterations done."""
KEY = "training"
"""Where a checkpoint's infos hold what is not the spec's."""


def checkpoints_in(folder: Path) -> dict[int, Path]:
    """Return the checkpoints of a run folder by the iterations done, in order."""
    found = {}
    for path in folder.glob("model_*.pt"):
        match = NAME.fullmatch(path.name)
        if match is not None:
            found[int(match.group(1))] = path
    return dict(sorted(found.items()))


class Checkpoints:
    """Saves and loads what a runner and its environment hold."""

    def __init__(self, runner: Any, env: Any, folder: Path, keep: int = 3) -> None:
        """Take saving over from the runner.

        Args:
            runner: an rsl_rl runner; what it saves by itself from now on is nothing.
            env: the environment, unwrapped.
            folder: where checkpoints are.
            keep: how many of them stay; older ones are removed.
        """
        from sim2real.lab import keep_in_checkpoints
        from sim2real.lab.event_terms import has_spec

        if has_spec(env.cfg.events):
            keep_in_checkpoints(runner, env)
        self._runner, self._env, self._folder, self._keep = runner, env, folder, keep
        self._save, self._load = runner.save, runner.load
        runner.save = lambda path, infos=None: None

    def save(self, done: int, seconds: float, stages: dict[str, Any] | None = None) -> Path:
        """Write a checkpoint and remove the oldest.

        Args:
            done: iterations done.
            seconds: time that they took.
            stages: where the curriculum stands, or None.

        Raises:
            LearnError: the disk does not take it; the old ones stay.
        """
        path = self._folder / f"model_{done}.pt"
        beside = path.with_name(f".{path.name}.partial")
        state: dict[str, Any] = {"done": done, "seconds": seconds, "stages": stages}
        state |= {"env": env_state(self._env), "random": random_state()}
        try:
            self._save(str(beside), infos={KEY: state})
            with open(beside, "rb") as file:
                os.fsync(file.fileno())
            os.replace(beside, path)
        except (OSError, RuntimeError) as error:
            beside.unlink(missing_ok=True)
            raise LearnError(
                f"{path}: cannot be written ({error}); free some space and run the same command again, it goes on from"
                " the last checkpoint"
            ) from error
        for old in list(checkpoints_in(self._folder).values())[: -self._keep]:
            old.unlink(missing_ok=True)
        return path

    def load(self, path: Path) -> dict[str, Any]:
        """Go on from a checkpoint; the episodes that were being played begin anew.

        Returns:
            what :meth:`save` was told.

        Raises:
            Sim2RealError: it is not this run's.
        """
        from sim2real.lab.motors import restore_motors

        try:
            infos = self._load(str(path), map_location=self._runner.device)
        except RuntimeError as error:
            raise LearnError(
                f"{path} does not fit this task's networks: {error}; was the task or its agent changed? Give another"
                " --out, or --no-resume to start over"
            ) from error
        if not infos or KEY not in infos:
            raise LearnError(f"{path} was not saved by this trainer; give another --out, or --no-resume to start over")
        state = {"stages": None, **infos[KEY]}
        restore_env(self._env, state["env"])
        self._env.reset()
        restore_motors(self._env, state["env"].get("motors", {}))
        restore_random(state["random"])
        self._runner.current_learning_iteration = state["done"]
        return state


def env_state(env: Any) -> dict[str, Any]:
    """Return what outlives an episode: steps, episodes of signals, heat of motors, how hard each world's terrain is."""
    from sim2real.lab import signal_state
    from sim2real.lab.motors import motor_state

    state: dict[str, Any] = {
        "steps": int(env.common_step_counter), "signals": signal_state(env), "motors": motor_state(env)
    }  # fmt: skip
    levels = getattr(getattr(env.scene, "terrain", None), "terrain_levels", None)
    if levels is not None:
        state["terrain_levels"] = levels.clone().cpu()
    return state


def restore_env(env: Any, state: dict[str, Any]) -> None:
    """Give an environment what :func:`env_state` returned, before the reset that a resumed training begins with."""
    from sim2real.lab import restore_signals

    if "signals" in state:
        restore_signals(env, state["signals"])
    env.common_step_counter = state["steps"]
    if "terrain_levels" in state:
        terrain = env.scene.terrain
        terrain.terrain_levels[:] = state["terrain_levels"].to(terrain.terrain_levels.device)
        terrain.env_origins[:] = terrain.terrain_origins[terrain.terrain_levels, terrain.terrain_types]


def random_state() -> dict[str, Any]:
    """Return the states of the random generators that Isaac Lab and rsl_rl draw from."""
    import numpy as np
    import torch

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"torch": torch.get_rng_state(), "cuda": cuda, "numpy": np.random.get_state(), "python": random.getstate()}


def restore_random(state: dict[str, Any]) -> None:
    """Give the generators their states back."""
    import numpy as np
    import torch

    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([entry.cpu() for entry in state["cuda"]])
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
