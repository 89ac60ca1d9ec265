"""Everything that touches a private name of Isaac Lab, Newton or Warp. Each function is guarded by version and
needed for a reason said here.
"""

from __future__ import annotations

CHECKED_WARP = "1.17"
"""The Warp release whose private constructor `allow_unpinned_arrays` was written against."""


def allow_unpinned_arrays() -> bool:
    """Let Isaac Lab's PhysX assets start on a machine without CUDA; return whether anything was changed.

    `isaaclab_ov` allocates page-locked staging arrays (`pinned=True`) whatever the device, and Warp refuses those
    when there is no CUDA driver. Without a GPU there is nothing to stage for, so ordinary memory is the same thing.
    On a CUDA machine nothing is touched. Calling it twice is the same as calling it once.

    Raises:
        RuntimeError: Warp is another release than the one this was checked against, and has no CUDA device.
    """
    import warp as wp

    wp.init()
    if wp.is_cuda_available():
        return False
    array = wp.types.array if hasattr(wp.types, "array") else wp.array
    if getattr(array, "_sim2real_unpinned", False):
        return True
    if not wp.__version__.startswith(CHECKED_WARP + ".") or not hasattr(array, "_init_new"):
        raise RuntimeError(
            f"Warp {wp.__version__} without CUDA: page-locked arrays are known to fail with {CHECKED_WARP}, and this"
            " release was not checked; install warp-lang as pinned by Isaac Lab"
        )
    original = array._init_new

    def unpinned(self, dtype, shape, strides, device, pinned):
        return original(self, dtype, shape, strides, device, False)

    array._init_new = unpinned
    array._sim2real_unpinned = True
    return True
