"""How fast frames get to the disk: the whole writer against bare encoding, at the lab's two image sizes.

Run ``python tests/benchmarks/bench_dataset_writer.py [--out FILE]``. Frames look like the lab's: walls, a floor and
boxes, seen through stereo noise. Each figure is the median and the interquartile range of several runs.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from sim2real.datasets import CameraInfo, DatasetWriter, Frames, Manifest, depth_to_mm, png

RESULTS = Path(__file__).with_name("results") / "dataset_writer.json"
CHUNK = 64


def lab_like(size: int, count: int) -> Frames:
    """Noisy depth and shaded colour of simple scenes, (count, size, size)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:size, 0:size] / size
    depth, colour, records = [], [], []
    for index in range(count):
        metres = np.where(y > 0.5, 0.3 / np.maximum(y - 0.5, 0.04), 7.5)
        for _ in range(6):
            centre, width, distance = rng.uniform(0, 1), rng.uniform(0.05, 0.2), rng.uniform(0.4, 4)
            box = (abs(x - centre) < width) & (abs(y - 0.5) < 0.4 / distance)
            metres = np.where(box & (distance < metres), distance, metres)
        shade = (200 * np.exp(-metres / 5))[..., None] * rng.uniform(0.5, 1, 3)
        colour.append(np.clip(shade, 0, 255).astype(np.uint8))
        disparity = np.round((0.06 * size / metres + rng.normal(0, 0.08, (size, size))) * 32) / 32
        noisy = np.where(disparity > 0, 0.06 * size / np.maximum(disparity, 1e-3), 0)
        noisy[rng.random((size, size)) < 0.02] = 0
        depth.append(depth_to_mm(np.where(noisy <= 8, noisy, 0)))
        records.append({
            "scene": index // 4, "split": "train", "label": index % 3, "margin": rng.random(),
            "pose": rng.random(3), "camera": {"focal_scale": rng.random(), "offset": rng.random(6)},
            "depth": dict(zip("abcdefghij", rng.random(10), strict=True)),
        })  # fmt: skip
    return Frames(depth_mm=np.stack(depth), colour=np.stack(colour), records=records)


def pillow_png(image: np.ndarray) -> bytes:
    """Pillow's encoder at its fastest compressing level."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def encode_rate(encode, frames: Frames) -> tuple[float, float, float]:
    """Frames (depth and colour) per second on one thread, its processor milliseconds and bytes per frame."""
    count = len(frames.depth_mm)
    start, cpu, size = time.perf_counter(), time.thread_time(), 0
    for depth, colour in zip(frames.depth_mm, frames.colour, strict=True):
        size += len(encode(depth)) + len(encode(colour))
    seconds, cpu = time.perf_counter() - start, time.thread_time() - cpu
    return count / seconds, 1e3 * cpu / count, size / count


def writer_rate(frames: Frames, chunks: int, durable: bool, parent: Path) -> tuple[float, float]:
    """Frames per second of the whole writer, and processor milliseconds per frame, into a new folder of ``parent``."""
    size = frames.depth_mm.shape[1]
    camera = CameraInfo(width=size, height=size, focal_px=size, near_m=0.1, far_m=8)
    manifest = Manifest(
        task="benchmark", frames=chunks * CHUNK, chunk=CHUNK, seed=0, spec_yaml="", spec_digest="", camera=camera,
        code_version="0", labels=("forward", "left", "right"),
    )  # fmt: skip
    start, cpu = time.perf_counter(), time.process_time()
    with DatasetWriter(tempfile.mkdtemp(dir=parent), manifest, durable=durable) as writer:
        for chunk in writer.pending():
            writer.write_chunk(chunk, frames)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return manifest.frames / seconds, 1e3 * cpu / manifest.frames


def summary(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": round(middle, 3), "q1": round(low, 3), "q3": round(high, 3)}


def measure(size: int, runs: int, chunks: int, parent: Path) -> dict[str, object]:
    """All figures of one image size; the runs of the variants alternate, so that they share the machine's moods."""
    frames = lab_like(size, CHUNK)
    rows: dict[str, list[tuple[float, ...]]] = {"pillow": [], "encoder": [], "writer": [], "writer_unflushed": []}
    for _ in range(runs):
        rows["pillow"].append(encode_rate(pillow_png, frames))
        rows["encoder"].append(encode_rate(png.encode, frames))
        rows["writer"].append(writer_rate(frames, chunks, durable=True, parent=parent))
        rows["writer_unflushed"].append(writer_rate(frames, chunks, durable=False, parent=parent))
    result: dict[str, object] = {}
    for name, values in rows.items():
        result[name] = {
            "frames_per_second": summary([value[0] for value in values]),
            "cpu_ms_per_frame": summary([value[1] for value in values]),
        } | ({"bytes_per_frame": round(values[0][2])} if len(values[0]) > 2 else {})
    return result


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON file for the results")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--chunks", type=int, default=12, help="chunks of 64 frames per run of the writer")
    args = parser.parse_args()
    # Removed at the very end only: ext4 makes new files slowly for seconds after many were deleted.
    parent = Path(tempfile.mkdtemp(prefix="bench_writer_"))
    result = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "load_average": os.getloadavg()[0],
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "pillow": PIL.__version__}
        | png.versions(),
        "runs": args.runs,
        "sizes": {str(size): measure(size, args.runs, args.chunks, parent) for size in (96, 224)},
    }
    shutil.rmtree(parent)
    text = json.dumps(result, indent=2)
    print(text)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
