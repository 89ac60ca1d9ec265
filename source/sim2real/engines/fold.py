"""From draws to rows: the operations as device arrays, and programs that run those of a few quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.launch import RowsKernel, float_array, int_array, starts_of
from sim2real.engines.ops import BODY_QUANTITIES, Operations

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.engine import Rows
    from sim2real.engines.layout import Layout

COLUMNS_PER_THREAD = 4
"""On a GPU, a thread folds so many numbers; on a CPU one thread folds a whole world."""


class Fold:
    """The row of every world, and the means to compute it anew."""

    def __init__(
        self,
        layout: Layout,
        operations: Operations,
        *,
        nominal: np.ndarray,
        effective: np.ndarray,
        solved: dict[tuple[str, int, int], tuple[float, float]],
        values: wp.array,
        device: str,
    ) -> None:
        """Put the operations on the device.

        Args:
            layout: where the numbers lie.
            operations: what is done to them.
            nominal: float32 (layout.size,), what the engine holds.
            effective: float32 (layout.size,), where operations begin; differs for the friction of pairs.
            solved: factor and offset that turn a folded number into what the engine must hold; (1, 0) unless named.
            values: current draws, float32 (num_worlds, draws).
            device: where all of it is.
        """
        self.layout, self.operations, self.device = layout, operations, device
        self.row = float_array(nominal, device)
        self.part = float_array([1.0, 1.0], device)
        self._start = float_array(effective, device)
        self._solved, self._values = solved, values

    def quantity(self, name: str) -> wp.array:
        """Return a quantity of the row, float32 (num_worlds, count, width), sharing its memory."""
        return self.layout.view(self.row, name)

    def program(self, quantities: tuple[str, ...]) -> Program:
        """Return what computes these quantities for given rows."""
        kernels = []
        if any(key[0] in quantities for key in self.operations.fold):
            kernels.append(self._numbers(quantities))
        if self.operations.bodies and any(name in BODY_QUANTITIES for name in quantities):
            kernels.append(self._bodies())
        if "gravity" in quantities:
            kernels.append(self._gravity())
        return Program(quantities, tuple(kernels), tuple(self.quantity(name) for name in quantities))

    def _numbers(self, quantities: tuple[str, ...]) -> RowsKernel:
        from sim2real.engines.fold_kernels import fold_rows

        device = self.device
        chosen = {key: ops for key, ops in self.operations.fold.items() if key[0] in quantities}
        solved = [self._solved.get(key, (1.0, 0.0)) for key in chosen]
        ops = [op for entries in chosen.values() for op in entries]
        block = len(chosen) if device == "cpu" else COLUMNS_PER_THREAD
        inputs: list[Any] = [
            self._values,
            self._start,
            self.part,
            int_array([self.layout.base(*key) for key in chosen], device),
            int_array([self.layout.stride(key[0]) for key in chosen], device),
            float_array([factor for factor, _ in solved], device),
            float_array([offset for _, offset in solved], device),
            int_array(starts_of(chosen.values()), device),
            int_array([op.code for op in ops], device),
            int_array([op.column for op in ops], device),
            int_array([op.staged for op in ops], device),
            self.row,
            block,
        ]
        return RowsKernel(fold_rows, inputs, device, width=-(-len(chosen) // block))

    def _bodies(self) -> RowsKernel:
        from sim2real.engines.body_kernels import fold_bodies

        device, bodies = self.device, self.operations.bodies
        ops = [op for entries in bodies.values() for op in entries]
        inputs: list[Any] = [
            self._values,
            self.part,
            *(self.layout.view(self._start, name) for name in BODY_QUANTITIES),
            int_array(list(bodies), device),
            int_array(starts_of(bodies.values()), device),
            int_array([op.code for op in ops], device),
            int_array([op.column for op in ops], device),
            int_array([op.keep for op in ops], device),
            int_array([op.staged for op in ops], device),
            *(self.quantity(name) for name in BODY_QUANTITIES),
        ]
        return RowsKernel(fold_bodies, inputs, device, width=len(bodies))

    def _gravity(self) -> RowsKernel:
        from sim2real.engines.fold_kernels import fold_gravity

        device, ops = self.device, self.operations.gravity
        inputs: list[Any] = [
            self._values,
            self.layout.view(self._start, "gravity"),
            self.part,
            int_array([op.code for op in ops], device),
            int_array([op.column for op in ops], device),
            int_array([op.around for op in ops], device),
            int_array([op.staged for op in ops], device),
            self.quantity("gravity"),
        ]
        return RowsKernel(fold_gravity, inputs, device)


class Program:
    """Computes some quantities of given rows; `views` are theirs, in the order of `quantities`."""

    def __init__(
        self, quantities: tuple[str, ...], kernels: tuple[RowsKernel, ...], views: tuple[wp.array, ...]
    ) -> None:
        """Take what to launch."""
        self.quantities, self.kernels, self.views = quantities, kernels, views

    def run(self, rows: Rows) -> None:
        """Compute the rows anew."""
        for kernel in self.kernels:
            kernel(rows)
