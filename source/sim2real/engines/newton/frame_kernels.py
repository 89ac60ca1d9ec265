# mypy: disable-error-code="valid-type, misc, index, arg-type, call-overload, assignment"
"""Kernels that place a body in its parent: where its joint frame stands, and how far the joint's encoder is off.

Both are kept, and either is written without losing the other. The place of a body is made of the nominal one each
time; with nominal values it has the nominal bits.
"""

from __future__ import annotations

import warp as wp


@wp.struct
class Frames:
    """Nominal frames, first axis worlds, second body elements; and what is held now."""

    joint: wp.array2d(dtype=int)
    """Newton's joint that carries the body, -1: none."""
    body: wp.array(dtype=int)
    """MuJoCo's body, -1: none."""
    axis: wp.array2d(dtype=wp.vec3)
    """The joint's axis in the parent's frame."""
    slides: wp.array(dtype=int)
    """1 where the joint slides."""
    rotation: wp.array2d(dtype=wp.quat)
    """Of the joint frame in the parent."""
    offset: wp.array2d(dtype=wp.vec3)
    """From there to MuJoCo's body frame, in the parent's axes [m]."""
    quat: wp.array2d(dtype=wp.quat)
    """Of MuJoCo's body frame in the parent; w first."""
    start: wp.array2d(dtype=wp.vec3)
    """Where the joint frame stands in the parent [m]."""
    position: wp.array2d(dtype=wp.vec3)
    """Where MuJoCo's body frame stands in the parent [m]."""
    place: wp.array2d(dtype=wp.vec3)
    """Held: where the joint frame stands in the parent [m]."""
    zero: wp.array2d(dtype=float)
    """Held: what the encoder reads beyond the joint's true place [rad or m]."""


@wp.func
def store_frame(
    frames: Frames,
    world: int,
    k: int,
    joint_x_p: wp.array(dtype=wp.transform),
    mjw_pos: wp.array2d(dtype=wp.vec3),
    mjw_quat: wp.array2d(dtype=wp.quat),
):
    """Store the frame of a body: the nominal one at its place, turned or shifted back by the encoder's error."""
    place = frames.place[world, k]
    rotation = frames.rotation[world, k]
    offset = frames.offset[world, k]
    quat = frames.quat[world, k]
    back = -frames.zero[world, k]
    if back != 0.0:
        if frames.slides[k] == 1:
            place = place + frames.axis[world, k] * back
        else:
            turn = wp.quat_from_axis_angle(frames.axis[world, k], back)
            rotation = wp.normalize(turn * rotation)
            offset = wp.quat_rotate(turn, offset)
            turned = wp.normalize(turn * wp.quat(quat[1], quat[2], quat[3], quat[0]))
            quat = wp.quat(turned[3], turned[0], turned[1], turned[2])
    joint_x_p[frames.joint[world, k]] = wp.transform(place, rotation)
    if frames.body[k] >= 0:
        position = place + offset
        if back == 0.0 and place == frames.start[world, k]:
            position = frames.position[world, k]
        mjw_pos[world, frames.body[k]] = position
        mjw_quat[world, frames.body[k]] = quat


@wp.kernel(enable_backward=False)
def write_position(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    frames: Frames,
    joint_x_p: wp.array(dtype=wp.transform),
    mjw_pos: wp.array2d(dtype=wp.vec3),
    mjw_quat: wp.array2d(dtype=wp.quat),
):
    """Store where a joint frame stands in its parent."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0 or frames.joint[world, k] < 0:
        return
    frames.place[world, k] = wp.vec3(values[world, k, 0], values[world, k, 1], values[world, k, 2])
    store_frame(frames, world, k, joint_x_p, mjw_pos, mjw_quat)


@wp.kernel(enable_backward=False)
def write_zero(
    index: wp.array(dtype=int),
    values: wp.array3d(dtype=float),
    hung: wp.array(dtype=int),
    frames: Frames,
    joint_x_p: wp.array(dtype=wp.transform),
    mjw_pos: wp.array2d(dtype=wp.vec3),
    mjw_quat: wp.array2d(dtype=wp.quat),
):
    """Store how far the encoder of a joint is off; `hung` is the body element that the joint places."""
    entry, j = wp.tid()
    world = index[entry]
    if world < 0 or hung[j] < 0:
        return
    frames.zero[world, hung[j]] = values[world, j, 0]
    store_frame(frames, world, hung[j], joint_x_p, mjw_pos, mjw_quat)
