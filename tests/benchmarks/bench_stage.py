"""What a frame of a Replicator capture costs beside the rendering: plan, USD, noise and files.

python tests/benchmarks/bench_stage.py
"""

from __future__ import annotations

import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SIZE = (480, 640)
FRAMES = 64


def cpu_ms(work: Callable[[], object], count: int) -> float:
    """CPU time of all threads for each of `count` things [ms]."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / count * 1e3


def main() -> None:
    """Measure and print."""
    package = types.ModuleType("sim2real_studio")  # the graphs alone: the window needs Kit
    package.__path__ = [str(ROOT / "exts" / "sim2real.studio" / "sim2real_studio")]
    sys.modules["sim2real_studio"] = package
    from pxr import Usd
    from sim2real_studio.graphs.demo_stage import build_stage
    from sim2real_studio.graphs.scan import scan_stage
    from sim2real_studio.graphs.sink import FrameSink
    from sim2real_studio.graphs.stage_writer import StageWriter

    from sim2real.datasets import CameraInfo, DatasetWriter, Manifest
    from sim2real.spec import load_spec
    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_textures import spec_textures

    stage = Usd.Stage.CreateInMemory()
    build_stage(stage)
    spec = load_spec("stage")
    depth = np.linspace(0.5, 4.0, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    colour = np.broadcast_to(np.linspace(0, 255, SIZE[1]).astype(np.uint8)[None, :, None], (*SIZE, 4)).copy()
    with tempfile.TemporaryDirectory() as folder:
        planner = StagePlanner(spec, scan_stage(stage, spec), **spec_textures(spec, folder))
        print(f"plan   {cpu_ms(lambda: [planner.plan(k) for k in range(640)], 640):6.2f} ms")
        plans = [planner.plan(k) for k in range(FRAMES)]
        with StageWriter(stage, planner) as writer:
            print(f"write  {cpu_ms(lambda: [writer.write(plan) for plan in plans], FRAMES):6.2f} ms")
        manifest = Manifest(
            task="stage",
            frames=2 * FRAMES,
            seed=spec.seed,
            spec_yaml=spec.to_yaml(),
            spec_digest=spec.digest,
            camera=CameraInfo(width=SIZE[1], height=SIZE[0], focal_px=337.0, near_m=0.01, far_m=100.0),
            code_version="0",
        )
        with DatasetWriter(Path(folder) / "set", manifest) as store:
            sink = FrameSink(store, planner)
            for plan in plans:  # compiles, and fills the caches
                sink.take(plan, depth, colour)
            store.flush()

            def take() -> None:
                for k in range(FRAMES, 2 * FRAMES):
                    sink.take(planner.plan(k), depth, colour)
                store.flush()

            print(f"finish {cpu_ms(take, FRAMES):6.2f} ms")


if __name__ == "__main__":
    main()
