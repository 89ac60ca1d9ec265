"""What a dataset costs beside what its pictures cost: `generate` against Newton's bare renderer, same size, same batch.

Run ``python tests/benchmarks/bench_generate.py [--frames 2048] [--rounds 7] [--size 96] [--out FILE]``. One process,
one environment, interleaved rounds. *bare*: the camera renders depth and colour and nothing else happens;
*generate*: scenes are placed, rendered, remapped, labelled, degraded, encoded and stored on disk. Each figure is the
median and the interquartile range over the rounds; the ratio is taken round by round. Memory is the peak of the
process after each round: it must not grow with the frames.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import resource
import shutil
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from sim2real.datasets.generate import GenerateCfg, describe, open_renderer, render_chunks
from sim2real.datasets.writer import DatasetWriter

RESULTS = Path(__file__).with_name("results") / "generate.json"


def bare(env, frames: int) -> float:
    """Frames per second of the renderer alone."""
    batches = -(-frames // env.num_envs)
    start = time.perf_counter()
    for _ in range(batches):
        env.camera.update(env.step_dt, force_recompute=True)
        env.camera.data.output["depth"].torch.cpu()
    return batches * env.num_envs / (time.perf_counter() - start)


def full(renderer, cfg: GenerateCfg, folder: Path) -> float:
    """Frames per second of making a dataset, from the first placement to the last file on disk."""
    with DatasetWriter(folder, describe(cfg)) as writer:
        start = time.perf_counter()
        render_chunks(renderer, writer, writer.pending())
        writer.flush()
        return cfg.frames / (time.perf_counter() - start)


def quartiles(values: list[float]) -> dict[str, float]:
    """Median and interquartile range."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": round(float(median), 3), "iqr": round(float(high - low), 3)}


def main() -> None:
    """Measure and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--num-envs", type=int, default=64)
    parser.add_argument("--physics", default="newton_mjwarp")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bench-generate-"))
    cfg = GenerateCfg(
        out=work, frames=args.frames, size=args.size, num_envs=args.num_envs, physics=args.physics, colour=True
    )
    bare_rates, full_rates, ratios, peak_mb = [], [], [], []
    try:
        with open_renderer(cfg) as renderer:
            # Before the first round, so that every bare round renders real scenes, not the empty arena of the start.
            full(renderer, dataclasses.replace(cfg, frames=args.num_envs), work / "warm")
            bare(renderer.env, args.num_envs)
            for number in range(args.rounds):
                bare_rates.append(bare(renderer.env, args.frames))
                full_rates.append(full(renderer, cfg, work / str(number)))
                ratios.append(full_rates[-1] / bare_rates[-1])
                peak_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    result = {
        "metadata": {
            "command": "python tests/benchmarks/bench_generate.py",
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "load": os.getloadavg()[0],
            "frames": args.frames,
            "rounds": args.rounds,
            "size": args.size,
            "num_envs": args.num_envs,
            "physics": args.physics,
            "versions": {name: version(name) for name in ("isaaclab", "newton", "warp-lang", "numpy")},
        },
        "bare_frames_per_second": quartiles(bare_rates),
        "generate_frames_per_second": quartiles(full_rates),
        "ratio": quartiles(ratios),
        "peak_memory_mb_after_each_round": [round(value) for value in peak_mb],
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
