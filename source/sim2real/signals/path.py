"""Paths: what a direct environment or a script calls between sensor and policy.

    path = SignalPath(spec, "joint_pos", (12,), step_dt=0.02, num_envs=4096, device="cuda:0", substeps=4)
    path.reset(rows)            # worlds whose episode begins
    observation = path(x)       # once for each step, with what was true after each of its physics steps

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
from sim2real.signals.plan import find_signal, jitter_tables, kernel_signal, streams_of

if TYPE_CHECKING:
    import torch
    import warp as wp

    from sim2real.spec.spec import Spec


class Path:
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
        samples: int,
    ) -> None:
        import warp as wp

        if not step_dt > 0.0 or num_envs < 1:
            raise SignalError(f"signals.{name}: got step_dt {step_dt:g} and {num_envs} worlds; both have to be above 0")
        self.seed = spec.seed
        self.name, self.step_dt, self.num_envs, self.first_world = name, float(step_dt), int(num_envs), int(first_world)
        if samples < 1:
            raise SignalError(f"signals.{name}: got {samples} physics steps for each call; give 1 or more")
        self.substeps = int(samples)
        """Physics steps of a call."""
        self.shape: tuple[int, ...] = (int(shape),) if np.ndim(shape) == 0 else tuple(int(n) for n in shape)
        self.size = int(np.prod(self.shape, dtype=int))
        """Elements of a datum."""
        self.signal = find_signal(spec, name)
        self.device: Any = wp.get_device(str(device))
        streams = streams_of(name, self.signal, self.size)
        self.bank = DrawBank(spec.seed, list(streams.values()), self.num_envs, self.device, self.first_world)
        self.worlds: wp.array = self.bank.worlds
        """Global id of each row's world, int32 (num_envs,); who plays other worlds writes theirs before a reset."""
        columns = {part: self.bank.columns[stream.name] for part, stream in streams.items()}
        self._columns = columns
        self.kernel_signal, self.kernel_errors = kernel_signal(
            name, self.signal, columns, seed=spec.seed, size=self.size, step_dt=self.step_dt,
            worlds=self.worlds, samples=self._samples_of(self.substeps),
        )  # fmt: skip
        self._tables = jitter_tables(self.signal, self.device)
        self.depth: int = self.kernel_signal.depth
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
        self.began = False
        """Whether an episode has begun."""

    @staticmethod
    def _samples_of(substeps: int) -> int:
        """Return how many samples of the line a call brings."""
        return substeps

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

        from sim2real.signals.kernels import begin

        entries = self.entries(rows)
        if entries.n == 0:
            return
        given = self.resets if episode is None else episode
        wp.launch(
            begin,
            dim=entries.n,
            inputs=[entries.index, int(episode is not None), given, self.resets, self.episodes, self._count],
            device=self.device,
        )
        if self.bank.streams:
            self.bank.draw(entries, self.episodes, self._occurrence)
        self.began = True

    def entries(self, rows: Any) -> Any:
        """Return rows as kernels take them: ``index``, int32, and their number ``n``."""
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

    def check(self, x: torch.Tensor, *shapes: tuple[int, ...]) -> None:
        """Raise SignalError unless an episode has begun and data are of one of these shapes."""
        if tuple(x.shape) not in shapes:
            allowed = " or ".join(str(shape) for shape in shapes)
            raise SignalError(f"signals.{self.name}: got data of shape {tuple(x.shape)}; give {allowed}")
        if not self.began:
            raise SignalError(f"signals.{self.name}: no episode has begun; call reset() first")

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
        self.began = True


class SignalPath(Path):
    """From a sensor to the policy: a delay line, read by lines between samples or by sample-and-hold.

    Without a clock the datum is read at ``now - delay`` and then disturbed, as a sensor that samples at that moment
    would. A sensor with a clock (``period``, or ``reading: hold``, whose clock ticks with the samples given) takes a
    datum at each tick, disturbs it and sends it; the newest that has arrived is held.
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
            shape: shape of a datum of one world, or its number of elements.
            step_dt: time between two calls [s].
            num_envs: worlds of this process.
            device: torch or Warp device.
            substeps: samples that a call brings, evenly spaced: the physics steps between two calls.
            first_world: global id of world 0.

        Raises:
            SignalError: the spec has no such signal, or it does not fit these data.
        """
        import torch
        import warp as wp

        from sim2real.signals.kernels import PathState

        super().__init__(spec, name, shape, step_dt, num_envs, device, first_world, substeps)
        dims = (self.num_envs, self.size)
        self._held, self._out = (wp.zeros(dims, dtype=wp.float32, device=self.device) for _ in range(2))
        sent, clocked = self.kernel_signal.sent_depth, bool(self.kernel_signal.clocked)
        self._sent = wp.zeros((sent, *(dims if clocked else (0, 0))), dtype=wp.float32, device=self.device)
        self._arrivals = wp.zeros((sent, dims[0] if clocked else 0), dtype=wp.float64, device=self.device)
        self.samples: torch.Tensor = torch.zeros((self.substeps, *dims), dtype=torch.float32, device=str(self.device))
        """What is given to the next call, float32 (substeps, num_envs, size); with :meth:`sample_in_line` its last."""
        state: Any = PathState()
        state.tables, state.values, state.state = self._tables, self.bank.values, self._errors
        state.x, state.out, state.held = wp.from_torch(self.samples), self._out, self._held
        state.episodes, state.resets, state.count = self.episodes, self.resets, self._count
        state.line, state.sent, state.arrivals = self._line, self._sent, self._arrivals
        self.state: Any = state
        """The path as the kernels' ``PathState``."""
        state.in_line = 0
        self._read = wp.to_torch(self._out).reshape(self.num_envs, *self.shape)
        self._alone: Any = None

    def __call__(self, x: torch.Tensor, *, again: bool = False) -> torch.Tensor:
        """Return what the policy reads now.

        Args:
            x: what was true after each physics step since the last call, (substeps, num_envs, *shape), or with one
                step (num_envs, *shape). The last is that of now; a world whose episode begins takes this one alone.
            again: the datum of now is given once more (after some worlds were reset, say): it replaces the last, and
                is disturbed alike. Then (num_envs, *shape) is enough.

        Returns:
            float32 (num_envs, *shape), a tensor of the caller's own.
        """
        if self._alone is None:
            from sim2real.signals.group import SignalGroup

            self._alone = SignalGroup([self])
        self.give(x, again=again)
        self._alone.launch(again=again)
        return self.read().clone()

    def give(self, x: torch.Tensor, *, again: bool = False) -> None:
        """Take the data of a call into :attr:`samples`."""
        now = (self.num_envs, *self.shape)
        if self.substeps == 1 or (again and x.shape == now):
            self.give_now(x)
        else:
            self.check(x, (self.substeps, *now))
            self.samples[:] = x.reshape(self.samples.shape)

    def give_now(self, x: torch.Tensor) -> None:
        """Take the datum of now alone into :attr:`samples`; the others were written there."""
        self.check(x, (self.num_envs, *self.shape))
        self.samples[-1] = x.reshape(self.num_envs, self.size)

    def sample_in_line(self) -> tuple[wp.array, wp.array]:
        """Let all samples of a call but the last be written into the line itself, before the path joins a group.

        Returns:
            The line, float32 (depth, num_envs, size), and how many samples of its episode each world has, int32
            (num_envs,). Sample ``i`` of the next call belongs into slot ``(count + i) % depth``.
        """
        self.state.in_line, self._alone = 1, None
        return self._line, self._count

    def newest(self) -> torch.Tensor:
        """Return the samples that the line took last, oldest first, float32 (substeps, num_envs, size): a copy.

        Of a world whose episode has just begun only the last is meant. Waits for the device: for tests and pictures.
        """
        import torch
        import warp as wp

        line, count = wp.to_torch(self._line), wp.to_torch(self._count).long()
        back = torch.arange(self.substeps, 0, -1, device=count.device)
        slots = (count[None] - back[:, None]) % self.depth
        return line[slots, torch.arange(self.num_envs, device=count.device)]

    def read(self) -> torch.Tensor:
        """Return what was read last, float32 (num_envs, *shape); a view that the next call overwrites."""
        return self._read

    def place_draws(self, values: wp.array) -> None:
        """Keep the draws in columns of another array from now on, float32 (num_envs, columns)."""
        import warp as wp

        wp.copy(values, self.bank.values)
        self.bank.values = self.state.values = values
        self._alone = None

    def _stored(self) -> dict[str, wp.array]:
        return {
            **super()._stored(), "errors_before": self._errors.before, "held": self._held, "out": self._out,
            "sent": self._sent, "arrivals": self._arrivals,
        }  # fmt: skip
