"""Paths: what a direct environment or a script calls between sensor and policy, and between policy and actuator.

    path = SignalPath(spec, "joint_pos", (12,), step_dt=0.02, num_envs=4096, device="cuda:0")
    path.reset(rows)            # worlds whose episode begins
    observation = path(x)       # once for each step

Times are in seconds. After a reset a line holds the episode's first sample, as if it had been there always: a reset
world reads its own first datum until its delay has passed, and never one of the episode before. Everything drawn is a
function of the spec's seed, the global world, the episode and the sample's number. Nothing waits for the device.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws.bank import DrawBank
from sim2real.signals.error_plan import make_state
from sim2real.signals.errors import SignalError
from sim2real.signals.plan import depth_of, find_signal, jitter_tables, kernel_signal, streams_of

if TYPE_CHECKING:
    import torch
    import warp as wp

    from sim2real.spec.spec import Spec


class _Path:
    """What both directions share: draws, episodes, the line."""

    def __init__(
        self,
        spec: Spec,
        name: str,
        shape: Any,
        step_dt: float,
        num_envs: int,
        device: Any,
        first_world: int,
        reading: int,
    ) -> None:
        import warp as wp

        from sim2real.signals import kernels

        if not step_dt > 0.0 or num_envs < 1:
            raise SignalError(f"signals.{name}: got step_dt {step_dt:g} and {num_envs} worlds; both have to be above 0")
        self.name, self.step_dt, self.num_envs, self.first_world = name, float(step_dt), int(num_envs), int(first_world)
        self.shape: tuple[int, ...] = (int(shape),) if np.ndim(shape) == 0 else tuple(int(n) for n in shape)
        self.size = int(np.prod(self.shape, dtype=int))
        """Elements of a datum."""
        self.signal = find_signal(spec, name)
        self.device: Any = wp.get_device(str(device))
        streams = streams_of(name, self.signal, self.size)
        self.bank = DrawBank(spec.seed, list(streams.values()), self.num_envs, self.device, self.first_world)
        columns = {part: self.bank.columns[stream.name] for part, stream in streams.items()}
        self._columns = columns
        self._kernels = kernels
        self._signal = kernel_signal(
            name, self.signal, columns, seed=spec.seed, size=self.size, reading=reading, step_dt=self.step_dt,
            first_world=self.first_world,
        )  # fmt: skip
        self._tables = jitter_tables(self.signal, self.device)
        self.depth = depth_of(name, self.signal, self.step_dt)
        """Samples that the line holds."""

        def zeros(*dims: int, dtype: Any = wp.float32) -> Any:
            return wp.zeros(dims, dtype=dtype, device=self.device)

        self.episodes: wp.array = zeros(self.num_envs, dtype=wp.int32)
        """Number of the episode that each world is in, int32 (num_envs,)."""
        self.resets: wp.array = zeros(self.num_envs, dtype=wp.int32)
        """Number of the episode that each world begins next, int32 (num_envs,)."""
        self._count = zeros(self.num_envs, dtype=wp.int32)
        self._line = zeros(self.depth, self.num_envs, self.size)
        self._errors = make_state(self.signal, self.num_envs, self.size, self.device)
        self._occurrence = zeros(self.num_envs, max(1, len(streams)), dtype=wp.int32)
        self._all = SimpleNamespace(
            index=wp.array(np.arange(self.num_envs), dtype=wp.int32, device=self.device), n=self.num_envs
        )
        self._began = False

    def values(self, part: str) -> wp.array:
        """Return what the worlds drew of a part for their episodes, float32 (num_envs, 1 or size), SI; a view.

        Raises:
            SignalError: the signal has no such part, or draws it for every sample.
        """
        if part not in self._columns:
            raise SignalError(
                f"signals.{self.name}: no draw of '{part}' for an episode; there are"
                f" {', '.join(self._columns) or 'none'}"
            )
        return self.bank.values[:, self._columns[part]]

    def reset(self, rows: Any = None, episode: wp.array | None = None) -> None:
        """Begin an episode in some worlds; others stay as they are.

        Args:
            rows: None for all, a slice, a torch tensor or sequence of world numbers, or what a Randomizer takes.
            episode: number of the episode of each world, int32 (num_envs,); None counts resets.
        """
        import warp as wp

        entries = self._entries(rows)
        if entries.n == 0:
            return
        given = self.resets if episode is None else episode
        wp.launch(
            self._kernels.begin,
            dim=entries.n,
            inputs=[entries.index, int(episode is not None), given, self.resets, self.episodes, self._count],
            device=self.device,
        )
        if self.bank.streams:
            self.bank.draw(entries, self.episodes, self._occurrence)
        self._began = True

    def _entries(self, rows: Any) -> Any:
        import torch
        import warp as wp

        if rows is None or (isinstance(rows, slice) and rows == slice(None)):
            return self._all
        if hasattr(rows, "index") and hasattr(rows, "n"):
            return rows
        if isinstance(rows, slice):
            rows = range(self.num_envs)[rows]
        ids = torch.as_tensor(rows, dtype=torch.int32, device=str(self.device)).contiguous()
        if len(ids) == 0:
            return SimpleNamespace(index=None, n=0)
        return SimpleNamespace(index=wp.from_torch(ids), n=len(ids), owner=ids)

    def _taken(self, x: torch.Tensor) -> wp.array:
        import torch
        import warp as wp

        if tuple(x.shape) != (self.num_envs, *self.shape):
            raise SignalError(
                f"signals.{self.name}: got data of shape {tuple(x.shape)}; give {(self.num_envs, *self.shape)}"
            )
        if not self._began:
            raise SignalError(f"signals.{self.name}: no episode has begun; call reset() first")
        return wp.from_torch(x.to(torch.float32).reshape(self.num_envs, self.size).contiguous())

    def _stored(self) -> dict[str, wp.array]:
        return {
            "draws": self.bank.values, "episodes": self.episodes, "resets": self.resets, "count": self._count,
            "line": self._line, "errors": self._errors.now,
        }  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next datum depends on, as NumPy arrays; a path that loads it goes on alike."""
        return {name: array.numpy().copy() for name, array in self._stored().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take what :meth:`state_dict` gave.

        Raises:
            SignalError: it came from another signal, spec or number of worlds.
        """
        stored = self._stored()
        wrong = [name for name, array in stored.items() if name not in state or np.shape(state[name]) != array.shape]
        if wrong:
            raise SignalError(
                f"signals.{self.name}: {', '.join(wrong)} of the state do not fit; load it into a path of the same"
                f" signal with {self.num_envs} worlds"
            )
        for name, array in stored.items():
            array.assign(state[name])
        self._began = True


class SignalPath(_Path):
    """From a sensor to the policy: a delay line, read by lines between samples or by sample-and-hold.

    With linear reading the datum is read at ``now - delay`` and then disturbed, as a sensor that samples at that moment
    would; with ``reading: hold`` samples are disturbed when they are taken, and repeated as they are.
    """

    def __init__(
        self,
        spec: Spec,
        name: str,
        shape: Any,
        step_dt: float,
        num_envs: int,
        device: Any = "cpu",
        *,
        first_world: int = 0,
    ) -> None:
        """Lay the line; nothing is drawn before the first reset.

        Args:
            spec: the spec.
            name: name of the signal in it.
            shape: shape of a datum of one world, or its number of elements.
            step_dt: time between two data [s].
            num_envs: worlds of this process.
            device: torch or Warp device.
            first_world: global id of world 0.

        Raises:
            SignalError: the spec has no such signal, or it does not fit these data.
        """
        import warp as wp

        from sim2real.signals.kernels import HOLD, LINEAR

        signal = find_signal(spec, name)
        reading = HOLD if signal.reading == "hold" else LINEAR
        super().__init__(spec, name, shape, step_dt, num_envs, device, first_world, reading)
        dims = (self.num_envs, self.size)
        self._held, self._out = (wp.zeros(dims, dtype=wp.float32, device=self.device) for _ in range(2))

    def __call__(self, x: torch.Tensor, *, again: bool = False) -> torch.Tensor:
        """Return what the policy reads now.

        Args:
            x: the true datum of now, (num_envs, *shape).
            again: the datum of this step is given once more (after some worlds were reset, say): it replaces the last,
                and is disturbed alike.

        Returns:
            float32 (num_envs, *shape), a tensor of the caller's own.
        """
        import warp as wp

        taken = self._taken(x)
        inputs = [self._signal, self._tables, self.bank.values, self.episodes, int(not again), taken]
        state = [self._count, self._line, self._errors, self._held, self._out]
        wp.launch(self._kernels.observe, dim=self.num_envs, inputs=[*inputs, *state], device=self.device)
        return wp.to_torch(self._out).reshape(self.num_envs, *self.shape).clone()

    def _stored(self) -> dict[str, wp.array]:
        return {**super()._stored(), "errors_before": self._errors.before, "held": self._held, "out": self._out}


class CommandPath(_Path):
    """From the policy to an actuator: a command acts from its arrival until a later one arrives.

    What acts is averaged over each physics step, so that a delay of 3 ms within a step of 5 ms has the right impulse.
    Errors are those of the command as it is sent.
    """

    def __init__(
        self,
        spec: Spec,
        name: str,
        shape: Any,
        step_dt: float,
        num_envs: int,
        device: Any = "cpu",
        *,
        substeps: int = 1,
        first_world: int = 0,
    ) -> None:
        """Lay the line; nothing is drawn before the first reset.

        Args:
            spec: the spec.
            name: name of the signal in it.
            shape: shape of a command of one world, or its number of elements.
            step_dt: time between two commands [s].
            num_envs: worlds of this process.
            device: torch or Warp device.
            substeps: physics steps between two commands.
            first_world: global id of world 0.

        Raises:
            SignalError: the spec has no such signal, or it does not fit commands.
        """
        import warp as wp

        from sim2real.signals.kernels import COMMAND

        if find_signal(spec, name).reading is not None:
            raise SignalError(f"signals.{name}.reading: a command is always held until the next arrives; remove it")
        if substeps < 1:
            raise SignalError(f"signals.{name}: got {substeps} physics steps for each command; give 1 or more")
        super().__init__(spec, name, shape, step_dt, num_envs, device, first_world, COMMAND)
        self.substeps = int(substeps)
        self._delays = wp.zeros((self.depth, self.num_envs), dtype=wp.float32, device=self.device)
        self.planes = wp.zeros((self.substeps, self.num_envs, self.size), dtype=wp.float32, device=self.device)
        """What acts in each physics step, float32 (substeps, num_envs, size); written by every call."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Send a command and return what acts in each physics step until the next one.

        Args:
            x: the command of the policy, (num_envs, *shape).

        Returns:
            float32 (substeps, num_envs, *shape); a view that the next call overwrites.
        """
        import warp as wp

        taken = self._taken(x)
        inputs = [self._signal, self._tables, self.bank.values, self.episodes, taken]
        state = [self._count, self._line, self._delays, self._errors, self.planes]
        wp.launch(self._kernels.command, dim=self.num_envs, inputs=[*inputs, *state], device=self.device)
        return wp.to_torch(self.planes).reshape(self.substeps, self.num_envs, *self.shape)

    def _stored(self) -> dict[str, wp.array]:
        return {**super()._stored(), "delays": self._delays}
