"""``evaluate``: drive an exported policy in another physics engine and report the transfer."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

HELP = """Drive an exported policy closed loop in a physics engine, beside two baselines, and report.

The policy is served by the runtime that runs on the robot. Baselines drive the same scenes: always forward (what the
arena lets through) and a classical gap-follower on the clean depth (the ceiling). Finished episodes are kept: the same
command continues. With --matrix: both directions, inside and outside the training ranges, float and INT8, trained with
and without randomization; --out then holds everything, trainings included."""

OTHERS_MOST = 100
"""Episodes of INT8 and of the baselines, where the command does not say."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="exported policy (not with --matrix)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.add_argument("--physics", default="ovphysx", help="ovphysx (default), newton_mjwarp, mujoco or dart")
    parser.add_argument("--spec", default="avoidance", help="randomization: scenes, cameras, all that it names")
    parser.add_argument("--seed", type=int, default=20261, help="seed of the test scenes (default: 20261)")
    parser.add_argument("--episodes", type=int, default=200, help="episodes of the float policy (default: 200)")
    as_many = f"(default: as many as --episodes, {OTHERS_MOST} at most)"
    parser.add_argument("--int8-episodes", type=int, help=f"of the INT8 policy {as_many}")
    parser.add_argument("--baseline-episodes", type=int, help=f"of each baseline {as_many}")
    parser.add_argument("--moving", type=int, default=0, help="obstacles that move, 0 to 3 (default: 0)")
    parser.add_argument("--num-envs", type=int, default=64, help="scenes driven at a time (default: 64)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the policy; 0: all")
    parser.add_argument("--data", type=Path, metavar="DIR", help="dataset, for the report")
    parser.add_argument("--training", type=Path, metavar="DIR", help="training run, for the report")
    parser.add_argument("--matrix", action="store_true", help="run the whole transfer matrix")
    parser.add_argument("--frames", type=int, default=4000, help="with --matrix: frames of each dataset")


def run(args: argparse.Namespace) -> int:
    """Drive, print and report."""
    if args.matrix:
        print(f"matrix: {run_matrix(args)}")
    else:
        print(f"report: {run_transfer(args)}")
    return 0


def run_transfer(args: argparse.Namespace) -> Path:
    """Drive one bundle and write its report; return the page."""
    from sim2real.evaluate.episodes import EvaluationError
    from sim2real.evaluate.report import write_report
    from sim2real.evaluate.transfer import TransferCfg, drive, write_summary
    from sim2real.pipeline.assemble import RunFolders, assemble, check_data

    if args.bundle is None:
        raise EvaluationError("--bundle is missing: give the folder that 'export' wrote, or --matrix")
    others = min(args.episodes, OTHERS_MOST)
    cfg = TransferCfg(
        bundle=args.bundle,
        out=args.out,
        physics=args.physics,
        spec=args.spec,
        seed=args.seed,
        episodes={
            "float": args.episodes,
            "int8": others if args.int8_episodes is None else args.int8_episodes,
            "gap_follower": others if args.baseline_episodes is None else args.baseline_episodes,
            "always_forward": others if args.baseline_episodes is None else args.baseline_episodes,
        },
        num_envs=args.num_envs,
        moving=args.moving,
        device=args.device,
        threads=args.threads,
    )
    if args.data is not None:
        check_data(args.data, cfg.bundle, cfg.seed)
    bars = Bars()
    try:
        tables = drive(cfg, bars)
    finally:
        bars.close()
    write_summary(cfg.out, cfg, tables)
    print_tables(tables)
    report = assemble(
        RunFolders(evaluation=args.out, data=args.data, training=args.training, bundle=args.bundle),
        physics_test=cfg.physics,
        spec=cfg.spec,
        seed=cfg.seed,
        command=command_of(args),
    )
    return write_report(args.out, report)


def run_matrix(args: argparse.Namespace) -> Path:
    """Run the matrix; return its page."""
    from sim2real.evaluate.episodes import EvaluationError
    from sim2real.pipeline import matrix

    ignored = [f"--{name.replace('_', '-')}" for name in changed(args) if name not in MATRIX_ARGUMENTS]
    if ignored:
        raise EvaluationError(f"{', '.join(ignored)}: not with --matrix, which decides this for every cell")
    cfg = matrix.MatrixCfg(out=args.out, frames=args.frames, seed=args.seed, num_envs=args.num_envs)
    return matrix.run_matrix(cfg, command_of(args))


MATRIX_ARGUMENTS = ("matrix", "out", "frames", "seed", "num_envs")
"""Arguments that mean something with --matrix."""


def changed(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments that are not as they are by default, in the order of the parser."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    found = {}
    for action in parser._actions:
        if action.dest != "help" and getattr(args, action.dest, action.default) != action.default:
            found[action.dest] = getattr(args, action.dest)
    return found


def command_of(args: argparse.Namespace) -> str:
    """The command line that does this again."""
    words = ["./sim2real.sh", "evaluate"]
    for name, value in changed(args).items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    return shlex.join(words)


class Bars:
    """One progress bar per policy, opened when it starts."""

    def __init__(self) -> None:
        self._open: list[Any] = []

    def __call__(self, name: str) -> Any:
        """What a policy's rollout calls with (done, total)."""
        from sim2real.cli.progress import Progress

        self.close()
        bar = Progress("episodes", name)
        self._open.append(bar.__enter__())
        return bar.update_to

    def close(self) -> None:
        """Close the bar that is open."""
        while self._open:
            self._open.pop().__exit__(None, None, None)


def print_tables(tables: dict[str, Any]) -> None:
    """One line per policy."""
    if "int8" not in tables:
        print("int8            not driven")
    for name, table in tables.items():
        summary = table.summary()
        if not summary.episodes:
            continue
        low, high = summary.ci95
        print(
            f"{name:<15} {summary.success_rate:6.1%} of {summary.episodes} (95 % interval {low:.1%} to {high:.1%}),"
            f" {summary.counts['collision']} collisions, {summary.counts['timeout']} timeouts"
        )
