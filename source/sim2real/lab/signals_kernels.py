# mypy: ignore-errors
"""The kernels that act between the physics steps of a control step: targets go in, samples come out."""

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


JOINT_POS, JOINT_VEL, LIN_VEL, ANG_VEL, GRAVITY, IMU_ACC, IMU_GYRO = 0, 1, 2, 3, 4, 5, 6
"""What a term reads of an asset or of a sensor."""
_JOINT_POS, _JOINT_VEL = wp.constant(JOINT_POS), wp.constant(JOINT_VEL)
_LIN_VEL, _ANG_VEL, _GRAVITY = wp.constant(LIN_VEL), wp.constant(ANG_VEL), wp.constant(GRAVITY)


@wp.struct
class Source:
    """Where a term's numbers stand, and the line that its samples go into."""

    kind: wp.int32
    relative: wp.int32  # joints: less what is the default
    joints: wp.array(dtype=wp.int32)  # columns of `nominal`
    columns: wp.array(dtype=wp.int32)  # of `now`, in the solver's order
    now: wp.array2d(dtype=wp.float32)  # positions or velocities of joints
    nominal: wp.array2d(dtype=wp.float32)
    pose: wp.array(dtype=wp.transformf)
    velocity: wp.array(dtype=wp.spatial_vectorf)
    vector: wp.array(dtype=wp.vec3f)  # gravity, or what an IMU says
    steps: wp.int32  # physics steps of a control step
    count: wp.array(dtype=wp.int32)  # samples of its episode that a world has
    line: wp.array3d(dtype=wp.float32)  # (slots, worlds, elements)


@wp.kernel(enable_backward=False)
def take_samples(step: wp.array(dtype=wp.int32), sources: wp.array(dtype=Source)):
    """Write what is true after the physics steps that were taken so far; nothing before the first."""
    world, which = wp.tid()
    i = step[0] - 1
    if i < 0 or i >= sources[which].steps - 1:
        return
    slot = (sources[which].count[world] + i) % sources[which].line.shape[0]
    kind = sources[which].kind
    if kind == _JOINT_POS or kind == _JOINT_VEL:
        for e in range(sources[which].joints.shape[0]):
            y = sources[which].now[world, sources[which].columns[e]]
            if sources[which].relative != 0:
                y = y - sources[which].nominal[world, sources[which].joints[e]]
            sources[which].line[slot, world, e] = y
        return
    turn = wp.quat_identity()  # an IMU says what it says in its own frame
    if kind <= _GRAVITY:
        turn = wp.transform_get_rotation(sources[which].pose[world])
    vector = wp.vec3(0.0, 0.0, 0.0)
    if kind == _LIN_VEL:
        vector = wp.spatial_top(sources[which].velocity[world])
    elif kind == _ANG_VEL:
        vector = wp.spatial_bottom(sources[which].velocity[world])
    elif kind == _GRAVITY:
        vector = wp.normalize(sources[which].vector[world])
    else:
        vector = sources[which].vector[world]
    vector = wp.quat_rotate_inv(turn, vector)
    for e in range(3):
        sources[which].line[slot, world, e] = vector[e]
