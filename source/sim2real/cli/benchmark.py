"""``benchmark``: latency and watts of a network in each precision, here and on a Jetson."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sim2real.cli import jetson

if TYPE_CHECKING:
    from sim2real.export.jetson.benchmark import Row

HELP = """Measure how long one inference takes, batch 1, in each precision.

Here with ONNX Runtime on the CPU; with --jetson also with TensorRT on the device, where tegrastats gives the watts.
NETWORK is the folder of a bundle, or resnet18 or resnet50 at 224 x 224 with drawn weights. What was not run says so.
Engines of a benchmark are not kept; 'export BUNDLE --jetson USER@HOST' keeps them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("networks", nargs="+", metavar="NETWORK", help="folder of a bundle, resnet18 or resnet50")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="timed inferences here (100)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads of one inference (1)")
    parser.add_argument("--out", metavar="DIR", help="write benchmark.md and benchmark.json there")
    jetson.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print the table."""
    from sim2real.export.jetson.benchmark import to_json, to_markdown

    jetson.check_arguments(args)
    rows: list[Row] = []
    for network in args.networks:
        rows += measure(args, network)
    print(to_markdown(rows), end="")
    if args.out is not None:
        folder = Path(args.out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmark.md").write_text(to_markdown(rows), encoding="utf-8")
        (folder / "benchmark.json").write_text(to_json(rows), encoding="utf-8")
        print(f"\nwritten: {folder / 'benchmark.md'}, {folder / 'benchmark.json'}")
    return 0


def measure(args: argparse.Namespace, network: str) -> list[Row]:
    """The rows of one network."""
    from sim2real.export.jetson import Payload, build_payload, parse_address
    from sim2real.export.jetson.benchmark import jetson_rows, models_of, time_here

    payload: Payload | None = None
    if (Path(network) / "contract.json").is_file():
        from sim2real.contract import read_manifest
        from sim2real.export.jetson.bundle import payload_of

        name, models = read_manifest(Path(network)).contract.name, models_of(network)
        payload = payload_of(network) if args.jetson is not None else None
    else:
        from sim2real.export.jetson.reference import make_reference

        jetson.say("make", "", network)
        reference = make_reference(network)
        name, models = reference.name, reference.models
        payload = reference.payload() if args.jetson is not None else None
    jetson.say("time", "", f"{name}, here")
    rows = time_here(name, models, args.runs, args.threads)
    built = None
    if payload is not None:
        built = build_payload(payload, parse_address(args.jetson), jetson.make_cfg(args), jetson.say)
    return rows + jetson_rows(name, built)
