"""A small labelled depth dataset, a small network and the bundle made of them, shared by learn, export and deploy.

Made once per test session, by the real writer and the real exporter.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest

SIZE = 32
WIDTH = 8
CLASSES = ("forward", "left", "right")


def draw_frames(count: int, seed: int, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Depth frames [mm] of a wall with or without a near box on one side, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    depth = rng.uniform(2500, 3800, (count, 1, 1)) + rng.normal(0, 20, (count, size, size))
    half = size // 2
    for row, label in enumerate(labels):
        near = rng.uniform(400, 700)
        if label == 1:  # something on the right: turn left
            depth[row, size // 4 :, half:] = near
        elif label == 2:
            depth[row, size // 4 :, :half] = near
    depth[rng.random(depth.shape) < 0.03] = 0.0
    return np.rint(depth).astype(np.uint16), labels


def write_dataset(folder: Path, frames: int = 192, seed: int = 3, labels: tuple[str, ...] = CLASSES) -> Path:
    """Write a dataset of such frames: 6 frames per scene, every third scene for validation."""
    from sim2real.datasets import CameraInfo, DatasetWriter, Frames, Manifest

    depth, classes = draw_frames(frames, seed, SIZE)
    manifest = Manifest(
        task="avoidance",
        frames=frames,
        seed=seed,
        spec_yaml="schema: 1\n",
        spec_digest=f"{seed:064x}",
        camera=CameraInfo(width=SIZE, height=SIZE, focal_px=20.0, near_m=0.05, far_m=8.0),
        code_version="0",
        labels=labels,
        chunk=32,
        colour=False,
    )
    with DatasetWriter(folder, manifest, durable=False) as writer:
        for chunk in writer.pending():
            rows = manifest.chunk_range(chunk)
            records = [
                {"scene": i // 6, "split": "val" if i // 6 % 3 == 0 else "train", "label": int(classes[i])}
                for i in rows
            ]
            writer.write_chunk(chunk, Frames(depth_mm=depth[rows.start : rows.stop], records=records))
    return folder


def small_cfg(**changes):
    """A training that takes about a second."""
    from sim2real.learn import TrainCfg

    settings = {"width": WIDTH, "size": SIZE, "epochs": 3, "batch_size": 16, "batchnorm_frames": 64, **changes}
    return TrainCfg.make(**settings)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="sim2real-policy-")


@functools.cache
def made_dataset() -> Path:
    """The dataset, made at the first call."""
    return write_dataset(Path(_folder().name) / "dataset")


@functools.cache
def made_run() -> Path:
    """A finished training on it, made at the first call."""
    from sim2real.learn import train

    one_thread()
    out = Path(_folder().name) / "run"
    train([made_dataset()], out, small_cfg(), progress=False)
    return out


@functools.cache
def made_bundle() -> Path:
    """The exported bundle of that training, made at the first call."""
    one_thread()
    out = Path(_folder().name) / "bundle"
    export(out)
    return out


def export(out: Path, policy=None, **settings):
    """Export the shared training, or another policy, with some settings."""
    from sim2real.datasets import DepthDataset
    from sim2real.export import ExportCfg, export_bundle
    from sim2real.learn import load_policy

    cfg = ExportCfg(**{"controller": {"forward_speed": 0.1}, "latency_runs": 20, "threads": 1, **settings})
    val, train = (DepthDataset(made_dataset(), split=name) for name in ("val", "train"))
    return export_bundle(policy or load_policy(made_run()), val, train, out, cfg)


def one_thread() -> None:
    """Small networks are fastest on one thread, and then bit-equal from run to run."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def dataset() -> Path:
    """A finished dataset folder."""
    return made_dataset()


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """A finished run folder."""
    return made_run()


@pytest.fixture(scope="session")
def bundle() -> Path:
    """A finished bundle; copy it before you change anything."""
    return made_bundle()
