# mypy: ignore-errors
"""The kernel that changes a body as a whole: mass, centre of mass and inertia stay those of a rigid body.

The inertia is changed through the second moments of the mass, Sigma = tr(I)/2 - I, the upper block of the
pseudo-inertia matrix (Rucker and Wensing, "Smooth Parameterization of Rigid-Body Inertia", RA-L 2022). A triangular
factor L makes L Sigma L^T of it: positive where Sigma is, so the inertia stays positive definite and keeps the
triangle inequality, whatever was drawn. A load sits at the origin of
the body's frame and joins by the parallel-axis theorem. Computed in double, stored in float32.
"""

from __future__ import annotations

import warp as wp

from sim2real.engines import ops
from sim2real.engines.fold_kernels import blended

_MASS_SET = wp.constant(ops.MASS_SET)
_MASS_ADD = wp.constant(ops.MASS_ADD)
_COM_ADD = wp.constant(ops.COM_ADD)
_INERTIA_SCALE = wp.constant(ops.INERTIA_SCALE)
_INERTIA_AXES = wp.constant(ops.INERTIA_AXES)
_INERTIA_CHOLESKY = wp.constant(ops.INERTIA_CHOLESKY)


@wp.func
def drawn(
    values: wp.array2d(dtype=wp.float32), world: wp.int32, column: wp.int32, neutral: wp.float32, part: wp.float32
) -> wp.float64:
    """Return a draw in double, blended where a curriculum says so."""
    return wp.float64(blended(values[world, column], neutral, part))


@wp.func
def point_inertia(mass: wp.float64, arm: wp.vec3d) -> wp.mat33d:
    """Return the inertia of a point mass at the end of an arm."""
    return mass * (wp.dot(arm, arm) * wp.identity(n=3, dtype=wp.float64) - wp.outer(arm, arm))


@wp.func
def reshaped_inertia(inertia: wp.mat33d, factor: wp.mat33d) -> wp.mat33d:
    """Return the inertia after the second moments were multiplied by a factor from both sides."""
    one = wp.identity(n=3, dtype=wp.float64)
    moments = wp.float64(0.5) * wp.trace(inertia) * one - inertia
    moments = factor @ moments @ wp.transpose(factor)
    return wp.trace(moments) * one - moments


@wp.kernel(enable_backward=False)
def fold_bodies(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    part: wp.array(dtype=wp.float32),
    nominal_mass: wp.array3d(dtype=wp.float32),
    nominal_com: wp.array3d(dtype=wp.float32),
    nominal_inertia: wp.array3d(dtype=wp.float32),
    body: wp.array(dtype=wp.int32),
    start: wp.array(dtype=wp.int32),
    code: wp.array(dtype=wp.int32),
    column: wp.array(dtype=wp.int32),
    keep: wp.array(dtype=wp.int32),
    staged: wp.array(dtype=wp.int32),
    mass_row: wp.array3d(dtype=wp.float32),
    com_row: wp.array3d(dtype=wp.float32),
    inertia_row: wp.array3d(dtype=wp.float32),
):
    """Compute one body of one world."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    b = body[k]
    # Mass and centre of mass are plain arithmetic: in float32, they are the same numbers as a fold's.
    mass = nominal_mass[world, b, 0]
    com = wp.vec3(nominal_com[world, b, 0], nominal_com[world, b, 1], nominal_com[world, b, 2])
    inertia = wp.mat33d()
    for i in range(3):
        for j in range(3):
            inertia[i, j] = wp.float64(nominal_inertia[world, b, 3 * i + j])
    for i in range(start[k], start[k + 1]):
        c, op, share = column[i], code[i], part[staged[i]]
        if op <= _MASS_ADD:
            before = mass
            draw = values[world, c]
            if op == _MASS_SET:
                mass = blended(draw, mass, share)
            elif op == _MASS_ADD:
                mass = mass + blended(draw, wp.float32(0.0), share)
            else:
                mass = mass * blended(draw, wp.float32(1.0), share)
            if keep[i] != 0 and mass != before:
                inertia = inertia * (wp.float64(mass) / wp.float64(before))
        elif op == _COM_ADD:
            for j in range(3):
                com[j] = com[j] + blended(values[world, c + j], wp.float32(0.0), share)
        elif op == _INERTIA_SCALE:
            inertia = inertia * drawn(values, world, c, wp.float32(1.0), share)
        elif op <= _INERTIA_CHOLESKY:
            factor = wp.mat33d()
            for j in range(3):
                if op == _INERTIA_AXES:
                    factor[j, j] = wp.sqrt(drawn(values, world, c + j, wp.float32(1.0), share))
                else:
                    factor[j, j] = wp.exp(drawn(values, world, c + j, wp.float32(0.0), share))
            if op == _INERTIA_CHOLESKY:
                factor[0, 1] = drawn(values, world, c + 3, wp.float32(0.0), share)
                factor[1, 2] = drawn(values, world, c + 4, wp.float32(0.0), share)
                factor[0, 2] = drawn(values, world, c + 5, wp.float32(0.0), share)
            inertia = reshaped_inertia(inertia, factor)
        else:
            load = drawn(values, world, c, wp.float32(0.0), share)
            if load > wp.float64(0.0):
                own = wp.float64(mass)
                centre = wp.vec3d(wp.float64(com[0]), wp.float64(com[1]), wp.float64(com[2]))
                joint = own * centre / (own + load)
                inertia = inertia + point_inertia(own, centre - joint) + point_inertia(load, joint)
                mass = wp.float32(own + load)
                com = wp.vec3(wp.float32(joint[0]), wp.float32(joint[1]), wp.float32(joint[2]))
    mass_row[world, b, 0] = mass
    for i in range(3):
        com_row[world, b, i] = com[i]
        for j in range(3):
            inertia_row[world, b, 3 * i + j] = wp.float32(inertia[i, j])
