"""``train``: train the policy on a dataset."""

from __future__ import annotations

import argparse

from sim2real.learn.config import PRESETS, TrainCfg

HELP = """Train the depth-avoidance classifier (ResNet18, one channel) on one or more datasets.

Leaves in the run folder: policy.pt (for the export), checkpoint.pt after every epoch, metrics.json, confusion.png, and
curves for TensorBoard. The same command goes on where it stopped, and ends with the same weights."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("--data", metavar="DIR", nargs="+", required=True, help="dataset folders")
    parser.add_argument("--out", metavar="DIR", required=True, help="run folder; made when it is not there")
    parser.add_argument("--preset", choices=list(PRESETS), default="default", help="training preset (default: default)")
    parser.add_argument("--epochs", type=int, help="passes over the training frames")
    parser.add_argument("--batch-size", type=int, help="frames per step")
    parser.add_argument("--learning-rate", type=float, help="learning rate; its peak under the default preset")
    parser.add_argument("--size", type=int, help="rows and columns of the network's input [px]; default: as the frames")
    parser.add_argument("--seed", type=int, help="seed of weights, order and augmentation")
    parser.add_argument(
        "--pretrained", metavar="FILE", help="ResNet18 checkpoint with torchvision's names to start from"
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto (default)")
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on after the last finished epoch in --out (default); --no-resume starts over",
    )


def run(args: argparse.Namespace) -> int:
    """Train and print the result."""
    from sim2real.datasets import read_manifest
    from sim2real.learn import train

    size = args.size or min(read_manifest(args.data[0]).camera.height, read_manifest(args.data[0]).camera.width)
    cfg = TrainCfg.make(
        args.preset,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        size=size,
        seed=args.seed,
    )
    result = train(args.data, args.out, cfg, resume=args.resume, pretrained=args.pretrained, device=args.device)
    metrics = result.metrics
    shares = metrics["val_accuracy_per_class"].items()
    per_class = ", ".join(f"{name} {'-' if value is None else f'{value:.1%}'}" for name, value in shares)
    print(f"validation accuracy {metrics['val_accuracy']:.1%} of {metrics['frames_val']} frames ({per_class})")
    print(f"{metrics['images_per_second']:.0f} images/s, {metrics['seconds']:.0f} s in all")
    print(f"policy: {result.policy}")
    return 0
