"""Export a trained policy as a bundle: the verb 'export' spelled out.

python standalone/export_policy.py --run runs/train/go2 --out runs/bundle
python standalone/export_policy.py --policy runs/training --data runs/depth --out runs/bundle
python standalone/export_policy.py runs/bundle --jetson nvidia@192.168.1.100
"""

from __future__ import annotations

from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Export, prove, give the finished folder its name; then its engines, where they are asked for."""
    from sim2real.cli import engine, jetson
    from sim2real.cli.export import add_arguments, build_engines, check, classifier_cfg, run_cfg, take_source

    args = parse(__doc__, add_arguments, words)
    engine.check_arguments(args)
    jetson.check_arguments(args)
    bundle = take_source(args)
    if bundle is None:
        check(args)

        from sim2real.cli.export import export_classifier
        from sim2real.pipeline.export_run import export_run

        if args.run is not None:
            result = export_run(args.run, args.out, run_cfg(args), say=jetson.say)
        else:
            cfg, int8 = classifier_cfg(args), not args.no_int8
            result = export_classifier(args.policy, args.data, args.out, cfg, int8=int8, say=jetson.say)
        print(f"parity with torch: {result.parity['max_abs_error']:.2g}; best: {result.parity['keep']}")
        print(f"bundle: {result.folder}")
        bundle = str(result.folder)
    build_engines(args, bundle)


if __name__ == "__main__":
    finish(main)
