"""How many materials PhysX would need, and the grid that keeps them few.

PhysX keeps friction and restitution in materials, shared by shapes with equal numbers and freed with the last of them.
It has room for 65536 at a time; one more and the process ends without a word to Python. So values are rounded to a
grid, and the materials alive are counted before every upload.
"""

from __future__ import annotations

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
        self._keys: np.ndarray | None = None
        self._users: dict[int, int] = {}

    @property
    def alive(self) -> int:
        """Materials alive, as of the last check."""
        return len(self._users)

    def __call__(self, buffer: np.ndarray, rows: np.ndarray) -> None:
        """Check an upload of `rows` (k,) of `buffer` (rows, shapes * 3), each shape's two frictions and restitution.

        Raises:
            EngineError: more materials than PhysX has room for.
        """
        if buffer.size // 3 <= self.limit:  # every shape may have its own
            return
        if self._keys is None:
            self._keys = _keys(buffer)
            self._count(self._keys, 1)
        else:
            new = _keys(buffer[rows])
            self._count(new, 1)
            self._count(self._keys[rows], -1)
            self._keys[rows] = new
        if self.alive > self.limit:
            raise EngineError(
                f"the draws of friction and restitution need {self.alive} PhysX materials at a time; PhysX has room"
                f" for {self.limit}: draw them per world (each: world) or per body, draw one of the two, or take fewer"
                " worlds per process"
            )

    def _count(self, keys: np.ndarray, by: int) -> None:
        found, users = np.unique(keys, return_counts=True)
        for key, count in zip(found.tolist(), users.tolist(), strict=True):
            left = self._users.get(key, 0) + by * count
            if left:
                self._users[key] = left
            else:
                del self._users[key]


def _keys(rows: np.ndarray) -> np.ndarray:
    """Return a number per shape (k, shapes) that is the same where static friction and restitution are; the dynamic
    friction goes with the static one.
    """
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32).reshape(len(rows), -1, 3).astype(np.uint64)
    return (bits[..., 0] << np.uint64(32)) | bits[..., 2]
