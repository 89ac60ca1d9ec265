"""Closed loop in a physics engine: a policy drives numbered scenes, many at a time, until each has been driven once.

An environment that finishes takes the next scene at once, so the batch stays full until the scenes run out; after that
the policy is no longer asked about idle environments. Every finished episode is written down the moment it ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sim2real.deploy.steering import Steering, SteeringParams
from sim2real.evaluate.episodes import EpisodeResult, EpisodeTable, EvaluationError
from sim2real.evaluate.policies import DrivingPolicy

FILM_EVERY = 8
"""Control ticks between two pictures that may end up in a filmstrip."""
CLASSES = ("forward", "left", "right")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Film:
    """What was seen in one episode, for a filmstrip."""

    scene: int
    """Scene number."""
    outcome: str
    """How it ended."""
    frames: list[dict[str, Any]]
    """Moments as `sim2real.evaluate.filmstrip` wants them."""
    path: list[tuple[float, float, float]]
    """Pose at every tick."""
    obstacles: np.ndarray
    """x, y, yaw of the obstacles in use, (k, 3), as the episode began."""
    kinds: np.ndarray
    """Index of each of those obstacles, (k,)."""


def rollout(
    env: Any,
    policy: DrivingPolicy,
    scenes: Sequence[int],
    table: EpisodeTable,
    engine: str,
    steering: SteeringParams | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_film: Callable[[Film], None] | None = None,
) -> None:
    """Drive the scenes that `table` does not have yet.

    Args:
        env: An avoidance environment; its spec and seed decide the scenes.
        policy: Who drives.
        scenes: Scene numbers.
        table: Where finished episodes go.
        engine: Name of the engine, for the record.
        steering: The controller between classes and body commands.
        progress: Called with (episodes done, episodes in all).
        on_film: Called with the first episode of each outcome among those driven now, as soon as it ends.

    Raises:
        EvaluationError: the controller's rate is not the environment's.
    """
    todo = table.missing(scenes)
    report = progress or (lambda done, total: None)
    report(len(scenes) - len(todo), len(scenes))
    if not todo:
        return
    params = steering or SteeringParams()
    if abs(params.rate_hz * env.step_dt - 1.0) > 1e-6:
        raise EvaluationError(
            f"the policy decides {params.rate_hz:g} times a second and the environment {1 / env.step_dt:g} times;"
            " export with the environment's --rate"
        )
    import torch

    filmed: set[str] = set()

    n = env.num_envs
    controller = Steering(n, params)
    env.observe = policy.observe
    env.play(todo)
    paths: list[list[tuple[float, float, float]]] = [[] for _ in range(n)]
    frames: list[list[dict[str, Any]]] = [[] for _ in range(n)]
    done = 0
    while env.active.any():
        rows = np.flatnonzero(env.active)
        pose = env.pose.cpu().numpy()
        action = np.zeros(n, np.int64)
        action[rows] = policy.act(env.images, env.camera_of(), rows)
        command = controller(action, pose[:, 2])
        command[~env.active] = 0.0
        for i in rows:
            if on_film and policy.observe == "noisy" and len(paths[i]) % FILM_EVERY == 0 and len(filmed) < 3:
                frames[i].append(_moment(env, int(i), len(paths[i]), pose[i], int(action[i])))
            paths[i].append(tuple(pose[i].tolist()))
        # Copies: an episode that ends in this step is reset in it, and CPU tensors share their memory with NumPy.
        before_obstacles = env.obstacle_pose.cpu().numpy().copy()
        before_used = env.obstacle_used.cpu().numpy().copy()
        env.step(torch.from_numpy(command))
        finished = env.finished
        for k, i in enumerate(finished.env_ids):
            paths[i].append(tuple(finished.pose[k].tolist()))
            outcome = finished.outcome[k]
            result = EpisodeResult(
                scene=int(finished.scene[k]),
                outcome=outcome,
                time_s=float(finished.time[k]),
                distance_m=_length(paths[i]),
                min_clearance_m=float(finished.clearance[k]),
                path=tuple(paths[i]),
                wall_contact=bool(outcome == "collision" and finished.at_wall[k]),
                engine=engine,
                policy=policy.name,
                policy_digest=policy.digest,
                spec_digest=env.randomization.digest,
                seed=env.randomization.seed,
            )
            table.append(result)
            done += 1
            if on_film and outcome not in filmed and frames[i]:
                used = np.flatnonzero(before_used[i])
                filmed.add(outcome)
                on_film(
                    Film(
                        scene=result.scene,
                        outcome=outcome,
                        frames=frames[i],
                        path=paths[i],
                        obstacles=before_obstacles[i, used],
                        kinds=used,
                    )
                )
            paths[i], frames[i] = [], []
        controller.reset(finished.env_ids)
        if len(finished.env_ids):
            report(len(scenes) - len(todo) + done, len(scenes))


def _moment(env: Any, i: int, tick: int, pose: np.ndarray, action: int) -> dict[str, Any]:
    colour = env.images.colour
    return {
        "time_s": tick * env.step_dt,
        "pose": tuple(pose.tolist()),
        "depth_m": env.images.noisy[i].astype(np.float16),
        "colour": None if colour is None else colour[i].copy(),
        "action": CLASSES[action],
    }


def _length(path: list[tuple[float, float, float]]) -> float:
    xy = np.array(path)[:, :2]
    return float(np.linalg.norm(np.diff(xy, axis=0), axis=1).sum())
