"""Several processes that train one policy: which one this is, and what they tell each other.

`torchrun` starts the processes, on as many GPUs, and says by RANK, LOCAL_RANK and WORLD_SIZE which is which. Each has
its own worlds, numbered through all of them; rsl_rl averages gradients and normalisers, so the networks stay equal.
Rank 0 alone writes the run folder. rsl_rl sets itself up for several processes on GPUs only, so the process group is
made here: NCCL for tensors on GPUs, Gloo for those on a CPU and for what the processes say to each other.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from sim2real.errors import Sim2RealError
from sim2real.learn.errors import LearnError

T = TypeVar("T")
RANKS_MOST = 1024
_MEETINGS = itertools.count()
"""How many times the ranks have met in this process."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """This process among those that train together; by itself it is one alone."""

    rank: int = 0
    """Its number, from 0."""
    local: int = 0
    """Its number on this machine, which is its GPU's."""
    count: int = 1
    """How many there are."""

    @classmethod
    def here(cls) -> Ranks:
        """Return what `torchrun` says of this process; nothing said means one alone.

        Raises:
            LearnError: it makes no sense.
        """
        said = {name: os.environ.get(name, default) for name, default in (("RANK", "0"), ("WORLD_SIZE", "1"))}
        said["LOCAL_RANK"] = os.environ.get("LOCAL_RANK", said["RANK"])
        if not all(value.isdigit() for value in said.values()) or int(said["RANK"]) >= int(said["WORLD_SIZE"]):
            told = ", ".join(f"{name}={value}" for name, value in said.items())
            raise LearnError(
                f"the environment says {told}; start the processes with torchrun, or unset these variables"
            )
        return cls(rank=int(said["RANK"]), local=int(said["LOCAL_RANK"]), count=int(said["WORLD_SIZE"]))

    @property
    def first(self) -> bool:
        """Whether this is rank 0, the one that writes and tells."""
        return self.rank == 0

    def device(self, asked: str) -> str:
        """Return this rank's device: the CPU, or the GPU with its local number.

        Raises:
            LearnError: a certain GPU was asked for, and there are several ranks.
        """
        mine = f"cuda:{self.local}"
        if self.count == 1 or asked in ("cpu", mine):
            return asked
        if asked != "cuda":
            raise LearnError(f"device is {asked}, and each of {self.count} ranks has its own GPU; give cuda, or cpu")
        return mine

    @contextlib.contextmanager
    def joined(self, device: str) -> Iterator[None]:
        """Meet the other ranks, and part at the end.

        Args:
            device: this rank's device.

        Raises:
            LearnError: there is nobody to meet, or one of them ended.
        """
        if self.count == 1:
            yield
            return
        import torch
        import torch.distributed as dist
        from torch.distributed.rendezvous import rendezvous

        if device != "cpu":
            torch.cuda.set_device(device)
        backend = "gloo" if device == "cpu" else "cpu:gloo,cuda:nccl"
        try:
            store, rank, count = next(rendezvous("env://", rank=self.rank, world_size=self.count))
            # A process that trains twice meets twice, in one store: without a name of its own, the second meeting
            # may find what the first has left there, and wait for ever.
            place = dist.PrefixStore(f"sim2real/{next(_MEETINGS)}", store)
            dist.init_process_group(backend, store=place, rank=rank, world_size=count)
        except ValueError as error:  # no MASTER_ADDR or MASTER_PORT
            raise LearnError(f"the ranks cannot meet: {error}; start them with torchrun") from error
        try:
            yield
        except RuntimeError as error:
            if not isinstance(error, dist.DistError) and "gloo" not in str(error):
                raise
            raise LearnError(
                f"rank {self.rank} lost another rank, whose own message says why; the last checkpoint is whole, and the"
                " same command goes on from it"
            ) from error
        finally:
            dist.destroy_process_group()

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """Hide the other ranks from rsl_rl while it makes a runner: it would insist on GPUs and on its own group."""
        held = os.environ.pop("WORLD_SIZE", None)
        try:
            yield
        finally:
            if held is not None:
                os.environ["WORLD_SIZE"] = held

    def attach(self, runner: Any) -> None:
        """Let a runner that was made :meth:`unseen` learn together with those of the other ranks.

        Its networks become those of rank 0; call it after they were loaded.
        """
        if self.count == 1:
            return
        algorithm = runner.alg
        algorithm.is_multi_gpu, algorithm.gpu_global_rank, algorithm.gpu_world_size = True, self.rank, self.count
        algorithm.broadcast_parameters()

    def gather(self, said: Any) -> list[Any]:
        """Return what every rank says, in their order; all of them have to call it."""
        if self.count == 1:
            return [said]
        import torch.distributed as dist

        told: list[Any] = [None] * self.count
        dist.all_gather_object(told, said)
        return told

    def on_first(self, action: Callable[[], T]) -> T | None:
        """Have rank 0 do something that the others wait for, and return what came of it there, None elsewhere.

        Raises:
            Sim2RealError: what rank 0 met, on every rank.
        """
        found, met = None, None
        if self.first:
            try:
                found = action()
            except Sim2RealError as error:
                met = error
        told = self.gather(None if met is None else str(met))[0]
        if met is not None:
            raise met
        if told is not None:
            raise LearnError(told)
        return found


def start_ranks(count: int, arguments: Sequence[str]) -> NoReturn:
    """Become `torchrun` on this machine, with so many processes of the command line.

    Args:
        count: processes.
        arguments: of the `sim2real` command.

    Raises:
        LearnError: not that many.
    """
    if not 1 <= count <= RANKS_MOST:
        raise LearnError(f"ranks is {count}; give 1 to {RANKS_MOST}, the number of GPUs")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count),
        "-m", "sim2real.cli.main", *arguments,
    ]  # fmt: skip
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, command, {"OMP_NUM_THREADS": "1", **os.environ})
