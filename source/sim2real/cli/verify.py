"""``verify SPEC``: compare what an engine holds, and how bodies move by it, with what was drawn."""

from __future__ import annotations

import argparse
import json
from typing import Any

from sim2real.cli.inspect import add_task_arguments, only_ours_on_stdout, task_of
from sim2real.errors import Sim2RealError

HELP = """Compare what a physics engine holds, and how bodies move by it, with what was drawn.

With SPEC and --task: worlds of the task are reset several times; every quantity is read back from the solver and
compared with the draws, computed anew in NumPy; worlds that were not reset must keep every bit.
With --probes: small scenes of their own, in which bodies fall, slide, spin and bounce; the parameter that the motion
tells is compared with the one that was drawn. Name probes after it, separated by commas, or take all.
Exit code: 0 all agree, 1 something differs, 2 it cannot be done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("spec", metavar="SPEC", nargs="?", help="spec file or preset, compared in --task")
    add_task_arguments(parser, num_envs=16)
    parser.add_argument("--resets", type=int, default=4, metavar="N", help="how often worlds are reset (4)")
    parser.add_argument(
        "--probes", nargs="?", const="all", metavar="NAMES", help="run probes: all, or gravity,friction,..."
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of the probes' draws (7)")
    parser.add_argument("--json", action="store_true", help="print data instead of tables")


def run(args: argparse.Namespace) -> int:
    """Compare and print; 1 when anything differs."""
    if (args.spec is None) != (args.task is None) or (args.spec is None and args.probes is None):
        raise Sim2RealError("give SPEC with --task, or --probes, or both")
    found: dict[str, Any] = {}
    if args.spec is not None:
        from sim2real.lab.verify.session import verify_spec
        from sim2real.spec import load_spec

        if args.resets < 1:
            raise Sim2RealError(f"--resets is {args.resets}; give 1 or more")
        task, changes = task_of(args.task)
        options = {"num_envs": args.num_envs, "rounds": args.resets, "device": args.device, **changes}
        spec = load_spec(args.spec)
        with only_ours_on_stdout():
            found["read_back"] = verify_spec(spec, task, args.physics, **options)
    if args.probes is not None:
        from sim2real.lab.verify.probes import run_probes

        names = None if args.probes == "all" else tuple(args.probes.split(","))
        with only_ours_on_stdout():
            found["probes"] = run_probes(
                names, args.physics, num_envs=args.num_envs, seed=args.seed, device=args.device
            )
    if args.json:
        print(json.dumps({name: part.to_json() for name, part in found.items()}, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(part.to_text() for part in found.values()))
    return 0 if all(part.passed for part in found.values()) else 1
