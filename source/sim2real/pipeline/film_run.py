"""A film of a trained policy at work: what one robot did, drawn by MuJoCo from its poses, or as points.

The poses are those of the engine that was played in; MuJoCo only draws, on flat ground, as in a transfer report. It
draws in a process of its own, which gets the robot's contract in a folder; where it has no graphics to draw with, the
robot's links are drawn as points.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.errors import Sim2RealError

SUFFIXES = (".webp", ".gif", ".png")
"""Animations, and a strip of moments."""
LONGEST_S = 8.0
"""Time of the robot that is filmed at most [s]."""


class FilmError(Sim2RealError):
    """A film that cannot be made."""


def check_film(path: str | Path) -> Path:
    """Return the path of a film.

    Raises:
        FilmError: no kind of file that can be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise FilmError(f"{path}: a film is written as {', '.join(SUFFIXES)} (a strip of moments); give such a name")
    return path


class Tape:
    """Poses of the first robot, from the first step of its first episode on."""

    def __init__(self, run: Any, venv: Any, policy: Any) -> None:
        """Begin.

        Args:
            run: the run.
            venv: its environment, as `sim2real.learn.ppo.playing.opened` yields it.
            policy: its policy.

        Raises:
            Sim2RealError: the robot cannot be described.
        """
        from sim2real.contract import TrainingRun
        from sim2real.lab.policy_contract import policy_contract
        from sim2real.pipeline.export_run import policy_name, urdf_of

        env = venv.unwrapped
        self.urdf = urdf_of(env)
        """Description of the robot."""
        self.contract = policy_contract(
            env,
            name=policy_name(run.task),
            task=run.task,
            urdf=self.urdf,
            run=TrainingRun(physics=run.physics, physics_dt_s=1.0, decimation=1),  # the environment's take their place
            groups=tuple(policy.obs_groups),
        )
        """What is known of the robot; a contract without a policy."""
        robot = self.contract.robot
        assert robot is not None  # a policy that moves joints has one
        self._env, self._asset = env, env.scene["robot"]
        names, bodies = list(self._asset.joint_names), list(self._asset.body_names)
        self._joints = [names.index(name) for name in robot.joint_names]
        self._links = sorted(range(len(bodies)), key=lambda i: bodies[i] != robot.base_link)
        self._rows: list[dict[str, np.ndarray]] = []
        self._over = False

    def __call__(self, dones: Any) -> None:
        """Take a picture after a step.

        Args:
            dones: which episodes ended with it, (num_envs,).
        """
        self._over |= bool(dones[0]) or len(self._rows) * self._env.step_dt >= LONGEST_S
        if self._over:  # the robot stands at the start of another episode
            return
        data, origin = self._asset.data, self._env.scene.env_origins[0].cpu().numpy()
        links = data.body_link_pose_w.torch[0].cpu().numpy()[self._links]
        self._rows.append(
            {
                "base_pos": links[0, :3] - origin,
                "base_quat_xyzw": links[0, 3:],
                "joint_pos": data.joint_pos.torch[0].cpu().numpy()[self._joints],
                "links": links[:, :3] - origin,
            }
        )

    def save(self, path: Path) -> Path:
        """Draw the film and write it.

        Args:
            path: of a kind in `SUFFIXES`.

        Raises:
            FilmError: nothing was filmed.
        """
        from sim2real.contract import write_manifest
        from sim2real.evaluate.transfer_film import film, strip

        if not self._rows:
            raise FilmError("the first episode ended with its first step: there is nothing to film; try another --seed")
        poses: dict[str, Any] = {
            name: np.array([row[name] for row in self._rows], np.float32) for name in self._rows[0]
        }
        with tempfile.TemporaryDirectory(prefix="sim2real-play-") as folder:
            write_manifest(Path(folder), self.contract, {})
            np.savez(Path(folder) / "poses.npz", **poses, step_s=np.float32(self._env.step_dt))
            content = film(Path(folder), Path(folder) / "poses.npz", self.urdf)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".webp":
            path.write_bytes(content)
        elif path.suffix.lower() == ".png":
            strip(content).save(path)
        else:
            _as_gif(content, path)
        return path


def _as_gif(content: bytes, path: Path) -> None:
    """Write an animated WebP as an animated GIF."""
    from PIL import Image, ImageSequence

    with Image.open(io.BytesIO(content)) as animation:
        duration = animation.info.get("duration", 80)
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(animation)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration, loop=0)
