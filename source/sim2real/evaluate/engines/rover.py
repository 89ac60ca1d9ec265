"""The rover and its depth camera without Isaac Lab: the scenes of the avoidance task for engines of their own.

What `sim2real.evaluate.rollout` drives: numbered scenes with the task's own layout, start, camera and noise, drawn by
the same keys, so that scene 17 is scene 17 in every engine. An engine derives from :class:`ArenaRover` and says how a
rover starts, drives and sees; whether it touched, arrived or ran out of time is the task's own geometry, here.
Obstacles stand still.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.evaluate.episodes import EvaluationError

if TYPE_CHECKING:
    import torch

    from sim2real.spec import Spec

PHYSICS_DT = 1 / 120
"""Physics step, the task's [s]."""
DECIMATION = 12
"""Physics steps of a decision, the task's."""
EPISODE_S = 35.0
"""Time to reach the far side, the task's [s]."""
CONTACT = 0.002
"""The rover touches something when it is closer than this, as in the task [m]."""
AWAY = 100.0
"""How far along x an obstacle that a scene does not use waits [m]."""
OUTCOMES = ("running", "success", "collision", "timeout")
FRICTION = {"wheel": 1.0, "caster": 0.01, "base": 0.2}
"""Coefficients of the rover's parts [1], which count in every pair: the larger ones of the task's."""
ENGINES = ("mujoco", "dart")
"""Engines that the rover drives in without Isaac Lab."""


class ArenaRover(ABC):
    """Rovers in an engine, as `sim2real.evaluate.rollout` asks of an environment."""

    step_dt = PHYSICS_DT * DECIMATION

    def __init__(self, spec: Spec, num_envs: int, image_size: int, noise: bool = True) -> None:
        """Take the scenes' spec.

        Args:
            spec: what scenes, cameras and noise are drawn from; see `check_rover`.
            num_envs: rovers.
            image_size: width and height of a picture [px].
            noise: whether pictures pass the camera model.
        """
        from sim2real_tasks.avoidance import layout

        self.randomization, self.num_envs, self.image_size, self.noise = spec, num_envs, image_size, noise
        self.observe = "noisy"
        self.active = np.zeros(num_envs, bool)
        self.scene_ids = np.zeros(num_envs, np.int64)
        self.images: Any = None
        self.finished: Any = None
        self._queue: deque[int] = deque()
        self._ticks = np.zeros(num_envs, np.int64)
        self._clearance = np.full(num_envs, math.inf)
        self._pose = np.zeros((num_envs, 3))
        self._obstacles = np.zeros((num_envs, layout.COUNT, 3))
        self._heights = np.zeros((num_envs, layout.COUNT))
        self._used = np.zeros((num_envs, layout.COUNT), bool)
        self._cameras: Any = None
        self._params: Any = None

    @abstractmethod
    def _start(self, i: int, pose: np.ndarray, obstacles: np.ndarray) -> None:
        """Put a rover to rest at x, y, yaw [m, m, rad], (3,), among obstacles at x, y, z, yaw, (obstacles, 4)."""

    @abstractmethod
    def _drive(self, i: int, speeds: tuple[float, float]) -> None:
        """Go on by one decision with these speeds of the left and right wheel [rad/s]."""

    @abstractmethod
    def _base(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Where a rover's base is [m], (3,), and how it is turned, (3, 3)."""

    @abstractmethod
    def _look(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Depth [m], (n, size, size), 0 where nothing is seen, and colour, uint8 (n, size, size, 3), of rovers."""

    @abstractmethod
    def close(self) -> None:
        """Free what the engine holds."""

    @property
    def pose(self) -> torch.Tensor:
        """x, y, yaw of each rover [m, m, rad], (num_envs, 3)."""
        import torch

        return torch.from_numpy(self._pose.astype(np.float32))

    @property
    def obstacle_pose(self) -> torch.Tensor:
        """x, y, yaw of each obstacle [m, m, rad], (num_envs, 12, 3)."""
        import torch

        return torch.from_numpy(self._obstacles.astype(np.float32))

    @property
    def obstacle_used(self) -> torch.Tensor:
        """Which obstacles stand in the scene, bool (num_envs, 12)."""
        import torch

        return torch.from_numpy(self._used)

    def camera_of(self) -> dict[str, np.ndarray]:
        """The cameras as the gap-follower wants them."""
        from sim2real_tasks.avoidance import camera

        return camera.intrinsics(self._cameras, self.image_size)

    def play(self, scenes: Sequence[int]) -> None:
        """Play exactly these scenes, each once."""
        self._queue = deque(int(scene) for scene in scenes)
        self._reset(np.arange(self.num_envs))
        self._observe()

    def step(self, command: torch.Tensor) -> None:
        """Go on by one decision: forward speed [m/s] and turn rate [rad/s] of each rover, (num_envs, 2)."""
        import torch

        from sim2real_tasks.avoidance import arena, geometry
        from sim2real_tasks.robots.rover import wheel_speeds

        wanted = np.asarray(command, float)
        before = self._pose.copy()
        for i in np.flatnonzero(self.active):
            self._drive(int(i), wheel_speeds(*wanted[i]))
            place, turn = self._base(int(i))
            self._pose[i] = (*place[:2], math.atan2(turn[1, 0], turn[0, 0]))
        self._ticks[self.active] += 1
        kind = torch.float64
        start, end, around = (torch.as_tensor(a, dtype=kind) for a in (before, self._pose, self._obstacles))
        clearance = geometry.swept_clearance(start, end, around).numpy()
        self._clearance = np.minimum(self._clearance, clearance)
        hit = self.active & (clearance < CONTACT)
        arrived = self.active & ~hit & (self._pose[:, 0] > arena.GOAL_X)
        late = self.active & ~hit & ~arrived & (self._ticks >= round(EPISODE_S / self.step_dt))
        ids = np.flatnonzero(hit | arrived | late)
        outcome = arrived * 1 + hit * 2 + late * 3
        nearest = geometry.obstacle_clearance(end, around).amin(-1)
        self.finished = SimpleNamespace(
            env_ids=ids,
            scene=self.scene_ids[ids].copy(),
            outcome=tuple(OUTCOMES[k] for k in outcome[ids]),
            time=self._ticks[ids] * self.step_dt,
            pose=self._pose[ids].copy(),
            clearance=self._clearance[ids].copy(),
            at_wall=(geometry.wall_clearance(end) < nearest).numpy()[ids],
        )
        self._reset(ids)
        self._observe()

    def _reset(self, ids: np.ndarray) -> None:
        """Let these rovers take the next scenes; those without one wait where they are."""
        from sim2real.draws import Draws
        from sim2real.vision import draw_depth_params
        from sim2real_tasks.avoidance import camera, layout

        for i in ids:
            self.active[i] = bool(self._queue)
            if self._queue:
                self.scene_ids[i] = self._queue.popleft()
        started = np.array([i for i in ids if self.active[i]], int)
        if self._cameras is None or len(started):  # the first time all, with or without a scene
            everyone = self.scene_ids
            self._cameras = camera.draw_cameras(self.randomization, everyone)
            if self.noise:
                draws = Draws(self.randomization.seed)
                self._params = draw_depth_params(self.randomization.vision["depth"], draws, everyone, 0)
        if not len(started):
            return
        scenes = self.scene_ids[started]
        drawn, start = layout.draw_layouts(self.randomization, scenes), draw_start(self.randomization, scenes)
        for k, i in enumerate(started):
            self._obstacles[i] = drawn.pose[k]
            self._obstacles[i, ~drawn.used[k], 0] += AWAY
            self._heights[i], self._used[i], self._pose[i] = drawn.height[k], drawn.used[k], start[k]
            self._start(int(i), start[k], self.obstacles_of(np.array([i]))[0])
        self._ticks[started], self._clearance[started] = 0, math.inf

    def obstacles_of(self, rows: np.ndarray) -> np.ndarray:
        """Centre and yaw of every obstacle of some rovers' scenes [m, m, m, rad], (n, obstacles, 4)."""
        return np.concatenate(
            [self._obstacles[rows, :, :2], self._heights[rows, :, None], self._obstacles[rows, :, 2:]], axis=-1
        )

    def _observe(self) -> None:
        """Take the pictures that the next decisions look at."""
        from sim2real_tasks.avoidance import camera

        if self.observe == "nothing":
            return
        size, rows = self.image_size, np.flatnonzero(self.active)
        clean = np.zeros((self.num_envs, size, size), np.float32)
        colour = np.zeros((self.num_envs, size, size, 3), np.uint8)
        if len(rows):
            clean[rows], colour[rows] = self._look(rows)
        self.images = camera.Images(clean=clean, noisy=clean, colour=colour)
        if self.noise and self.observe == "noisy":
            self.images = camera.degrade(
                self.images, self._cameras, self._params, self.randomization.seed, self.scene_ids, 0, self._ticks
            )

    def view(self, i: int) -> tuple[np.ndarray, np.ndarray, float]:
        """A rover's camera now: where it is [m], (3,); what turns its vectors (x forward, y left, z up) into the
        arena's, (3, 3); and its focal length [px].
        """
        from sim2real_tasks.avoidance import camera
        from sim2real_tasks.robots.rover import CAMERA_POSITION

        place, body = self._base(i)
        mount = self._cameras.position[i] + np.array(CAMERA_POSITION)
        turn = matrix_of(camera.quaternion_from_rpy(self._cameras.rotation[i : i + 1])[0])
        focal = camera.nominal_focal_px(self.image_size) * float(self._cameras.focal_scale[i])
        return place + body @ mount, body @ turn, focal


def matrix_of(quat_xyzw: np.ndarray) -> np.ndarray:
    """The rotation matrix of a quaternion x, y, z, w, (3, 3)."""
    x, y, z, w = np.asarray(quat_xyzw, float)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def draw_start(spec: Spec, scenes: np.ndarray) -> np.ndarray:
    """x, y, yaw of the rover at the start of scenes, by the task's own keys [m, m, rad], (n, 3)."""
    from sim2real.draws import Draws
    from sim2real_tasks.avoidance import arena

    draws, start = Draws(spec.seed), np.zeros((len(scenes), 3))
    start[:, 0] = arena.START_X
    if "start_position" in spec.terms:
        value = draws.sample("start_position", spec.terms["start_position"].dist, scenes, 0)
        start[:, :2] += value.reshape(len(scenes), -1)[:, :2]
    if "start_yaw" in spec.terms:
        start[:, 2] += draws.sample("start_yaw", spec.terms["start_yaw"].dist, scenes, 0).reshape(len(scenes))
    return start


def check_rover(engine: str, spec: Spec, moving: int = 0) -> None:
    """Hold an engine of `ENGINES`, a spec and the number of moving obstacles against what is here.

    Raises:
        EvaluationError: the spec changes the rover, its motors or its delays, or obstacles are to move.
        EngineUnavailable: the engine is not installed.
    """
    from sim2real.evaluate.engines.player import check_engine
    from sim2real_tasks.avoidance.terms import TERMS

    check_engine(engine)
    if moving:
        raise EvaluationError(f"obstacles stand still in {engine} here; give moving 0, or one of Isaac Lab's engines")

    others = [f"terms.{name}" for name in spec.terms if name not in TERMS]
    others += [f"signals.{name}" for name in spec.signals]
    if others:
        raise EvaluationError(
            f"{', '.join(others)}: in {engine} the rover knows scenes, cameras and the camera's noise alone; use a spec"
            " without these (such as 'avoidance'), or one of Isaac Lab's engines"
        )


@contextmanager
def open_rover(
    engine: str, spec: Spec, num_envs: int, image_size: int, noise: bool, moving: int = 0
) -> Iterator[ArenaRover]:
    """Rovers in one of `ENGINES`, for a `with` block. Raises: as `check_rover`."""
    check_rover(engine, spec, moving)
    if engine == "mujoco":
        from sim2real.evaluate.engines.mujoco_rover import MujocoRover as Rover
    else:
        from sim2real.evaluate.engines.dart_rover import DartRover as Rover  # type: ignore[assignment]
    env = Rover(spec, num_envs, image_size, noise)
    try:
        yield env
    finally:
        env.close()
