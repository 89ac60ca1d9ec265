"""Train the avoidance classifier on a dataset: the verb 'train' spelled out.

python standalone/train_avoidance.py --data runs/depth --out runs/training
"""

from __future__ import annotations

from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Train, or go on after the last finished epoch."""
    from sim2real.cli.train import add_classifier_arguments, add_common_arguments

    args = parse(__doc__, lambda parser: (add_common_arguments(parser), add_classifier_arguments(parser)), words)

    from sim2real.errors import Sim2RealError

    if args.data is None or args.out is None:
        raise Sim2RealError("give the dataset and the run folder: --data DIR --out DIR")

    from sim2real.datasets import read_manifest
    from sim2real.learn import TrainCfg, train

    camera = read_manifest(args.data[0]).camera
    cfg = TrainCfg.make(
        args.preset or "default",
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        size=args.size or min(camera.height, camera.width),
        seed=args.seed,
    )
    result = train(args.data, args.out, cfg, resume=args.resume, pretrained=args.pretrained, device=args.device)
    print(f"validation accuracy {result.metrics['val_accuracy']:.1%}; policy: {result.policy}")


if __name__ == "__main__":
    finish(main)
