"""The rover with its depth camera in MuJoCo's C library: the scenes of the avoidance task, without Isaac Lab.

What `sim2real.evaluate.rollout` drives: numbered scenes with the task's own layout, start, camera and noise, drawn by
the same keys, so that scene 17 is scene 17 in every engine. The rover is its URDF, the obstacles are bodies without
motion, and a picture is one ray for each pixel (`mj_multiRay`) from where the camera is at that moment. Colour, which
the camera model needs to lose dark surfaces, is that of the surface hit, evenly lit. Obstacles stand still.
"""

from __future__ import annotations

import copy
import math
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
OUTCOMES = ("running", "success", "collision", "timeout")
GROUND_COLOUR = (0.32, 0.33, 0.34)
WALL_COLOUR = (0.70, 0.70, 0.65)
OBSTACLE = "obstacle_{:02d}"


def compile_arena() -> Any:
    """MuJoCo's model of floor, walls, obstacles and rover."""
    import mujoco

    from sim2real_tasks.avoidance import arena
    from sim2real_tasks.robots import rover

    compiler = '<compiler discardvisual="true" fusestatic="false"/>'
    text = rover.URDF.read_text().replace("</robot>", f"<mujoco>{compiler}</mujoco></robot>")
    spec = mujoco.MjSpec.from_string(text)
    base = spec.worldbody.first_body()
    base.add_freejoint()
    for geom in spec.geoms:  # friction of a pair is the larger one, as in the task
        wheel = "wheel" in geom.parent.name
        smooth = geom.type == mujoco.mjtGeom.mjGEOM_SPHERE
        geom.friction = [1.0 if wheel else 0.01 if smooth else 0.2, 0.005, 0.0001]
        geom.group = 1
    for joint in spec.joints:
        joint.actfrclimited = False
    for name in rover.WHEEL_JOINTS:
        wheel = spec.add_actuator(name=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=name)
        wheel.gaintype, wheel.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        wheel.gainprm[0], wheel.biasprm[2] = rover.WHEEL_DAMPING, -rover.WHEEL_DAMPING
        wheel.forcelimited, wheel.forcerange = True, (-rover.WHEEL_EFFORT_MAX, rover.WHEEL_EFFORT_MAX)
    box, height = mujoco.mjtGeom.mjGEOM_BOX, arena.HEIGHT / 2
    spec.worldbody.add_geom(
        name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], friction=[0.01, 0.005, 0.0001],
        rgba=[*GROUND_COLOUR, 1],
    )  # fmt: skip
    half, thick = (arena.LENGTH - arena.ENTRANCE_X) / 2, arena.WALL_THICKNESS / 2
    middle, side = (arena.LENGTH + arena.ENTRANCE_X) / 2, arena.WIDTH / 2 + thick
    walls = {
        "wall_left": ([middle, side, height], [half, thick, height]),
        "wall_right": ([middle, -side, height], [half, thick, height]),
        "wall_back": ([arena.ENTRANCE_X - thick, 0, height], [thick, side + thick, height]),
    }
    for name, (pos, size) in walls.items():
        spec.worldbody.add_geom(
            name=name, type=box, pos=pos, size=size, friction=[0.2, 0.005, 0.0001], rgba=[*WALL_COLOUR, 1]
        )
    for i, obstacle in enumerate(arena.OBSTACLES):
        body = spec.worldbody.add_body(name=OBSTACLE.format(i), mocap=True, pos=[100.0 + i, 0, arena.PARKED_Z])
        kind = box if obstacle.kind == "box" else mujoco.mjtGeom.mjGEOM_CYLINDER
        size = [obstacle.half_x, obstacle.half_y, height] if obstacle.kind == "box" else [obstacle.half_x, height, 0]
        body.add_geom(
            name=OBSTACLE.format(i), type=kind, size=size, friction=[0.2, 0.005, 0.0001], rgba=[*obstacle.colour, 1]
        )
    spec.option.timestep = PHYSICS_DT
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    return spec.compile()


class MujocoRover:
    """Rovers in MuJoCo, each in a model of its own, as `sim2real.evaluate.rollout` asks of an environment."""

    step_dt = PHYSICS_DT * DECIMATION

    def __init__(self, spec: Spec, num_envs: int, image_size: int, noise: bool = True) -> None:
        """Build the scenes' model.

        Args:
            spec: what scenes, cameras and noise are drawn from.
            num_envs: rovers.
            image_size: width and height of a picture [px].
            noise: whether pictures pass the camera model.

        Raises:
            EvaluationError: the spec asks for what only Isaac Lab's engines do here.
        """
        import mujoco

        from sim2real_tasks.avoidance import layout

        check_rover_spec(spec)
        self.randomization, self.num_envs, self.image_size, self.noise = spec, num_envs, image_size, noise
        self._model = compile_arena()
        self._models = [copy.copy(self._model) for _ in range(num_envs)]
        self._data = [mujoco.MjData(model) for model in self._models]
        mocap = [self._model.body(OBSTACLE.format(i)).mocapid[0] for i in range(layout.COUNT)]
        self._mocap = np.array(mocap)
        self._base = self._model.body("base").id
        self._group = np.array([1, 0, 0, 0, 0, 0], np.uint8)  # the rover does not see itself
        self._colours = np.vstack([self._model.geom_rgba[:, :3], np.zeros(3)])  # the last one: nothing hit
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
        self._used = np.zeros((num_envs, layout.COUNT), bool)
        self._cameras: Any = None
        self._params: Any = None

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
        import mujoco
        import torch

        from sim2real_tasks.avoidance import arena, geometry
        from sim2real_tasks.robots.rover import wheel_speeds

        wanted = np.asarray(command, float)
        before = self._pose.copy()
        for i in np.flatnonzero(self.active):
            model, data = self._models[i], self._data[i]
            data.ctrl[:] = wheel_speeds(*wanted[i])
            for _ in range(DECIMATION):
                mujoco.mj_step(model, data)
            mujoco.mj_kinematics(model, data)
            self._pose[i] = _pose_of(data)
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
        import mujoco

        from sim2real.draws import Draws
        from sim2real.vision import draw_depth_params
        from sim2real_tasks.avoidance import camera, layout
        from sim2real_tasks.robots.rover import WHEEL_RADIUS

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
            model, data = self._models[i], self._data[i]
            mujoco.mj_resetData(model, data)
            half = start[k, 2] / 2
            data.qpos[:7] = (*start[k, :2], WHEEL_RADIUS, math.cos(half), 0.0, 0.0, math.sin(half))
            turn = drawn.pose[k, :, 2] / 2
            place = np.column_stack([drawn.pose[k, :, :2], drawn.height[k]])
            place[~drawn.used[k], 0] += 100.0
            data.mocap_pos[self._mocap] = place
            zeros = np.zeros_like(turn)
            data.mocap_quat[self._mocap] = np.column_stack([np.cos(turn), zeros, zeros, np.sin(turn)])
            mujoco.mj_forward(model, data)
            self._obstacles[i] = drawn.pose[k]
            self._obstacles[i, ~drawn.used[k], 0] += 100.0
            self._used[i] = drawn.used[k]
            self._pose[i] = start[k]
        self._ticks[started], self._clearance[started] = 0, math.inf

    def _observe(self) -> None:
        """Take the pictures that the next decisions look at."""
        from sim2real_tasks.avoidance import camera

        if self.observe == "nothing":
            return
        size = self.image_size
        clean = np.zeros((self.num_envs, size, size), np.float32)
        colour = np.zeros((self.num_envs, size, size, 3), np.uint8)
        for i in np.flatnonzero(self.active):
            clean[i], colour[i] = self._look(int(i))
        self.images = camera.Images(clean=clean, noisy=clean, colour=colour)
        if self.noise and self.observe == "noisy":
            self.images = camera.degrade(
                self.images, self._cameras, self._params, self.randomization.seed, self.scene_ids, 0, self._ticks
            )

    def _look(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Depth along the camera's axis [m] and colour of what each pixel's ray hits."""
        import mujoco

        from sim2real_tasks.avoidance import camera
        from sim2real_tasks.robots.rover import CAMERA_POSITION

        size, data = self.image_size, self._data[i]
        body = data.xmat[self._base].reshape(3, 3)
        mount, turn = self._cameras.position[i] + np.array(CAMERA_POSITION), np.zeros(9)
        quat = camera.quaternion_from_rpy(self._cameras.rotation[i : i + 1])[0]
        mujoco.mju_quat2Mat(turn, quat[[3, 0, 1, 2]].astype(float))
        focal = camera.nominal_focal_px(size) * float(self._cameras.focal_scale[i])
        step = (np.arange(size) + 0.5 - size / 2) / focal
        # x forward, y left, z up; the part along the axis is 1, so that a ray's length is the depth.
        rays = np.stack(np.broadcast_arrays(1.0, -step[None, :], -step[:, None]), axis=-1).reshape(-1, 3)
        rays = np.ascontiguousarray(rays @ (body @ turn.reshape(3, 3)).T)
        depth, hit = np.zeros(len(rays)), np.zeros(len(rays), np.int32)
        start = data.xpos[self._base] + body @ mount
        mujoco.mj_multiRay(
            self._models[i], data, start, rays.ravel(), self._group, True, -1, hit, depth, None, len(rays),
            2.0 * camera.RENDER_FAR,
        )  # fmt: skip
        seen = (hit >= 0) & (depth < camera.NOTHING)
        colours = (255.0 * self._colours[hit]).astype(np.uint8)
        return np.where(seen, depth, 0.0).reshape(size, size), colours.reshape(size, size, 3)

    def close(self) -> None:
        """Free models and data."""
        self._models, self._data = [], []


def _pose_of(data: Any) -> np.ndarray:
    w, x, y, z = data.qpos[3:7]
    return np.array([data.qpos[0], data.qpos[1], math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))])


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


def check_rover_spec(spec: Spec) -> None:
    """Hold a spec against what this rover plays.

    Raises:
        EvaluationError: it changes the rover, its motors or its delays.
    """
    from sim2real_tasks.avoidance.terms import TERMS

    others = [f"terms.{name}" for name in spec.terms if name not in TERMS]
    others += [f"signals.{name}" for name in spec.signals]
    if others:
        raise EvaluationError(
            f"{', '.join(others)}: in MuJoCo the rover knows scenes, cameras and the camera's noise alone; use a spec"
            " without these (such as 'avoidance'), or one of Isaac Lab's engines"
        )


@contextmanager
def open_rover(spec: Spec, num_envs: int, image_size: int, noise: bool, moving: int = 0) -> Iterator[MujocoRover]:
    """Rovers for a `with` block. Raises: EvaluationError."""
    if moving:
        raise EvaluationError("obstacles stand still in MuJoCo here; give moving 0, or one of Isaac Lab's engines")
    env = MujocoRover(spec, num_envs, image_size, noise)
    try:
        yield env
    finally:
        env.close()
