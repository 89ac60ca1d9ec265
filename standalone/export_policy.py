"""Export a trained policy as a bundle, float and INT8: the verb 'export' spelled out.

python standalone/export_policy.py --policy runs/training --data runs/depth --out runs/bundle
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Export, prove, and give the finished folder its name."""
    from sim2real.cli.export import add_arguments, export_run

    args = parse(__doc__, add_arguments, words)

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
    print(f"parity with torch: {result.parity['max_abs_error']:.2g}; INT8: {'kept' if result.has_int8 else 'none'}")
    print(f"bundle: {result.folder}")


if __name__ == "__main__":
    finish(main)
