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


def odd_model(num_worlds, device="cpu"):
    """Worlds with what robots rarely have: a fixed base, a ball joint, a slide, a joint with three axes, a body that
    hangs on a fixed joint, two trees, and a kinematic box.
    """
    import newton
    import warp as wp

    one = newton.ModelBuilder()
    newton.solvers.SolverMuJoCo.register_custom_attributes(one)
    one.default_joint_cfg.armature = 0.02
    turned = wp.quat_from_axis_angle(wp.normalize(wp.vec3(1.0, 2.0, 0.5)), 0.7)

    def link(label, mass, size, **other):
        moments = [mass * (b * b + c * c) / 12 for b, c in ((size[1], size[2]), (size[0], size[2]), (size[0], size[1]))]
        inertia = wp.mat33(moments[0], 0.1 * moments[0], 0.0, 0.1 * moments[0], moments[1], 0.0, 0.0, 0.0, moments[2])
        return one.add_link(label=label, mass=mass, inertia=inertia, com=wp.vec3(0.05, -0.03, 0.02), **other)

    def at(x, y, z):
        return {"parent_xform": wp.transform((x, y, z), turned), "child_xform": wp.transform((0.0, 0.1, 0.0), turned)}

    base, arm, hand, cap = (
        link(n, m, (0.3, 0.2, 0.1)) for n, m in (("base", 3.0), ("arm", 1.0), ("hand", 0.4), ("cap", 0.1))
    )
    joints = [
        one.add_joint_fixed(-1, base, label="floor", parent_xform=wp.transform((1.0, 2.0, 0.5), turned)),
        one.add_joint_ball(base, arm, label="shoulder", **at(0.1, 0.2, 0.3)),
        one.add_joint_prismatic(arm, hand, label="reach", axis=(0.0, 0.6, 0.8), **at(0.0, 0.4, 0.1)),
        one.add_joint_fixed(hand, cap, label="glue", **at(0.2, 0.0, 0.0)),
    ]
    one.add_articulation(joints)
    trunk, leg = link("trunk", 2.0, (0.4, 0.3, 0.2)), link("leg", 0.5, (0.1, 0.1, 0.4))
    axes = [newton.ModelBuilder.JointDofConfig(axis=axis, armature=0.02) for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    one.add_articulation(
        [
            one.add_joint_free(trunk, label="afloat"),
            one.add_joint_d6(trunk, leg, label="hip", angular_axes=axes, **at(0.0, 0.1, -0.2)),
        ]
    )
    box = link("box", 5.0, (0.5, 0.5, 0.5), is_kinematic=True)
    one.add_articulation([one.add_joint_free(box, label="held")])
    for body in (arm, leg, box):
        one.add_shape_box(body, hx=0.05, hy=0.05, hz=0.1)
    builder = newton.ModelBuilder()
    newton.solvers.SolverMuJoCo.register_custom_attributes(builder)
    builder.replicate(one, num_worlds)
    builder.add_ground_plane()
    return builder.finalize(device=device)


def solver_of(model, **options):
    """The MuJoCo Warp solver of a model."""
    import newton

    return newton.solvers.SolverMuJoCo(model, njmax=200, nconmax=100, **options)
