"""Write a randomized synthetic depth dataset: the verb 'generate' spelled out.

python standalone/generate_depth.py --frames 5000 --size 96 --out runs/depth
"""

from __future__ import annotations

from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Place and render what is not there yet."""
    from sim2real.cli.generate import add_arguments
    from sim2real.cli.progress import Progress

    args = parse(__doc__, add_arguments, words)

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
        args.stats.write_text(f'{{"seconds": {result.seconds}, "frames_per_second": {result.frames_per_second}}}\n')
    print(f"{args.out}: {result.frames} frames made")


if __name__ == "__main__":
    finish(main)
