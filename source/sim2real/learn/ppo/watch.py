"""What a training says while it goes: one number a quantity and iteration, one line for people.

rsl_rl's logger keeps writing TensorBoard; its table is shown only on demand.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

from rsl_rl.utils.log_writer import LogWriter
from rsl_rl.utils.logger import Logger

from sim2real.learn.ppo.ranks import Ranks

PREFIXES = ("Metrics/", "Curriculum/", "Episode_Termination/", "Episode_Reward/")
"""What Isaac Lab's managers log that a curve keeps."""


class Watch(Logger):
    """rsl_rl's logger, which also hands the numbers of every iteration on."""

    def __init__(
        self,
        runner: Any,
        log_dir: str,
        on_iteration: Callable[[dict[str, Any]], None],
        verbose: bool,
        ranks: Ranks | None = None,
    ) -> None:
        """Take the logger's place in a runner.

        Args:
            runner: an rsl_rl runner that has not learned yet.
            log_dir: where TensorBoard's files go.
            on_iteration: called at the end of every iteration.
            verbose: print rsl_rl's table.
            ranks: the processes that train together; None: this one alone.
        """
        ranks = ranks or Ranks()
        super().__init__(
            log_dir=log_dir,
            cfg=runner.cfg,
            env_cfg=runner.env.cfg,
            num_envs=runner.env.num_envs,
            is_distributed=ranks.count > 1,
            gpu_world_size=ranks.count,
            gpu_global_rank=ranks.rank,
            device=runner.device,
        )
        self.git_status_repos: list[str] = []  # run.json names the commit; a diff of the checkout is not the run's
        self._on_iteration, self._verbose = on_iteration, verbose and ranks.first
        self._rewards: Any = 0.0
        self._steps = 0
        runner.logger = self

    def init_logging_writer(self) -> None:
        """Open TensorBoard's file; a rank that writes none still counts its episodes."""
        super().init_logging_writer()
        if self.disable_logs:
            self.writer = Unwritten()
            return
        with contextlib.suppress(OSError):
            (Path(str(self.log_dir)) / "git").rmdir()  # made for the diffs that we do not ask for

    def process_env_step(self, rewards: Any, dones: Any, extras: dict, intrinsic_rewards: Any = None) -> None:
        """Note a step of all environments."""
        super().process_env_step(rewards, dones, extras, intrinsic_rewards)
        self._rewards = self._rewards + rewards.mean()
        self._steps += 1

    def log(self, it: int, start_it: int, total_it: int, **numbers: Any) -> None:  # type: ignore[override]
        """Note the end of an iteration."""
        seconds = numbers["collect_time"] + numbers["learn_time"]
        size = self.cfg["num_steps_per_env"] * self.num_envs * self.gpu_world_size
        row = {
            "iteration": it + 1,
            "of": total_it,
            "env_steps": (it + 1) * size,
            "iteration_s": seconds,
            "collect_s": numbers["collect_time"],
            "steps_per_s": size / seconds,
            "reward": mean(self.rewbuffer) if self.rewbuffer else None,
            "episode_length": mean(self.lenbuffer) if self.lenbuffer else None,
            "reward_per_step": float(self._rewards) / max(self._steps, 1),
            "noise_std": float(numbers["action_std"].detach().mean()),
            "learning_rate": float(numbers["learning_rate"]),
            "losses": {name: float(value) for name, value in numbers["loss_dict"].items()},
            "log": self._means(),
        }
        self._rewards, self._steps = 0.0, 0
        with contextlib.nullcontext() if self._verbose else contextlib.redirect_stdout(io.StringIO()):
            super().log(it=it, start_it=start_it, total_it=total_it, **numbers)
        self._on_iteration(row)

    def save_model(self, path: str, it: int) -> None:
        """Upload nothing: a checkpoint gets its name only after it was written."""

    def _means(self) -> dict[str, float]:
        """Return the means over the iteration's steps of what the environment logged."""
        import torch

        found: dict[str, list[Any]] = {}
        for step in self.ep_extras:
            for name, value in step.items():
                if name.startswith(PREFIXES):
                    found.setdefault(name, []).append(torch.as_tensor(value, dtype=torch.float32).mean().cpu())
        return {name: float(torch.stack(values).nanmean()) for name, values in found.items()}


class Unwritten(LogWriter):
    """Takes the numbers of a rank that writes nothing."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Forget a number."""


def merged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one row for the same iteration of all ranks: means over the ranks that measured, rank 0's for the rest."""
    if len(rows) == 1:
        return rows[0]
    row = dict(rows[0])
    for name in ("reward", "episode_length", "reward_per_step"):
        known = [found[name] for found in rows if found[name] is not None]
        row[name] = mean(known) if known else None
    for name in ("losses", "log"):
        keys = dict.fromkeys(key for found in rows for key in found[name])
        row[name] = {key: mean(found[name][key] for found in rows if key in found[name]) for key in keys}
    return row


class Line:
    """The line of progress: it stays one line in a terminal, and comes now and then in a file."""

    def __init__(self, every_s: float = 20.0) -> None:
        """Begin.

        Args:
            every_s: time between two lines where nobody watches [s].
        """
        self._every, self._said = every_s, float("-inf")
        self._recent: deque[float] = deque(maxlen=20)
        self._width = 0

    def show(self, row: dict[str, Any], extra: str = "") -> None:
        """Show an iteration; `extra` is what the curriculum says."""
        self._recent.append(row["iteration_s"])
        last = row["iteration"] >= row["of"]
        text = line_of(row, mean(self._recent), extra)
        if sys.stderr.isatty():
            sys.stderr.write("\r" + text.ljust(self._width) + ("\n" if last else ""))
            self._width = len(text)
        elif last or time.monotonic() - self._said >= self._every:
            self._said = time.monotonic()
            sys.stderr.write(text + "\n")
        sys.stderr.flush()


def line_of(row: dict[str, Any], seconds: float, extra: str = "") -> str:
    """Return one iteration as text.

    Args:
        row: what :class:`Watch` hands on.
        seconds: time of an iteration, for the time left.
        extra: what the curriculum says.
    """
    parts = [
        f"{row['iteration']}/{row['of']}",
        f"{row['steps_per_s']:.0f} steps/s",
        f"left {clock((row['of'] - row['iteration']) * seconds)}",
        f"reward {row['reward']:.2f}" if row["reward"] is not None else f"reward {row['reward_per_step']:.3f} a step",
    ]
    if row["episode_length"] is not None:
        parts.append(f"episode {row['episode_length']:.0f} steps")
    parts += [
        f"{name.rpartition('/')[2].replace('_', ' ')} {value:.3f}"
        for name, value in row["log"].items()
        if name.startswith("Metrics/") and "error" in name
    ][:2]
    return "  ".join([*parts, extra] if extra else parts)


def clock(seconds: float) -> str:
    """Return a time as h:mm:ss."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
