# ruff: noqa: UP018 - Warp needs float(0.0) and int(0) for variables that change inside a loop
# mypy: disable-error-code="valid-type, misc, index, arg-type, call-overload, operator"
"""Kernels of the constants that MuJoCo's solver derives from masses, inertias and joint frames.

The solver keeps diagonals of M^-1 and of J M^-1 J^T at the reference pose. MuJoCo gets them from a factor of M and one
solve per row. For trees there is a shorter way, linear in the number of joints: the articulated-body inertia, from the
leaves to the root, gives every joint's D = S^T I S + armature (Featherstone, Rigid Body Dynamics Algorithms, ch. 7);
the inverse inertia that the world feels at a body follows from its parent's, from the root to the leaves:

    w = I S / D,   y = L w,   a = 1/D + w^T y,   L' = L - S y^T - y S^T + a S S^T

L maps a wrench on a body to its acceleration, and `a` is the joint's diagonal entry of M^-1 itself. Bodies without
joints are part of the body that carries them. All vectors are about the origin of the tree's root body, along its
axes, so that it does not matter where a robot stands. Spatial vectors are (angular, linear); a 6 x 6 matrix is stored
as its blocks [[A, B], [B^T, C]]. The arithmetic is double: a point near a joint's axis has a small inverse weight that
is the difference of large numbers, of which single precision would leave four digits.
"""

from __future__ import annotations

import warp as wp

TINY = wp.constant(wp.float64(1e-15))
"""MuJoCo's smallest divisor."""


@wp.struct
class Tree:
    """What never changes: which body hangs on which, and the numbering of joints. MuJoCo's numbering throughout."""

    nbody: int
    nv: int
    njnt: int
    nu: int
    body_parent: wp.array(dtype=int)
    body_root: wp.array(dtype=int)
    body_carrier: wp.array(dtype=int)
    """Nearest body up the tree, itself included, that has a degree of freedom; 0 for what cannot move."""
    body_dof: wp.array(dtype=int)
    body_dofs: wp.array(dtype=int)
    body_joint: wp.array(dtype=int)
    body_joints: wp.array(dtype=int)
    joint_type: wp.array(dtype=int)
    joint_dof: wp.array(dtype=int)
    joint_q: wp.array(dtype=int)
    dof_parent: wp.array(dtype=int)
    dof_first: wp.array(dtype=int)
    """First of the degrees of freedom that share one average with this one."""
    dof_count: wp.array(dtype=int)
    """How many share it: 1 or 3."""
    actuator_dof: wp.array(dtype=int)
    """Degree of freedom that an actuator drives."""


@wp.struct
class Pose:
    """Every world at its reference pose, each tree in the frame of its root body."""

    position: wp.array2d(dtype=wp.vec3d)
    rotation: wp.array2d(dtype=wp.mat33d)
    axis_angular: wp.array2d(dtype=wp.vec3d)
    axis_linear: wp.array2d(dtype=wp.vec3d)


@wp.struct
class Scratch:
    """Room for the worlds in flight."""

    a: wp.array2d(dtype=wp.mat33d)
    b: wp.array2d(dtype=wp.mat33d)
    c: wp.array2d(dtype=wp.mat33d)
    rigid: wp.array2d(dtype=wp.mat33d)
    moment: wp.array2d(dtype=wp.vec3d)
    centre: wp.array2d(dtype=wp.vec3d)
    mass: wp.array2d(dtype=wp.float64)
    w_angular: wp.array2d(dtype=wp.vec3d)
    w_linear: wp.array2d(dtype=wp.vec3d)
    pivot: wp.array2d(dtype=wp.float64)
    """1 / D of each degree of freedom."""
    diagonal: wp.array2d(dtype=wp.float64)
    """Diagonal of M^-1."""
    inertia: wp.array2d(dtype=wp.float64)
    """Diagonal of M, without the armature that locks kinematic bodies."""
    force: wp.array2d(dtype=wp.float64)
    angular: wp.array2d(dtype=wp.vec3d)
    linear: wp.array2d(dtype=wp.vec3d)


@wp.struct
class Sources:
    """What the constants are made of; rows are worlds."""

    body_to_newton: wp.array2d(dtype=int)
    dof_to_newton: wp.array2d(dtype=int)
    body_mass: wp.array2d(dtype=float)
    body_com: wp.array2d(dtype=wp.vec3)
    body_inertia: wp.array(dtype=wp.mat33)
    """Newton's: about the CoM, along the body's axes."""
    dof_armature: wp.array2d(dtype=float)
    joint_armature: wp.array(dtype=float)
    """Newton's: without the armature that locks kinematic bodies."""
    actuator_gear: wp.array2d(dtype=wp.spatial_vector)


@wp.struct
class Constants:
    """What is derived; rows are worlds."""

    body_subtreemass: wp.array2d(dtype=float)
    body_invweight0: wp.array2d(dtype=wp.vec2)
    dof_invweight0: wp.array2d(dtype=float)
    meaninertia: wp.array(dtype=float)
    actuator_acc0: wp.array2d(dtype=float)


@wp.func
def double(v: wp.vec3) -> wp.vec3d:
    """The same vector in double precision."""
    return wp.vec3d(wp.float64(v[0]), wp.float64(v[1]), wp.float64(v[2]))


@wp.func
def turned(q: wp.quat) -> wp.quatd:
    """A unit quaternion that MuJoCo stores as (w, x, y, z), as Warp's (x, y, z, w), in double precision."""
    return wp.normalize(wp.quatd(wp.float64(q[1]), wp.float64(q[2]), wp.float64(q[3]), wp.float64(q[0])))


@wp.kernel(enable_backward=False)
def place_bodies(
    index: wp.array(dtype=int),
    tree: Tree,
    body_pos: wp.array2d(dtype=wp.vec3),
    body_quat: wp.array2d(dtype=wp.quat),
    jnt_pos: wp.array2d(dtype=wp.vec3),
    jnt_axis: wp.array2d(dtype=wp.vec3),
    qpos0: wp.array2d(dtype=float),
    quat: wp.array2d(dtype=wp.quatd),
    pose: Pose,
):
    """Place the bodies of a world at its reference pose and express its joint axes there."""
    world = index[wp.tid()]
    if world < 0:
        return
    for body in range(1, tree.nbody):
        x = wp.vec3d()
        q = wp.quatd(wp.float64(0.0), wp.float64(0.0), wp.float64(0.0), wp.float64(1.0))
        if body != tree.body_root[body]:
            parent = tree.body_parent[body]
            x = pose.position[world, parent] + wp.quat_rotate(quat[world, parent], double(body_pos[world, body]))
            q = quat[world, parent] * turned(body_quat[world, body])
        for joint in range(tree.body_joint[body], tree.body_joint[body] + tree.body_joints[body]):
            if tree.joint_type[joint] == 1:
                start = tree.joint_q[joint]
                anchor = x + wp.quat_rotate(q, double(jnt_pos[world, joint]))
                turn = wp.quat(
                    qpos0[world, start], qpos0[world, start + 1], qpos0[world, start + 2], qpos0[world, start + 3]
                )
                q = q * turned(turn)
                x = anchor - wp.quat_rotate(q, double(jnt_pos[world, joint]))
        q = wp.normalize(q)
        pose.position[world, body] = x
        quat[world, body] = q
        r = wp.quat_to_matrix(q)
        pose.rotation[world, body] = r
        for joint in range(tree.body_joint[body], tree.body_joint[body] + tree.body_joints[body]):
            kind = tree.joint_type[joint]
            dof = tree.joint_dof[joint]
            anchor = x + r * double(jnt_pos[world, joint])
            axis = r * double(jnt_axis[world, joint])
            if kind == 0:
                anchor = x
                for k in range(3):
                    unit = wp.vec3d()
                    unit[k] = wp.float64(1.0)
                    pose.axis_angular[world, dof + k] = wp.vec3d()
                    pose.axis_linear[world, dof + k] = unit
                dof += 3
            if kind <= 1:
                for k in range(3):
                    column = wp.vec3d(r[0, k], r[1, k], r[2, k])
                    pose.axis_angular[world, dof + k] = column
                    pose.axis_linear[world, dof + k] = wp.cross(anchor, column)
            elif kind == 2:
                pose.axis_angular[world, dof] = wp.vec3d()
                pose.axis_linear[world, dof] = axis
            else:
                pose.axis_angular[world, dof] = axis
                pose.axis_linear[world, dof] = wp.cross(anchor, axis)


@wp.func
def load_bodies(tree: Tree, sources: Sources, pose: Pose, world: int, slot: int, scratch: Scratch):
    """Put every body's own spatial inertia into the scratch."""
    eye = wp.identity(n=3, dtype=wp.float64)
    for body in range(1, tree.nbody):
        mass = wp.float64(sources.body_mass[world, body])
        r = pose.rotation[world, body]
        p = pose.position[world, body] + r * double(sources.body_com[world, body])
        inertia = r * wp.mat33d(sources.body_inertia[sources.body_to_newton[world, body]]) * wp.transpose(r)
        inertia = inertia + (eye * wp.dot(p, p) - wp.outer(p, p)) * mass
        scratch.mass[slot, body] = mass
        scratch.centre[slot, body] = p
        scratch.moment[slot, body] = p * mass
        scratch.rigid[slot, body] = inertia
        scratch.a[slot, body] = inertia
        scratch.b[slot, body] = wp.skew(p * mass)
        scratch.c[slot, body] = eye * mass


@wp.func
def gather_inertias(tree: Tree, sources: Sources, pose: Pose, world: int, slot: int, scratch: Scratch):
    """Go from the leaves to the root: rigid and articulated inertias, and every joint's pivot."""
    for i in range(1, tree.nbody):
        body = tree.nbody - i
        a = scratch.a[slot, body]
        b = scratch.b[slot, body]
        c = scratch.c[slot, body]
        rigid = scratch.rigid[slot, body]
        moment = scratch.moment[slot, body]
        mass = scratch.mass[slot, body]
        first = tree.body_dof[body]
        count = tree.body_dofs[body]
        for k in range(count):
            dof = first + count - 1 - k
            sa = pose.axis_angular[world, dof]
            sl = pose.axis_linear[world, dof]
            scratch.inertia[slot, dof] = (
                wp.dot(sa, rigid * sa)
                + wp.float64(2.0) * wp.dot(sa, wp.cross(moment, sl))
                + mass * wp.dot(sl, sl)
                + wp.float64(sources.joint_armature[sources.dof_to_newton[world, dof]])
            )
            ua = a * sa + b * sl
            ul = sa * b + c * sl
            d = wp.dot(sa, ua) + wp.dot(sl, ul) + wp.float64(sources.dof_armature[world, dof])
            pivot = wp.float64(1.0) / wp.max(d, TINY)
            wa = ua * pivot
            wl = ul * pivot
            a = a - wp.outer(ua, wa)
            b = b - wp.outer(ua, wl)
            c = c - wp.outer(ul, wl)
            scratch.pivot[slot, dof] = pivot
            scratch.w_angular[slot, dof] = wa
            scratch.w_linear[slot, dof] = wl
        parent = tree.body_parent[body]
        if parent > 0:
            scratch.a[slot, parent] = scratch.a[slot, parent] + a
            scratch.b[slot, parent] = scratch.b[slot, parent] + b
            scratch.c[slot, parent] = scratch.c[slot, parent] + c
            scratch.rigid[slot, parent] = scratch.rigid[slot, parent] + rigid
            scratch.moment[slot, parent] = scratch.moment[slot, parent] + moment
            scratch.mass[slot, parent] = scratch.mass[slot, parent] + mass


@wp.func
def spread_mobility(tree: Tree, pose: Pose, world: int, slot: int, scratch: Scratch, out: Constants):
    """Go from the root to the leaves: inverse inertias at the bodies (kept in a, b, c) and the diagonal of M^-1."""
    half = wp.float64(0.5)
    third = wp.float64(1.0) / wp.float64(3.0)
    total = wp.float64(0.0)
    out.body_invweight0[world, 0] = wp.vec2(0.0, 0.0)
    for body in range(1, tree.nbody):
        total += wp.where(tree.body_parent[body] == 0, scratch.mass[slot, body], wp.float64(0.0))
        out.body_subtreemass[world, body] = float(scratch.mass[slot, body])
        carrier = tree.body_carrier[body]
        a = wp.mat33d()
        b = wp.mat33d()
        c = wp.mat33d()
        if carrier != body:
            if carrier > 0:
                a = scratch.a[slot, carrier]
                b = scratch.b[slot, carrier]
                c = scratch.c[slot, carrier]
        else:
            above = tree.body_carrier[tree.body_parent[body]]
            if above > 0:
                a = scratch.a[slot, above]
                b = scratch.b[slot, above]
                c = scratch.c[slot, above]
            for dof in range(tree.body_dof[body], tree.body_dof[body] + tree.body_dofs[body]):
                sa = pose.axis_angular[world, dof]
                sl = pose.axis_linear[world, dof]
                wa = scratch.w_angular[slot, dof]
                wl = scratch.w_linear[slot, dof]
                ya = a * wa + b * wl
                yl = wa * b + c * wl
                entry = scratch.pivot[slot, dof] + wp.dot(wa, ya) + wp.dot(wl, yl)
                scratch.diagonal[slot, dof] = entry
                za = ya - sa * (half * entry)
                zl = yl - sl * (half * entry)
                a = a - wp.outer(sa, za) - wp.outer(za, sa)
                b = b - wp.outer(sa, zl) - wp.outer(za, sl)
                c = c - wp.outer(sl, zl) - wp.outer(zl, sl)
            scratch.a[slot, body] = a
            scratch.b[slot, body] = b
            scratch.c[slot, body] = c
        p = scratch.centre[slot, body]
        turn = wp.vec3d(b[2, 1] - b[1, 2], b[0, 2] - b[2, 0], b[1, 0] - b[0, 1])
        trace = wp.trace(a)
        linear = wp.trace(c) + wp.float64(2.0) * wp.dot(p, turn) + wp.dot(p, p) * trace - wp.dot(p, a * p)
        linear = linear * third
        angular = trace * third
        if linear < TINY and angular > TINY:
            linear = angular
        elif angular < TINY and linear > TINY:
            angular = linear
        out.body_invweight0[world, body] = wp.vec2(float(linear), float(angular))
    out.body_subtreemass[world, 0] = float(total)


@wp.func
def average_dofs(tree: Tree, world: int, slot: int, scratch: Scratch, out: Constants):
    """Average the diagonals over joints with several axes, and the inertia over all."""
    total = wp.float64(0.0)
    for dof in range(tree.nv):
        total += scratch.inertia[slot, dof]
        count = tree.dof_count[dof]
        first = tree.dof_first[dof]
        weight = wp.float64(0.0)
        for k in range(count):
            weight += scratch.diagonal[slot, first + k]
        out.dof_invweight0[world, dof] = float(weight / wp.float64(count))
    if tree.nv > 0:
        out.meaninertia[world] = float(total / wp.float64(tree.nv))
    else:
        out.meaninertia[world] = 1.0


@wp.func
def accelerate_actuators(
    tree: Tree, sources: Sources, pose: Pose, world: int, slot: int, scratch: Scratch, out: Constants
):
    """The norm of the acceleration that each actuator's unit force causes: a column of M^-1, in two passes."""
    for actuator in range(tree.nu):
        driven = tree.actuator_dof[actuator]
        for dof in range(tree.nv):
            scratch.force[slot, dof] = wp.float64(0.0)
        pa = wp.vec3d()
        pl = wp.vec3d()
        dof = driven
        while dof >= 0:
            force = -wp.dot(pose.axis_angular[world, dof], pa) - wp.dot(pose.axis_linear[world, dof], pl)
            if dof == driven:
                force = wp.float64(sources.actuator_gear[world, actuator][0])
            scratch.force[slot, dof] = force
            pa = pa + scratch.w_angular[slot, dof] * force
            pl = pl + scratch.w_linear[slot, dof] * force
            dof = tree.dof_parent[dof]
        total = wp.float64(0.0)
        for k in range(tree.nv):
            va = wp.vec3d()
            vl = wp.vec3d()
            parent = tree.dof_parent[k]
            if parent >= 0:
                va = scratch.angular[slot, parent]
                vl = scratch.linear[slot, parent]
            value = scratch.force[slot, k] * scratch.pivot[slot, k]
            value -= wp.dot(scratch.w_angular[slot, k], va) + wp.dot(scratch.w_linear[slot, k], vl)
            scratch.angular[slot, k] = va + pose.axis_angular[world, k] * value
            scratch.linear[slot, k] = vl + pose.axis_linear[world, k] * value
            total += value * value
        out.actuator_acc0[world, actuator] = float(wp.sqrt(total))


@wp.kernel(enable_backward=False)
def refresh_constants(
    index: wp.array(dtype=int),
    count: int,
    slots: int,
    tree: Tree,
    sources: Sources,
    pose: Pose,
    scratch: Scratch,
    out: Constants,
):
    """Derive the constants of the worlds in `index`; each thread takes every `slots`-th of them, in its own scratch."""
    slot = wp.tid()
    for entry in range(slot, count, slots):
        world = index[entry]
        if world >= 0:
            load_bodies(tree, sources, pose, world, slot, scratch)
            gather_inertias(tree, sources, pose, world, slot, scratch)
            spread_mobility(tree, pose, world, slot, scratch, out)
            average_dofs(tree, world, slot, scratch, out)
            accelerate_actuators(tree, sources, pose, world, slot, scratch, out)
