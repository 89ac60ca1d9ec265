"""Train a policy in Isaac Sim's PhysX: the verb 'train' spelled out, for Isaac Sim's own Python.

./python.sh standalone/train_policy.py velocity/go2 --spec quadruped --num-envs 4096 --out runs/go2_isaac

Isaac Lab has to be installed in that Python. Without Isaac Sim use ./sim2real.sh train, or give --physics newton_mjwarp
or --physics ovphysx here. Isaac Lab starts the application when the engine needs it, before anything imports omni.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from _script import finish, parse

PHYSICS = "isaacsim_physx"


def main(words: Sequence[str] | None = None) -> None:
    """Train, or go on after the last checkpoint."""
    from sim2real.cli.train import add_arguments

    def add(parser):
        add_arguments(parser)
        parser.set_defaults(physics=PHYSICS)

    args = parse(__doc__, add, words)

    from sim2real.errors import Sim2RealError

    if args.data is not None:
        raise Sim2RealError("this script trains a task in an engine; for --data use standalone/train_avoidance.py")
    if args.task is None:
        raise Sim2RealError("nothing to train: give a TASK, such as velocity/go2")

    from sim2real.cli.train import run_task
    from sim2real.lab.launch import check_physics

    check_physics(args.physics)
    sys.exit(run_task(args))


if __name__ == "__main__":
    finish(main)
