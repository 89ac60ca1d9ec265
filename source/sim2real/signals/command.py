"""Commands on their way from the policy to an actuator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.signals.errors import SignalError
from sim2real.signals.path import Path
from sim2real.signals.plan import find_signal

if TYPE_CHECKING:
    import torch
    import warp as wp

    from sim2real.spec.spec import Spec

OF_SENSORS = ("period", "phase", "exposure")
"""Parts of a signal that say how a sensor samples."""


class CommandPath(Path):
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

        from sim2real.signals.error_kernels import Errors
        from sim2real.signals.kernels import Signal

        signal = find_signal(spec, name)
        if signal.reading is not None:
            raise SignalError(f"signals.{name}.reading: a command is always held until the next arrives; remove it")
        given = [part for part in OF_SENSORS if getattr(signal, part) is not None]
        if given:
            raise SignalError(f"signals.{name}: {', '.join(given)} are of sensors, and this is a command; remove them")
        super().__init__(spec, name, shape, step_dt, num_envs, device, first_world, substeps)
        self._delays = wp.zeros((self.depth, self.num_envs), dtype=wp.float32, device=self.device)
        self._signals = wp.array([self.kernel_signal], dtype=Signal, device=self.device)
        self._error_parts = wp.array([self.kernel_errors], dtype=Errors, device=self.device)
        self.planes = wp.zeros((self.substeps, self.num_envs, self.size), dtype=wp.float32, device=self.device)
        """What acts in each physics step, float32 (substeps, num_envs, size); written by every call."""

    @staticmethod
    def _samples_of(substeps: int) -> int:
        return 1

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Send a command and return what acts in each physics step until the next one.

        Args:
            x: the command of the policy, (num_envs, *shape).

        Returns:
            float32 (substeps, num_envs, *shape); a view that the next call overwrites.
        """
        import torch
        import warp as wp

        from sim2real.signals.kernels import command

        self.check(x, (self.num_envs, *self.shape))
        taken = wp.from_torch(x.to(torch.float32).reshape(self.num_envs, self.size).contiguous())
        inputs = [self._signals, self._error_parts, self._tables, self.bank.values, self.episodes, taken]
        state = [self._count, self._line, self._delays, self._errors, self.planes]
        wp.launch(command, dim=self.num_envs, inputs=[*inputs, *state], device=self.device)
        return wp.to_torch(self.planes).reshape(self.substeps, self.num_envs, *self.shape)

    def _stored(self) -> dict[str, wp.array]:
        return {**super()._stored(), "delays": self._delays}
