"""Try a checkpoint in engines, as a process of its own beside the training; one line of JSON for each engine.

python -m sim2real.learn.ppo.trial RUN/model_50.pt --physics newton_mjwarp --episodes 16
"""

from __future__ import annotations

import argparse
import json
import sys


def main(arguments: list[str] | None = None) -> int:
    """Play, print what came of it; errors are one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="trial", description=__doc__)
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("--run", help="run folder, where the checkpoint lies elsewhere")
    parser.add_argument("--physics", required=True)
    parser.add_argument("--episodes", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args(arguments)
    from sim2real.errors import Sim2RealError
    from sim2real.learn.ppo.playing import Run, opened, play

    try:
        run = Run.read(args.run or args.checkpoint, args.checkpoint if args.run else None)
        with opened(run, args.physics, num_envs=args.episodes, device=args.device) as (venv, policy):
            played = play(run, venv, policy, args.episodes, args.physics)
    except Sim2RealError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(played.to_json()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
