"""``train``: a policy by reinforcement learning in an engine, or the avoidance classifier from a dataset."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sim2real.errors import Sim2RealError
from sim2real.learn.config import PRESETS, TrainCfg
from sim2real.learn.ppo.config import LOGGERS, NETWORKS

HELP = """Train a policy.

train TASK         by reinforcement learning (PPO of rsl_rl) in an engine, with the randomization of a spec, or none
train --data DIR   the depth-avoidance classifier (ResNet18, one channel) on one or more datasets

Both leave a run folder that the same command goes on with where it stopped. A run of a task holds its checkpoints,
curves.json and curves.png, run.json (command, versions, machine, time), and TensorBoard's files; a classifier's run
policy.pt (for the export), checkpoint.pt, metrics.json and confusion.png.

--ranks N starts torchrun on this machine; under a torchrun of your own the processes train together as well."""

ONLY_DATA = ("preset", "epochs", "batch_size", "learning_rate", "size", "pretrained")
ONLY_TASK = (
    "start",
    "spec",
    "curriculum",
    "network",
    "memory",
    "physics",
    "num_envs",
    "iterations",
    "save_every",
    "try_in",
    "try_every",
    "try_episodes",
    "ranks",
    "logger",
    "project",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("task", metavar="TASK", nargs="?", help="a task: a short name or any registered one")
    add_common_arguments(parser)
    task = parser.add_argument_group("a task")
    task.add_argument("--spec", metavar="SPEC", help="randomization: a preset's name or a file (default: none)")
    task.add_argument("--curriculum", metavar="NAME", help="stages in which the spec comes to act: a preset or a file")
    task.add_argument("--privileged", action="store_true", help="let the actor see what the critic sees: a teacher")
    task.add_argument("--teacher", metavar="RUN", help="run folder of a teacher, which the robot's actor imitates")
    task.add_argument(
        "--from", dest="start", metavar="RUN", help="run, or checkpoint, whose networks to begin with (fine-tuning)"
    )
    task.add_argument("--network", choices=NETWORKS, help="remember: a layer of this kind before the task's networks")
    task.add_argument("--memory", type=int, metavar="N", help="numbers that --network remembers (default: 256)")
    task.add_argument("--physics", metavar="NAME", help="engine: newton_mjwarp, ovphysx (default) or isaacsim_physx")
    task.add_argument("--num-envs", type=int, metavar="N", help="environments (default: the task's; 256 on a CPU)")
    task.add_argument("--iterations", type=int, metavar="N", help="iterations in all (default: as the task says)")
    task.add_argument("--save-every", type=int, metavar="N", help="iterations between checkpoints (default: 25)")
    task.add_argument("--try-in", metavar="NAME", nargs="+", help="other engines to try the policy in as it trains")
    task.add_argument("--try-every", type=int, metavar="N", help="iterations between two tries (default: 50)")
    task.add_argument("--try-episodes", type=int, metavar="N", help="episodes of a try in each engine (default: 16)")
    task.add_argument("--ranks", type=int, metavar="N", help="train with N processes, one on each GPU (torchrun)")
    task.add_argument("--logger", choices=LOGGERS, help="also send the numbers to wandb (default: tensorboard alone)")
    task.add_argument("--project", metavar="NAME", help="project of wandb (default: sim2real)")
    task.add_argument("--verbose", action="store_true", help="show rsl_rl's tables")
    add_classifier_arguments(parser.add_argument_group("the classifier"))


def add_common_arguments(parser: argparse._ActionsContainer) -> None:
    """Arguments of every training."""
    parser.add_argument("--out", metavar="DIR", help="run folder (default for a task: runs/train/<what it is>)")
    parser.add_argument("--seed", type=int, help="seed of weights, order and chance")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:N, or auto (default)")
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on after the last checkpoint in --out (default); --no-resume starts over",
    )


def add_classifier_arguments(parser: argparse._ActionsContainer) -> None:
    """Arguments of the classifier's training."""
    parser.add_argument("--data", metavar="DIR", nargs="+", help="dataset folders")
    parser.add_argument("--preset", choices=list(PRESETS), help="training preset (default: default)")
    parser.add_argument("--epochs", type=int, help="passes over the training frames")
    parser.add_argument("--batch-size", type=int, help="frames per step")
    parser.add_argument("--learning-rate", type=float, help="learning rate; its peak under the default preset")
    parser.add_argument("--size", type=int, help="rows and columns of the network's input [px]; default: as the frames")
    parser.add_argument(
        "--pretrained", metavar="FILE", help="ResNet18 checkpoint with torchvision's names to start from"
    )


def run(args: argparse.Namespace) -> int:
    """Train and print the result."""
    if args.data is not None:
        _refuse(args, ONLY_TASK, "train --data")
        if args.task not in (None, "avoidance"):
            raise Sim2RealError(
                f"--data trains the classifier of 'avoidance', not '{args.task}'; leave out one of them"
            )
        return run_classifier(args)
    if args.task is None:
        raise Sim2RealError("nothing to train: give a TASK, such as velocity/go2, or --data DIR for the classifier")
    if args.task == "avoidance":
        raise Sim2RealError("'avoidance' is trained on a dataset: train --data DIR --out DIR; 'generate' makes one")
    _refuse(args, ONLY_DATA, f"train {args.task}")
    return run_task(args)


def _refuse(args: argparse.Namespace, names: tuple[str, ...], what: str) -> None:
    given = [
        f"--{'from' if name == 'start' else name.replace('_', '-')}"
        for name in names
        if getattr(args, name) is not None
    ]
    if given:
        raise Sim2RealError(f"'{what}' takes no {', '.join(given)}; see 'train --help'")


def run_task(args: argparse.Namespace) -> int:
    """Train a policy by reinforcement learning, in this process or in several."""
    from sim2real.lab.launch import register_tasks
    from sim2real.learn.ppo import RunCfg, train
    from sim2real.learn.ppo.agents import named
    from sim2real.learn.ppo.ranks import Ranks, start_ranks

    ranks = Ranks.here()
    if args.ranks is not None and args.ranks != ranks.count:
        if ranks.count > 1:
            raise Sim2RealError(
                f"--ranks {args.ranks}, and torchrun started {ranks.count} processes; leave out --ranks"
            )
        start_ranks(args.ranks, sys.argv[1:])
    device = args.device
    if device == "auto":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
    register_tasks()
    task, physics = named(args.task), args.physics or RunCfg.physics
    given = {
        name: getattr(args, name) for name in ("seed", "save_every", "try_every", "try_episodes", "logger", "project")
    }
    result = train(
        RunCfg(
            task=task,
            out=Path(args.out) if args.out else default_folder(task, args.spec, physics, args.network),
            spec=args.spec,
            curriculum=args.curriculum,
            privileged=args.privileged,
            teacher=Path(args.teacher) if args.teacher else None,
            start=Path(args.start) if args.start else None,
            network=args.network,
            memory=args.memory,
            physics=physics,
            num_envs=args.num_envs,
            iterations=args.iterations,
            device=device,
            resume=args.resume,
            try_in=tuple(args.try_in or ()),
            verbose=args.verbose,
            **{name: value for name, value in given.items() if value is not None},
        )
    )
    if not ranks.first:
        return 0
    reward = (
        "no episode ended" if result.reward is None else f"mean return {result.reward:.2f} of the last 100 episodes"
    )
    speed = "nothing was left to do" if result.steps_per_s is None else f"{result.steps_per_s:.0f} env-steps/s"
    print(f"{result.iterations} iterations, {result.env_steps} env-steps, {speed}; {reward}")
    print(f"checkpoint: {result.checkpoint}")
    return 0


def default_folder(task: str, spec: str | None, physics: str, network: str | None = None) -> Path:
    """Return the run folder for what is trained: the same words lead to the same folder."""
    words = [task.removeprefix("Sim2Real-").lower(), "plain" if spec is None else Path(spec).stem, physics]
    return Path("runs") / "train" / "-".join(words if network is None else [*words, network])


def run_classifier(args: argparse.Namespace) -> int:
    """Train the avoidance classifier."""
    from sim2real.datasets import read_manifest
    from sim2real.learn import train

    if args.out is None:
        raise Sim2RealError("give the run folder: train --data DIR --out DIR")
    size = args.size or min(read_manifest(args.data[0]).camera.height, read_manifest(args.data[0]).camera.width)
    cfg = TrainCfg.make(
        args.preset or "default",
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
