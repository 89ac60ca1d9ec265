"""What the camera model costs: noise, remap and luminance per frame on one CPU thread (or CUDA), D435 preset.

Run ``python tests/benchmarks/bench_depth_noise.py [--device cuda:0] [--out FILE]``. Pictures are analytic arenas. Each
figure is the median and the interquartile range [ms per frame] of many calls with a batch of frames.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import warp as wp

from sim2real.vision import REALSENSE_D435, DepthParams, depth_noise, luminance, remap_intrinsics
from sim2real.vision.analytic_scene import make_arena, render

RESULTS = Path(__file__).with_name("results") / "depth_noise.json"


def measure(work: Callable[[], object], frames: int, repeats: int) -> dict[str, float]:
    """Median and interquartile range of ``work``, in milliseconds per frame."""
    work()
    wp.synchronize()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        wp.synchronize()
        times.append((time.perf_counter() - begin) * 1e3 / frames)
    low, median, high = np.quantile(times, [0.25, 0.5, 0.75])
    return {"median": round(float(median), 4), "iqr": round(float(high - low), 4), "min": round(min(times), 4)}


def bench(size: int, frames: int, repeats: int, device: str) -> dict[str, dict[str, float]]:
    """Each step alone, and depth remap + noise together, for pictures of ``size`` x ``size``."""
    pictures = [render(make_arena(seed % 16), size, size, 0.45 * size) for seed in range(frames)]
    depth = wp.array(np.stack([p[0] for p in pictures]), dtype=float, device=device)
    colour = wp.array(np.stack([p[1] for p in pictures]), dtype=wp.uint8, device=device)
    light = luminance(colour)
    scale = np.linspace(0.9, 1.1, frames, dtype=np.float32)
    params = DepthParams.constant(REALSENSE_D435, frames)
    ids = np.arange(frames)

    def noise(picture: wp.array) -> wp.array:
        return depth_noise(picture, light, params, 1, ids, image_focal_px=0.5 * size * scale)

    def remap(with_colour: bool) -> tuple[wp.array, wp.array | None]:
        return remap_intrinsics(depth, colour if with_colour else None, scale, min_scale=0.9)

    return {
        "noise": measure(lambda: noise(depth), frames, repeats),
        "remap_depth": measure(lambda: remap(False), frames, repeats),
        "remap_depth_and_colour": measure(lambda: remap(True), frames, repeats),
        "luminance": measure(lambda: luminance(colour), frames, repeats),
        "remap_depth_then_noise": measure(lambda: noise(remap(False)[0]), frames, repeats),
    }


def main() -> None:
    """Measure both of the lab's sizes and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    report = {
        "unit": "ms per frame",
        "device": args.device,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), "warp": wp.config.version, "numpy": np.__version__},
        "load_average_1min": round(os.getloadavg()[0], 2),
        "sizes": {str(size): bench(size, frames, args.repeats, args.device) for size, frames in ((96, 32), (224, 8))},
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
