"""How many materials PhysX would need, and the grid that keeps them few.

PhysX keeps friction and restitution in materials, shared by shapes with equal numbers and freed with the last of them.
It has room for 65536 at a time; one more and the process ends without a word to Python. So values are rounded to a
grid, and the materials alive are counted before every upload.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from sim2real.engines.engine import EngineError

FRICTION_STEP = 2.0**-12
"""Coefficients of friction are rounded to a multiple of this, so they are off by at most half of it."""
RESTITUTION_STEP = 2.0**-8
"""The same for restitution."""
MATERIALS_MAX = 60000
"""Materials that may be alive; PhysX has room for 65536, some of which are the scene's own."""


class MaterialCount:
    """Counts the distinct materials among the shapes of one tensor."""

    def __init__(self, limit: int = MATERIALS_MAX) -> None:
        """Count nothing yet."""
        self.limit = limit
        self._of: list[list[bytes]] | None = None
        self._alive: Counter[bytes] = Counter()

    @property
    def alive(self) -> int:
        """Materials alive, as of the last check."""
        return len(self._alive)

    def __call__(self, buffer: np.ndarray, rows: np.ndarray) -> None:
        """Check an upload of `rows` (k,) of `buffer` (rows, shapes * 3), each shape's two frictions and restitution.

        Raises:
            EngineError: more materials than PhysX has room for.
        """
        if buffer.size // 3 <= self.limit:  # every shape may have its own
            return
        if self._of is None:
            self._of = [self._keys(row) for row in buffer]
            self._alive = Counter(key for keys in self._of for key in keys)
            self._refuse(len(self._alive))
            return
        gone = set()
        for row in rows.tolist():
            keys = self._keys(buffer[row])
            self._alive.subtract(self._of[row])
            self._alive.update(keys)
            gone.update(self._of[row])
            self._of[row] = keys
        for key in gone:
            if self._alive[key] <= 0:
                del self._alive[key]
        self._refuse(len(self._alive))

    @staticmethod
    def _keys(row: np.ndarray) -> list[bytes]:
        return [shape.tobytes() for shape in row.reshape(-1, 3)]

    def _refuse(self, alive: int) -> None:
        if alive > self.limit:
            raise EngineError(
                f"the draws of friction and restitution need {alive} PhysX materials at a time; PhysX has room for"
                f" {self.limit}: draw them per world (each: world) or per body, draw one of the two, or take fewer"
                " worlds per process"
            )
