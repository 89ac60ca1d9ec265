# ruff: noqa: UP018 - Warp needs float(0.0) for variables that change
# mypy: disable-error-code="valid-type, misc, index, arg-type, call-overload"
"""Kernels of what follows from written properties beside the derived constants: limits, sleep, forces."""

from __future__ import annotations

import warp as wp

SMALLEST = wp.constant(2.220446049250313e-16)
"""Newton's smallest stiffness and damping of a limit."""


@wp.kernel(enable_backward=False)
def rescale_limits(
    index: wp.array(dtype=int),
    newton: wp.array2d(dtype=int),
    scaled: wp.array2d(dtype=int),
    jnt_dof: wp.array(dtype=int),
    limit_ke: wp.array(dtype=float),
    limit_kd: wp.array(dtype=float),
    invweight: wp.array2d(dtype=float),
    jnt_solimp: wp.array3d(dtype=float),
    jnt_solref: wp.array2d(dtype=wp.vec2),
):
    """Keep a limit's stiffness in N·m/rad: MuJoCo's is relative to the joint's inverse weight."""
    entry, joint = wp.tid()
    world = index[entry]
    if world < 0 or scaled[world, joint] == 0:
        return
    dof = newton[world, joint]
    weight = invweight[world, jnt_dof[joint]]
    widest = jnt_solimp[world, joint, 1]
    factor = float(1.0)
    if weight > 0.0 and widest < 1.0:
        factor = weight * (1.0 - widest)
    stiffness = wp.max(limit_ke[dof] * factor, SMALLEST)
    damping = wp.max(limit_kd[dof] * factor, SMALLEST)
    jnt_solref[world, joint] = wp.vec2(2.0 / damping, damping / 2.0 * wp.sqrt(1.0 / stiffness))


@wp.kernel(enable_backward=False)
def follow_limits(
    index: wp.array(dtype=int),
    actuator_joint: wp.array(dtype=int),
    jnt_limited: wp.array(dtype=int),
    jnt_range: wp.array2d(dtype=wp.vec2),
    gear: wp.array2d(dtype=wp.spatial_vector),
    lengthrange: wp.array2d(dtype=wp.vec2),
):
    """Bring the length range of an actuator to its joint's limits."""
    entry, actuator = wp.tid()
    world = index[entry]
    if world < 0:
        return
    joint = actuator_joint[actuator]
    ends = wp.vec2(0.0, 0.0)
    if jnt_limited[joint] != 0:
        ends = jnt_range[world, joint] * gear[world, actuator][0]
    lengthrange[world, actuator] = wp.vec2(wp.min(ends[0], ends[1]), wp.max(ends[0], ends[1]))


@wp.kernel(enable_backward=False)
def mark_worlds(index: wp.array(dtype=int), mask: wp.array(dtype=wp.bool)):
    """Set the mask of the named worlds."""
    world = index[wp.tid()]
    if world >= 0:
        mask[world] = True


@wp.kernel(enable_backward=False)
def store_wrench(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    wrench: wp.array(dtype=wp.spatial_vector),
):
    """Keep a wrench for the steps to come."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    wrench[newton[world, k]] = wp.spatial_vector(
        values[world, k, 0], values[world, k, 1], values[world, k, 2],
        values[world, k, 3], values[world, k, 4], values[world, k, 5],
    )  # fmt: skip


@wp.kernel(enable_backward=False)
def add_wrench(wrench: wp.array(dtype=wp.spatial_vector), body_f: wp.array(dtype=wp.spatial_vector)):
    """Add the kept wrenches to what the step applies."""
    body = wp.tid()
    body_f[body] = body_f[body] + wrench[body]
