"""Try the policy in other engines while it trains: a process beside, one at a time, and the gap beside the reward.

The training's own return is that of a policy that explores, so the policy is tried without exploring in the engine of
the training too: what is compared is alike but for the engine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

FILE = "tries.jsonl"
"""Results, one line for each try of one checkpoint in one engine."""
FOLDER = "tries"
"""Where a checkpoint and the process's output are while it is tried."""


class Tries:
    """Tries of one training session."""

    def __init__(self, folder: Path, home: str, physics: tuple[str, ...], episodes: int, device: str) -> None:
        """Try nothing yet.

        Args:
            folder: the run folder.
            home: the engine of the training, in which every checkpoint is tried too.
            physics: the other engines.
            episodes: how many to play in each.
            device: where.
        """
        self._folder, self._home, self._episodes, self._device = folder, home, episodes, device
        self._engines = tuple(dict.fromkeys((home, *physics)))
        self._waiting: deque[tuple[int, int, str]] = deque()
        self._now: tuple[subprocess.Popen, tuple[int, int, str]] | None = None
        self._at_home: dict[int, float] = {}

    def ask(self, checkpoint: Path, iteration: int, env_steps: int) -> None:
        """Have a checkpoint tried in all engines; nothing is waited for."""
        place = self._folder / FOLDER
        place.mkdir(exist_ok=True)
        shutil.copyfile(checkpoint, place / checkpoint.name)
        self._waiting.extend((iteration, env_steps, engine) for engine in self._engines)
        self._next()

    def poll(self) -> list[dict[str, Any]]:
        """Return what was found since the last call."""
        if self._now is None or self._now[0].poll() is None:
            return []
        found = self._ended()
        self._next()
        return [found]

    def finish(self) -> list[dict[str, Any]]:
        """Wait for all that was asked for and return it."""
        results = []
        while self._now is not None:
            self._now[0].wait()
            results += self.poll()
        shutil.rmtree(self._folder / FOLDER, ignore_errors=True)
        return results

    def stop(self) -> None:
        """End what runs, and forget what waits."""
        self._waiting.clear()
        if self._now is not None:
            self._now[0].terminate()
            self._now[0].wait()
            self._now = None
        shutil.rmtree(self._folder / FOLDER, ignore_errors=True)

    def _next(self) -> None:
        if self._now is not None or not self._waiting:
            return
        iteration, env_steps, engine = self._waiting.popleft()
        place = self._folder / FOLDER
        command = [
            sys.executable, "-m", "sim2real.learn.ppo.trial", str(place / f"model_{iteration}.pt"),
            "--run", str(self._folder), "--physics", engine, "--episodes", str(self._episodes),
            "--device", self._device,
        ]  # fmt: skip
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):  # of a distributed training, which a try is no part of
            env.pop(name, None)
        with open(place / "out", "wb") as out, open(place / "err", "wb") as err:
            process = subprocess.Popen(command, stdout=out, stderr=err, env=env, start_new_session=True)
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        self._now = (process, (iteration, env_steps, engine))

    def _ended(self) -> dict[str, Any]:
        assert self._now is not None
        process, (iteration, env_steps, engine) = self._now
        self._now = None
        place = self._folder / FOLDER
        found: dict[str, Any] = {"iteration": iteration, "env_steps": env_steps, "physics": engine}
        lines = (place / "out").read_text(encoding="utf-8", errors="replace").splitlines()
        if process.returncode == 0 and lines:
            found |= json.loads(lines[-1]) | {"iteration": iteration}
            if engine == self._home:
                self._at_home[iteration] = found["reward"]
            elif iteration in self._at_home:
                found["gap"] = self._at_home[iteration] - found["reward"]
        else:
            said = (place / "err").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            found["error"] = said[-1] if said else f"exit code {process.returncode}"
        with open(self._folder / FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        if not any(entry[0] == iteration for entry in self._waiting):
            (place / f"model_{iteration}.pt").unlink(missing_ok=True)
        return found


def said(found: dict[str, Any]) -> str:
    """Return a try as a line."""
    where = f"iteration {found['iteration']} tried in {found['physics']}:"
    if "error" in found:
        return f"{where} failed: {found['error']}"
    gap = f", {found['gap']:+.2f} less than in the training's engine" if "gap" in found else ""
    return f"{where} return {found['reward']:.2f}{gap}, {found['failures']:.0%} ended early"


def plotted(found: dict[str, Any]) -> dict[str, float]:
    """Return a try's numbers by the names of TensorBoard."""
    if "error" in found:
        return {}
    numbers = {"return": found["reward"], "failures": found["failures"], "episode_length": found["length"]}
    if "gap" in found:
        numbers["gap"] = found["gap"]
    return {f"Try/{found['physics']}/{name}": value for name, value in numbers.items()}
