# ruff: noqa: UP018 - Warp needs float(0.0) for variables that change
# mypy: disable-error-code="valid-type, misc, index, arg-type, call-overload, assignment"
"""Kernels that put columns of world rows into Newton's model and MuJoCo Warp's, for some worlds only.

The first argument names the worlds; a thread has one element of one world. Newton's arrays are flat, so an element's
number there differs between worlds (`newton[world, element]`, -1: not there); MuJoCo's is the same (`mjw[element]`).
"""

from __future__ import annotations

import warp as wp

KINEMATIC = wp.constant(2)
"""Newton's flag of bodies that are moved and not pushed."""
SAME_SHAPE = wp.constant(2e-6)
"""Two inertias are multiples of each other when no entry differs by more than this share of the trace."""
SOFT_START, SOFT_END = wp.constant(wp.float32(0.9)), wp.constant(wp.float32(0.95))
"""MuJoCo's default impedance of a friction row: a joint at rest creeps under load."""
HARD = wp.constant(wp.float32(0.9999))
"""The hardest that MuJoCo takes."""


@wp.kernel(enable_backward=False)
def write_scalar(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    model_values: wp.array(dtype=float),
    mjw_values: wp.array2d(dtype=float),
):
    """Store one number of an element."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    value = values[world, k, 0]
    if newton[world, k] >= 0 and model_values:
        model_values[newton[world, k]] = value
    if mjw[k] >= 0 and mjw_values:
        mjw_values[world, mjw[k]] = value


@wp.kernel(enable_backward=False)
def harden_friction(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    model_softness: wp.array2d(dtype=float),
    mjw_softness: wp.array3d(dtype=float),
):
    """Where a joint gets friction, make MuJoCo's own softness of it hard; one that somebody chose stays."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0 or values[world, k, 0] <= 0.0 or mjw[k] < 0:
        return
    if mjw_softness[world, mjw[k], 0] != SOFT_START or mjw_softness[world, mjw[k], 1] != SOFT_END:
        return
    for i in range(2):
        mjw_softness[world, mjw[k], i] = HARD
        if model_softness and newton[world, k] >= 0:
            model_softness[newton[world, k], i] = HARD


@wp.kernel(enable_backward=False)
def write_mass(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    body_flags: wp.array(dtype=int),
    body_mass: wp.array(dtype=float),
    body_inv_mass: wp.array(dtype=float),
    mjw_mass: wp.array2d(dtype=float),
):
    """Store a mass and its inverse; a kinematic body is as if infinitely heavy, a massless one has no inverse."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    mass = values[world, k, 0]
    body = newton[world, k]
    body_mass[body] = mass
    if (body_flags[body] & KINEMATIC) == 0:
        inverse = float(0.0)
        if mass > 0.0:
            inverse = 1.0 / mass
        body_inv_mass[body] = inverse
    if mjw[k] >= 0:
        mjw_mass[world, mjw[k]] = mass


@wp.kernel(enable_backward=False)
def write_com(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    body_com: wp.array(dtype=wp.vec3),
    mjw_ipos: wp.array2d(dtype=wp.vec3),
):
    """Store a centre of mass."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    com = wp.vec3(values[world, k, 0], values[world, k, 1], values[world, k, 2])
    body_com[newton[world, k]] = com
    if mjw[k] >= 0:
        mjw_ipos[world, mjw[k]] = com


@wp.func
def principal_axes(inertia: wp.mat33):
    """Principal moments, largest first as MuJoCo wants them, and the axes as a quaternion (w, x, y, z).

    In double precision: in single precision close moments are found to three digits.
    """
    axes, moments = wp.eig3(wp.mat33d(inertia))
    x = wp.vec3d(axes[0, 0], axes[1, 0], axes[2, 0])
    y = wp.vec3d(axes[0, 1], axes[1, 1], axes[2, 1])
    z = wp.vec3d(axes[0, 2], axes[1, 2], axes[2, 2])
    a = moments[0]
    b = moments[1]
    c = moments[2]
    if a < b:
        a, b = b, a
        x, y = y, x
    if b < c:
        b, c = c, b
        y, z = z, y
    if a < b:
        a, b = b, a
        x, y = y, x
    z = wp.cross(x, y)
    q = wp.normalize(wp.quat_from_matrix(wp.matrix_from_cols(x, y, z)))
    return wp.vec3(float(a), float(b), float(c)), wp.quat(float(q[3]), float(q[0]), float(q[1]), float(q[2]))


@wp.kernel(enable_backward=False)
def write_inertia(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    nominal: wp.array2d(dtype=wp.mat33),
    nominal_moments: wp.array2d(dtype=wp.vec3),
    nominal_axes: wp.array2d(dtype=wp.quat),
    body_flags: wp.array(dtype=int),
    body_inertia: wp.array(dtype=wp.mat33),
    body_inv_inertia: wp.array(dtype=wp.mat33),
    mjw_inertia: wp.array2d(dtype=wp.vec3),
    mjw_iquat: wp.array2d(dtype=wp.quat),
):
    """Store an inertia, its inverse and its principal axes; a multiple of the nominal one keeps the nominal axes."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    inertia = wp.mat33(
        values[world, k, 0], values[world, k, 1], values[world, k, 2],
        values[world, k, 3], values[world, k, 4], values[world, k, 5],
        values[world, k, 6], values[world, k, 7], values[world, k, 8],
    )  # fmt: skip
    body = newton[world, k]
    if body_inertia[body] == inertia:
        return
    body_inertia[body] = inertia
    if (body_flags[body] & KINEMATIC) == 0:
        inverse = wp.mat33(0.0)
        if wp.determinant(inertia) > 0.0:
            inverse = wp.inverse(inertia)
        body_inv_inertia[body] = inverse
    if mjw[k] < 0:
        return
    before = nominal[world, k]
    scale = wp.trace(inertia) / wp.trace(before)
    difference = inertia - before * scale
    largest = wp.max(
        wp.max(wp.abs(difference[0])), wp.max(wp.max(wp.abs(difference[1])), wp.max(wp.abs(difference[2])))
    )
    moments = nominal_moments[world, k] * scale
    axes = nominal_axes[world, k]
    if not (largest <= SAME_SHAPE * wp.trace(inertia)):
        moments, axes = principal_axes(inertia)
    mjw_inertia[world, mjw[k]] = moments
    mjw_iquat[world, mjw[k]] = axes


@wp.kernel(enable_backward=False)
def write_limit(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    lower: wp.array(dtype=float),
    upper: wp.array(dtype=float),
    jnt_range: wp.array2d(dtype=wp.vec2),
):
    """Store a joint's limits."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    dof = newton[world, k]
    lower[dof] = values[world, k, 0]
    upper[dof] = values[world, k, 1]
    if mjw[k] >= 0:
        jnt_range[world, mjw[k]] = wp.vec2(values[world, k, 0], values[world, k, 1])


@wp.kernel(enable_backward=False)
def write_friction(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    shape_mu: wp.array(dtype=float),
    geom_friction: wp.array2d(dtype=wp.vec3),
):
    """Store a shape's sliding friction; its torsional and rolling friction stay."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    mu = values[world, k, 0]
    if newton[world, k] >= 0:
        shape_mu[newton[world, k]] = mu
    old = geom_friction[world, mjw[k]]
    geom_friction[world, mjw[k]] = wp.vec3(mu, old[1], old[2])


@wp.kernel(enable_backward=False)
def write_contact(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    part: int,
    contact: wp.array3d(dtype=float),
    shape_values: wp.array(dtype=float),
    geom_solref: wp.array2d(dtype=wp.vec2),
):
    """Store a shape's contact stiffness (part 0) or damping (part 1), and both as MuJoCo's time constant and ratio."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    contact[world, k, part] = values[world, k, 0]
    if newton[world, k] >= 0:
        shape_values[newton[world, k]] = values[world, k, 0]
    stiffness = contact[world, k, 0]
    damping = contact[world, k, 1]
    solref = wp.vec2(0.02, 1.0)
    if stiffness > 0.0 and damping > 0.0:
        solref = wp.vec2(2.0 / damping, damping / 2.0 * wp.sqrt(1.0 / stiffness))
    geom_solref[world, mjw[k]] = solref


@wp.kernel(enable_backward=False)
def write_gain(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    position: wp.array(dtype=int),
    velocity: wp.array(dtype=int),
    damps: wp.array(dtype=int),
    part: int,
    target_gain: wp.array(dtype=float),
    gainprm: wp.array3d(dtype=float),
    biasprm: wp.array3d(dtype=float),
):
    """Store the position gain (part 0) or velocity gain (part 1) of a joint that the solver itself drives."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0 or newton[world, k] < 0:
        return
    gain = values[world, k, 0]
    target_gain[newton[world, k]] = gain
    if part == 0:
        if position[k] >= 0:
            gainprm[world, position[k], 0] = gain
            biasprm[world, position[k], 1] = -gain
    else:
        if position[k] >= 0 and damps[k] == 1:
            biasprm[world, position[k], 2] = -gain
        if velocity[k] >= 0:
            gainprm[world, velocity[k], 0] = gain
            biasprm[world, velocity[k], 2] = -gain


@wp.kernel(enable_backward=False)
def write_effort(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    newton: wp.array2d(dtype=int),
    mjw: wp.array(dtype=int),
    effort_limit: wp.array(dtype=float),
    actfrcrange: wp.array2d(dtype=wp.vec2),
):
    """Store the largest torque of a joint's actuators."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    limit = values[world, k, 0]
    effort_limit[newton[world, k]] = limit
    if mjw[k] >= 0:
        actfrcrange[world, mjw[k]] = wp.vec2(-limit, limit)


@wp.kernel(enable_backward=False)
def write_motor(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    motor: wp.array2d(dtype=int),
    ratio: wp.array(dtype=float),
    motor_values: wp.array(dtype=float),
):
    """Store a number of Newton's own actuators: the column's value times a fixed ratio."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0 or motor[world, k] < 0:
        return
    motor_values[motor[world, k]] = values[world, k, 0] * ratio[motor[world, k]]


@wp.kernel(enable_backward=False)
def write_gravity(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    gravity: wp.array(dtype=wp.vec3),
    mjw_gravity: wp.array(dtype=wp.vec3),
):
    """Store a world's gravity."""
    entry, _one = wp.tid()
    world = index[entry]
    if world < 0:
        return
    g = wp.vec3(values[world, 0, 0], values[world, 0, 1], values[world, 0, 2])
    gravity[world] = g
    mjw_gravity[world] = g
