"""The PhysX engine: writes are staged, and `finish` uploads each property once, only where it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim2real.engines.engine import EngineError, Rows, Support
from sim2real.engines.physx.forces import BodyForces
from sim2real.engines.physx.support import support_of
from sim2real.engines.quantities import QUANTITIES, SHARED_OUT

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.physx.storage import DeviceSlot, HostTensor, PhysxViews, Slot

_FOLLOWED = ("body_mass", "body_com")
NAMES_SHOWN = 5
"""A message lists so many names at most."""


def _distinct(parts: list[np.ndarray]) -> np.ndarray:
    """Return the rows of all parts, each once, sorted, int32; much faster than `np.unique` on a few thousand."""
    rows = np.sort(np.concatenate(parts).astype(np.int32))
    first = np.ones(len(rows), bool)
    first[1:] = rows[1:] != rows[:-1]
    return rows[first]


class PhysxEngine:
    """An engine over the tensors of PhysX; see :class:`~sim2real.engines.engine.Engine`."""

    def __init__(self, views: PhysxViews) -> None:
        """Copy the nominal values."""
        self.views = views
        self.name = views.name
        self.device = views.device
        self.num_worlds = views.num_worlds
        self.elements = views.elements
        self.friction_combine = views.friction_combine
        self._quantities = tuple(
            name
            for name in QUANTITIES
            if name == SHARED_OUT or views.host.get(name) or any(s.owner for s in views.on_device.get(name, ()))
        )
        self._nominal = {name: self._assemble(name) for name in self._quantities}
        self._held = {name: values.copy() for name, values in self._nominal.items()}
        self._staged: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}
        self._place: dict[int, tuple[wp.array, wp.array]] = {}
        self.forces = BodyForces(views, self._nominal["body_mass"], self._nominal["body_com"])
        """Forces that the glue applies at every physics step."""

    def support(self, target: str) -> Support:
        """Whether a target of the spec can be held."""
        return support_of(target, self.views)

    def nominal(self, quantity: str) -> np.ndarray:
        """Values before randomization, float32 (num_worlds, count, width).

        Raises:
            EngineError: not held here.
        """
        if quantity == "gravity":
            return np.tile(np.array(self.views.gravity, np.float32), (self.num_worlds, 1, 1))
        return self._values(self._nominal, quantity).copy()

    def write(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Take `values` (num_worlds, count, width) of the given worlds; on the host they arrive with `finish`.

        Raises:
            EngineError: not held here.
        """
        if quantity == "gravity":
            self.forces.turn(values, rows)
            return
        self._values(self._nominal, quantity)
        if quantity in _FOLLOWED:
            self.forces.follow(quantity, values, rows)
        for slot in self.views.on_device.get(quantity, ()):
            self._scatter(slot, values, rows)
        if self.views.host.get(quantity):
            self._stage(quantity, values, rows)

    def finish(self, quantities: tuple[str, ...], rows: Rows) -> None:
        """Upload what was staged: each property once, rows that changed.

        Raises:
            EngineError: values for elements that PhysX has no tensor of, or more materials than it has room for.
        """
        import warp as wp

        if self.device != "cpu" and self._staged:
            wp.synchronize_stream(wp.get_stream(self.device))
        dirty: dict[HostTensor, list[np.ndarray]] = {}
        written = set()
        for quantity, (index, values, n) in self._staged.items():
            real = index[:n] >= 0
            if self._take(quantity, index[:n][real], values[:n][real], dirty):
                written.add(quantity)
        self._staged.clear()
        for tensor in [t for t in dirty if t.follow is not None]:
            dirty.setdefault(tensor.follow, []).extend(dirty[tensor])  # type: ignore[arg-type]
        ordered = sorted(dirty, key=lambda tensor: tensor.follow is None)
        for tensor in ordered:
            tensor.upload(_distinct(dirty[tensor]))
        changed = frozenset(written | ({"gravity"} & set(quantities)))
        if changed:
            self.views.written(changed)

    def read(self, quantity: str) -> np.ndarray:
        """What the solver holds, float32 (num_worlds, count, width).

        Raises:
            EngineError: not held here.
        """
        if quantity == "gravity":
            return self.forces.gravity()
        self._values(self._nominal, quantity)
        return self._assemble(quantity)

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """Keep applying `wrench` (num_worlds, bodies, 6) at each body's centre of mass until called again."""
        self.forces.push(wrench, rows)

    # -- the host ----------------------------------------------------------------------------------------------------

    def _stage(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Bring the rows to the host; on a GPU the copy is under way when this returns."""
        import warp as wp

        from sim2real.engines.physx import kernels

        flat = values.reshape((self.num_worlds, values.shape[1] * values.shape[2]))
        if self.device == "cpu":
            index = rows.index.numpy()[: rows.n].copy()
            index = index[index >= 0]
            taken = flat.numpy()[index].reshape(-1, values.shape[1], values.shape[2])
            self._put(quantity, index, taken, len(index))
            return
        gathered = wp.empty((rows.n, flat.shape[1]), dtype=wp.float32, device=self.device)
        wp.launch(
            kernels.gather_rows,
            dim=gathered.shape,
            inputs=[rows.index, flat],
            outputs=[gathered],
            device=self.device,
        )
        host = wp.empty(gathered.shape, dtype=wp.float32, device="cpu", pinned=True)
        ids = wp.empty(rows.n, dtype=wp.int32, device="cpu", pinned=True)
        wp.copy(host, gathered)
        wp.copy(ids, rows.index, count=rows.n)
        self._put(quantity, ids.numpy(), host.numpy().reshape(rows.n, values.shape[1], values.shape[2]), rows.n)

    def _put(self, quantity: str, index: np.ndarray, values: np.ndarray, n: int) -> None:
        if quantity in self._staged:  # written twice before an upload: the first rows must not be lost
            import warp as wp

            if self.device != "cpu":
                wp.synchronize_stream(wp.get_stream(self.device))
            old, before, _ = self._staged[quantity]
            keep = ~np.isin(old, index)
            index, values = np.concatenate((old[keep], index)), np.concatenate((before[keep], values))
            n = len(index)
        self._staged[quantity] = (index, values, n)

    def _take(
        self, quantity: str, ids: np.ndarray, values: np.ndarray, dirty: dict[HostTensor, list[np.ndarray]]
    ) -> bool:
        """Put new values (k, count, width) of the worlds `ids` (k,) into the buffers; return whether any changed."""
        held = self._held[quantity]
        for slot in self.views.host[quantity]:
            if slot.step:
                nominal = self._nominal[quantity][ids][:, slot.elements]
                wanted = values[:, slot.elements]
                rounded = (np.rint(wanted / slot.step) * slot.step).astype(np.float32)
                values[:, slot.elements] = np.where(wanted == nominal, nominal, rounded)
        changed = (values != held[ids]).any(-1)
        if not changed.any():
            return False
        stored = np.zeros(changed.shape[1], bool)
        for slot in self.views.host[quantity]:
            stored[slot.elements] = True
            self._fill(slot, ids, values, changed, dirty)
        for device_slot in self.views.on_device.get(quantity, ()):
            if device_slot.owner:
                stored |= (device_slot.place[0] >= 0).all(-1)
        if changed[:, ~stored].any():
            lost = np.flatnonzero(changed.any(0) & ~stored)
            names = [self.elements.of(QUANTITIES[quantity].kind)[i].name for i in lost]
            shown = ", ".join(names[:NAMES_SHOWN]) + (" and others" if len(names) > NAMES_SHOWN else "")
            raise EngineError(
                f"{self.name} cannot change {quantity} of {shown} once the scene is built (shapes that belong to no"
                " body, joints without limits, actuators without such a clamp); select other elements"
            )
        held[ids] = values
        return True

    @staticmethod
    def _fill(
        slot: Slot,
        ids: np.ndarray,
        values: np.ndarray,
        changed: np.ndarray,
        dirty: dict[HostTensor, list[np.ndarray]],
    ) -> None:
        entry, k = np.nonzero(changed[:, slot.elements])
        if not len(entry):
            return
        world, new = ids[entry], values[entry, slot.elements[k]]
        rows = slot.rows[world, k]
        slot.tensor.buffer[rows[:, None], slot.columns[k]] = new
        if slot.companion is not None and slot.ratio is not None:
            slot.tensor.buffer[rows[:, None], slot.companion[k]] = new * slot.ratio[world, k]
        dirty.setdefault(slot.tensor, []).append(rows)

    # -- the device --------------------------------------------------------------------------------------------------

    def _scatter(self, slot: DeviceSlot, values: wp.array, rows: Rows) -> None:
        import warp as wp

        from sim2real.engines.physx import kernels

        columns = values.shape[1] * values.shape[2]
        if id(slot) not in self._place:
            gain = np.zeros((0, columns)) if slot.gain is None else slot.gain.reshape(self.num_worlds, columns)
            self._place[id(slot)] = (
                wp.array(slot.place.reshape(self.num_worlds, columns), dtype=wp.int32, device=self.device),
                wp.array(gain, dtype=wp.float32, device=self.device),
            )
        wp.launch(
            kernels.scatter_rows,
            dim=(rows.n, columns),
            inputs=[rows.index, values.reshape((self.num_worlds, columns)), *self._place[id(slot)]],
            outputs=[slot.array],
            device=self.device,
        )

    def _assemble(self, quantity: str) -> np.ndarray:
        """Read a quantity from wherever it is, float32 (num_worlds, count, width)."""
        width = QUANTITIES[quantity].width
        count = len(self.elements.of(QUANTITIES[quantity].kind))
        out = np.zeros((self.num_worlds, count, width), np.float32)
        if quantity in self.views.constant:
            out[:] = np.nan_to_num(self.views.constant[quantity])
        for tensor in dict.fromkeys(slot.tensor for slot in self.views.host.get(quantity, ())):
            held = tensor.held()
            for slot in self.views.host[quantity]:
                if slot.tensor is tensor:
                    out[:, slot.elements] = held[slot.rows[:, :, None], slot.columns[None]]
        for device_slot in self.views.on_device.get(quantity, ()):
            if device_slot.owner:
                flat = device_slot.array.numpy()
                mine = device_slot.place >= 0
                out[mine] = flat[device_slot.place[mine]]
        return out

    def _values(self, table: dict[str, np.ndarray], quantity: str) -> np.ndarray:
        if quantity not in table:
            held = ", ".join(sorted({*table, "gravity"}))
            raise EngineError(f"{self.name} does not hold '{quantity}' in this scene; it holds {held}")
        return table[quantity]
