"""Play a trained policy: a run folder, an engine, so many episodes, and what came of them.

Every environment plays the same number of episodes, so that those that end early do not count more often. The policy
acts without the noise that it explored with.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sim2real.learn.errors import LearnError

LOOPBACK = "127.0.0.1"
"""Where a browser's view is served: nowhere but on this machine."""
NO_SPEC = "none"
"""What is given as the spec to play without any."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run folder, read."""

    folder: Path
    """Where it is."""
    task: str
    """Gymnasium name of the task."""
    physics: str
    """Engine that it was trained in."""
    spec: Path | None
    """The spec that it was trained with."""
    agent: dict[str, Any]
    """Its rsl_rl configuration."""
    facts: dict[str, Any]
    """All of run.json."""
    checkpoint: Path
    """The checkpoint that is meant."""
    iteration: int
    """Iterations that it has behind it."""

    @classmethod
    def read(cls, folder: str | Path, checkpoint: str | Path | None = None) -> Run:
        """Read a run folder, or one checkpoint of it.

        Args:
            folder: the run folder, or a checkpoint in it.
            checkpoint: a checkpoint of that run that lies elsewhere.

        Raises:
            LearnError: it is none, or has no checkpoint.
        """
        from sim2real.learn.ppo.record import AGENT, RUN, SPEC, read_json
        from sim2real.learn.ppo.saving import NAME, checkpoints_in

        given = Path(folder)
        meant = Path(checkpoint) if checkpoint is not None else given if given.suffix == ".pt" else None
        folder = given.parent if given.suffix == ".pt" else given
        facts = read_json(folder / RUN)
        if meant is None:
            meant = (list(checkpoints_in(folder).values()) or [folder / "model_0.pt"])[-1]
        match = NAME.fullmatch(meant.name)
        if match is None or not meant.is_file():
            raise LearnError(f"{meant} is no checkpoint; train first, or give another run folder")
        spec = folder / SPEC
        return cls(
            folder=folder,
            task=facts["task"],
            physics=facts["physics"],
            spec=spec if spec.is_file() else None,
            agent=read_json(folder / AGENT),
            facts=facts,
            checkpoint=meant,
            iteration=int(match.group(1)),
        )


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of the episodes."""

    physics: str
    """Engine."""
    iteration: int
    """Iterations that the policy had behind it."""
    episodes: int
    """Episodes that were played to their ends."""
    failures: float
    """Share of them that ended before their time was up, such as by a fall."""
    reward: float
    """Mean return."""
    reward_std: float
    """Standard deviation of the return."""
    length: float
    """Mean length [steps]."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What the task itself measured, means over episodes by name."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@contextlib.contextmanager
def opened(
    run: Run,
    physics: str | None = None,
    *,
    num_envs: int = 16,
    device: str = "cpu",
    spec: str | None = None,
    seed: int = 1,
    prepare: Callable[[Any], None] | None = None,
) -> Iterator[tuple[Any, Any]]:
    """Open a run's task in an engine, with the run's policy.

    Args:
        run: the run.
        physics: the engine; None: that of the training.
        num_envs: environments.
        device: where everything is.
        spec: a preset's name or a file; None: the run's own; `none`: without randomization.
        seed: seed of starts and commands.
        prepare: changes the task's configuration at the end.

    Yields:
        rsl_rl's view of the environment, and the policy: observations to actions.
    """
    from sim2real.lab.apply import apply_nothing, apply_spec
    from sim2real.lab.launch import make_env
    from sim2real.learn.ppo.envs import TrainingEnv
    from sim2real.learn.ppo.loop import quiet
    from sim2real.spec import load_spec

    drawn = run.spec if spec is None else None if spec == NO_SPEC else load_spec(spec)

    def configure(cfg: Any) -> None:
        if drawn is None:
            apply_nothing(cfg)
        else:
            apply_spec(cfg, drawn if not isinstance(drawn, Path) else load_spec(str(drawn)), on_divergence="count")
        if prepare is not None:
            prepare(cfg)

    changes: dict[str, Any] = {"scene.num_envs": num_envs, "seed": seed}
    with make_env(run.task, physics or run.physics, device, prepare=configure, **changes) as env:
        venv = TrainingEnv(env, run.agent.get("clip_actions"))
        with quiet(True):
            policy = policy_of(run, venv, device)
        yield venv, policy


def policy_of(run: Run, venv: Any, device: str) -> Any:
    """Return the policy of a run's checkpoint.

    Raises:
        LearnError: it does not fit the environment.
    """
    from rsl_rl.runners import DistillationRunner, OnPolicyRunner

    agent = copy.deepcopy(run.agent)
    agent["device"] = device
    distilled = agent["class_name"] == "DistillationRunner"
    runner = (DistillationRunner if distilled else OnPolicyRunner)(venv, agent, log_dir=None, device=device)
    part = {"student": True} if distilled else {"actor": True}  # the critic's size goes with the spec
    try:
        runner.load(str(run.checkpoint), load_cfg=part, map_location=device)
    except RuntimeError as error:
        raise LearnError(f"{run.checkpoint} does not fit task {run.task}: {error}") from error
    return runner.get_inference_policy(device=device)


def play(
    run: Run,
    venv: Any,
    policy: Any,
    episodes: int,
    physics: str | None = None,
    on_step: Callable[[Any], None] | None = None,
) -> Played:
    """Play episodes.

    Args:
        run: the run.
        venv: what :func:`opened` yields.
        policy: what :func:`opened` yields.
        episodes: how many at least; every environment plays as many as any other.
        physics: the engine, for the record.
        on_step: called after every step with the episodes that ended, (num_envs,).
    """
    import torch

    each = max(1, -(-episodes // venv.num_envs))
    left = torch.full((venv.num_envs,), each, device=venv.device)
    returns, lengths = torch.zeros(venv.num_envs, device=venv.device), torch.zeros(venv.num_envs, device=venv.device)
    ended: list[torch.Tensor] = []
    measured: dict[str, list[tuple[float, int]]] = {}
    obs = venv.get_observations()
    with torch.inference_mode():
        while bool((left > 0).any()):
            obs, reward, dones, extras = venv.step(policy(obs))
            policy.reset(dones)
            if on_step is not None:
                on_step(dones)
            returns += reward
            lengths += 1
            rows = dones.bool()
            counted = rows & (left > 0)
            if bool(counted.any()):
                failed = venv.unwrapped.reset_terminated[counted].float()
                ended.append(torch.stack([returns[counted], lengths[counted], failed], dim=1).cpu())
                note(measured, extras.get("log", {}), int(counted.sum()))
            left -= counted.to(left.dtype)
            returns[rows], lengths[rows] = 0.0, 0.0
    table = torch.cat(ended)
    return Played(
        physics=physics or run.physics,
        iteration=run.iteration,
        episodes=len(table),
        failures=float(table[:, 2].mean()),
        reward=float(table[:, 0].mean()),
        reward_std=float(table[:, 0].std(correction=0)),
        length=float(table[:, 1].mean()),
        metrics={name: sum(v * n for v, n in found) / sum(n for _, n in found) for name, found in measured.items()},
    )


def note(measured: dict[str, list[tuple[float, int]]], log: dict[str, Any], count: int) -> None:
    """Keep what the task logged of `count` episodes that ended together."""
    for name, value in log.items():
        if name.startswith("Metrics/"):
            measured.setdefault(name.partition("/")[2], []).append((float(value), count))


def watch(venv: Any, policy: Any) -> None:
    """Let the policy act until somebody stops it; no faster than the robots would be."""
    import time

    import torch

    obs = venv.get_observations()
    with torch.inference_mode():
        while True:
            due = time.monotonic() + venv.unwrapped.step_dt
            obs, _, dones, _ = venv.step(policy(obs))
            policy.reset(dones)
            time.sleep(max(0.0, due - time.monotonic()))


def in_browser(port: int) -> Callable[[Any], None]:
    """Return what puts Isaac Lab's viser visualizer into a task's configuration.

    Args:
        port: where its web server listens, on this machine alone.

    Raises:
        LearnError: viser is not installed, or the port is taken.
    """
    import socket
    from importlib.util import find_spec

    if find_spec("viser") is None:
        raise LearnError(
            "watching needs the Python package viser, which is not installed: pip install 'sim2real[studio]'; or give"
            " --headless for numbers"
        )
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:  # viser would take another one, and say nothing
            raise LearnError(f"port {port} cannot be used ({error}); give another one with --port") from error

    def prepare(cfg: Any) -> None:
        from isaaclab_visualizers.viser import ViserVisualizerCfg

        cfg.sim.visualizer_cfgs = [ViserVisualizerCfg(port=port, bind_address=LOOPBACK, verbose=False)]

    return prepare
