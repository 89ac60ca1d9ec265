"""The rover in MuJoCo's C library: its URDF, wheels driven by actuators, one ray of `mj_multiRay` for each pixel.

Colour, which the camera model needs to lose dark surfaces, is that of the surface hit, evenly lit.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.evaluate.engines.arena_rays import GROUND_COLOUR, WALL_COLOUR, wall_boxes
from sim2real.evaluate.engines.rover import DECIMATION, FRICTION, PHYSICS_DT, ArenaRover

if TYPE_CHECKING:
    from sim2real.spec import Spec

OBSTACLE = "obstacle_{:02d}"
SLIDING = (0.005, 0.0001)
"""Torsional and rolling friction, which condim 3 does not use [m]."""


def compile_arena() -> Any:
    """MuJoCo's model of floor, walls, obstacles and rover; friction of a pair is the larger one, as in the task."""
    import mujoco

    from sim2real_tasks.avoidance import arena
    from sim2real_tasks.robots import rover

    compiler = '<compiler discardvisual="true" fusestatic="false"/>'
    text = rover.URDF.read_text().replace("</robot>", f"<mujoco>{compiler}</mujoco></robot>")
    spec = mujoco.MjSpec.from_string(text)
    base = spec.worldbody.first_body()
    base.add_freejoint()
    for geom in spec.geoms:
        caster = geom.type == mujoco.mjtGeom.mjGEOM_SPHERE
        part = "wheel" if "wheel" in geom.parent.name else "caster" if caster else "base"
        geom.friction = [FRICTION[part], *SLIDING]
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
        name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], friction=[FRICTION["caster"], *SLIDING],
        rgba=[*GROUND_COLOUR, 1],
    )  # fmt: skip
    friction = [FRICTION["base"], *SLIDING]
    for name, (pos, half) in wall_boxes().items():
        spec.worldbody.add_geom(name=name, type=box, pos=pos, size=half, friction=friction, rgba=[*WALL_COLOUR, 1])
    for i, obstacle in enumerate(arena.OBSTACLES):
        body = spec.worldbody.add_body(name=OBSTACLE.format(i), mocap=True, pos=[100.0 + i, 0, arena.PARKED_Z])
        kind = box if obstacle.kind == "box" else mujoco.mjtGeom.mjGEOM_CYLINDER
        size = [obstacle.half_x, obstacle.half_y, height] if obstacle.kind == "box" else [obstacle.half_x, height, 0]
        body.add_geom(name=OBSTACLE.format(i), type=kind, size=size, friction=friction, rgba=[*obstacle.colour, 1])
    spec.option.timestep = PHYSICS_DT
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    return spec.compile()


class MujocoRover(ArenaRover):
    """Rovers in MuJoCo, each in a model of its own."""

    def __init__(self, spec: Spec, num_envs: int, image_size: int, noise: bool = True) -> None:
        super().__init__(spec, num_envs, image_size, noise)
        import mujoco

        from sim2real_tasks.avoidance import layout

        self._model = compile_arena()
        self._models = [copy.copy(self._model) for _ in range(num_envs)]
        self._data = [mujoco.MjData(model) for model in self._models]
        mocap = [self._model.body(OBSTACLE.format(i)).mocapid[0] for i in range(layout.COUNT)]
        self._mocap = np.array(mocap)
        self._body = self._model.body("base").id
        self._group = np.array([1, 0, 0, 0, 0, 0], np.uint8)  # the rover does not see itself
        self._colours = np.vstack([self._model.geom_rgba[:, :3], np.zeros(3)])  # the last one: nothing hit

    def _start(self, i: int, pose: np.ndarray, obstacles: np.ndarray) -> None:
        import mujoco

        from sim2real_tasks.robots.rover import WHEEL_RADIUS

        model, data = self._models[i], self._data[i]
        mujoco.mj_resetData(model, data)
        half, turn = pose[2] / 2, obstacles[:, 3] / 2
        data.qpos[:7] = (*pose[:2], WHEEL_RADIUS, math.cos(half), 0.0, 0.0, math.sin(half))
        data.mocap_pos[self._mocap] = obstacles[:, :3]
        zeros = np.zeros_like(turn)
        data.mocap_quat[self._mocap] = np.column_stack([np.cos(turn), zeros, zeros, np.sin(turn)])
        mujoco.mj_forward(model, data)

    def _drive(self, i: int, speeds: tuple[float, float]) -> None:
        import mujoco

        model, data = self._models[i], self._data[i]
        data.ctrl[:] = speeds
        for _ in range(DECIMATION):
            mujoco.mj_step(model, data)
        mujoco.mj_kinematics(model, data)

    def _base(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        return self._data[i].xpos[self._body].copy(), self._data[i].xmat[self._body].reshape(3, 3).copy()

    def _look(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = [self._look_one(int(i)) for i in rows]
        return np.stack([depth for depth, _ in seen]), np.stack([colour for _, colour in seen])

    def _look_one(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        import mujoco

        from sim2real_tasks.avoidance import camera

        size, data = self.image_size, self._data[i]
        start, turn, focal = self.view(i)
        step = (np.arange(size) + 0.5 - size / 2) / focal
        # x forward, y left, z up; the part along the axis is 1, so that a ray's length is the depth.
        rays = np.stack(np.broadcast_arrays(1.0, -step[None, :], -step[:, None]), axis=-1).reshape(-1, 3)
        rays = np.ascontiguousarray(rays @ turn.T)
        depth, hit = np.zeros(len(rays)), np.zeros(len(rays), np.int32)
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
