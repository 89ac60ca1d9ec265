"""``demo``: the whole loop once."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = """The whole loop once, on this machine: a randomized depth dataset, a trained ResNet18, a proven ONNX bundle
(float and INT8), a closed-loop test in a physics engine the policy never saw, and a report that says whether it
transfers.

--quick does the same, smaller. Finished stages are kept: the same command goes on after an interruption."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of a quarter of an hour")
    parser.add_argument("--train-in", default="newton_mjwarp", metavar="PHYSICS", help="engine of the dataset")
    parser.add_argument("--test-in", default="ovphysx", metavar="PHYSICS", help="engine to drive in")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: runs/demo, or runs/demo-quick)")
    parser.add_argument("--fresh", action="store_true", help="remove an earlier run in the folder first")


def run(args: argparse.Namespace) -> int:
    """Run the demo and say where the report is."""
    import shlex

    from sim2real.lab.launch import check_physics
    from sim2real.pipeline.demo import QUICK, DemoCfg, run_demo

    for physics in (args.train_in, args.test_in):
        check_physics(physics)
    out = args.out or Path("runs/demo-quick" if args.quick else "runs/demo")
    cfg = DemoCfg(out=out, physics_train=args.train_in, physics_test=args.test_in, **(QUICK if args.quick else {}))
    words = ["./sim2real.sh", "demo", *(["--quick"] if args.quick else [])]
    if (args.train_in, args.test_in) != (DemoCfg.physics_train, DemoCfg.physics_test):
        words += ["--train-in", args.train_in, "--test-in", args.test_in]
    page = run_demo(cfg, shlex.join(words), fresh=args.fresh)
    print(f"report: {page}, and for programs {page.with_suffix('.json')}")
    return 0
