"""Synthetic frames that depend on their index alone; run as a program, it writes one shard of them into a folder.

The program is what the tests kill: ``python synthetic.py DIR FRAMES i/n [CHUNK]``.
"""

import sys

import numpy as np

from sim2real.datasets import CameraInfo, DatasetWriter, Frames, Manifest, parse_shard

SIZE = (24, 32)
LABELS = ("forward", "left", "right")


def manifest(frames=100, chunk=8, size=SIZE, **changes):
    """A small manifest."""
    camera = CameraInfo(width=size[1], height=size[0], focal_px=30, near_m=0.1, far_m=8)
    values = {
        "task": "avoidance",
        "frames": frames,
        "seed": 7,
        "spec_yaml": "schema: 1\nseed: 7\n",
        "spec_digest": "ab" * 32,
        "camera": camera,
        "code_version": "0.1.0",
        "labels": LABELS,
        "chunk": chunk,
    }
    return Manifest(**(values | changes))


def frame(index, size=SIZE):
    """Depth [mm], colour and record of one frame, a pure function of its index."""
    rng = np.random.default_rng(index)
    depth = rng.integers(0, 8000, size[0])[:, None] + np.arange(size[1])
    depth[rng.random(size) < 0.05] = 0
    colour = rng.integers(0, 256, (size[0], 1, 3)) * np.ones((1, size[1], 1))
    scene = index // 4
    record = {
        "scene": scene,
        "split": "val" if scene % 5 == 0 else "train",
        "label": np.int64(index % 3),
        "margin": np.float32(rng.random()),
        "pose": rng.random(3).astype(np.float32),
        "camera": {"focal_scale": float(rng.random())},
    }
    return depth.astype(np.uint16), colour.astype(np.uint8), record


def chunk_frames(man, chunk_index):
    """One chunk's content."""
    size = (man.camera.height, man.camera.width)
    depth, colour, records = zip(*(frame(i, size) for i in man.chunk_range(chunk_index)), strict=True)
    return Frames(depth_mm=np.stack(depth), colour=np.stack(colour) if man.colour else None, records=records)


def write(directory, man, shard=(0, 1), order=None, **options):
    """Write whatever is pending of one shard."""
    with DatasetWriter(directory, man, shard, **options) as writer:
        for chunk in order(writer.pending()) if order else writer.pending():
            writer.write_chunk(chunk, chunk_frames(man, chunk))


def tree(directory):
    """Every file below a folder with its bytes."""
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


if __name__ == "__main__":
    folder, count, which = sys.argv[1:4]
    write(folder, manifest(int(count), int(sys.argv[4]) if len(sys.argv) > 4 else 8), parse_shard(which))
