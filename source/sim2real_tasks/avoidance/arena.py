"""The arena: what stands in it, its sizes, and where things may go. Plain numbers, no simulator.

A walled floor, `LENGTH` along x and `WIDTH` along y, entered at x = `START_X` and left at x = `GOAL_X`. Twelve
obstacles exist, of fixed sizes; a scene uses 8 to 12 of them and the others are parked under the floor, where no
camera sees them. Frame: x along the arena, y left, z up; origin on the floor in the middle of the entrance.
"""

from __future__ import annotations

import dataclasses

LENGTH = 9.0
"""Inner length of the arena [m]."""
WIDTH = 4.0
"""Inner width of the arena [m]."""
START_X = 0.5
"""Where an episode starts [m]."""
GOAL_X = 8.2
"""The far side: an episode succeeds when the rover's centre is past it [m]."""
HEIGHT = 0.6
"""Height of walls and obstacles [m]."""
WALL_THICKNESS = 0.1
"""Thickness of a wall [m]."""
ENTRANCE_X = -0.4
"""Where the wall behind the start stands [m]."""
PARKED_Z = -3.0
"""Height at which unused obstacles wait [m]."""


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """One obstacle: an upright box or cylinder."""

    kind: str
    """`box` or `cylinder`."""
    half_x: float
    """Half length of a box along its x axis, or radius of a cylinder [m]."""
    half_y: float
    """Half width of a box along its y axis, or radius of a cylinder [m]."""
    colour: tuple[float, float, float]
    """Linear RGB of its surface."""

    @property
    def radius(self) -> float:
        """Radius of the circle around it [m]."""
        return self.half_x if self.kind == "cylinder" else (self.half_x**2 + self.half_y**2) ** 0.5


OBSTACLES: tuple[Obstacle, ...] = (
    Obstacle("box", 0.20, 0.20, (0.75, 0.22, 0.10)),
    Obstacle("cylinder", 0.20, 0.20, (0.80, 0.55, 0.10)),
    Obstacle("box", 0.15, 0.25, (0.55, 0.16, 0.12)),
    Obstacle("cylinder", 0.15, 0.15, (0.15, 0.50, 0.25)),
    Obstacle("box", 0.18, 0.18, (0.20, 0.35, 0.60)),
    Obstacle("cylinder", 0.22, 0.22, (0.60, 0.60, 0.55)),
    Obstacle("box", 0.20, 0.14, (0.70, 0.65, 0.20)),
    Obstacle("cylinder", 0.18, 0.18, (0.35, 0.20, 0.45)),
    Obstacle("box", 0.22, 0.16, (0.10, 0.10, 0.12)),
    Obstacle("cylinder", 0.16, 0.16, (0.85, 0.35, 0.30)),
    Obstacle("box", 0.16, 0.16, (0.45, 0.45, 0.50)),
    Obstacle("cylinder", 0.20, 0.20, (0.05, 0.25, 0.30)),
)
"""The obstacles that every environment owns."""
