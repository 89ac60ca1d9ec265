"""``diagnose``: find what makes a policy fail, from a log of the robot or by trying it in an engine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2real.evaluate.log import RobotLog

HELP = """Find out why a policy fails on a robot, or in an engine: rank the causes by what each would mend.

With LOG (.npz or .csv, one row for each decision; docs/diagnose.md has the columns) three things are compared: what the
network answered with what it answers to the logged state, measured velocities with positions, and the logged motion
with a replay in MuJoCo. Order, sign, scale, frames, latency, gains, friction: each is corrected as well as it can be,
and ranked by the share of the error that goes away. With --engine the policy plays episodes there, with one thing
corrected at a time; a log of the first is written, and looked at likewise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="exported policy")
    parser.add_argument("log", type=Path, metavar="LOG", nargs="?", help="what the robot did, .npz or .csv")
    parser.add_argument("--engine", help="play in newton, physx, mujoco or dart, instead of a log")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="causes that are shown (default: 5)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/diagnose/<policy>")
    parser.add_argument("--urdf", type=Path, metavar="FILE", help="robot that is not among the vendors'")
    parser.add_argument("--no-replay", action="store_true", help="leave away MuJoCo: no gains, friction, latency")
    parser.add_argument("--segments", type=int, default=20, help="stretches of 0.2 s that are replayed (default: 20)")
    parser.add_argument("--episodes", type=int, default=4, help="with --engine (default: 4)")
    parser.add_argument("--episode-s", type=float, default=4.0, metavar="S", help="with --engine (default: 4 s)")
    parser.add_argument("--seed", type=int, default=20261, help="of the episodes (default: 20261)")


def run(args: argparse.Namespace) -> int:
    """Look, print, write."""
    from sim2real.contract import read_manifest
    from sim2real.errors import Sim2RealError
    from sim2real.evaluate.diagnose import DiagnoseCfg, diagnose
    from sim2real.evaluate.diagnose_picture import draw_diagnosis
    from sim2real.evaluate.log import read_log

    if (args.log is None) == (args.engine is None):
        raise Sim2RealError("give a LOG, or --engine, and not both: './sim2real.sh diagnose --help' shows examples")
    if args.top < 1:
        raise Sim2RealError(f"--top is {args.top}; give 1 or more")
    out = args.out or Path("runs/diagnose") / read_manifest(args.bundle).contract.name
    if args.engine is not None:
        log = _play(args, out)
    else:
        log = read_log(args.log)
    cfg = DiagnoseCfg(segments=args.segments, replay=not args.no_replay)
    found = diagnose(args.bundle, log, cfg, urdf=args.urdf, told=lambda what: print(f"looked at {what}", flush=True))
    print("\n".join(found.lines(args.top)))
    print(f"numbers: {found.save(out / 'diagnosis.json')}")
    if picture := draw_diagnosis(found, out / "diagnosis.png", min(args.top, 3)):
        print(f"picture: {picture}")
    return 0


def _play(args: argparse.Namespace, out: Path) -> RobotLog:
    """Play in an engine with one thing corrected at a time; return the log of the first episode as it is."""
    import json

    from sim2real.cli.progress import Progress
    from sim2real.evaluate.diagnose_trials import TrialsCfg, run_trials

    cfg = TrialsCfg(
        engine=args.engine, episodes=args.episodes, episode_s=args.episode_s, seed=args.seed, urdf=args.urdf
    )
    with Progress("corrections", args.engine) as bar:
        trials = run_trials(args.bundle, cfg, bar.update_to)
    print("\n".join(trials.lines(args.engine, args.top)))
    print(f"log: {trials.log.save(out / 'log.npz')}")
    (out / "trials.json").write_text(json.dumps({"engine": args.engine, **trials.to_dict()}, indent=1) + "\n")
    return trials.log
