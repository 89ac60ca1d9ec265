"""Newton models of vendors' robots, without Isaac Lab: what the tests of the Newton engine write into."""

import contextlib
import io
from importlib.metadata import distribution
from xml.etree import ElementTree

FOLDER = "cmeel.prefix/share/example-robot-data/robots"
ROBOTS = {
    "go2": "go2_description/urdf/go2.urdf",
    "g1": "g1_description/urdf/g1_29dof_with_hand_rev_1_0.urdf",
    "panda": "panda_description/urdf/panda.urdf",
}
"""Names of robots and their files in the package example-robot-data."""


def urdf(name):
    """A robot's URDF as text, without what is a mesh: the tests need bodies, joints and simple shapes."""
    path = distribution("example-robot-data").locate_file(f"{FOLDER}/{ROBOTS[name]}")
    root = ElementTree.parse(path).getroot()
    for link in root.iter("link"):
        for shape in [*link.findall("visual"), *link.findall("collision")]:
            if shape.tag == "visual" or shape.find("geometry/mesh") is not None:
                link.remove(shape)
    return ElementTree.tostring(root, encoding="unicode")


def robot_builder(name, floating=True, height=0.5):
    """A builder with one robot, position-controlled, armature 0.01, feet above the ground."""
    import newton
    import warp as wp

    builder = newton.ModelBuilder()
    newton.solvers.SolverMuJoCo.register_custom_attributes(builder)
    builder.default_joint_cfg.armature = 0.01
    with contextlib.redirect_stdout(io.StringIO()):
        builder.add_urdf(urdf(name), floating=floating, xform=wp.transform((0.0, 0.0, height), wp.quat_identity()))
    return builder


def robot_model(name, num_worlds, floating=True, actuated=False, device="cpu"):
    """A finalized model of `num_worlds` worlds with one robot each on one ground."""
    import newton

    robot = robot_builder(name, floating)
    if actuated:
        for dof in range(6 if floating else 0, len(robot.joint_target_ke)):
            robot.joint_target_mode[dof] = int(newton.JointTargetMode.POSITION)
            robot.joint_target_ke[dof], robot.joint_target_kd[dof] = 40.0, 1.0
    builder = newton.ModelBuilder()
    newton.solvers.SolverMuJoCo.register_custom_attributes(builder)
    builder.replicate(robot, num_worlds)
    builder.add_ground_plane()
    return builder.finalize(device=device)
