"""Where PhysX keeps a quantity: rows of a tensor on the host, and copies on the simulation's device.

A tensor's row is whatever the solver takes at once: a link, or all joints of one articulation. A slot says which
columns of which rows hold which elements of a quantity, so that the engine knows nothing of assets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.engine import Elements


class HostTensor:
    """One property of many rows in PhysX, and the host buffer that it is uploaded from."""

    def __init__(
        self,
        name: str,
        shape: tuple[int, int],
        read: Callable[[np.ndarray], None],
        write: Callable[[np.ndarray, np.ndarray], None],
        follow: HostTensor | None = None,
        check: Callable[[np.ndarray, np.ndarray], None] | None = None,
    ) -> None:
        """Read the tensor once.

        Args:
            name: The property in the solver's words.
            shape: Rows and numbers per row.
            read: Fills a float32 array (rows, width) with what the solver holds.
            write: Takes such an array and the rows to write, int32 (k,), sorted.
            follow: A tensor with the same rows that a write of this one disturbs; its rows are uploaded afterwards.
            check: Called with the buffer and the rows before an upload; raises EngineError where PhysX would break.
        """
        self.name = name
        self.follow = follow
        self._check = check
        self._read, self._write = read, write
        self.buffer = np.zeros(shape, np.float32)
        """What the next upload takes, float32 (rows, width)."""
        read(self.buffer)
        self.uploads = 0
        """Rows uploaded so far."""

    def held(self) -> np.ndarray:
        """Return what the solver holds, float32 (rows, width)."""
        out = np.zeros_like(self.buffer)
        self._read(out)
        return out

    def upload(self, rows: np.ndarray) -> None:
        """Hand over the buffer's rows, int32 (k,)."""
        if self._check is not None:
            self._check(self.buffer, rows)
        self.uploads += len(rows)
        self._write(self.buffer, rows)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Some elements of a quantity in a host tensor."""

    tensor: HostTensor
    """The tensor."""
    elements: np.ndarray
    """Which elements of the quantity, int (k,)."""
    rows: np.ndarray
    """Row of each world's element, int (num_worlds, k)."""
    columns: np.ndarray
    """Columns of each element in its row, int (k, width)."""
    companion: np.ndarray | None = None
    """Columns that hold a fixed multiple of the value, int (k, width); None for none."""
    ratio: np.ndarray | None = None
    """That multiple, float32 (num_worlds, k, width)."""
    step: float = 0.0
    """Values are rounded to a multiple of this; nominal ones are kept as they are; 0 for no rounding."""


@dataclass(frozen=True, kw_only=True)
class DeviceSlot:
    """Some elements of a quantity in an array on the simulation's device."""

    name: str
    """The array in the simulator's words."""
    array: wp.array
    """Contiguous float32 array, taken as flat."""
    place: np.ndarray
    """Index into the flat array for each number, int32 (num_worlds, count, width); -1 where it holds none."""
    gain: np.ndarray | None = None
    """What the value is multiplied by before it is stored, float32 (num_worlds, count, width); None for 1."""
    owner: bool = False
    """True where this array is what the simulation uses; else it is a copy that others read."""


@dataclass(frozen=True, kw_only=True)
class PhysxViews:
    """What the glue hands over."""

    name: str
    """`ovphysx` or `isaacsim_physx`."""
    device: str
    """The simulation's device."""
    num_worlds: int
    """Worlds of this process."""
    elements: Elements
    """What a world consists of."""
    friction_combine: str
    """`max`, `average`, `min` or `multiply`."""
    host: Mapping[str, tuple[Slot, ...]]
    """Slots of each quantity on the host."""
    on_device: Mapping[str, tuple[DeviceSlot, ...]]
    """Slots of each quantity on the device."""
    constant: Mapping[str, np.ndarray]
    """Values of elements that no slot holds, float32 (count, width), by quantity; NaN elsewhere."""
    gravity: tuple[float, float, float]
    """The scene's gravity [m/s²]."""
    weightless: np.ndarray
    """Bodies that gravity does not pull: kinematic, or said so; bool (bodies,)."""
    gravity_direction: tuple[Any, ...] = ()
    """Device arrays of vec3 (num_worlds,) that hold the unit vector of gravity for whoever asks."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Targets that this scene cannot have, and why."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What a person should know about a target here."""
    written: Callable[[frozenset[str]], None] = lambda quantities: None
    """Called with the quantities that changed after each upload, so that caches can be dropped."""
