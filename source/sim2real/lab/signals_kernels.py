# mypy: ignore-errors
"""The kernels that put targets of one physics step after another into Newton's control."""

from __future__ import annotations

import warp as wp


@wp.kernel(enable_backward=False)
def write_targets(
    step: wp.array(dtype=wp.int32),
    targets: wp.array3d(dtype=wp.float32),
    ahead: wp.array(dtype=wp.int32),
    column: wp.array(dtype=wp.int32),
    control: wp.array3d(dtype=wp.float32),
):
    """Write one joint's target: of this physics step, or of the next where an actuator has read this one's already."""
    world, joint = wp.tid()
    i = wp.min(step[0] + ahead[joint], targets.shape[0] - 1)
    control[world, 0, column[joint]] = targets[i, world, joint]


@wp.kernel(enable_backward=False)
def count_step(step: wp.array(dtype=wp.int32)):
    """Count a physics step."""
    step[0] = step[0] + 1
