# mypy: ignore-errors
"""The kernel behind the overflow guard."""

import warp as wp

BITS = {"constraints": 1 | 2, "contacts": 4 | 8 | 16}
"""Bits of MuJoCo Warp's per-world overflow field: constraint rows (count, nonzeros) and contacts (broad phase, narrow
phase, convex collision). Iteration limits are no overflow.
"""


@wp.kernel(enable_backward=False, module="unique")
def collect_overflow(
    overflow: wp.array(dtype=wp.int32),
    nefc: wp.array(dtype=wp.int32),
    nacon: wp.array(dtype=wp.int32),
    pipeline: wp.array(dtype=wp.int32),
    bits: wp.array(dtype=wp.int32),
    most: wp.array(dtype=wp.int32),
):
    """Keep all bits of each world and the largest counts of constraints, contacts and pipeline contacts."""
    world = wp.tid()
    bits[world] = bits[world] | overflow[world]
    wp.atomic_max(most, 0, nefc[world])
    if world == 0:
        wp.atomic_max(most, 1, nacon[0])
        wp.atomic_max(most, 2, pipeline[0])
