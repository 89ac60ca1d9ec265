"""``export``: from a trained policy to the bundle that a robot runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2real.export import ExportCfg, ExportResult

HELP = """Export a trained policy as a bundle: <name>.onnx (float) and <name>.int8.onnx, contract.json, golden.npz,
parity.json, latency.json.

The float network has to answer as the trained one on held-out frames, or nothing is written. INT8 is made with several
calibrators; the best is kept when it passes the gate, and refused, with the measured reason, when it does not."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--policy", metavar="PATH", required=True, help="run folder of 'train', or its policy.pt")
    parser.add_argument("--data", metavar="DIR", required=True, help="dataset: its validation split is held out")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder of the bundle")
    parser.add_argument("--name", default="avoidance", help="name of the policy and of its files (default: avoidance)")
    parser.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="decisions per second (default: 10)")
    parser.add_argument("--no-int8", action="store_true", help="float only")
    parser.add_argument("--min-agreement", type=float, default=0.99, help="INT8: smallest share of equal choices")
    parser.add_argument("--max-drop", type=float, default=0.01, help="INT8: largest loss of accuracy, as a share")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: as many as there are cores")


def export_run(
    policy: str | Path, dataset_dir: str | Path, out_dir: str | Path, cfg: ExportCfg | None = None, int8: bool = True
) -> ExportResult:
    """Export the policy of a run with the splits of a dataset; see ``sim2real.export.export_bundle``."""
    from sim2real.datasets import DepthDataset, read_manifest
    from sim2real.export import ExportError, export_bundle
    from sim2real.learn import load_policy

    trained = load_policy(policy)
    labels = read_manifest(dataset_dir).labels
    if labels != trained.classes:
        raise ExportError(
            f"{dataset_dir} has the labels {', '.join(labels) or 'none'}, the policy {', '.join(trained.classes)}. "
            "Give the dataset that it was trained on."
        )
    calibration = DepthDataset(dataset_dir, split="train") if int8 else None
    return export_bundle(trained, DepthDataset(dataset_dir, split="val"), calibration, out_dir, cfg)


def run(args: argparse.Namespace) -> int:
    """Export and print the result."""
    import dataclasses

    from sim2real.deploy.steering import SteeringParams
    from sim2real.export import ExportCfg, Gate

    cfg = ExportCfg(
        name=args.name,
        controller=dataclasses.asdict(SteeringParams(rate_hz=args.rate)),
        rate_hz=args.rate,
        gate=Gate(agreement=args.min_agreement, accuracy_drop=args.max_drop),
        threads=args.threads,
    )
    result = export_run(args.policy, args.data, args.out, cfg, int8=not args.no_int8)
    parity, latency = result.parity, result.latency
    print(f"parity with torch: {parity['max_abs_error']:.2g} on {parity['frames']} held-out frames")
    for candidate in parity["candidates"]:
        verdict = "" if candidate["passes"] else "  below the gate"
        print(
            f"INT8 {candidate['calibrator']:<10} agreement {candidate['top1_agreement']:.2%}, accuracy "
            f"{candidate['accuracy']:.2%}, rmse {candidate['rmse']:.3f}{verdict}"
        )
    kept = parity["int8"]
    print(f"INT8: {'kept, by ' + kept['calibrator'] if kept['kept'] else kept['reason']}")
    for precision in ("float", "int8"):
        if precision in latency:
            times = latency[precision]
            print(f"latency, {precision}: p50 {times['p50']:.2f} ms, p99 {times['p99']:.2f} ms, one thread, one frame")
    print(f"bundle: {result.folder}")
    return 0
