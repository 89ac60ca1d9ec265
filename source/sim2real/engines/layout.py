"""The world row: which quantities a spec touches, where each number of them lies, and what it was before.

A row is one allocation, split by quantity; within a quantity lie the worlds, one after another. So a kernel reaches
any column by two numbers, and every quantity is a contiguous array that an engine can take as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim2real.engines.engine import EngineError
from sim2real.engines.quantities import QUANTITIES

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.engine import Engine

ADDRESS_LIMIT = 2**31
"""Kernels count the numbers of all rows in int32."""


class Layout:
    """Where the numbers of all worlds lie."""

    def __init__(self, quantities: tuple[str, ...], counts: dict[str, int], num_worlds: int) -> None:
        """Lay out the named quantities.

        Args:
            quantities: names of :data:`~sim2real.engines.quantities.QUANTITIES`.
            counts: elements of each quantity.
            num_worlds: worlds of this process.

        Raises:
            EngineError: so many numbers that int32 cannot count them.
        """
        self.quantities = tuple(name for name in QUANTITIES if name in quantities)
        self.counts = {name: counts[name] for name in self.quantities}
        self.num_worlds = num_worlds
        self.columns = 0
        self._offset: dict[str, int] = {}
        for name in self.quantities:
            self._offset[name] = self.columns
            self.columns += self.stride(name)
        if self.size >= ADDRESS_LIMIT:
            raise EngineError(
                f"{num_worlds} worlds x {self.columns} numbers are more than 2^31; take fewer worlds per process"
            )

    @property
    def size(self) -> int:
        """Numbers of all worlds."""
        return self.num_worlds * self.columns

    def stride(self, quantity: str) -> int:
        """Return how far apart two worlds lie in a quantity."""
        return self.counts[quantity] * QUANTITIES[quantity].width

    def base(self, quantity: str, element: int = 0, component: int = 0) -> int:
        """Return the address of one number in world 0."""
        return self._offset[quantity] * self.num_worlds + element * QUANTITIES[quantity].width + component

    def view(self, flat: wp.array, quantity: str) -> wp.array:
        """Return one quantity of a row as an array (num_worlds, count, width) that shares its memory."""
        start = self.base(quantity)
        width = QUANTITIES[quantity].width
        part = flat[start : start + self.num_worlds * self.stride(quantity)]
        return part.reshape((self.num_worlds, self.counts[quantity], width))

    def nominal(self, engine: Engine) -> np.ndarray:
        """Return the row before randomization, float32 (size,).

        Raises:
            EngineError: the engine's values have another shape than its elements say.
        """
        flat = np.empty(self.size, np.float32)
        for name in self.quantities:
            width = QUANTITIES[name].width
            values = np.asarray(engine.nominal(name), np.float32)
            expected = (self.num_worlds, self.counts[name], width)
            if values.shape != expected:
                raise EngineError(
                    f"{engine.name}: nominal {name} has shape {values.shape}; its elements make {expected}"
                )
            start = self.base(name)
            flat[start : start + values.size] = values.reshape(-1)
        return flat

    def host(self, flat: np.ndarray, quantity: str) -> np.ndarray:
        """Return one quantity of a row on the host, (num_worlds, count, width), sharing its memory."""
        start = self.base(quantity)
        part = flat[start : start + self.num_worlds * self.stride(quantity)]
        return part.reshape(self.num_worlds, self.counts[quantity], QUANTITIES[quantity].width)
