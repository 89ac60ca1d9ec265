"""The opened stage as an engine of the library's randomizer.

So a click does what a training does: the same terms, the same draws, the same order of operations, the same refusals.
Links and joints are written into the running simulation through a :class:`~.handles.Handle`; friction and gravity go
into the session layer. What was there when the engine was made is nominal, and `restore` gives it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim2real.engines.engine import EngineError, Rows, Support
from sim2real.engines.quantities import QUANTITIES, SHARED_OUT, TARGET_QUANTITIES

from . import overrides
from .handles import Handle
from .selection import GROUND, Selection, StageError, find_parts

if TYPE_CHECKING:
    import warp as wp
    from pxr import Usd

NAME = "isaacsim_physx"
"""The engine's name in a spec's `skip_on`."""
_IN_USD = ("shape_friction", "gravity")
_LAST = ("body_inertia",)
"""Written after the rest: a centre of mass that moves would take the principal axes along."""
_ONE_VISCOUS = "PhysX has one viscous coefficient per joint, for joint.damping and joint.viscous_friction"


class StageEngine:
    """A selection of the opened stage; see :class:`sim2real.engines.engine.Engine`."""

    name = NAME
    device = "cpu"

    def __init__(self, stage: Usd.Stage, selection: Selection, handle: Handle) -> None:
        """Copy the nominal values.

        Raises:
            StageError: the selected robots differ.
        """
        self.stage, self.handle = stage, handle
        self.num_worlds = handle.num_worlds
        self.parts = find_parts(stage, selection, handle.bodies, handle.joints)
        self.elements = self.parts.elements
        every = {path for world in self.parts.colliders for path in world}
        self.friction_combine = max(
            (overrides.combine_of(stage, path) for path in every), key=overrides.COMBINE.index, default="average"
        )
        self._ratio = {path: _ratio(*overrides.friction_of(stage, path)) for path in every}
        held = (*handle.tensors, *_IN_USD, SHARED_OUT)
        self._nominal = {name: self.read(name) for name in QUANTITIES if name in held}
        self._staged: dict[str, np.ndarray] = {}

    def support(self, target: str) -> Support:
        """Whether a target of the spec can be held."""
        if target in self.handle.refused:
            return Support(able=False, note=self.handle.refused[target])
        names = TARGET_QUANTITIES.get(target)
        if names is None:
            return Support(able=False, note="a stage has no episodes: it is applied in training and play")
        if names == ("gravity",):
            return self._gravity_support()
        missing = [name for name in names if name not in self._nominal]
        if missing or not self.elements.of(QUANTITIES[names[0]].kind):
            what = (missing or list(names))[0].replace("_", " ")
            return Support(able=False, note=f"nothing that is selected has {what} that {self.handle.api} can write")
        excludes, note = (), ""
        if target in ("joint.damping", "joint.viscous_friction"):
            excludes, note = tuple({"joint.damping", "joint.viscous_friction"} - {target}), _ONE_VISCOUS
        where = "USD, session layer" if names[0] in _IN_USD else self.handle.api
        return Support(able=True, where=where, device="cpu", note=note, excludes=excludes)

    def _gravity_support(self) -> Support:
        if overrides.scene_of(self.stage) is None:
            return Support(able=False, note="the stage has no physics scene; Create > Physics > Physics Scene adds one")
        if self.num_worlds > 1:
            return Support(able=False, note="a stage has one gravity; select one robot to randomize it")
        return Support(able=True, where="USD, session layer", device="cpu", note="it holds for the whole stage")

    def nominal(self, quantity: str) -> np.ndarray:
        """Values before randomization, float32 (num_worlds, count, width).

        Raises:
            EngineError: not held here.
        """
        if quantity not in self._nominal:
            raise EngineError(f"this selection does not hold '{quantity}'; it holds {', '.join(self._nominal)}")
        return self._nominal[quantity].copy()

    def read(self, quantity: str) -> np.ndarray:
        """What the simulation or the stage holds, float32 (num_worlds, count, width)."""
        if quantity == "gravity":
            return np.tile(overrides.gravity_of(self.stage), (self.num_worlds, 1, 1))
        if quantity == "shape_friction":
            found = [[overrides.friction_of(self.stage, path)[0] for path in world] for world in self.parts.colliders]
            return np.array(found, np.float32).reshape(self.num_worlds, -1, 1)
        if quantity == SHARED_OUT:
            return np.zeros((self.num_worlds, len(self.elements.joint), 1), np.float32)
        return self.handle.read(quantity)

    def write(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Take `values` (num_worlds, count, width) of the given worlds; they arrive with `finish`.

        Raises:
            EngineError: not held here, or a number that is not finite.
        """
        self.nominal(quantity)
        wanted = self._staged.get(quantity, self.read(quantity))
        named = rows.index.numpy()[: rows.n]
        named = named[named >= 0]
        wanted[named] = values.numpy()[named]
        self._check(quantity, wanted)
        self._staged[quantity] = wanted

    def finish(self, quantities: tuple[str, ...], rows: Rows) -> None:
        """Hand over what was written, masses and centres before inertias."""
        staged, self._staged = self._staged, {}
        for quantity in sorted(staged, key=_LAST.__contains__):
            self._store(quantity, staged[quantity])

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """A stage is not pushed: `support` refuses forces.

        Raises:
            EngineError: always.
        """
        raise EngineError("the stage tools change properties and push nothing")

    def restore(self, quantities: tuple[str, ...]) -> None:
        """Give back what was nominal."""
        self.put({name: self._nominal[name] for name in quantities})

    def put(self, values: dict[str, np.ndarray]) -> None:
        """Store these values (num_worlds, count, width), by quantity."""
        for quantity in sorted(values, key=_LAST.__contains__):
            self._store(quantity, values[quantity])

    def _check(self, quantity: str, values: np.ndarray) -> None:
        nominal = self._nominal[quantity]
        bad = ~(np.isfinite(values) | (values == nominal))
        if quantity == "body_mass":
            bad |= (values <= 0.0) & (values != nominal)
        elif quantity in ("shape_friction", "joint_armature", "joint_friction", "actuator_kp", "actuator_kd"):
            bad |= (values < 0.0) & (values != nominal)
        if bad.any():
            _, element, component = np.argwhere(bad)[0]
            kind = QUANTITIES[quantity].kind
            name = self.elements.of(kind)[element].name
            raise EngineError(
                f"{quantity}: {kind} '{name}' would get {values[bad][0]:g} (component {component}); nothing was"
                " written; narrow the term's range"
            )

    def _store(self, quantity: str, values: np.ndarray) -> None:
        if quantity == SHARED_OUT:
            return
        nominal = self._nominal[quantity]
        if quantity == "gravity":
            if np.array_equal(values, nominal):
                overrides.clear_gravity(self.stage)
            else:
                overrides.set_gravity(self.stage, values[0, 0])
        elif quantity == "shape_friction":
            self._store_friction(values, nominal)
        else:
            self.handle.write(quantity, values)

    def _store_friction(self, values: np.ndarray, nominal: np.ndarray) -> None:
        for world, paths in enumerate(self.parts.colliders):
            for shape, path in enumerate(paths):
                if self.elements.shape[shape].asset == GROUND and world > 0:
                    continue  # the same prim in every world
                static = float(values[world, shape, 0])
                if static == nominal[world, shape, 0]:
                    overrides.clear_friction(self.stage, path)
                else:
                    overrides.set_friction(self.stage, path, static, static * self._ratio[path], self.friction_combine)


def _ratio(static: float, dynamic: float) -> float:
    """Dynamic over static friction, which stays; 1 where both are 0."""
    return dynamic / static if static > 0.0 else 1.0


__all__ = ["NAME", "StageEngine", "StageError"]
