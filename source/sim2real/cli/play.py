"""``play``: a trained policy at work, in a browser or as numbers."""

from __future__ import annotations

import argparse
import json
from typing import Any

HELP = """Play the policy of a run folder.

In the engine that it was trained in or in another one, with the spec of its training, another one, or none. It can be
watched in a browser; --headless plays episodes and prints what came of them, and --film keeps what the first robot did
in its first episode, drawn on flat ground."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("run", metavar="RUN", help="run folder of 'train', or one of its checkpoints")
    parser.add_argument("--physics", metavar="NAME", help="engine (default: that of the training)")
    parser.add_argument("--spec", metavar="SPEC", help="randomization (default: that of the training; none: without)")
    parser.add_argument("--episodes", type=int, default=16, metavar="N", help="episodes to play (default: 16)")
    parser.add_argument("--num-envs", type=int, metavar="N", help="environments (default: one for each episode)")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda or cuda:N")
    parser.add_argument("--seed", type=int, default=1, help="seed of starts and commands (default: 1)")
    parser.add_argument("--headless", action="store_true", help="play episodes and print numbers; no browser")
    parser.add_argument("--film", metavar="FILE", help="headless, and write a film: .webp, .gif, or .png (a strip)")
    parser.add_argument("--port", type=int, default=8080, help="port of the browser's view (default: 8080)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")


def run(args: argparse.Namespace) -> int:
    """Play and print."""
    from sim2real.errors import Sim2RealError
    from sim2real.learn.ppo.playing import Run, in_browser, opened, play, watch
    from sim2real.pipeline.film_run import Tape, check_film

    if args.episodes < 1 or (args.num_envs is not None and args.num_envs < 1):
        raise Sim2RealError("--episodes and --num-envs: give 1 or more")
    film = None if args.film is None else check_film(args.film)
    found = Run.read(args.run)
    num_envs = args.num_envs or min(args.episodes, 64)
    options: dict[str, Any] = {"num_envs": num_envs, "device": args.device, "spec": args.spec, "seed": args.seed}
    if not args.headless and film is None:
        with opened(found, args.physics, prepare=in_browser(args.port), **options) as (venv, policy):
            print(
                f"http://localhost:{args.port} shows {found.task}, iteration {found.iteration}; Ctrl-C ends it",
                flush=True,
            )
            watch(venv, policy)
    with opened(found, args.physics, **options) as (venv, policy):
        tape = None if film is None else Tape(found, venv, policy)
        played = play(found, venv, policy, args.episodes, args.physics, tape)
        if film is not None and tape is not None:
            tape.save(film)
    if args.json:
        print(json.dumps(played.to_json(), indent=1))
        return 0
    print(f"{found.task}, iteration {played.iteration}, in {played.physics}: {played.episodes} episodes")
    print(f"return {played.reward:.2f} (standard deviation {played.reward_std:.2f}), {played.length:.0f} steps")
    print(f"ended before their time: {played.failures:.1%}")
    for name, value in played.metrics.items():
        print(f"{name.replace('/', ' ')}: {value:.4g}")
    if film is not None:
        print(f"film: {film}")
    return 0
