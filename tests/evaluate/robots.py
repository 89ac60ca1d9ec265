"""Contracts' robots for the tests of the engines: a Go2, a Panda, and a pendulum that is known in closed form."""

import hashlib
from pathlib import Path

from sim2real.contract import Joint, Robot
from sim2real_tasks.robots.vendor import vendor_urdf

GO2_POSE = {"hip": 0.1, "thigh": 0.8, "calf": -1.5}


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def go2():
    """The Go2 as our task trains it: Isaac Lab's gains, pose and motor curves."""
    urdf = "go2_description/urdf/go2.urdf"
    joints = []
    for leg in ("FL", "FR", "RL", "RR"):
        for part in ("hip", "thigh", "calf"):
            pos = GO2_POSE[part] * (-1 if part == "hip" and leg[1] == "R" else 1)
            if part == "thigh" and leg[0] == "R":
                pos = 1.0
            calf = part == "calf"
            joints.append(
                Joint(
                    name=f"{leg}_{part}_joint", default_pos=pos, drive="dc_motor", kp=25.0, kd=0.5,
                    effort_limit=45.43 if calf else 23.7, saturation_effort=45.43 if calf else 23.7,
                    velocity_limit=15.7 if calf else 30.1, armature=0.0164665 if calf else 0.0044814,
                )
            )  # fmt: skip
    return Robot(
        name="go2", urdf=urdf, urdf_sha256=digest(vendor_urdf(urdf)), base_link="base", start_pos=(0.0, 0.0, 0.4),
        joints=tuple(joints),
    )  # fmt: skip


def anymal():
    """The ANYmal C with the soft gains of Isaac Lab's simple drives."""
    urdf = "anymal_c_simple_description/urdf/anymal.urdf"
    joints = [
        Joint(
            name=f"{leg}_{part}", default_pos=pos * (-1 if leg[1] == "H" else 1), drive="dc_motor", kp=40.0, kd=5.0,
            effort_limit=80.0, saturation_effort=120.0, velocity_limit=7.5, armature=0.05,
        )
        for leg in ("LF", "LH", "RF", "RH")
        for part, pos in (("HAA", 0.0), ("HFE", 0.4), ("KFE", -0.8))
    ]  # fmt: skip
    return Robot(
        name="anymal_c", urdf=urdf, urdf_sha256=digest(vendor_urdf(urdf)), base_link="base", start_pos=(0.0, 0.0, 0.6),
        joints=tuple(joints),
    )  # fmt: skip


def panda():
    """The Panda: seven joints that move and two fingers that are held; its usual position gains."""
    urdf = "panda_description/urdf/panda.urdf"
    pose = (0.0, -0.569, 0.0, -2.81, 0.0, 3.037, 0.741)
    joints = [
        Joint(
            name=f"panda_joint{i + 1}", default_pos=pos, drive="implicit_pd", kp=400.0, kd=80.0,
            effort_limit=87.0 if i < 4 else 12.0, armature=0.1,
        )
        for i, pos in enumerate(pose)
    ]  # fmt: skip
    joints += [
        Joint(
            name=f"panda_finger_joint{i}", unit="m", default_pos=0.02, drive="implicit_pd", kp=2000.0, kd=100.0,
            effort_limit=200.0,
        )
        for i in (1, 2)
    ]  # fmt: skip
    return Robot(
        name="panda", urdf=urdf, urdf_sha256=digest(vendor_urdf(urdf)), base_link="panda_link0",
        end_effector="panda_hand", floating_base=False, joints=tuple(joints),
    )  # fmt: skip
