"""``transfer``: play an exported policy in several physics engines and report whether it transfers."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

HELP = """Play a policy that moves joints in Newton, PhysX, MuJoCo and DART, and say whether it transfers.

Every engine plays the same numbered episodes: start, commands, friction, mass, strength and latency are drawn by seed
and number. MuJoCo and DART load the vendor's URDF themselves. The verdict rests on engines of another family than
training's. Finished episodes are kept: the same command continues. For the rover's depth policy see 'evaluate'."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="exported policy")
    parser.add_argument("--engines", default="newton,physx,mujoco,dart", help="default: newton,physx,mujoco,dart")
    parser.add_argument("--episodes", type=int, default=100, help="in each engine (default: 100)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/transfer/<policy>")
    parser.add_argument("--seed", type=int, default=20261, help="of the episodes (default: 20261)")
    parser.add_argument("--spec", metavar="SPEC", help="draw conditions from a spec (default: the test's own ranges)")
    parser.add_argument("--curves", default="mujoco", help="engines of the robustness curves (default: mujoco)")
    parser.add_argument("--curve-episodes", type=int, default=20, help="at each point; 0: no curves (default: 20)")
    parser.add_argument("--episode-s", type=float, metavar="S", help="length (default: 20 s walking, 12 s reaching)")
    parser.add_argument("--urdf", type=Path, metavar="FILE", help="robot that is not among the vendors'")
    parser.add_argument("--batch", type=int, metavar="N", help="robots at a time (default: as each engine likes)")


def run(args: argparse.Namespace) -> int:
    """Play, print and report."""
    from sim2real.contract import read_manifest
    from sim2real.evaluate.transfer_report import TransferReport, summary_lines, write_transfer_report
    from sim2real.evaluate.transfer_run import EnginesCfg, run_all

    contract = read_manifest(args.bundle).contract
    engines = tuple(name.strip() for name in args.engines.split(",") if name.strip())
    curves = tuple(name.strip() for name in args.curves.split(",") if name.strip())
    cfg = EnginesCfg(
        bundle=args.bundle,
        out=args.out or Path("runs/transfer") / contract.name,
        engines=engines,
        episodes=args.episodes,
        curve_engines=curves if args.curves != "mujoco" else tuple(e for e in curves if e in engines),
        curve_episodes=args.curve_episodes,
        seed=args.seed,
        spec=args.spec,
        episode_s=args.episode_s,
        urdf=args.urdf,
        batch=args.batch,
    )
    bars = _Bars()
    try:
        tables = run_all(cfg, bars)
    finally:
        bars.close()
    played = {engine: list(table) for engine, table in tables.items()}
    command = shlex.join(["./sim2real.sh", *sys.argv[1:]])
    for line in summary_lines(TransferReport.of(contract, cfg.task(contract), played)):
        print(line)
    print(f"report: {write_transfer_report(cfg, contract, played, command)}")
    return 0


class _Bars:
    """A progress bar for each engine, opened with its first episode."""

    def __init__(self) -> None:
        from contextlib import ExitStack

        self._stack, self._engine = ExitStack(), ""

    def __call__(self, engine: str, done: int, total: int) -> None:
        from sim2real.cli.progress import Progress

        if engine != self._engine:
            self.close()
            self._engine, self._bar = engine, self._stack.enter_context(Progress("episodes", engine))
        self._bar.update_to(done, total)

    def close(self) -> None:
        """Close the bar that is open."""
        self._stack.close()
