"""Capture a randomized depth and colour dataset in Isaac Sim with Replicator, headless.

./python.sh standalone/generate_depth_replicator.py --frames 10000 --out synthetic_data

synthetic_data/rgb and synthetic_data/depth hold the pictures, synthetic_data/dataset the same with every frame's draws.
Without --stage a small arena is built. Stopped, the same command goes on; --shard 0/2 and 1/2 on two machines make one
set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from _isaac import application, graphs_only, open_stage, run
from _script import finish, parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The script's arguments."""
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the capture")
    parser.add_argument("--spec", default="stage", help="randomization: a preset's name or a file (default: stage)")
    parser.add_argument("--stage", metavar="USD", help="stage to open (default: a small arena)")
    parser.add_argument("--camera", default="", metavar="PATH", help="prim path of the camera (default: the only one)")
    parser.add_argument("--frames", type=int, default=10_000, help="frames of the whole set (default: 10000)")
    parser.add_argument("--width", type=int, default=640, help="width [px] (default: 640)")
    parser.add_argument("--height", type=int, default=480, help="height [px] (default: 480)")
    parser.add_argument("--shard", default="0/1", metavar="I/N", help="part of the set to make, such as 0/8")
    parser.add_argument("--rt-subframes", type=int, default=8, help="renderings for each frame (default: 8)")
    parser.add_argument("--textures", metavar="DIR", type=Path, default=Path("."), help="where the spec's folders lie")
    parser.add_argument("--basic-writer", action="store_true", help="let Replicator's BasicWriter write its files too")
    parser.add_argument("--event", action="store_true", help="fire 'sim2real.randomize' before each frame")
    parser.add_argument("--window", action="store_true", help="show Isaac Sim's window")


def main(words: Sequence[str] | None = None) -> None:
    """Capture what is not there yet."""
    args = parse(__doc__, add_arguments, words)

    from sim2real.cli.progress import Progress
    from sim2real.datasets import parse_shard
    from sim2real.spec import load_spec

    spec, shard = load_spec(args.spec), parse_shard(args.shard)
    with application(headless=not args.window) as app:
        graphs_only()
        from sim2real_studio.graphs.capture import CaptureCfg, capture

        cfg = CaptureCfg(
            out=args.out,
            frames=args.frames,
            width=args.width,
            height=args.height,
            camera=args.camera,
            shard=shard,
            rt_subframes=args.rt_subframes,
            texture_root=args.textures,
            basic_writer=args.basic_writer,
            event=args.event,
        )
        open_stage(app, args.stage)
        with Progress("frames") as bar:
            result = run(app, capture(spec, cfg, bar.update_to))
        print(f"{args.out}: {result.frames} frames made, {result.left} left")


if __name__ == "__main__":
    finish(main)
