"""What ``export`` and ``benchmark`` share: the options of a Jetson, its progress, and what it gave, as lines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.export.jetson import Built, JetsonCfg

ONLY_WITH = ("accept_new_host_key", "power_mode", "precisions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a Jetson."""
    group = parser.add_argument_group("a Jetson, over SSH")
    group.add_argument("--jetson", metavar="USER@HOST", help="build, prove, time and weigh TensorRT engines there")
    group.add_argument(
        "--accept-new-host-key", metavar="SHA256:...", help="trust this host key of a device that is not known yet"
    )
    group.add_argument("--power-mode", metavar="NAME", help="refuse another power mode than this, e.g. MAXN")
    group.add_argument("--precisions", metavar="LIST", help="what to build (default: fp32,fp16,int8)")


def check_arguments(args: argparse.Namespace) -> None:
    """Refuse a Jetson's options without a Jetson, and a wrong address, before any work. Raises: Sim2RealError."""
    names = [name for name in ONLY_WITH if name != "precisions" or not getattr(args, "engine", False)]
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is not None]
    if args.jetson is None and given:
        raise Sim2RealError(f"{', '.join(given)} only with --jetson USER@HOST")
    if args.jetson is not None:
        from sim2real.export.jetson.address import parse_address

        parse_address(args.jetson)
        make_cfg(args)


def make_cfg(args: argparse.Namespace) -> JetsonCfg:
    """The configuration that the options mean. Raises: Sim2RealError."""
    from sim2real.export.jetson import JetsonCfg, SshCfg
    from sim2real.export.tensorrt.plan import PRECISIONS, check_precisions

    precisions = PRECISIONS if args.precisions is None else tuple(args.precisions.split(","))
    check_precisions(precisions)
    ssh = SshCfg(accept_host_key=args.accept_new_host_key)
    return JetsonCfg(precisions=precisions, power_mode=args.power_mode, ssh=ssh)


def say(stage: str, precision: str, message: str) -> None:
    """Print one stage of the work."""
    print(f"{stage:<8}{precision:<6}{message}", file=sys.stderr, flush=True)


def build_into(args: argparse.Namespace, bundle: str) -> None:
    """Build a bundle's engines on the Jetson of the options, add them, and print what came of it."""
    from sim2real.export.jetson import export_to_jetson

    result = export_to_jetson(bundle, args.jetson, make_cfg(args), say=say)
    print("\n".join(built_lines(result.built)))
    print(f"engines: {result.folder}; chosen: {result.chosen}")
    if result.spec is not None:
        print(f"its latency as a spec for training: {result.spec}")


def built_lines(built: Built) -> list[str]:
    """A line for each precision: proof, times, watts."""
    lines = []
    for precision, parity in sorted(built.record["parity"].items()):
        if parity["status"] != "pass":
            lines.append(f"{precision:<5} {parity['status']}: {parity.get('reason', 'the golden vectors differ')}")
            continue
        timed = built.measured.get(precision)
        own = f"own runner {_times(built.record['latency'].get(precision))}"
        other = "not timed by trtexec" if timed is None else f"trtexec {_times(timed.latency)}"
        watts = "not weighed" if timed is None or timed.power is None else f"{timed.power.watts:.2f} W"
        lines.append(f"{precision:<5} golden vectors within {parity['max_abs_error']:.2g}; {own}; {other}; {watts}")
    return lines


def _times(found: Mapping[str, Any] | None) -> str:
    """p50 and p99 of a summary."""
    return "not run" if not found or "p50" not in found else f"p50 {found['p50']:.3g} ms, p99 {found['p99']:.3g} ms"
