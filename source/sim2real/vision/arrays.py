"""NumPy or Warp in, the same kind out: the few lines between the public functions and the kernels.

On the CPU nothing is copied: kernels read the caller's memory and the result is a view of the kernel's output.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.vision.errors import VisionError


def is_numpy(array: Any) -> bool:
    """Whether the caller works with NumPy (or something that NumPy reads) rather than with Warp arrays."""
    return isinstance(array, (np.ndarray, list, tuple))


def kernel_input(array: Any, name: str, dtype: Any, ndim: int, device: Any = "cpu") -> Any:
    """The array as a Warp array that a kernel can read.

    Args:
        array: NumPy or Warp array.
        name: what it is called in errors.
        dtype: the NumPy scalar type that the kernel reads.
        ndim: number of dimensions.
        device: where NumPy data goes; Warp arrays stay where they are.

    Raises:
        VisionError: another number of dimensions, or a Warp array of another type.
    """
    import warp as wp

    wp_dtype = wp.dtype_from_numpy(np.dtype(dtype))
    if is_numpy(array):
        data = np.ascontiguousarray(array, dtype=dtype)
        if data.ndim != ndim:
            raise VisionError(f"{name} has shape {data.shape}; it needs {ndim} dimensions.")
        return wp.array(data, dtype=wp_dtype, device=device, copy=False)
    if not isinstance(array, wp.array):
        raise VisionError(f"{name} is a {type(array).__name__}; give a NumPy array or a warp.array (wp.from_torch).")
    if array.ndim != ndim or array.dtype != wp_dtype:
        raise VisionError(
            f"{name} is a warp.array of {array.dtype.__name__} with shape {array.shape}; "
            f"it needs {np.dtype(dtype).name} and {ndim} dimensions."
        )
    return array


def per_frame(value: Any, name: str, count: int, dtype: Any = np.float32) -> np.ndarray:
    """One number, or one per frame, as an array of shape ``(count,)``.

    Raises:
        VisionError: neither one value nor ``count`` values.
    """
    data = value.numpy() if hasattr(value, "numpy") else np.asarray(value)
    if data.ndim > 1 or (data.ndim == 1 and data.shape[0] != count):
        raise VisionError(f"{name} has shape {data.shape}; give one value, or one for each of the {count} frames.")
    return np.ascontiguousarray(np.broadcast_to(data, (count,)), dtype=dtype)


def counter_words(value: Any, name: str, count: int) -> np.ndarray:
    """Counter words of the frames: whole numbers in [0, 2^32), uint32 ``(count,)``.

    Raises:
        VisionError: fractions, or numbers outside [0, 2^32).
    """
    words = per_frame(value, name, count, dtype=None)
    if words.size and (words.dtype.kind not in "iu" or int(words.min()) < 0 or int(words.max()) >= 2**32):
        raise VisionError(f"{name} holds values that are not whole numbers from 0 to 2^32 - 1.")
    return words.astype(np.uint32)


def run_length(device: Any, width: int) -> int:
    """Pixels that one thread does: a whole row on the CPU, one on CUDA."""
    return 1 if getattr(device, "is_cuda", False) else max(width, 1)
