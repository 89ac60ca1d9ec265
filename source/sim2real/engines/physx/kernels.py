# mypy: ignore-errors
"""Kernels of the PhysX engine: gather what changed, keep copies true, add up forces."""

from __future__ import annotations

import warp as wp


@wp.kernel(enable_backward=False)
def gather_rows(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    out: wp.array2d(dtype=wp.float32),
):
    """Copy the rows named by `index` (n,) out of `values` (num_worlds, columns)."""
    entry, column = wp.tid()
    world = index[entry]
    if world >= 0:
        out[entry, column] = values[world, column]


@wp.kernel(enable_backward=False)
def copy_rows(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    out: wp.array2d(dtype=wp.float32),
):
    """Copy the rows named by `index` (n,) to the same rows of `out` (num_worlds, columns)."""
    entry, column = wp.tid()
    world = index[entry]
    if world >= 0:
        out[world, column] = values[world, column]


@wp.kernel(enable_backward=False)
def scatter_rows(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    place: wp.array2d(dtype=wp.int32),
    gain: wp.array2d(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
):
    """Copy the rows named by `index` (n,) to where `place` (num_worlds, columns) says, times `gain` if there is one."""
    entry, column = wp.tid()
    world = index[entry]
    if world < 0:
        return
    target = place[world, column]
    if target >= 0:
        value = values[world, column]
        if gain.shape[0] > 0:
            value = value * gain[world, column]
        out[target] = value


@wp.kernel(enable_backward=False)
def turn_gravity(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    scene: wp.vec3,
    change: wp.array(dtype=wp.vec3),
):
    """Keep how far each world's gravity (num_worlds, 3) is from the scene's."""
    world = index[wp.tid()]
    if world >= 0:
        change[world] = wp.vec3(values[world, 0], values[world, 1], values[world, 2]) - scene


@wp.kernel(enable_backward=False)
def point_gravity(
    index: wp.array(dtype=wp.int32),
    scene: wp.vec3,
    change: wp.array(dtype=wp.vec3),
    direction: wp.array(dtype=wp.vec3),
):
    """Write the unit vector of each world's gravity; a world without gravity keeps the one it had."""
    world = index[wp.tid()]
    if world < 0:
        return
    gravity = scene + change[world]
    strength = wp.length(gravity)
    if strength > 0.0:
        direction[world] = gravity / strength


@wp.kernel(enable_backward=False)
def add_forces(
    first: wp.int32,
    push: wp.array3d(dtype=wp.float32),
    mass: wp.array2d(dtype=wp.float32),
    com: wp.array2d(dtype=wp.float32),
    pulled: wp.array(dtype=wp.float32),
    change: wp.array(dtype=wp.vec3),
    pose: wp.array2d(dtype=wp.transform),
    lever: wp.float32,
    force: wp.array2d(dtype=wp.vec3),
    torque: wp.array2d(dtype=wp.vec3),
):
    """Force and torque of one body: the push on it, and what its world's gravity adds; `lever` 1 for a solver that
    takes a force at the body's origin, so that the torque about it puts the force at the centre of mass.
    """
    world, k = wp.tid()
    b = first + k
    pushed = wp.vec3(push[world, b, 0], push[world, b, 1], push[world, b, 2])
    turned = wp.vec3(push[world, b, 3], push[world, b, 4], push[world, b, 5])
    total = pushed + mass[world, b] * pulled[b] * change[world]
    arm = wp.vec3(com[world, 3 * b], com[world, 3 * b + 1], com[world, 3 * b + 2])
    arm = lever * wp.quat_rotate(wp.transform_get_rotation(pose[world, k]), arm)
    force[world, k] = total
    torque[world, k] = turned + wp.cross(arm, total)
