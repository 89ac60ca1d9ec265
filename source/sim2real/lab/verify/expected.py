"""What a world must hold, computed by NumPy from the spec, the seed and the nominal values alone.

Nothing here uses the kernels that draw, fold and write: draws come from `Draws.sample`, and the fold is written out
once more, in double. So an error in a kernel shows as a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim2real.draws import Draws
from sim2real.engines import ops
from sim2real.engines.friction import FRICTION, PAIR
from sim2real.engines.quantities import QUANTITIES
from sim2real.engines.resolve import Resolved

if TYPE_CHECKING:
    from sim2real.engines.randomizer import Randomizer

Array = np.ndarray
ORDER = ("set", "scale", "add")


class Expected:
    """The expected world rows of a randomizer's spec."""

    def __init__(self, randomizer: Randomizer) -> None:
        """Take the names as they were resolved, and the nominal values."""
        self.randomizer, self.engine = randomizer, randomizer.engine
        self.terms = sorted(randomizer.chosen.properties, key=lambda resolved: resolved.name)
        self.nominal = {name: self.engine.nominal(name).astype(np.float64) for name in self._needed()}

    def _needed(self) -> set[str]:
        names = {name for resolved in self.terms for name in ops.quantities_of(resolved)}
        return names | (set(ops.BODY_QUANTITIES) if names & set(ops.BODY_QUANTITIES) else set())

    def values(self) -> dict[str, Array]:
        """Return what every quantity of the spec must be now, float64 (num_worlds, count, width).

        Friction is that of pairs for shapes whose counterparts are known.
        """
        found = {name: values.copy() for name, values in self.nominal.items()}
        if FRICTION in found:
            found[FRICTION] = self.pairs(found[FRICTION])
        drawn = {resolved.name: self._drawn(resolved) for resolved in self.terms}
        for op in ORDER:
            for resolved in self.terms:
                if resolved.term.op == op and resolved.kind != "world":
                    self._fold(resolved, drawn[resolved.name], found)
        for resolved in self.terms:
            if resolved.term.target == "body.payload":
                self._load(resolved, drawn[resolved.name], found)
        worldly = [resolved for resolved in self.terms if resolved.kind == "world"]
        if worldly:
            found["gravity"] = self._gravity(worldly, drawn)
        return {name: found[name] for name in self.randomizer.quantities}

    def pairs(self, friction: Array) -> Array:
        """Return the friction of pairs in place of the shapes', (num_worlds, count, 1), where shapes have pairs."""
        found = np.array(friction, np.float64)
        rule = PAIR[self.engine.friction_combine]
        for element, others in self.randomizer.pairs.counterparts.items():
            if others:
                found[:, element, 0] = rule(
                    found[:, element, 0], np.mean([friction[:, o, 0] for o in sorted(others)], 0)
                )
        return found

    def _drawn(self, resolved: Resolved) -> Array:
        """Return a term's draws for each selected element, (num_worlds, selected, dim), blended as a stage says."""
        term, randomizer = resolved.term, self.randomizer
        dist = term.dist
        if resolved.name in randomizer.adr_terms:
            dist = type(dist)(*randomizer.bounds(resolved.name))
        worlds = randomizer.bank.worlds.numpy().astype(np.int64)
        drawn = Draws(randomizer.spec.seed).sample(
            resolved.name, dist, worlds, self._episode(resolved), 0, resolved.count
        )
        drawn = np.asarray(drawn, np.float64).reshape(len(worlds), resolved.count, dist.dim)
        self._pin(resolved, drawn, dist)
        return drawn[:, list(resolved.slots) if resolved.kind != "world" else [0]]

    def _pin(self, resolved: Resolved, drawn: Array, dist: object) -> None:
        """A world at the edge of a range that grows has the bound itself."""
        if resolved.name not in self.randomizer.adr_terms:
            return
        low, high = self.randomizer.bounds(resolved.name)
        code, k = self.randomizer.boundary.numpy(), self.randomizer.adr_terms.index(resolved.name)
        drawn[code == 2 * k], drawn[code == 2 * k + 1] = low, high

    def _episode(self, resolved: Resolved) -> Array:
        episode = self.randomizer.episode.numpy()
        return np.zeros_like(episode) if resolved.term.when in ops.BEFORE else episode

    def _blend(self, resolved: Resolved, drawn: Array, neutral: Array | float) -> Array:
        """Move draws towards what changes nothing while a stage opens only part of the ranges."""
        part = self.randomizer.part if resolved.term.when in ops.LATER else 1.0
        return drawn if part == 1.0 else neutral + part * (drawn - neutral)

    def _changed(self, resolved: Resolved, drawn: Array, before: Array) -> Array:
        """Return values after one operation."""
        if resolved.term.op == "set":
            return np.broadcast_to(self._blend(resolved, drawn, before), before.shape)
        if resolved.term.op == "scale":
            return before * self._blend(resolved, drawn, 1.0)
        return before + self._blend(resolved, drawn, 0.0)

    def _fold(self, resolved: Resolved, drawn: Array, found: dict[str, Array]) -> None:
        term, elements = resolved.term, list(resolved.elements)
        if term.target == "body.payload":
            return
        if term.target == "body.inertia":
            self._reshape(resolved, drawn, found["body_inertia"])
            return
        for name in ops.quantities_of(resolved):
            if term.target == "body.mass" and name == "body_inertia":
                continue
            before = found[name][:, elements]
            after = self._changed(resolved, drawn, before)
            found[name][:, elements] = after
            if term.target == "body.mass" and term.keep:
                found["body_inertia"][:, elements] *= after / before

    def _reshape(self, resolved: Resolved, drawn: Array, inertia: Array) -> None:
        """Inertia by one factor, or through the second moments of the mass."""
        elements = list(resolved.elements)
        if drawn.shape[-1] == 1:
            inertia[:, elements] *= self._blend(resolved, drawn, 1.0)
            return
        factor = np.zeros((*drawn.shape[:2], 3, 3))
        axes = np.arange(3)
        if drawn.shape[-1] == 3:
            factor[..., axes, axes] = np.sqrt(self._blend(resolved, drawn, 1.0))
        else:
            numbers = self._blend(resolved, drawn, 0.0)
            factor[..., axes, axes] = np.exp(numbers[..., :3])
            factor[..., 0, 1], factor[..., 1, 2], factor[..., 0, 2] = np.moveaxis(numbers[..., 3:], -1, 0)
        matrix = inertia[:, elements].reshape(*drawn.shape[:2], 3, 3)
        moments = _swap(matrix, 0.5)
        inertia[:, elements] = _swap(factor @ moments @ factor.swapaxes(-1, -2), 1.0).reshape(*drawn.shape[:2], 9)

    def _load(self, resolved: Resolved, drawn: Array, found: dict[str, Array]) -> None:
        """A point mass at the body's origin, by the parallel-axis theorem."""
        elements = list(resolved.elements)
        load = self._blend(resolved, drawn, 0.0)
        mass, com = found["body_mass"][:, elements], found["body_com"][:, elements]
        total = mass + load
        centre = mass * com / total
        extra = _point(mass, com - centre) + _point(load, centre)
        found["body_inertia"][:, elements] += extra.reshape(*extra.shape[:2], 9)
        found["body_mass"][:, elements], found["body_com"][:, elements] = total, centre

    def _gravity(self, terms: list[Resolved], drawn: dict[str, Array]) -> Array:
        nominal = self.nominal["gravity"]
        size = np.linalg.norm(nominal, axis=-1, keepdims=True)
        down = np.array([0.0, 0.0, -1.0])
        direction = np.where(size > 0, nominal / np.where(size > 0, size, 1.0), down)
        for op in ORDER:
            for resolved in terms:
                if resolved.term.target == "world.gravity" and resolved.term.op == op:
                    size = self._changed(resolved, drawn[resolved.name], size)
        vector = (direction * size)[:, 0]
        for resolved in terms:
            if resolved.term.target == "world.gravity_tilt":
                angle = self._blend(resolved, drawn[resolved.name], 0.0)[:, 0, 0]
                vector = _turned(vector, angle, 2 * np.pi * self._heading(resolved))
        return vector[:, None]

    def _heading(self, resolved: Resolved) -> Array:
        """The draw of a tilt's axis, as a part of a turn."""
        worlds = self.randomizer.bank.worlds.numpy().astype(np.int64)
        stream = next(s for s in self.randomizer.bank.streams if s.name == ops.around(resolved.name))
        drawn = Draws(self.randomizer.spec.seed).sample(stream.name, stream.dist, worlds, self._episode(resolved), 0, 1)
        return np.asarray(drawn, np.float64).reshape(len(worlds), -1)[:, 0]


def _swap(matrix: Array, factor: float) -> Array:
    """Inertia to second moments of the mass (factor 1/2) and back (factor 1)."""
    return factor * np.trace(matrix, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) - matrix


def _point(mass: Array, arm: Array) -> Array:
    """Inertia of point masses (..., 1) at the ends of arms (..., 3)."""
    square = (arm * arm).sum(-1)[..., None, None] * np.eye(3)
    return mass[..., None] * (square - arm[..., :, None] * arm[..., None, :])


def _turned(vector: Array, angle: Array, heading: Array) -> Array:
    """Vectors (n, 3) turned by angles about horizontal axes at headings."""
    axis = np.stack([np.cos(heading), np.sin(heading), np.zeros_like(heading)], -1)
    along = axis * (axis * vector).sum(-1, keepdims=True)
    across = vector - along
    return along + across * np.cos(angle)[:, None] + np.cross(axis, across) * np.sin(angle)[:, None]


def label(engine: object, quantity: str, element: int) -> str:
    """Return `asset/name` of an element of a quantity."""
    found = engine.elements.of(QUANTITIES[quantity].kind)[element]  # type: ignore[attr-defined]
    return f"{found.asset}/{found.name}"
