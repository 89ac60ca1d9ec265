"""Isaac Lab's device arrays as flat memory with addresses, whatever their shape, strides and element type."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.engines.physx.storage import DeviceSlot


def device_slot(
    name: str,
    array: Any,
    num_worlds: int,
    count: int,
    width: int,
    elements: np.ndarray,
    *,
    columns: np.ndarray | None = None,
    owner: bool = False,
) -> DeviceSlot:
    """Return where some elements of a quantity lie in an array whose first axis is the world and second the element.

    Args:
        name: The array in the simulator's words.
        array: Warp array (num_worlds, k) of float32 or of vectors of it, or (num_worlds, k, width).
        num_worlds: Worlds.
        count: Elements of the quantity, over all assets.
        width: Numbers per element.
        elements: Numbers of the elements, int (m,).
        columns: Which of the array's k each of them is; in order from 0 if None.
        owner: True where the simulation uses the array itself.
    """
    columns = np.arange(len(elements)) if columns is None else columns
    strides = [s // 4 for s in array.strides]
    inner = strides[2] if array.ndim == 3 else 1
    address = (
        np.arange(num_worlds)[:, None, None] * strides[0]
        + columns[None, :, None] * strides[1]
        + np.arange(width) * inner
    )
    place = np.full((num_worlds, count, width), -1, np.int32)
    place[:, elements] = address
    return DeviceSlot(name=name, array=flat_alias(array, int(address.max()) + 1), place=place, owner=owner)


def flat_alias(array: Any, size: int) -> Any:
    """Return `size` floats from where an array begins, sharing its memory and keeping it alive."""
    import warp as wp

    alias = wp.array(ptr=array.ptr, shape=(size,), dtype=wp.float32, device=array.device, copy=False)
    alias._sim2real_base = array
    return alias
