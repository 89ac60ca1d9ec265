"""``export``: from a trained policy to the bundle that a robot runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.cli import engine, jetson
from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.export import ExportCfg, ExportResult
    from sim2real.export.progress import Say
    from sim2real.pipeline.export_run import RunExportCfg

HELP = """Export a trained policy as a bundle: <name>.onnx, contract.json, golden.npz, parity.json, latency.json.
Networks of lower precision come along where they hold their gate: <name>.fp16.onnx, <name>.int8.onnx.

export --run RUN --out DIR               a policy of 'train TASK': the actor with its normalizer inside
export --policy RUN --data DIR --out DIR the classifier of 'train --data', in float and INT8
export RUN                               as --run, into RUN/bundle
export BUNDLE --jetson USER@HOST         TensorRT engines for a finished bundle, built on the device that runs them
export BUNDLE --engine                   the same on this machine, where TensorRT is

--jetson and --engine go with each of these: the engines are built, proven and timed there and join the bundle. Every
bundle carries build_on_device.py, which does it on a device with nothing but JetPack. Stages are told on stderr.

The network has to answer as the trained one, or nothing is written. Of a task's policy, what a robot will assemble of
its own state is held against what the training environment gave, over whole episodes for a recurrent network. INT8 is
made with several calibrators; the best is kept when it passes the gate, and refused, with the measured reason, when it
does not; FP16 likewise."""

ONLY_CLASSIFIER = ("policy", "data", "rate", "no_int8", "min_agreement", "max_drop", "threads")
ONLY_RUN = ("steps", "num_envs")
PARITY = {"assembled observations": "assembly_", "network": "", "joint targets": "targets_"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("source", nargs="?", metavar="BUNDLE_OR_RUN", help="a finished bundle, or a run folder")
    parser.add_argument("--out", metavar="DIR", help="folder of the bundle (of a run: bundle/ in the run folder)")
    parser.add_argument("--name", help="name of the policy and of its files (default: the task's)")
    task = parser.add_argument_group("a task")
    task.add_argument("--run", metavar="RUN", help="run folder of 'train TASK', or a checkpoint in it")
    task.add_argument(
        "--steps", type=int, metavar="N", help="decisions of the rollout (default: 160; recurrent: an episode)"
    )
    task.add_argument("--num-envs", type=int, metavar="N", help="robots of the recorded rollout (default: 16)")
    data = parser.add_argument_group("the classifier")
    data.add_argument("--policy", metavar="PATH", help="run folder of 'train --data', or its policy.pt")
    data.add_argument("--data", metavar="DIR", help="dataset: its validation split is held out")
    data.add_argument("--rate", type=float, metavar="HZ", help="decisions per second (default: 10)")
    data.add_argument("--no-int8", action="store_true", default=None, help="float only")
    data.add_argument("--min-agreement", type=float, help="INT8: smallest share of equal choices (default: 0.99)")
    data.add_argument("--max-drop", type=float, help="INT8: largest loss of accuracy, as a share (default: 0.01)")
    data.add_argument("--threads", type=int, help="CPU threads; 0: as many as there are cores (default)")
    jetson.add_arguments(parser)
    engine.add_arguments(parser)


def export_classifier(
    policy: str | Path,
    dataset_dir: str | Path,
    out_dir: str | Path,
    cfg: ExportCfg | None = None,
    int8: bool = True,
    *,
    say: Say | None = None,
) -> ExportResult:
    """Export the classifier of a run with the splits of a dataset; see ``sim2real.export.export_bundle``."""
    from sim2real.datasets import DepthDataset, read_manifest
    from sim2real.export import ExportError, export_bundle
    from sim2real.export.progress import quiet
    from sim2real.learn import load_policy

    trained = load_policy(policy)
    labels = read_manifest(dataset_dir).labels
    if labels != trained.classes:
        raise ExportError(
            f"{dataset_dir} has the labels {', '.join(labels) or 'none'}, the policy {', '.join(trained.classes)}. "
            "Give the dataset that it was trained on."
        )
    calibration = DepthDataset(dataset_dir, split="train") if int8 else None
    return export_bundle(trained, DepthDataset(dataset_dir, split="val"), calibration, out_dir, cfg, say=say or quiet)


def take_source(args: argparse.Namespace) -> str | None:
    """Return the finished bundle that was given, or make ``--run`` of a run folder. Raises: Sim2RealError."""
    if args.source is None:
        return None
    if (Path(args.source) / "contract.json").is_file():
        others = ("out", "name", "run", *ONLY_CLASSIFIER, *ONLY_RUN)
        given = [f"--{name.replace('_', '-')}" for name in others if getattr(args, name) is not None]
        if given:
            raise Sim2RealError(f"{args.source} is a finished bundle; {', '.join(given)} cannot go with it")
        if args.jetson is None and not args.engine:
            raise Sim2RealError(
                f"{args.source} is a finished bundle; give --jetson USER@HOST, or --engine, to build its engines"
            )
        return str(args.source)
    if args.run is not None or args.policy is not None:
        raise Sim2RealError(f"give either {args.source}, --run or --policy")
    args.run = args.source
    return None


def check(args: argparse.Namespace) -> None:
    """Refuse options that do not go together. Raises: Sim2RealError."""
    if args.run is None and (args.policy is None or args.data is None):
        raise Sim2RealError("give --run RUN for a policy of 'train TASK', or --policy RUN and --data DIR")
    names, other = (ONLY_RUN, "--policy") if args.run is None else (ONLY_CLASSIFIER, "--run")
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is not None]
    if given:
        raise Sim2RealError(f"{', '.join(given)} cannot go with {other}; see 'export --help'")
    if args.out is None:
        if args.run is None or not Path(args.run).is_dir():
            raise Sim2RealError("give --out DIR, the folder of the bundle")
        args.out = str(Path(args.run) / "bundle")


def classifier_cfg(args: argparse.Namespace) -> ExportCfg:
    """The configuration of a classifier's export."""
    import dataclasses

    from sim2real.deploy.steering import SteeringParams
    from sim2real.export import ExportCfg, Gate

    gate = {"agreement": args.min_agreement, "accuracy_drop": args.max_drop}
    rate = 10.0 if args.rate is None else args.rate
    return ExportCfg(
        name=args.name or "avoidance",
        controller=dataclasses.asdict(SteeringParams(rate_hz=rate)),
        rate_hz=rate,
        gate=Gate(**{name: value for name, value in gate.items() if value is not None}),
        threads=args.threads or 0,
    )


def run_cfg(args: argparse.Namespace) -> RunExportCfg:
    """The configuration of the export of a task's policy."""
    from sim2real.pipeline.export_run import RunExportCfg

    given = {"name": args.name, "steps": args.steps, "num_envs": args.num_envs}
    return RunExportCfg(**{name: value for name, value in given.items() if value is not None})


def run(args: argparse.Namespace) -> int:
    """Export and print the result."""
    engine.check_arguments(args)
    jetson.check_arguments(args)
    bundle = take_source(args)
    if bundle is None:
        check(args)
        result = export(args)
        (_print_classifier if args.run is None else _print_joint_policy)(result)
        _print_precisions(result)
        for precision in result.precisions:
            times = result.latency[precision]
            print(f"latency, {precision}: p50 {times['p50']:.3g} ms, p99 {times['p99']:.3g} ms, one thread, batch 1")
        print(f"bundle: {result.folder}")
        bundle = str(result.folder)
    build_engines(args, bundle)
    return 0


def export(args: argparse.Namespace) -> ExportResult:
    """Export what the checked arguments name."""
    if args.run is None:
        cfg = classifier_cfg(args)
        return export_classifier(args.policy, args.data, args.out, cfg, int8=not args.no_int8, say=jetson.say)
    from sim2real.pipeline.export_run import export_run

    return export_run(args.run, args.out, run_cfg(args), say=jetson.say)


def build_engines(args: argparse.Namespace, bundle: str) -> None:
    """Build engines where the options say, or tell of the script that does it on a device."""
    if args.jetson is not None:
        jetson.build_into(args, bundle)
    elif args.engine:
        engine.build_here(args, bundle)
    else:
        engine.say_what_is_left(bundle)


def _print_joint_policy(result: ExportResult) -> None:
    """Print what a policy that moves joints takes, gives, and how well it was copied."""
    parity, contract = result.parity, result.contract
    terms = ", ".join(f"{term.name} {term.size}" for term in contract.state.terms)
    action = contract.joint_action
    kind = {"delta_position": "steps of joint positions"}.get(action.kind, f"joint {action.kind}s")
    memory = "".join(f"; remembers {state.input} {state.layers} x {state.size}" for state in contract.memory)
    kind = {"velocity": "joint velocities"}.get(action.kind, kind)
    print(f"observation: {terms}; action: {len(action.joints)} {kind}{memory}")
    errors = {name: parity[f"{key}max_abs_error"] for name, key in PARITY.items()}
    said = ", ".join(f"{name} {error:.2g}" for name, error in errors.items())
    print(f"largest differences on {parity['steps']} decisions of {parity['envs']} robots: {said}")


def _print_classifier(result: ExportResult) -> None:
    """Print how well a classifier was copied."""
    parity = result.parity
    print(f"parity with torch: {parity['max_abs_error']:.2g} on {parity['frames']} held-out frames")


def _print_precisions(result: ExportResult) -> None:
    """Print what became of FP16 and INT8, and what each calibrator came to."""
    for precision in ("fp16", "int8"):
        entry = result.parity["precisions"][precision]
        for row in entry.get("candidates", []):
            print(f"{precision.upper()} {row['calibrator']:<12} {_measured(row)}{'' if row['passes'] else '  refused'}")
        if entry["kept"]:
            print(f"{precision.upper()}: kept, {_measured(entry)}")
        else:
            print(f"{precision.upper()}: {entry['reason']}")
    print(f"best: {result.parity['keep']}")


def _measured(row: dict[str, Any]) -> str:
    """The measures of a precision in words."""
    if "top1_agreement" in row:
        return f"agreement {row['top1_agreement']:.2%}, accuracy {row['accuracy']:.2%}, rmse {row['rmse']:.3g}"
    if row["relative_rmse"] is None:
        return "not finite"
    return f"targets off by {row['relative_rmse']:.2%} of their spread, at most {row['relative_max']:.2%}"
