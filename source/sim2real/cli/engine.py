"""What ``export --engine`` does: TensorRT engines here, or a word on the script that builds them elsewhere."""

from __future__ import annotations

import argparse

from sim2real.cli.jetson import say
from sim2real.errors import Sim2RealError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The option of a local build."""
    group = parser.add_argument_group("TensorRT on this machine")
    group.add_argument("--engine", action="store_true", help="build, prove and time TensorRT engines here")


def check_arguments(args: argparse.Namespace) -> None:
    """Refuse a build here and on a Jetson at once. Raises: Sim2RealError."""
    if args.engine and args.jetson is not None:
        raise Sim2RealError("give either --engine, for this machine, or --jetson USER@HOST")


def build_here(args: argparse.Namespace, bundle: str) -> None:
    """Build a bundle's engines on this machine, add them, and print what came of it. Raises: EngineError."""
    from sim2real.deploy.tensorrt_proof import describe
    from sim2real.export.tensorrt import build_engines, engine_status
    from sim2real.export.tensorrt.plan import PRECISIONS, check_precisions

    precisions = PRECISIONS if args.precisions is None else tuple(args.precisions.split(","))
    check_precisions(precisions)
    record = build_engines(bundle, precisions, say=say)
    for name in precisions:
        parity, times = record["parity"][name], record["latency"].get(name)
        why = parity["reason"] if "reason" in parity else describe(parity)
        said = "" if times is None else f"; p50 {times['p50']:.3g} ms, p99 {times['p99']:.3g} ms"
        print(f"{name:<5} {parity['status']}: {why}{said}")
    print(engine_status(bundle))
    if record["chosen"] is None:
        raise Sim2RealError("no engine reproduced the golden vectors, so none is used; the lines above say why")


def say_what_is_left(bundle: str) -> None:
    """Print that a bundle's engines are pending, and what is left to do on a device."""
    from sim2real.export.tensorrt import engine_status

    print(engine_status(bundle))
