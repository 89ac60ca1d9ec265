"""A small contract of a policy that feels its own state, for the tests."""

from sim2real.contract import (
    Command,
    Contract,
    GoldenReference,
    Joint,
    JointPositionAction,
    ObservationTerm,
    Robot,
    StateObservation,
    TrainingRun,
)

JOINTS = ("hip", "knee", "ankle")


def terms(history=1):
    """One term of most kinds, with unlike sizes, scales and clips."""
    return (
        ObservationTerm(name="gyro", kind="base_ang_vel", size=3, unit="rad/s", scale=(0.25,), history=history),
        ObservationTerm(name="down", kind="projected_gravity", size=3, unit="1", history=history),
        ObservationTerm(
            name="wanted",
            kind="velocity_command",
            size=3,
            unit="m/s, m/s, rad/s",
            command="base_velocity",
            scale=(2.0, 2.0, 0.25),
            history=history,
        ),
        ObservationTerm(
            name="angles",
            kind="joint_pos",
            size=3,
            unit="rad",
            joints=("ankle", "hip", "knee"),
            offset=(0.3, 0.1, -0.2),
            clip=(-1.0, 1.0),
            history=history,
        ),
        ObservationTerm(
            name="speeds",
            kind="joint_vel",
            size=2,
            unit="rad/s",
            joints=("knee", "hip"),
            scale=(0.05,),
            history=history,
        ),
        ObservationTerm(name="last", kind="last_action", size=3, unit="1", history=history),
    )


def make(history=1, layout="term_major", history_order="oldest_first", **changes):
    """A contract with test defaults."""
    joint = {"kp": 25.0, "kd": 0.5, "effort_limit": 20.0, "armature": 0.01}
    values = {
        "name": "walk",
        "task": "Test-Velocity-Flat",
        "observation": StateObservation(
            terms=terms(history),
            layout=layout,
            history_order=history_order,
            commands=(
                Command(
                    name="base_velocity",
                    kind="velocity_command",
                    ranges={"lin_vel_x": (-1, 1), "lin_vel_y": (-0.5, 0.5), "ang_vel_z": (-1, 1)},
                    heading_stiffness=0.5,
                ),
            ),
        ),
        "action": JointPositionAction(
            joints=("knee", "hip", "ankle"), scale=(0.5, 0.25, 0.1), offset=(-0.2, 0.1, 0.3), raw_clip=(-10, 10)
        ),
        "rate_hz": 50,
        "robot": Robot(
            name="leg",
            urdf="leg/leg.urdf",
            urdf_sha256="d" * 64,
            base_link="base",
            joints=tuple(
                Joint(name=name, default_pos=pos, **joint) for name, pos in zip(JOINTS, (0.1, -0.2, 0.3), strict=True)
            ),
        ),
        "run": TrainingRun(physics="newton_mjwarp", physics_dt_s=0.005, decimation=4, seed=7),
        "code_version": "0.1.0",
        "golden": GoldenReference(sha256="c" * 64, frames=16),
    }
    return Contract(**{**values, **changes})
