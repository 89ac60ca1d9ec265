"""``generate``: write a randomized synthetic depth dataset."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = """Write a randomized synthetic depth dataset, sharded and resumable.

Every frame is a function of the spec, its seed and the frame's number: any number of environments, shards or restarts
gives the same bytes (per device type and pinned versions). Scenes are placed and rendered; physics is never stepped."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--task", default="avoidance", help="whose scenes (default: avoidance)")
    parser.add_argument("--spec", default="avoidance", help="randomization: a preset's name or a file")
    parser.add_argument("--frames", type=int, default=5000, help="frames of the whole set (default: 5000)")
    parser.add_argument("--size", type=int, default=96, help="width and height [px] (default: 96; the seed's is 224)")
    parser.add_argument(
        "--physics",
        default="newton_mjwarp",
        help="engine that holds the scenes: newton_mjwarp, ovphysx, isaacsim_physx",
    )
    parser.add_argument("--shard", default="0/1", metavar="I/N", help="make part I of N, counting from 0")
    parser.add_argument("--num-envs", type=int, default=64, help="frames per rendering (speed only)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--no-colour", dest="colour", action="store_false", help="depth only")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the dataset")
    parser.add_argument("--stats", type=Path, metavar="FILE", help="write the throughput of this run here (JSON)")


def run(args: argparse.Namespace) -> int:
    """Generate, with a progress bar."""
    from sim2real.cli.progress import Progress
    from sim2real.datasets.generate import GenerateCfg, generate
    from sim2real.datasets.writer import parse_shard

    cfg = GenerateCfg(
        out=args.out,
        task=args.task,
        spec=args.spec,
        frames=args.frames,
        size=args.size,
        physics=args.physics,
        shard=parse_shard(args.shard),
        num_envs=args.num_envs,
        device=args.device,
        colour=args.colour,
    )
    with Progress("frames") as bar:
        result = generate(cfg, progress=bar.update_to)
    if args.stats is not None and result.frames:
        stats = {"seconds": result.seconds, "frames_per_second": result.frames_per_second}
        args.stats.write_text(json.dumps(stats) + "\n")
    if result.frames_per_second is None:
        print(f"{args.out}: shard {args.shard} was complete already")
    else:
        print(f"{args.out}: {result.frames} frames in {result.seconds:.1f} s, {result.frames_per_second:.0f} frames/s")
    return 0
