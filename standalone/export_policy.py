"""Export a trained policy as a bundle: the verb 'export' spelled out.

python standalone/export_policy.py --run runs/train/go2 --out runs/bundle
python standalone/export_policy.py --policy runs/training --data runs/depth --out runs/bundle
"""

from __future__ import annotations

from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Export, prove, and give the finished folder its name."""
    from sim2real.cli.export import add_arguments, check, classifier_cfg, export_classifier, run_cfg

    args = parse(__doc__, add_arguments, words)
    check(args)

    from sim2real.pipeline.export_run import export_run

    if args.run is not None:
        result = export_run(args.run, args.out, run_cfg(args))
    else:
        result = export_classifier(args.policy, args.data, args.out, classifier_cfg(args), int8=not args.no_int8)
    print(f"parity with torch: {result.parity['max_abs_error']:.2g}; INT8: {'kept' if result.has_int8 else 'none'}")
    print(f"bundle: {result.folder}")


if __name__ == "__main__":
    finish(main)
