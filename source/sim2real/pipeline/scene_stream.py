"""The running worlds as a stream: a process that steps an environment and writes what is to be seen of it.

The studio starts ``python -m sim2real.pipeline.scene_stream`` and reads its standard output: first a message about the
bodies and their meshes, then one for each moment, with the poses of all bodies and what cameras see. An engine that
hangs or dies takes this process with it and nothing else; and when the studio goes away, so does this process.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from sim2real.errors import Sim2RealError

FRAME_S = 0.08
"""Least time between two moments that are written [s]."""
LARGEST = 512_000_000
"""Longest message that is read, in bytes."""
MOST_WORLDS = 64
"""Environments that are shown at most."""
DRIVE = (0.25, 0.15)
"""What a rover without a policy is told: forward [m/s], turn rate [rad/s]."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of the stream."""

    kind: str
    """``scene``, ``frame`` or ``error``."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Plain data."""
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Numbers, by name."""


def write_message(out: IO[bytes], message: Message) -> None:
    """Write a message: the lengths of both parts, the facts as JSON, the arrays one after another."""
    arrays = {name: np.asarray(array, order="C") for name, array in message.arrays.items()}
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    head = json.dumps({"kind": message.kind, "facts": dict(message.facts), "arrays": shapes}).encode()
    body = b"".join(array.tobytes() for array in arrays.values())
    out.write(struct.pack("<II", len(head), len(body)) + head + body)
    out.flush()


def read_message(source: IO[bytes]) -> Message | None:
    """Read a message; None at the end of the stream, also where it was cut off.

    Raises:
        ValueError: these are no messages.
    """
    lengths = source.read(8)
    if len(lengths) < 8:
        return None
    head_length, body_length = struct.unpack("<II", lengths)
    if head_length + body_length > LARGEST:
        raise ValueError(f"a message of {head_length + body_length} bytes: this is no stream of a scene")
    head, body = source.read(head_length), source.read(body_length)
    if len(head) < head_length or len(body) < body_length:
        return None
    found, arrays, at = json.loads(head), {}, 0
    for name, kind, shape in found["arrays"]:
        dtype, count = np.dtype(kind), int(np.prod(shape))
        arrays[name] = np.frombuffer(body, dtype, count, at).reshape(shape)
        at += count * dtype.itemsize
    return Message(kind=found["kind"], facts=found["facts"], arrays=arrays)


class Watcher:
    """Reads from an environment what is to be seen."""

    def __init__(self, env: Any) -> None:
        """Find bodies and cameras.

        Args:
            env: an Isaac Lab environment, unwrapped.
        """
        from sim2real.pipeline.scene_meshes import body_paths

        self._env = env
        self._bodies = body_paths(env.scene)
        self._assets = {
            **env.scene.articulations,
            **env.scene.rigid_objects,
            **env.scene.rigid_object_collections,
        }
        self._cameras = {
            name: sensor
            for name, sensor in env.scene.sensors.items()
            if hasattr(sensor.data, "intrinsic_matrices") and hasattr(sensor.data, "quat_w_ros")
        }

    def scene(self, facts: Mapping[str, Any]) -> Message:
        """Return the message about bodies and meshes.

        Args:
            facts: what else is to be told.
        """
        from sim2real.pipeline.scene_meshes import meshes_of

        meshes = meshes_of(self._env.scene.stage, {path: row for row, path in enumerate(self._bodies)})
        arrays: dict[str, np.ndarray] = {}
        for i, mesh in enumerate(meshes):
            arrays[f"vertices.{i}"], arrays[f"faces.{i}"] = mesh.vertices, mesh.faces
        told = {
            **facts,
            "worlds": int(self._env.num_envs),
            "step_s": float(self._env.step_dt),
            "meshes": [{"body": mesh.body, "name": mesh.name, "colour": mesh.colour} for mesh in meshes],
        }
        return Message(kind="scene", facts=told, arrays=arrays)

    def frame(self, episodes: np.ndarray, time_s: float) -> Message:
        """Return the message about this moment.

        Args:
            episodes: how often each environment began anew, ``(num_envs,)``.
            time_s: time of the robots since the stream began [s].
        """
        origins = self._env.scene.env_origins.cpu().numpy()
        state = {
            name: _numpy(asset.data.body_link_pose_w if hasattr(asset.data, "body_link_pose_w") else None)
            for name, asset in self._assets.items()
        }
        poses = np.stack([state[name][:, column] for name, column in self._bodies.values()], axis=1)
        poses[..., :3] -= origins[:, None]
        arrays: dict[str, np.ndarray] = {"poses": poses.astype(np.float32), "episodes": episodes}
        cameras = []
        for name, camera in self._cameras.items():
            data = camera.data
            matrix = _numpy(data.intrinsic_matrices)
            pose = np.concatenate((_numpy(data.pos_w) - origins, _numpy(data.quat_w_ros)), axis=1)
            arrays[f"camera.{name}"] = pose.astype(np.float32)
            picture = _picture(data.output)
            if picture is not None:
                arrays[f"picture.{name}"] = picture
            height, width = camera.image_shape
            fov = float(2 * np.arctan(0.5 * height / matrix[0, 1, 1]))
            cameras.append({"name": name, "fov": fov, "aspect": width / height})
        return Message(kind="frame", facts={"time_s": time_s, "cameras": cameras}, arrays=arrays)


def _numpy(array: Any) -> np.ndarray:
    return np.array(array.torch.cpu().numpy())


def _picture(output: Mapping[str, Any]) -> np.ndarray | None:
    """What the cameras of all environments see, uint8 ``(num_envs, h, w, 3)``: colour, else depth as colours."""
    from sim2real.vision.colour_maps import colour_depth

    if "rgb" in output:
        return np.asarray(_tensor(output["rgb"]))[..., :3].astype(np.uint8)
    name = next((name for name in ("depth", "distance_to_image_plane") if name in output), None)
    if name is None:
        return None
    return colour_depth(_tensor(output[name]).astype(np.float32)[..., 0], 4.0)


def _tensor(found: Any) -> np.ndarray:
    return np.array(getattr(found, "torch", found).cpu().numpy())


def stream(out: IO[bytes], args: argparse.Namespace) -> None:
    """Step the environment and write, until the process is ended.

    Args:
        out: where messages go.
        args: see :func:`parser`.
    """
    import torch

    with _opened(args) as (env, act, told):
        watcher = Watcher(env)
        write_message(out, watcher.scene({"task": args.task, "physics": args.physics, "moved_by": told}))
        episodes, steps, due = np.zeros(env.num_envs, np.int32), 0, 0.0
        begun = time.monotonic()
        with torch.inference_mode():
            while True:
                now = time.monotonic()
                if now >= due:
                    write_message(out, watcher.frame(episodes, steps * env.step_dt))
                    due = now + FRAME_S
                done = act()
                steps += 1
                episodes += done.cpu().numpy().astype(np.int32)
                ahead = steps * env.step_dt - (time.monotonic() - begun)
                if ahead > 0:
                    time.sleep(ahead)
                else:  # slower than the robots would be: do not hurry to catch up later
                    begun -= ahead


def _opened(args: argparse.Namespace) -> Any:
    """The environment, what does a step and says which episodes ended, and who moves the robots, as a context."""
    import contextlib

    from sim2real.lab.apply import apply_nothing, apply_spec
    from sim2real.lab.launch import make_env, register_tasks
    from sim2real.learn.ppo.agents import named
    from sim2real.learn.ppo.playing import NO_SPEC, Run, opened

    @contextlib.contextmanager
    def played(run: Run) -> Any:
        options: dict[str, Any] = {"num_envs": args.worlds, "device": args.device, "spec": args.spec}
        with opened(run, args.physics, **options) as (venv, policy):
            seen = [venv.get_observations()]

            def act() -> Any:
                seen[0], _, dones, _ = venv.step(policy(seen[0]))
                policy.reset(dones)
                return dones.bool()

            yield venv.unwrapped, act, f"the policy of iteration {run.iteration}"

    @contextlib.contextmanager
    def idle() -> Any:
        import torch

        register_tasks()
        task, drives = named(args.task), args.task == "avoidance"
        changes: dict[str, Any] = {"scene.num_envs": args.worlds}
        if drives and args.spec != NO_SPEC:
            changes["spec"] = args.spec

        def configure(cfg: Any) -> None:
            if not drives:
                apply_nothing(cfg) if args.spec == NO_SPEC else apply_spec(cfg, args.spec, on_divergence="count")

        with make_env(task, args.physics, args.device, prepare=configure, **changes) as env:
            env.reset()
            width = int(env.single_action_space.shape[-1])
            actions = torch.zeros(env.num_envs, width, device=env.device)
            if drives:
                actions[:] = torch.tensor(DRIVE, device=env.device)

            def act() -> Any:
                _, _, terminated, late, _ = env.step(actions)
                return terminated | late

            yield env, act, "a slow turn" if drives else "nobody: the robots hold their default pose"

    if args.run is not None:
        return played(Run.read(args.run))
    return idle()


def parser() -> argparse.ArgumentParser:
    """Return the parser of this program's arguments."""
    made = argparse.ArgumentParser(prog="python -m sim2real.pipeline.scene_stream", description=__doc__)
    made.add_argument("task", help="task, by the name that 'train' takes")
    made.add_argument("--physics", default="newton_mjwarp", help="engine")
    made.add_argument("--spec", default="none", help="preset, file, or none")
    made.add_argument("--run", type=Path, help="run folder whose last policy moves the robots")
    made.add_argument("--worlds", type=int, default=8, help=f"environments, 1 to {MOST_WORLDS}")
    made.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    return made


def main() -> int:
    """Stream until the reader goes away."""
    args = parser().parse_args()
    # What engines print would break the stream: from now on it goes to standard error.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def follow() -> None:
        while os.read(0, 4096):  # not through sys.stdin: its lock, held here, would abort the end of the interpreter
            pass
        os._exit(0)  # the studio is gone; engines do not end for an exception in a thread

    threading.Thread(target=follow, daemon=True).start()
    try:
        if not 1 <= args.worlds <= MOST_WORLDS:
            raise Sim2RealError(f"--worlds {args.worlds}: give 1 to {MOST_WORLDS}")
        stream(out, args)
    except BrokenPipeError:
        return 0
    except Sim2RealError as error:
        write_message(out, Message(kind="error", facts={"text": str(error)}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
