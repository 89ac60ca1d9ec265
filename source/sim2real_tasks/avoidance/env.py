"""The avoidance environment: an Isaac Lab `DirectRLEnv` whose every episode is a numbered scene.

Scene k of a spec is the same obstacles, start, camera and noise, the same rover, floor, motors and delays wherever and
whenever it is played: environments take scene numbers, and everything random is a keyed draw of that number. By default
environment i plays scene `rank · num_envs + i` and counts episodes; `play` goes once through a list of scenes instead
(evaluation).
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
import warp as wp
from isaaclab.envs import DirectRLEnv

from sim2real.draws import Draws
from sim2real.lab.signals_terms import first_world_of, spec_events
from sim2real.vision import DepthParams

from ..robots.rover import WHEEL_RADIUS
from . import arena, camera, geometry, layout
from .env_cfg import AvoidanceEnvCfg
from .links import CommandLink, PictureLink, hold
from .prepare import prepare
from .terms import OWN, PICTURE

OUTCOMES = ("running", "success", "collision", "timeout")
OBSERVE = ("noisy", "clean", "nothing")
"""What is rendered for the observation: through the camera model, without it, or not at all (zeros)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finished:
    """The episodes that ended in the last step, one row each."""

    env_ids: np.ndarray
    """Which environments (k,)."""
    scene: np.ndarray
    """The scenes they played (k,)."""
    outcome: tuple[str, ...]
    """`success`, `collision` or `timeout`."""
    time: np.ndarray
    """Simulated time [s] (k,)."""
    pose: np.ndarray
    """The last pose x, y, yaw, (k, 3)."""
    clearance: np.ndarray
    """Least clearance of the episode [m] (k,)."""
    at_wall: np.ndarray
    """Whether a wall was nearer than any obstacle at the end (k,)."""


class AvoidanceEnv(DirectRLEnv):
    """The environment; see `AvoidanceEnvCfg`."""

    cfg: AvoidanceEnvCfg
    handled_targets = OWN
    """What this environment draws and applies itself, from `randomization`."""
    handled_vision = ("depth",)
    """What of the spec's vision it applies itself."""

    def __init__(self, cfg: AvoidanceEnvCfg, render_mode: str | None = None, **kwargs):
        self.randomization = prepare(cfg)
        self.focal_min, _ = camera.focal_scale_bounds(self.randomization)
        super().__init__(cfg, render_mode, **kwargs)
        n, kind = self.num_envs, dict(device=self.device)
        self.robot = self.scene["robot"]
        self.obstacles = self.scene["obstacles"]
        self.camera = self.scene["camera"]
        self.image_size = cfg.scene.camera.width
        first = first_world_of(self)
        self.scene_ids = np.arange(n) + first
        """Scene that each environment plays."""
        self.episodes = np.full(n, -1)
        """Episode of that scene; a reset moves to the next one."""
        self.pose = torch.zeros(n, 3, **kind)
        """Rover x, y, yaw in the arena frame [m, m, rad], (n, 3)."""
        self.obstacle_pose = torch.zeros(n, layout.COUNT, 3, **kind)
        """x, y, yaw of every obstacle now, (n, 12, 3)."""
        self.obstacle_used = torch.zeros(n, layout.COUNT, dtype=torch.bool, **kind)
        self._obstacle_home = torch.zeros(n, layout.COUNT, 3, **kind)
        self._obstacle_height = torch.zeros(n, layout.COUNT, **kind)
        self._moving_phase = torch.zeros(n, layout.COUNT, **kind)
        self.min_clearance = torch.full((n,), math.inf, **kind)
        """Least clearance of the running episode [m], (n,)."""
        self.outcome = torch.zeros(n, dtype=torch.long, **kind)
        """Index into `OUTCOMES`, as of the last step and before its resets, (n,)."""
        self.active = np.ones(n, bool)
        """False where the queue of scenes ran out: such an environment waits at its start and finishes nothing."""
        self.images: camera.Images | None = None
        """What the last observation was made of."""
        self.observe = "noisy"
        """One of `OBSERVE`."""
        self.finished: Finished | None = None
        """The episodes that ended in the last step; None before the first."""
        self._queue: deque[int] | None = None
        self._before = torch.zeros(n, 3, **kind)
        self._episode_number = torch.zeros(n, dtype=torch.int32, **kind)
        self.command_link = CommandLink(self, first)
        """The way of a command to the motors."""
        self.picture_link = PictureLink(self, first) if PICTURE in self.randomization.signals else None
        """The way of the picture to the policy; None: it is there at once."""
        self._cameras = camera.draw_cameras(self.randomization, self.scene_ids, 0)
        self._depth_params: DepthParams | None = None

    # -- scenes ------------------------------------------------------------------------------------------------------

    def play(self, scenes: Sequence[int]) -> None:
        """Play exactly these scenes (episode 0), each once: reset all environments and refill them as they finish."""
        self._queue = deque(int(scene) for scene in scenes)
        self.active[:] = True
        self.reset()

    def _next_scenes(self, ids: np.ndarray) -> None:
        if self._queue is None:
            # The events' count goes on over a checkpoint.
            found = spec_events(self)
            self.episodes[ids] = self.episodes[ids] + 1 if found is None else found.randomizer.resets.numpy()[ids]
            return
        for i in ids:
            self.active[i] = bool(self._queue)
            if self._queue:
                self.scene_ids[i], self.episodes[i] = self._queue.popleft(), 0
            elif self.episodes[i] < 0:  # fewer scenes than environments: this one never plays, but must stand somewhere
                self.scene_ids[i], self.episodes[i] = 0, 0

    def place(self, env_ids: np.ndarray, obstacles: layout.Layout, rover: np.ndarray, cameras: camera.CameraDraw):
        """Put obstacles, rover (x, y, yaw; (k, 3)) and cameras of the environments `env_ids` (k,) in place; no
        physics step.
        """
        ids = torch.as_tensor(env_ids, dtype=torch.int32, device=self.device)
        rows = ids.long()
        self._obstacle_home[rows] = torch.as_tensor(obstacles.pose, device=self.device)
        self.obstacle_used[rows] = torch.as_tensor(obstacles.used, device=self.device)
        self._obstacle_height[rows] = torch.as_tensor(obstacles.height, device=self.device)
        self.obstacle_pose[rows] = self._obstacle_home[rows]
        # Parked obstacles are out of reach in the plane too.
        self.obstacle_pose[rows] += (~self.obstacle_used[rows]).unsqueeze(-1) * torch.tensor(
            [100.0, 0.0, 0.0], device=self.device
        )
        if self.cfg.moving:
            self.obstacle_pose[rows, :, 1] = self._moved_y(0)[rows]
        self._write_obstacles(ids)
        pose = torch.as_tensor(np.asarray(rover, np.float32), device=self.device)
        state = self._upright(np.full((len(ids), 1), WHEEL_RADIUS), np.asarray(rover, np.float32)[:, None])[:, 0]
        state[:, :3] += self.scene.env_origins[rows]
        self.robot.write_root_pose_to_sim_index(root_pose=state, env_ids=ids)
        self.robot.write_root_velocity_to_sim_index(
            root_velocity=torch.zeros(len(ids), 6, device=self.device), env_ids=ids
        )
        still = torch.zeros(len(ids), self.robot.num_joints, device=self.device)
        self.robot.write_joint_position_to_sim_index(position=still, env_ids=ids)
        self.robot.write_joint_velocity_to_sim_index(velocity=still, env_ids=ids)
        self.robot.set_joint_velocity_target_index(target=still, env_ids=ids)
        self.pose[rows] = pose
        self._before[rows] = pose
        for name in ("position", "rotation", "focal_scale"):
            getattr(self._cameras, name)[env_ids] = getattr(cameras, name)
        base = np.concatenate((rover[:, :2], np.full((len(rover), 1), WHEEL_RADIUS), rover[:, 2:]), 1)
        base[:, :3] += self.scene.env_origins[rows].cpu().numpy()
        position, quaternion = camera.camera_world_poses(base, cameras)
        # The camera keeps its offset to the body as of now: on Newton the body stands where it was until this call.
        self.sim.forward()
        self.camera.set_world_poses(
            torch.from_numpy(position).to(self.device),
            torch.from_numpy(quaternion).to(self.device),
            env_ids=ids,
            convention="world",
        )

    def _write_obstacles(self, ids: torch.Tensor) -> None:
        rows = ids.long()
        used = self.obstacle_used[rows].unsqueeze(-1)
        place = torch.where(used, self.obstacle_pose[rows], self._obstacle_home[rows])
        pose = self._upright(self._obstacle_height[rows].cpu().numpy(), place.cpu().numpy())
        pose[..., :3] += self.scene.env_origins[rows][:, None]
        self.obstacles.write_body_pose_to_sim_index(body_poses=pose, env_ids=ids)

    def _upright(self, height: np.ndarray, place: np.ndarray) -> torch.Tensor:
        """Poses (n, k, 7) of upright bodies at `place` (n, k, 3: x, y, yaw) and `height` (n, k).

        Sines are taken by NumPy in double precision: a row must not depend on how many rows there are, and vectorised
        single precision differs in the last bit between the body and the tail of an array.
        """
        half = place[..., 2].astype(np.float64) / 2
        pose = np.zeros((*place.shape[:2], 7))
        pose[..., :2], pose[..., 2] = place[..., :2], height
        pose[..., 5], pose[..., 6] = np.sin(half), np.cos(half)
        return torch.from_numpy(pose.astype(np.float32)).to(self.device)

    def draw_start(self, scenes: np.ndarray, episodes: np.ndarray) -> np.ndarray:
        """Where the rover starts in each scene: x, y, yaw, float32 (n, 3)."""
        draws, start = Draws(self.randomization.seed), np.zeros((len(scenes), 3), np.float32)
        start[:, 0] = arena.START_X
        for name, columns in (("start_position", slice(0, 3)), ("start_yaw", slice(2, 3))):
            if name in self.randomization.terms:
                value = draws.sample(name, self.randomization.terms[name].dist, scenes, episodes).reshape(
                    len(scenes), -1
                )
                if name == "start_position":
                    start[:, :2] += value[:, :2]
                else:
                    start[:, columns] += value
        return start

    # -- DirectRLEnv -------------------------------------------------------------------------------------------------

    def _reset_idx(self, env_ids: Sequence[int] | torch.Tensor | None) -> None:
        ids = np.arange(self.num_envs) if env_ids is None else torch.as_tensor(env_ids).cpu().numpy().astype(np.int64)
        self._next_scenes(ids)
        scenes, episodes = self.scene_ids[ids], self.episodes[ids]
        self._number(ids, scenes, episodes)
        super()._reset_idx(torch.as_tensor(ids, dtype=torch.int32, device=self.device))
        self.episode_length_buf[ids] = 0
        if self.cfg.moving:
            phase = Draws(self.randomization.seed).unit("moving_phase", scenes, episodes, count=layout.COUNT)
            self._moving_phase[ids] = torch.as_tensor(phase, device=self.device)
        self.place(
            ids,
            layout.draw_layouts(self.randomization, scenes, episodes),
            self.draw_start(scenes, episodes),
            camera.draw_cameras(self.randomization, scenes, episodes),
        )
        self._draw_depth_params(ids)
        self.min_clearance[ids] = math.inf

    def _number(self, ids: np.ndarray, scenes: np.ndarray, episodes: np.ndarray) -> None:
        """Let all that is drawn elsewhere, too, be a function of the scene's number and episode."""
        found = spec_events(self)
        if found is not None:
            found.play(ids, scenes, episodes)
        rows = torch.as_tensor(ids, device=self.device)
        self._episode_number[rows] = torch.as_tensor(episodes, dtype=torch.int32, device=self.device)
        picture = None if self.picture_link is None else self.picture_link.path
        for path in (self.command_link.path, picture):
            if path is not None:
                wp.to_torch(path.worlds)[rows] = torch.as_tensor(scenes, dtype=torch.int32, device=self.device)
                path.reset(rows, wp.from_torch(self._episode_number))
        if self.picture_link is not None:
            self.picture_link.begin(rows)

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        self.command_link.send(actions)
        self._before = self.pose.clone()
        if self.cfg.moving:
            self._move_obstacles()

    def _apply_action(self) -> None:
        self.command_link.apply()

    def _get_dones(self) -> tuple[torch.Tensor, torch.Tensor]:
        self.pose = self._read_pose()
        clearance = geometry.swept_clearance(self._before, self.pose, self.obstacle_pose)
        self.min_clearance = torch.minimum(self.min_clearance, clearance)
        active = torch.as_tensor(self.active, device=self.device)
        hit = active & (clearance < self.cfg.contact_clearance)
        arrived = active & ~hit & (self.pose[:, 0] > arena.GOAL_X)
        late = active & ~hit & ~arrived & (self.episode_length_buf >= self.max_episode_length)
        self.outcome = hit * 2 + arrived * 1 + late * 3
        self._record_finished()
        return hit | arrived, late

    def _record_finished(self) -> None:
        ids = np.flatnonzero(self.outcome.cpu().numpy())
        pose = self.pose[ids]
        wall = geometry.wall_clearance(pose)
        nearest = geometry.obstacle_clearance(pose, self.obstacle_pose[ids]).amin(-1)
        self.finished = Finished(
            env_ids=ids,
            scene=self.scene_ids[ids].copy(),
            outcome=tuple(OUTCOMES[k] for k in self.outcome[ids].tolist()),
            time=self.episode_length_buf[ids].cpu().numpy() * self.step_dt,
            pose=pose.cpu().numpy(),
            clearance=self.min_clearance[ids].cpu().numpy(),
            at_wall=(wall < nearest).cpu().numpy(),
        )

    def _get_rewards(self) -> torch.Tensor:
        cfg = self.cfg
        progress = (self.pose[:, 0] - self._before[:, 0]) * cfg.reward_progress
        hit, arrived = self.outcome == OUTCOMES.index("collision"), self.outcome == OUTCOMES.index("success")
        return progress + hit * cfg.reward_contact + arrived * cfg.reward_goal

    def _get_observations(self) -> dict:
        if self.picture_link is not None:
            self.picture_link.look(self._cameras)
        if self.observe == "nothing":
            return {"policy": torch.zeros(self.num_envs, *self.cfg.observation_space, device=self.device)}
        before, self.images = self.images, self.render_images() if self.observe == "noisy" else self.render_clean()
        if self.picture_link is not None:
            hold(self.images, before, self.picture_link.lost)
        return {"policy": torch.from_numpy(self.images.noisy).to(self.device).unsqueeze(1)}

    # -- state and images --------------------------------------------------------------------------------------------

    def _read_pose(self) -> torch.Tensor:
        position = self.robot.data.root_pos_w.torch - self.scene.env_origins
        q = self.robot.data.root_quat_w.torch
        yaw = torch.atan2(2 * (q[:, 3] * q[:, 2] + q[:, 0] * q[:, 1]), 1 - 2 * (q[:, 1] ** 2 + q[:, 2] ** 2))
        return torch.cat((position[:, :2], yaw[:, None]), -1)

    def _moved_y(self, ticks: int) -> torch.Tensor:
        """Each obstacle's y (n, 12) [m] `ticks` from now: the first `moving` of a scene go sideways, a triangle wave
        about where the scene put them.
        """
        rank = torch.cumsum(self.obstacle_used, 1) * self.obstacle_used
        moves = (rank > 0) & (rank <= self.cfg.moving)
        time = (self.episode_length_buf.unsqueeze(-1) + ticks) * self.step_dt
        reach, period = self.cfg.moving_reach, 4 * self.cfg.moving_reach / self.cfg.moving_speed
        phase = torch.remainder(time / period + self._moving_phase, 1.0)
        offset = reach * (4 * (phase - 0.5).abs() - 1)
        y = (self._obstacle_home[..., 1] + offset).clamp(-arena.WIDTH / 2 + 0.3, arena.WIDTH / 2 - 0.3)
        return torch.where(moves, y, self.obstacle_pose[..., 1])

    def _move_obstacles(self) -> None:
        self.obstacle_pose[..., 1] = self._moved_y(1)
        self._write_obstacles(torch.arange(self.num_envs, dtype=torch.int32, device=self.device))

    def _draw_depth_params(self, ids: np.ndarray) -> None:
        if not self.cfg.noise:
            return
        from sim2real.vision import draw_depth_params

        drawn = draw_depth_params(
            self.randomization.vision["depth"], Draws(self.randomization.seed), self.scene_ids[ids], self.episodes[ids]
        )
        if self._depth_params is None:
            self._depth_params = drawn
        else:
            for field in dataclasses.fields(drawn):
                getattr(self._depth_params, field.name)[ids] = getattr(drawn, field.name)

    def render_raw(self) -> camera.Raw:
        """Render what the cameras see now, at the renderer's focal length; the arrays are copies."""
        self.camera.update(self.step_dt, force_recompute=True)
        output = self.camera.data.output
        return camera.Raw(
            depth=np.array(output["depth"].torch[..., 0].cpu().numpy()),
            colour=np.array(output["rgb"].torch[..., :3].cpu().numpy()) if self.cfg.colour else None,
        )

    def render_clean(self) -> camera.Images:
        """Render, each environment at its own focal length, without noise."""
        return camera.develop(self.render_raw(), self._cameras, self.focal_min)

    def render_images(self) -> camera.Images:
        """Render what the cameras see now, clean and through the camera model."""
        images = self.render_clean()
        if not self.cfg.noise:
            return images
        return camera.degrade(
            images,
            self._cameras,
            self._depth_params,
            self.randomization.seed,
            self.scene_ids,
            self.episodes,
            self.episode_length_buf.cpu().numpy(),
        )

    def camera_of(self) -> dict[str, np.ndarray]:
        """The cameras as the gap-follower wants them: fx, fy, cx, cy [px], camera_position, camera_rotation."""
        return camera.intrinsics(self._cameras, self.image_size)
