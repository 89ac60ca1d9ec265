"""Checkpoints of a run: whole files only, with all that a resumed training needs to go on where it was.

A checkpoint is rsl_rl's own (networks, normalisers, optimiser), so that other tools can play it; its `infos` hold the
rest: what a spec's randomizer and curriculum have counted, what the environment has, the random generators, and how
long it all took; of every rank, where several processes train together. Written beside and renamed: a killed run leaves
the last whole one.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

from sim2real.lab.checkpoint import KEY as SPEC_KEY
from sim2real.learn.errors import LearnError
from sim2real.learn.ppo.ranks import Ranks

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

    def __init__(self, runner: Any, env: Any, folder: Path, ranks: Ranks | None = None, keep: int = 3) -> None:
        """Take saving over from the runner.

        Args:
            runner: an rsl_rl runner; what it saves by itself from now on is nothing.
            env: the environment, unwrapped.
            folder: where checkpoints are.
            ranks: the processes that train together; None: this one alone.
            keep: how many of them stay; older ones are removed.
        """
        self._runner, self._env, self._folder, self._keep = runner, env, folder, keep
        self._ranks = ranks or Ranks()
        self._save = runner.save
        runner.save = lambda path, infos=None: None

    def save(self, done: int, seconds: float, stages: dict[str, Any] | None = None) -> Path:
        """Write a checkpoint and remove the oldest; every rank calls it, and rank 0 writes.

        Args:
            done: iterations done.
            seconds: time that they took.
            stages: where the curriculum stands, or None.

        Raises:
            LearnError: the disk does not take it; the old ones stay.
        """
        mine, *others = self._ranks.gather(self._state())
        path = self._folder / f"model_{done}.pt"
        beside = path.with_name(f".{path.name}.partial")
        if not self._ranks.first:
            return path
        infos = {SPEC_KEY: mine.pop(SPEC_KEY)} if SPEC_KEY in mine else {}
        infos[KEY] = {"done": done, "seconds": seconds, "stages": stages, **mine, "others": others}
        try:
            self._save(str(beside), infos=infos)
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
        from sim2real.lab.checkpoint import restore
        from sim2real.lab.event_terms import has_spec
        from sim2real.lab.motors import restore_motors

        try:
            infos = self._runner.load(str(path), map_location=self._runner.device)
        except RuntimeError as error:
            raise LearnError(
                f"{path} does not fit this task's networks: {error}; was the task or its agent changed? Give another"
                " --out, or --no-resume to start over"
            ) from error
        drawn = has_spec(self._env.cfg.events)
        if not infos or KEY not in infos or (drawn and SPEC_KEY not in infos):
            raise LearnError(f"{path} was not saved by this trainer; give another --out, or --no-resume to start over")
        state = {"stages": None, "others": [], **infos[KEY]}
        ranks = [{**state, SPEC_KEY: infos.get(SPEC_KEY)}, *state["others"]]
        if len(ranks) != self._ranks.count:
            raise LearnError(
                f"{path} was saved by {len(ranks)} ranks and there are {self._ranks.count}; go on with as many"
            )
        mine = ranks[self._ranks.rank]
        if drawn:
            restore(self._env, mine[SPEC_KEY])
        restore_env(self._env, mine["env"])
        self._env.reset()
        restore_motors(self._env, mine["env"].get("motors", {}))
        restore_random(mine["random"])
        self._runner.current_learning_iteration = state["done"]
        return state

    def _state(self) -> dict[str, Any]:
        """Return what this rank needs to go on."""
        from sim2real.lab.checkpoint import state_of
        from sim2real.lab.event_terms import has_spec

        state = {"env": on_cpu(env_state(self._env)), "random": random_state()}
        return state | ({SPEC_KEY: on_cpu(state_of(self._env))} if has_spec(self._env.cfg.events) else {})


def on_cpu(state: Any) -> Any:
    """Return a state with its tensors on the CPU: another rank cannot take up those of this rank's GPU."""
    import torch

    if isinstance(state, dict):
        return {key: on_cpu(value) for key, value in state.items()}
    return state.cpu() if isinstance(state, torch.Tensor) else state


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
