"""What an engine has to do for the randomizer, and what it is asked about before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    import warp as wp


class EngineError(Sim2RealError):
    """What an engine cannot do, or does not hold."""


@dataclass(frozen=True, kw_only=True)
class Element:
    """One thing of a world that has properties."""

    asset: str
    """Name of the asset it belongs to, as in the scene: `robot`, an object's name, or `ground`."""
    name: str
    """Its own name, unique among the asset's elements of its kind; a shape without one gets `<body>/<number>`."""
    body: int = -1
    """For a shape: index of its body among the bodies, -1 for static ones. Else -1."""
    prismatic: bool = False
    """For a joint: whether it slides."""
    fixed: bool = False
    """For a body or a shape: whether it cannot move in any world (its mass then does not matter)."""
    priority: int = 0
    """For a shape: where two shapes that touch differ in this, the higher one's friction acts alone (MuJoCo)."""


@dataclass(frozen=True, kw_only=True)
class Elements:
    """The elements of a world, the same in every world, in the engine's order. A joint is a single degree of freedom;
    a floating base is no joint.
    """

    body: tuple[Element, ...]
    """Bodies, the ground excluded."""
    joint: tuple[Element, ...]
    """Joints with one degree of freedom each."""
    shape: tuple[Element, ...]
    """Collision shapes, static ones too."""

    def of(self, kind: str) -> tuple[Element, ...]:
        """Elements of one kind; the world is a single one."""
        return (Element(asset="world", name="world"),) if kind == "world" else getattr(self, kind)


@dataclass(frozen=True, kw_only=True)
class Support:
    """Whether an engine can hold a target, and what a person should know about it."""

    able: bool
    """Whether it can."""
    where: str = ""
    """Where it is written, in the engine's own words; empty when it cannot."""
    device: str = ""
    """Device of that storage."""
    note: str = ""
    """Why not; or an approximation with its bound; or what it costs."""
    excludes: tuple[str, ...] = field(default=())
    """Targets that share a storage with this one, so that a spec may name only one of them."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The worlds that a call is about, without the host knowing which."""

    index: wp.array
    """World of each entry, int32 (n,) on the engine's device; -1 for none. No world stands twice."""
    n: int
    """How many entries; known to the host."""


class Engine(Protocol):
    """A running simulation seen as properties of worlds.

    Implementations copy the nominal values when they are made, before anything was randomized. All arrays are float32
    Warp arrays on `device`, shape (num_worlds, count, width) for a quantity with `count` elements.
    """

    name: str
    """`newton_mjwarp`, `ovphysx`, `isaacsim_physx` or `mujoco`."""
    device: str
    """Device of the arrays that are handed over."""
    num_worlds: int
    """Worlds of this process."""
    elements: Elements
    """What a world consists of."""
    friction_combine: str
    """How the friction of a pair is made of its shapes': `max`, `average`, `min` or `multiply`."""

    def support(self, target: str) -> Support:
        """Whether a target of the spec can be held."""

    def nominal(self, quantity: str) -> np.ndarray:
        """Values before randomization, float32 (num_worlds, count, width). Raises EngineError: not held here."""

    def write(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Store `values` (num_worlds, count, width) of the given worlds; other worlds stay bit-equal."""

    def finish(self, quantities: tuple[str, ...], rows: Rows) -> None:
        """Derive anew, for the given worlds, whatever depends on the quantities written."""

    def read(self, quantity: str) -> np.ndarray:
        """What the solver holds, float32 (num_worlds, count, width); slow, for tests and `verify`."""

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """Keep applying `wrench` (num_worlds, bodies, 6): force [N], torque [N·m] in the world frame, at each body's
        centre of mass, until called again. Zero ends it.
        """
