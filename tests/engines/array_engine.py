"""A strict engine over plain arrays: what an engine promises, and nothing that a solver would add."""

from __future__ import annotations

import numpy as np
import warp as wp

from sim2real.engines.engine import Element, Elements, EngineError, Rows, Support
from sim2real.engines.quantities import QUANTITIES, TARGET_QUANTITIES

LEGS = ("FL", "FR", "RL", "RR")
PARTS = ("hip", "thigh", "calf")


def quadruped(order: tuple[str, ...] = LEGS) -> Elements:
    """A quadruped on a ground, with a ball: 14 bodies, 12 joints, 7 shapes; `order` is the engine's order of legs."""
    body = [Element(asset="robot", name="base")]
    joint = []
    for leg in order:
        for part in PARTS:
            body.append(Element(asset="robot", name=f"{leg}_{part}"))
            joint.append(Element(asset="robot", name=f"{leg}_{part}_joint"))
    body.append(Element(asset="ball", name="ball"))
    shape = [Element(asset="ground", name="plane", fixed=True), Element(asset="robot", name="trunk", body=0)]
    shape += [Element(asset="robot", name=f"{leg}_foot", body=3 + 3 * i) for i, leg in enumerate(order)]
    shape.append(Element(asset="ball", name="ball/0", body=len(body) - 1))
    return Elements(body=tuple(body), joint=tuple(joint), shape=tuple(shape))


def nominal_values(elements: Elements, num_worlds: int, seed: int = 3) -> dict[str, np.ndarray]:
    """Plausible values of every quantity, by element name, so that another order of elements is the same robot."""
    found = {}
    for name, quantity in QUANTITIES.items():
        rows = []
        for element in elements.of(quantity.kind):
            rng = np.random.default_rng([seed, *f"{name} {element.name}".encode()])
            rows.append(_one(name, quantity.width, rng))
        table = np.array(rows, np.float32).reshape(len(rows), quantity.width)
        if name == "shape_friction":
            table[[element.fixed for element in elements.shape]] = 0.0
        found[name] = np.repeat(table[None], num_worlds, axis=0)
    return found


def _one(name: str, width: int, rng: np.random.Generator) -> np.ndarray:
    if name == "gravity":
        return np.array([0.0, 0.0, -9.81])
    if name == "joint_zero":
        return np.zeros(1)
    if name == "joint_limit":
        return np.array([-1.5, 2.0]) + rng.uniform(-0.2, 0.2, 2)
    if name in ("body_com", "body_position"):
        return rng.uniform(-0.05, 0.05, 3)
    if name == "body_inertia":
        points = rng.normal(size=(5, 3)) * 0.1
        return sum((p @ p) * np.eye(3) - np.outer(p, p) for p in points).reshape(9)
    return rng.uniform(0.5, 2.0, width)


class ArrayEngine:
    """Holds every quantity as an array and counts what it is asked."""

    def __init__(
        self,
        num_worlds: int = 4,
        *,
        elements: Elements | None = None,
        name: str = "array",
        friction_combine: str = "max",
        supports: dict[str, Support] | None = None,
        nominal: dict[str, np.ndarray] | None = None,
        device: str = "cpu",
    ) -> None:
        """Begin with nominal values; `supports` overrides what can be held."""
        self.name, self.device, self.num_worlds, self.friction_combine = name, device, num_worlds, friction_combine
        self.elements = quadruped() if elements is None else elements
        values = nominal_values(self.elements, num_worlds) if nominal is None else nominal
        self._nominal = {key: value.astype(np.float32) for key, value in values.items()}
        self.held = {key: value.copy() for key, value in self._nominal.items()}
        self.wrench = np.zeros((num_worlds, len(self.elements.body), 6), np.float32)
        self.supports = supports or {}
        self.writes: list[tuple[str, tuple[int, ...]]] = []
        self.finished: list[tuple[str, ...]] = []
        self.pushes: list[tuple[int, ...]] = []

    def support(self, target: str) -> Support:
        """Everything that is stored, and pushes."""
        if target in self.supports:
            return self.supports[target]
        if target in TARGET_QUANTITIES or target in ("body.force", "body.torque"):
            return Support(able=True, where="an array", device=self.device)
        return Support(able=False, note="there is no such array")

    def nominal(self, quantity: str) -> np.ndarray:
        """A copy of the values before randomization."""
        return self._of(self._nominal, quantity).copy()

    def read(self, quantity: str) -> np.ndarray:
        """A copy of what is held."""
        return self._of(self.held, quantity).copy()

    def write(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Store the rows of `values`."""
        held = self._of(self.held, quantity)
        given = self._checked(values, held.shape, quantity)
        worlds = self._worlds(rows)
        held[worlds] = given[worlds]
        self.writes.append((quantity, tuple(worlds)))

    def finish(self, quantities: tuple[str, ...], rows: Rows) -> None:
        """Nothing is derived here; a quantity that was not written just before is a mistake."""
        worlds = tuple(self._worlds(rows))
        latest = self.writes[-len(quantities) :]
        assert latest == [(quantity, worlds) for quantity in quantities]
        self.finished.append(quantities)

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """Keep the wrenches of the rows."""
        worlds = self._worlds(rows)
        self.wrench[worlds] = self._checked(wrench, self.wrench.shape, "wrench")[worlds]
        self.pushes.append(tuple(worlds))

    @staticmethod
    def _of(store: dict[str, np.ndarray], quantity: str) -> np.ndarray:
        if quantity not in store:
            raise EngineError(f"no quantity '{quantity}'; there are {', '.join(store)}")
        return store[quantity]

    @staticmethod
    def _checked(values: wp.array, shape: tuple[int, ...], what: str) -> np.ndarray:
        if not isinstance(values, wp.array) or values.dtype is not wp.float32 or values.shape != shape:
            raise EngineError(f"{what}: got {values!r}; give float32 of shape {shape}")
        if not values.is_contiguous:
            raise EngineError(f"{what}: the array is not contiguous")
        return values.numpy()

    def _worlds(self, rows: Rows) -> list[int]:
        index = rows.index.numpy()[: rows.n]
        worlds = index[index >= 0].tolist()
        if len(set(worlds)) != len(worlds) or any(world >= self.num_worlds for world in worlds):
            raise EngineError(f"rows: got {worlds}; give each world at most once, below {self.num_worlds}")
        return worlds


def rows_of(*worlds: int, device: str = "cpu") -> Rows:
    """Known worlds as rows."""
    return Rows(index=wp.array(np.array(worlds, np.int32), dtype=wp.int32, device=device), n=len(worlds))


def masked_rows(mask: list[bool], device: str = "cpu") -> Rows:
    """A mask as rows, -1 where it is False, as inside a CUDA graph."""
    index = np.where(mask, np.arange(len(mask)), -1).astype(np.int32)
    return Rows(index=wp.array(index, dtype=wp.int32, device=device), n=len(mask))
