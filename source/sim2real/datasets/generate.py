"""Render a dataset: place, render, develop, write, with the three overlapping.

The main thread places scenes and renders. One thread draws the scenes to come; another turns what was rendered into
finished frames (focal length, label, camera noise) and hands whole chunks to the writer, whose own threads store
them. What is in memory at any time is a few batches, whatever the number of frames.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from sim2real import __version__
from sim2real.datasets.layout import depth_to_mm
from sim2real.datasets.manifest import CameraInfo, DatasetError, Manifest
from sim2real.datasets.writer import DatasetWriter, Frames

TASKS = ("avoidance",)
"""Tasks that datasets can be made of."""
DRAW_BATCHES = 8
"""Batches whose scenes are drawn at once: drawing costs little more for many scenes than for one."""
CONTENT_PACKAGES = ("isaaclab", "newton", "warp-lang", "numpy", "torch")
"""Packages whose release decides the bytes of a frame."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GenerateCfg:
    """What to generate."""

    out: Path
    """Folder of the dataset."""
    task: str = "avoidance"
    """Whose scenes."""
    spec: str = "avoidance"
    """Preset or file."""
    frames: int = 5000
    """Frames of the whole set."""
    size: int = 96
    """Width and height [px]."""
    physics: str = "newton_mjwarp"
    """Engine that holds the scenes."""
    shard: tuple[int, int] = (0, 1)
    """Which part of the set to make: (i, n)."""
    num_envs: int = 64
    """Frames per rendering; decides the speed, never the result."""
    device: str = "cpu"
    """Device of the renderer."""
    colour: bool = True
    """Keep colour images too."""

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise DatasetError(f"unknown task {self.task!r}; datasets can be made of: {', '.join(TASKS)}")
        if self.size < 16 or self.size > 1024:
            raise DatasetError(f"size: got {self.size}; give 16 to 1024 px (trained and tested: 96 and 224)")
        if self.frames < 1:
            raise DatasetError(f"frames: got {self.frames}; give a whole number from 1")
        if self.num_envs < 1:
            raise DatasetError(f"num_envs: got {self.num_envs}; give a whole number from 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class GenerateResult:
    """What a run did."""

    frames: int
    """Frames that this run made."""
    seconds: float
    """Time from the first rendering to the last file [s]."""

    @property
    def frames_per_second(self) -> float | None:
        """Throughput of this run [1/s]; None when there was nothing to do."""
        return self.frames / self.seconds if self.frames else None


def describe(cfg: GenerateCfg) -> Manifest:
    """The manifest of the dataset that `cfg` makes.

    Raises:
        SpecError, TaskSpecError: the spec is not valid, or asks for what the task does not do.
    """
    from sim2real.spec import load_spec
    from sim2real_tasks.avoidance import camera, frames
    from sim2real_tasks.avoidance.terms import check_spec

    spec = load_spec(cfg.spec)
    check_spec(spec)
    versions = {}
    for name in (*CONTENT_PACKAGES, *(("ovphysx",) if cfg.physics == "ovphysx" else ())):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Manifest(
        task=cfg.task,
        frames=cfg.frames,
        seed=spec.seed,
        spec_yaml=spec.to_yaml(),
        spec_digest=spec.digest,
        camera=CameraInfo(
            width=cfg.size,
            height=cfg.size,
            focal_px=camera.nominal_focal_px(cfg.size),
            near_m=0.02,
            far_m=camera.RENDER_FAR,
        ),
        code_version=__version__,
        physics=cfg.physics,
        device=cfg.device.partition(":")[0],
        labels=frames.LABELS,
        splits=frames.SPLITS,
        colour=cfg.colour,
        options={"frames_per_scene": frames.FRAMES_PER_SCENE, "recipe": recipe()},
        versions=versions,
    )


def recipe() -> str:
    """Hash of our own code that decides a frame: a dataset is not continued by code that would make other frames."""
    import sim2real
    import sim2real_tasks

    ours, tasks = Path(sim2real.__file__).parent, Path(sim2real_tasks.__file__).parent
    digest = hashlib.sha256()
    paths = [path for folder in (ours / "draws", ours / "vision", tasks / "avoidance") for path in folder.glob("*.py")]
    paths += [tasks / "robots" / name for name in ("convert.py", "rover.py", "rover.urdf")]  # other robots are not seen
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def generate(cfg: GenerateCfg, progress: Callable[[int, int], None] | None = None) -> GenerateResult:
    """Make the frames of `cfg.shard` that are not there yet.

    Args:
        cfg: What to generate.
        progress: Called with (frames of the shard that are done, frames of the shard) now and then.

    Raises:
        SpecError, LaunchError, DatasetError: before anything is rendered where that can be known; DatasetError when the
            disk is full. What was committed stays.
    """
    from sim2real.lab.launch import check_device, check_physics

    check_physics(cfg.physics)
    check_device(cfg.device)
    manifest = describe(cfg)
    with DatasetWriter(cfg.out, manifest, shard=cfg.shard) as writer:
        owned = sum(len(manifest.chunk_range(chunk)) for chunk in writer.owned())
        pending = writer.pending()
        todo = sum(len(manifest.chunk_range(chunk)) for chunk in pending)
        report = progress or (lambda done, total: None)
        if not pending:
            return GenerateResult(frames=0, seconds=0.0)
        with open_renderer(cfg) as renderer:
            report(owned - todo, owned)
            start = time.perf_counter()
            render_chunks(renderer, writer, pending, lambda done: report(owned - todo + done, owned))
            writer.flush()
            seconds = time.perf_counter() - start
    return GenerateResult(frames=todo, seconds=seconds)


def open_renderer(cfg: GenerateCfg) -> Any:
    """Context manager that yields a warm `FrameRenderer` for `cfg`."""
    import contextlib

    from sim2real.lab.launch import make_env
    from sim2real_tasks.avoidance import TASK
    from sim2real_tasks.avoidance.frames import FrameRenderer

    @contextlib.contextmanager
    def opened():
        changes: dict[str, Any] = {
            "scene.num_envs": cfg.num_envs,
            "set_image_size": cfg.size,
            "spec": cfg.spec,
            "colour": cfg.colour,
            "noise": False,
        }
        with make_env(TASK, cfg.physics, cfg.device, **changes) as env:
            renderer = FrameRenderer(env)
            drawn = renderer.draw(np.arange(1))
            renderer.develop(drawn, renderer.render(drawn))  # compiles what is not compiled yet
            yield renderer

    return opened()


def render_chunks(
    renderer: Any, writer: DatasetWriter, chunks: list[int], progress: Callable[[int], None] = lambda done: None
) -> None:
    """Render the chunks and hand them to the writer; drawing ahead and developing behind go on beside the rendering."""
    assembler = _Assembler(writer)
    index = np.concatenate([np.array(writer.manifest.chunk_range(chunk)) for chunk in chunks])
    block = renderer.batch * DRAW_BATCHES
    blocks = [index[first : first + block] for first in range(0, len(index), block)]
    done = 0
    with ThreadPoolExecutor(1, thread_name_prefix="draw") as ahead, ThreadPoolExecutor(1, "develop") as behind:
        following = ahead.submit(renderer.draw, blocks[0])
        waiting: list[Future[int]] = []
        for number in range(len(blocks)):
            drawn = following.result()
            if number + 1 < len(blocks):
                following = ahead.submit(renderer.draw, blocks[number + 1])
            for first in range(0, len(drawn), renderer.batch):
                rows = drawn[first : first + renderer.batch]
                waiting.append(behind.submit(assembler.add, renderer, rows, renderer.render(rows)))
                while len(waiting) > 2 or (waiting and waiting[0].done()):
                    done += waiting.pop(0).result()
                    progress(done)
        for future in waiting:
            done += future.result()
            progress(done)


class _Assembler:
    """Collects developed frames into chunks."""

    def __init__(self, writer: DatasetWriter):
        self._writer = writer
        self._rows: dict[int, list[tuple[int, np.ndarray, np.ndarray | None, dict[str, Any]]]] = {}

    def add(self, renderer: Any, drawn: Any, raw: Any) -> int:
        """Develop a batch, write the chunks that are whole, return the number of frames."""
        images, records = renderer.develop(drawn, raw)
        depth = depth_to_mm(images.noisy)
        manifest = self._writer.manifest
        for i, frame in enumerate(drawn.index):
            chunk = int(frame) // manifest.chunk
            colour = images.colour[i] if images.colour is not None else None
            rows = self._rows.setdefault(chunk, [])
            rows.append((int(frame), depth[i], colour, records[i]))
            if len(rows) == len(manifest.chunk_range(chunk)):
                self._write(chunk)
        return len(drawn.index)

    def _write(self, chunk: int) -> None:
        rows = sorted(self._rows.pop(chunk), key=lambda row: row[0])
        colours = [row[2] for row in rows if row[2] is not None]
        colour = np.stack(colours) if self._writer.manifest.colour else None
        frames = Frames(depth_mm=np.stack([row[1] for row in rows]), colour=colour, records=[row[3] for row in rows])
        self._writer.write_chunk(chunk, frames)
