"""Watch a running simulation for physics that is silently wrong: numbers that are none, and buffers that overflow.

Both are likelier under randomization than without, and neither stops a simulation: a world whose state is NaN goes on
as NaN, and MuJoCo Warp drops the constraints that do not fit. The guards collect on the device and look every so many
steps, so that watching costs no synchronisation; what they find is an error with the draws that led to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    import torch

HEADROOM = 1.25
"""A suggested buffer is this much larger than the largest need that was seen."""
SHOWN = 5
"""So many worlds are named in an error."""


class DivergedError(Sim2RealError):
    """A world whose state is no number any more."""


class BufferOverflowError(Sim2RealError):
    """A buffer of the solver that was too small, so that contacts or constraints were dropped."""


@dataclass(frozen=True, kw_only=True)
class Diverged:
    """A world that went wrong, with what is needed to see it again."""

    world: int
    """Global world id."""
    env: int
    """Environment of this process."""
    episode: int
    """Episode of that world, as counted by the draws."""
    step: int
    """Environment step, counted from the start of the process."""
    draws: Mapping[str, np.ndarray]
    """Every term's draw when it went wrong, SI."""

    def __str__(self) -> str:
        drawn = ", ".join(f"{name} = {_numbers(value)}" for name, value in self.draws.items())
        return f"world {self.world} (environment {self.env}), episode {self.episode}, step {self.step}: {drawn}"


def _numbers(value: np.ndarray, most: int = 6) -> str:
    flat = np.asarray(value).ravel()
    text = ", ".join(f"{number:.6g}" for number in flat[:most])
    return f"[{text}{', ...' if flat.size > most else ''}]" if flat.size != 1 else text


class StateGuard:
    """Finds worlds whose root or joint state is not finite."""

    def __init__(self, env: Any, draws: torch.Tensor, columns: Mapping[str, slice]) -> None:
        """Watch every articulation and rigid object of the environment's scene.

        Args:
            env: the environment.
            draws: the current draws of all terms, (num_envs, V); a view that stays true.
            columns: where each term's draws stand.
        """
        import torch

        scene = env.scene
        self._assets = [*scene.articulations.values(), *scene.rigid_objects.values()]
        self._draws, self._columns = draws, columns
        self._held = draws.clone()
        self.episode = torch.full((env.num_envs,), -1, dtype=torch.int32, device=env.device)
        self.world = self.episode.clone()
        self.step = torch.full((env.num_envs,), -1, dtype=torch.int32, device=env.device)

    def bad(self) -> torch.Tensor:
        """Which environments hold a number that is none, bool (num_envs,)."""
        import torch

        total = torch.zeros(self.step.shape[0], device=self.step.device)
        for asset in self._assets:
            # A sum is finite only if all its entries are; no velocity comes near float32's largest number.
            total = total + asset.data.root_link_pose_w.torch.sum(-1) + asset.data.root_com_vel_w.torch.sum(-1)
            if getattr(asset, "num_joints", 0):
                total = total + asset.data.joint_pos.torch.sum(-1) + asset.data.joint_vel.torch.sum(-1)
        return ~torch.isfinite(total)

    def collect(self, world: torch.Tensor, episode: torch.Tensor, step: int) -> torch.Tensor:
        """Note, on the device, the worlds that are bad for the first time, with their ids and episodes (num_envs,);
        return which are bad now.
        """
        import torch

        bad = self.bad()
        new = bad & (self.step < 0)
        self.episode = torch.where(new, episode, self.episode)
        self.world = torch.where(new, world, self.world)
        self._held = torch.where(new[:, None], self._draws, self._held)
        self.step = torch.where(new, torch.full_like(self.step, step), self.step)
        return bad

    def found(self) -> list[Diverged]:
        """Return what was noted since the last call, the earliest first, and forget it; this waits for the device."""
        steps = self.step.clone().cpu().numpy()  # a copy: on the CPU it would be the tensor's own memory
        envs = np.flatnonzero(steps >= 0)
        if not len(envs):
            return []
        worlds, episodes, held = self.world.cpu().numpy(), self.episode.cpu().numpy(), self._held.cpu().numpy()
        self.step.fill_(-1)
        return [
            Diverged(
                world=int(worlds[env]),
                env=int(env),
                episode=int(episodes[env]),
                step=int(steps[env]),
                draws={name: held[env, where].copy() for name, where in self._columns.items()},
            )
            for env in envs[np.argsort(steps[envs], kind="stable")]
        ]


def diverged_error(found: list[Diverged]) -> DivergedError:
    """Return the error that says which worlds went wrong and what was drawn for them."""
    shown = "\n  ".join(str(entry) for entry in found[:SHOWN])
    more = f"\n  and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return DivergedError(
        f"{len(found)} worlds hold numbers that are none (NaN or infinite):\n  {shown}{more}\n"
        f"To see it again: scene.num_envs = 1 and events(spec, first_world={found[0].world},"
        f" first_episode={found[0].episode}). To go on: narrow the range that does this, lower the physics step, or end"
        " such episodes with the termination term sim2real.lab.diverged and events(..., on_divergence='count')"
    )


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """One of the solver's buffers that can be too small."""

    name: str
    """What it holds."""
    knob: str
    """The setting that sizes it."""
    size: int
    """How many entries fit."""
    needed: int
    """The largest need that was seen."""
    per_world: int = 1
    """Divide by this many worlds to get the setting's unit."""

    @property
    def suggestion(self) -> int:
        """A size that would have been enough, with headroom, in the setting's unit, rounded up to 8."""
        need = max(self.needed, self.size + 1) * HEADROOM / self.per_world
        return int(-(-need // 8) * 8)

    def __str__(self) -> str:
        size = self.size // self.per_world
        return f"{self.name}: needs {self.needed}, holds {self.size}; {self.knob} is {size}, set {self.suggestion}"


class OverflowGuard:
    """Finds worlds in which MuJoCo Warp dropped contacts or constraints.

    The solver marks an overflow in a bit field of each world, which a reset clears; the largest counts and all bits are
    collected after every step, inside the captured graph where there is one.
    """

    def __init__(self, env: Any) -> None:
        """Watch the solver of the environment, which must be on Newton with MuJoCo Warp."""
        import warp as wp

        from sim2real.lab.bind import newton_solver
        from sim2real.lab.guard_kernels import collect_overflow

        self._manager = env.sim.physics_manager
        solver = newton_solver(env)
        self._data, self._kernel = solver.mjw_data, collect_overflow
        device = self._data.overflow.device
        self._bits = wp.zeros(env.num_envs, dtype=wp.int32, device=device)
        self._most = wp.zeros(3, dtype=wp.int32, device=device)
        contacts = self._manager.get_contacts()
        pipeline = contacts is not None and getattr(contacts, "rigid_contact_count", None) is not None
        self._count = contacts.rigid_contact_count if pipeline else wp.zeros(1, dtype=wp.int32, device=device)
        self._contact_max = contacts.rigid_contact_max if pipeline else 2**31 - 1
        self._num_envs = env.num_envs
        self._manager.register_post_step_callback(self.collect)

    def close(self) -> None:
        """Stop watching."""
        self._manager.unregister_post_step_callback(self.collect)

    def collect(self) -> None:
        """Note the largest counts and all bits; a kernel, no synchronisation."""
        import warp as wp

        data = self._data
        wp.launch(
            self._kernel,
            dim=self._num_envs,
            inputs=[data.overflow, data.nefc, data.nacon, self._count],
            outputs=[self._bits, self._most],
            device=self._bits.device,
        )

    def found(self) -> tuple[list[Buffer], np.ndarray]:
        """Return the buffers that were too small since the last call and the environments in which, and forget
        them; this waits for the device.
        """
        from sim2real.lab.guard_kernels import BITS

        bits, most = self._bits.numpy().copy(), self._most.numpy().copy()  # on the CPU they are the arrays themselves
        self._bits.zero_()
        self._most.zero_()
        worlds, any_bits = self._num_envs, int(np.bitwise_or.reduce(bits)) if len(bits) else 0
        buffers = []
        njmax, naconmax = int(self._data.njmax), int(self._data.naconmax)
        if any_bits & BITS["constraints"] or most[0] > njmax:
            buffers.append(Buffer(name="constraints of a world", knob="njmax", size=njmax, needed=int(most[0])))
        if any_bits & BITS["contacts"] or most[1] > naconmax:
            buffers.append(
                Buffer(
                    name="contacts of all worlds",
                    knob="nconmax",
                    size=naconmax,
                    needed=int(most[1]),
                    per_world=worlds,
                )
            )
        if most[2] > self._contact_max:
            buffers.append(
                Buffer(
                    name="contacts of the collision pipeline",
                    knob="collision_cfg.rigid_contact_max",
                    size=self._contact_max,
                    needed=int(most[2]),
                )
            )
        return buffers, np.flatnonzero(bits & (BITS["constraints"] | BITS["contacts"]))


def overflow_error(buffers: list[Buffer], envs: np.ndarray) -> BufferOverflowError:
    """Return the error that says which buffer was too small and which size to set."""
    lines = "\n  ".join(str(entry) for entry in buffers)
    where = f" in {len(envs)} environments (first: {', '.join(map(str, envs[:SHOWN]))})" if len(envs) else ""
    return BufferOverflowError(
        f"the solver's buffers overflowed{where}; contacts or constraints were dropped, the physics is wrong:\n"
        f"  {lines}\nSet it in the task's physics configuration (solver_cfg)"
    )
