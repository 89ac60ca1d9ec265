"""Films of the filmed episode: what an engine did, drawn by MuJoCo from its poses, or as points and lines.

Every engine's robot is drawn alike, from base pose and joint positions alone. MuJoCo draws off screen through EGL or
OSMesa in a process of its own (`python -m sim2real.evaluate.transfer_film`): a graphics driver that ends a process
must not end the report. Where there is neither, links are drawn as points joined to their parents' places.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZE = (400, 260)
"""Width and height of a frame [px]."""
FRAME_S = 0.08
"""Time between two frames [s]."""
LONGEST = 100
"""Most frames."""


def film(bundle: Path, poses: Path, urdf: Path | None = None) -> bytes:
    """An animated WebP of an episode.

    Args:
        bundle: the policy, for its robot.
        poses: what `transfer_run` kept of the episode.
        urdf: description of a robot that is not among the vendors'.
    """
    for backend in ("egl", "osmesa"):
        with tempfile.TemporaryDirectory(prefix="sim2real-film-") as folder:
            out = Path(folder) / "film.webp"
            command = [sys.executable, "-m", "sim2real.evaluate.transfer_film", str(bundle), str(poses), str(out)]
            command += [] if urdf is None else [str(urdf)]
            answer = subprocess.run(command, env={**os.environ, "MUJOCO_GL": backend}, capture_output=True)
            if answer.returncode == 0 and out.is_file():
                return out.read_bytes()
    return stick_film(poses)


def frames_of(poses: Path) -> tuple[dict[str, np.ndarray], list[int]]:
    """The poses, and which of them become frames."""
    with np.load(poses) as data:
        content = {name: data[name] for name in data.files}
    stride = max(1, round(FRAME_S / float(content.pop("step_s"))))
    return content, list(range(0, len(content["base_pos"]), stride))[:LONGEST]


def draw_with_mujoco(bundle: Path, poses: Path, urdf: Path | None = None) -> list[np.ndarray]:
    """Frames of an episode, uint8 (height, width, 3) each; needs MuJoCo's off-screen graphics."""
    import mujoco

    from sim2real.contract import read_manifest
    from sim2real.evaluate.engines.mujoco_player import compile_model
    from sim2real.evaluate.engines.urdf import find_urdf, plain_urdf

    robot = read_manifest(bundle).contract.robot
    assert robot is not None
    with tempfile.TemporaryDirectory(prefix="sim2real-film-") as folder:
        model = compile_model(plain_urdf(find_urdf(robot, urdf), robot, Path(folder)), robot, 0.005)
    own = np.arange(model.ngeom) != model.geom("ground").id
    model.geom_rgba[own] = (0.36, 0.52, 0.66, 1.0)
    model.geom_rgba[~own] = (0.80, 0.82, 0.84, 1.0)
    model.geom("ground").size[:] = (30.0, 30.0, 0.5)
    model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:] = 0.6, 0.5
    data = mujoco.MjData(model)
    renderer = mujoco.Renderer(model, height=SIZE[1], width=SIZE[0])
    content, chosen = frames_of(poses)
    places = [model.joint(name).qposadr[0] for name in robot.joint_names]
    camera = mujoco.MjvCamera()
    camera.distance, camera.azimuth, camera.elevation = 3.0 * robot.start_pos[2], 120.0, -28.0
    camera.lookat[:] = robot.start_pos
    if not robot.floating_base:
        camera.distance, camera.lookat[2] = 2.2, robot.start_pos[2] + 0.35
    drawn = []
    for k in chosen:
        data.qpos[places] = content["joint_pos"][k]
        if robot.floating_base:
            data.qpos[:3] = content["base_pos"][k]
            data.qpos[3:7] = content["base_quat_xyzw"][k][[3, 0, 1, 2]]
            camera.lookat[:2] = content["base_pos"][k][:2]
            camera.lookat[2] = 0.6 * robot.start_pos[2]
        mujoco.mj_forward(model, data)
        renderer.update_scene(data, camera)
        _mark_ground(renderer.scene, camera.lookat, robot.floating_base)
        drawn.append(renderer.render().copy())
    renderer.close()
    return drawn


def _mark_ground(scene: Any, around: np.ndarray, moving: bool) -> None:
    """Small dark tiles every half metre, so that the eye sees the robot move over the ground."""
    import mujoco

    if not moving:
        return
    middle = np.round(np.asarray(around[:2]) / 0.5)
    for i in range(-4, 5):
        for j in range(-4, 5):
            if scene.ngeom >= scene.maxgeom:
                return
            place = np.array([*(0.5 * (middle + (i, j))), 0.001])
            mujoco.mjv_initGeom(
                scene.geoms[scene.ngeom], mujoco.mjtGeom.mjGEOM_BOX, np.array([0.03, 0.03, 0.001]), place,
                np.eye(3).ravel(), np.array([0.45, 0.48, 0.52, 1.0], np.float32),
            )  # fmt: skip
            scene.ngeom += 1


def stick_film(poses: Path) -> bytes:
    """The episode as points, one for each link, seen from the side."""
    from PIL import Image, ImageDraw

    content, chosen = frames_of(poses)
    width, height = SIZE
    pictures = []
    for k in chosen:
        picture = Image.new("RGB", SIZE, (244, 245, 247))
        draw = ImageDraw.Draw(picture)
        links, base = content["links"][k], content["base_pos"][k]
        side = np.stack((links[:, 0] - base[0], links[:, 2]), axis=1)
        ground = height - 40
        draw.line([(0, ground), (width, ground)], fill=(150, 158, 168), width=2)
        for x, z in side:
            u, v = width / 2 + 200 * x, ground - 200 * z
            draw.ellipse([u - 3, v - 3, u + 3, v + 3], fill=(31, 127, 168))
        pictures.append(picture)
    return animated(pictures)


def strip(content: bytes, count: int = 6) -> Any:
    """Frames of an animation side by side, evenly over its time; a Pillow image."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as animation:
        total = getattr(animation, "n_frames", 1)
        numbers = sorted({round(i * (total - 1) / max(1, count - 1)) for i in range(count)})
        width, height = animation.size
        sheet = Image.new("RGB", (len(numbers) * width // 2, height // 2), (255, 255, 255))
        for place, number in enumerate(numbers):
            animation.seek(number)
            frame = animation.convert("RGB").resize((width // 2, height // 2))
            sheet.paste(frame, (place * (width // 2), 0))
    return sheet


def animated(pictures: Sequence[Any]) -> bytes:
    """Pillow images as an animated WebP."""
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, format="WEBP", save_all=True, append_images=list(pictures[1:]), duration=round(1e3 * FRAME_S), loop=0,
        quality=60, method=2,
    )  # fmt: skip
    return buffer.getvalue()


def main() -> int:
    """Draw `BUNDLE POSES OUT [URDF]` with MuJoCo; return the exit code."""
    from PIL import Image

    bundle, poses, out, *urdf = (Path(word) for word in sys.argv[1:])
    drawn = draw_with_mujoco(bundle, poses, urdf[0] if urdf else None)
    out.write_bytes(animated([Image.fromarray(frame) for frame in drawn]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
