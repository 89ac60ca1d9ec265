"""Drive an exported policy in another physics engine and report the transfer: the verb 'evaluate' spelled out.

python standalone/evaluate_transfer.py --bundle runs/bundle --physics ovphysx --out runs/evaluation
"""

from __future__ import annotations

from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Drive the scenes that have no episode yet, then write the report."""
    from sim2real.cli.evaluate import Bars, add_arguments, print_tables

    args = parse(__doc__, add_arguments, words)

    from sim2real.evaluate.episodes import EvaluationError
    from sim2real.evaluate.report import write_report
    from sim2real.evaluate.transfer import TransferCfg, drive, write_summary
    from sim2real.pipeline.assemble import RunFolders, assemble
    from sim2real.pipeline.matrix import MatrixCfg, run_matrix

    if args.matrix:
        cfg = MatrixCfg(out=args.out, frames=args.frames, seed=args.seed, num_envs=args.num_envs)
        print(f"matrix: {run_matrix(cfg, f'./sim2real.sh evaluate --matrix --out {args.out}')}")
        return
    if args.bundle is None:
        raise EvaluationError("--bundle is missing: give the folder that 'export' wrote, or --matrix")
    transfer = TransferCfg(
        bundle=args.bundle,
        out=args.out,
        physics=args.physics,
        spec=args.spec,
        seed=args.seed,
        episodes={
            "float": args.episodes,
            "int8": args.int8_episodes,
            "gap_follower": args.baseline_episodes,
            "always_forward": args.baseline_episodes,
        },
        num_envs=args.num_envs,
        moving=args.moving,
        device=args.device,
        threads=args.threads,
    )
    bars = Bars()
    try:
        tables = drive(transfer, bars)
    finally:
        bars.close()
    write_summary(args.out, transfer, tables)
    print_tables(tables)
    report = assemble(
        RunFolders(evaluation=args.out, data=args.data, training=args.training, bundle=args.bundle),
        physics_train=trained_in(args.data),
        physics_test=args.physics,
        spec=args.spec,
        seed=args.seed,
        command=f"./sim2real.sh evaluate --bundle {args.bundle} --physics {args.physics} --seed {args.seed}"
        f" --out {args.out}",
    )
    print(f"report: {write_report(args.out, report)}")


def trained_in(data: object) -> str:
    """The engine that held the scenes of a dataset."""
    if data is None:
        return "unknown"
    from sim2real.datasets import read_manifest

    return read_manifest(str(data)).physics


if __name__ == "__main__":
    finish(main)
