"""What to train: one frozen dataclass. Imports nothing heavy, so the command line can use it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sim2real.learn.errors import LearnError

ENVS_ON_CPU = 256
"""Environments by default where there is no GPU; with one, as many as the task says."""
ENVS_MOST = 65536
NETWORKS = ("gru", "lstm")
"""Networks that remember, which an actor and a critic can be made of."""
MEMORY, MEMORY_MOST = 256, 4096
"""Numbers that such a network remembers: by default, and at most."""
LOGGERS = ("tensorboard", "wandb")
"""Where the numbers of a training can go, besides its folder."""


@dataclass(frozen=True, kw_only=True)
class RunCfg:
    """One training run."""

    task: str
    """Gymnasium name of the task."""
    out: Path
    """Run folder."""
    spec: str | None = None
    """Randomization: a preset's name or a file; None trains without any."""
    curriculum: str | None = None
    """Stages in which the spec comes to act: a preset's name or a file; None: all of it from the start."""
    privileged: bool = False
    """Let the actor see what the critic sees, the draws of the spec too: a teacher."""
    teacher: Path | None = None
    """Run folder of a teacher, which the task's own actor is to imitate; None: learn from rewards."""
    start: Path | None = None
    """Run folder, or a checkpoint of it, whose networks this run begins with; None: networks of chance."""
    network: str | None = None
    """One of `NETWORKS`: a layer of memory before the task's perceptrons; None: the networks that the task says."""
    memory: int | None = None
    """Numbers that the network remembers; None: 256. Only with `network`."""
    physics: str = "ovphysx"
    """Engine to train in."""
    num_envs: int | None = None
    """Environments of this process, each rank's; None: the task's own number on a GPU, 256 on a CPU."""
    iterations: int | None = None
    """Iterations in all, those before a resume included; None: what the task's agent says."""
    device: str = "cpu"
    """`cpu`, `cuda` or `cuda:N`, for the physics and the networks; with several ranks `cuda` is each rank's own."""
    seed: int = 7
    """Seed of weights, exploration, starts and commands; the spec has its own."""
    save_every: int = 25
    """Iterations between checkpoints: what a killed run loses at most."""
    resume: bool = True
    """Go on from the last checkpoint in `out`, if there is one; False starts over."""
    try_in: tuple[str, ...] = ()
    """Other engines to try the policy in while it trains, in a process beside."""
    try_every: int = 50
    """Iterations between two tries."""
    try_episodes: int = 16
    """Episodes of a try in each engine."""
    logger: str = "tensorboard"
    """One of `LOGGERS`; wandb writes TensorBoard's files too."""
    project: str = "sim2real"
    """Project of Weights & Biases."""
    verbose: bool = False
    """Show the tables of rsl_rl and what the framework says as it starts."""

    def __post_init__(self) -> None:
        """Check the values. Raises: LearnError."""
        if self.num_envs is not None and not 1 <= self.num_envs <= ENVS_MOST:
            raise LearnError(f"num_envs is {self.num_envs}; give 1 to {ENVS_MOST}")
        if self.iterations is not None and self.iterations < 1:
            raise LearnError(f"iterations is {self.iterations}; give 1 or more")
        if self.network is not None and self.network not in NETWORKS:
            raise LearnError(f"network is '{self.network}'; give one of {', '.join(NETWORKS)}, or leave it out")
        if self.memory is not None and self.network is None:
            raise LearnError("memory is the size of a recurrent network, and there is none; give 'network' too")
        if self.memory is not None and not 1 <= self.memory <= MEMORY_MOST:
            raise LearnError(f"memory is {self.memory}; give 1 to {MEMORY_MOST}")
        if self.privileged and self.teacher is not None:
            raise LearnError("a student sees what the robot sees; leave out 'privileged' or 'teacher'")
        if self.start is not None and self.teacher is not None:
            raise LearnError("a student learns what its teacher does; leave out 'start' or 'teacher'")
        if self.curriculum is not None and self.spec is None:
            raise LearnError("a curriculum opens the ranges of a spec, and there is none; give --spec too")
        for name in ("save_every", "try_every"):
            if getattr(self, name) < 1:
                raise LearnError(f"{name} is {getattr(self, name)}; give a number of iterations, 1 or more")
        if self.logger not in LOGGERS:
            raise LearnError(f"logger is '{self.logger}'; give one of {', '.join(LOGGERS)}")
        if self.logger == "wandb" and find_spec("wandb") is None:
            raise LearnError("logger 'wandb' needs a package that set-up does not install: pip install wandb")
        if self.try_episodes < 1:
            raise LearnError(f"try_episodes is {self.try_episodes}; give 1 or more")
        if not 0 <= self.seed < 2**31:
            raise LearnError(f"seed is {self.seed}; give 0 to {2**31 - 1}")
