"""The kinematic chain: read from vendors' descriptions, and where it says links are, MuJoCo has them too."""

from dataclasses import replace

import numpy as np
import pytest

from contract.state_contracts import make
from sim2real.contract import Chain, ChainJoint, Contract, ContractError
from sim2real_tasks.robots.vendor import vendor_urdf

ROBOTS = ("go2_description/urdf/go2.urdf", "panda_description/urdf/panda.urdf", "ur_description/urdf/ur5_robot.urdf")

LEG = """<robot name="leg">
  <link name="base"/><link name="upper"/><link name="lower"/><link name="foot"/>
  <joint name="ankle" type="fixed"><parent link="lower"/><child link="foot"/><origin xyz="0 0 -0.1"/></joint>
  <joint name="hip" type="revolute"><parent link="base"/><child link="upper"/>
    <origin xyz="0.1 0 0" rpy="0 0 1.5707963"/><axis xyz="0 2 0"/>
    <limit lower="-1" upper="2" effort="20" velocity="8"/></joint>
  <joint name="knee" type="prismatic"><parent link="upper"/><child link="lower"/><axis xyz="0 0 -1"/>
    <limit lower="0" upper="0.5" effort="30" velocity="1"/><mimic joint="hip" multiplier="0.5" offset="0.1"/></joint>
</robot>"""


def test_a_leg_by_hand():
    """Order, limits, a normed axis, a joint that follows another; the foot where a sheet of paper has it."""
    chain = Chain.from_urdf(LEG)
    assert chain.root == "base" and chain.links == ("base", "upper", "lower", "foot")
    hip = chain.joint("hip")
    assert (hip.axis, hip.position_limit, hip.velocity_limit, hip.effort_limit) == ((0, 1, 0), (-1, 2), 8, 20)
    assert chain.joint("ankle").position_limit is None and chain.joint("knee").mimics == "hip"
    angle = np.array([0.0, 0.4])
    foot = chain.link_poses({"hip": angle})["foot"]
    long = 0.5 * angle + 0.1 + 0.1
    wanted = np.stack([np.full(2, 0.1), -long * np.sin(angle), -long * np.cos(angle)], axis=1)
    np.testing.assert_allclose(foot[:, :3, 3], wanted, atol=1e-6)


@pytest.mark.parametrize("name", ROBOTS)
def test_links_are_where_mujoco_has_them(name):
    """Random joint positions of three vendors' robots: frames of all bodies within a micrometre."""
    import mujoco

    path = vendor_urdf(name)
    chain = Chain.from_urdf(path.read_bytes(), str(path))
    spec = mujoco.MjSpec.from_string(without_meshes(path.read_text()))
    spec.compiler.fusestatic = False
    model = spec.compile()
    data = mujoco.MjData(model)
    rng = np.random.default_rng(5)
    free = [j.name for j in chain.joints if j.kind != "fixed" and j.mimics is None]
    compared = 0
    for _ in range(3):
        values = {joint: rng.uniform(-1, 1) for joint in free}
        followed = {j.name: values[j.mimics] * j.multiplier + j.offset for j in chain.joints if j.mimics is not None}
        for joint, value in {**values, **followed}.items():
            data.qpos[model.joint(joint).qposadr[0]] = value
        mujoco.mj_kinematics(model, data)
        poses = chain.link_poses(values)
        for i in range(1, model.nbody):
            pose = poses[model.body(i).name][0]
            np.testing.assert_allclose(pose[:3, 3], data.xpos[i], atol=1e-6)
            np.testing.assert_allclose(pose[:3, :3], data.xmat[i].reshape(3, 3), atol=1e-6)
            compared += 1
    assert compared >= 3 * len(free)


def without_meshes(text):
    """A description without shapes, so that MuJoCo looks for no files, and with a mass for every link."""
    from xml.etree import ElementTree

    root = ElementTree.fromstring(text)
    for link in root.findall("link"):
        for element in list(link):
            link.remove(element)
        inertial = ElementTree.SubElement(link, "inertial")
        ElementTree.SubElement(inertial, "mass", value="1")
        ElementTree.SubElement(inertial, "inertia", ixx="1", iyy="1", izz="1", ixy="0", ixz="0", iyz="0")
    return ElementTree.tostring(root, encoding="unicode")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:200], "leg.urdf: not XML"),
        (lambda text: text.replace('<link name="foot"/>', ""), "links and 3 joints are no tree"),
        (
            lambda text: text.replace('child link="lower"', 'child link="base"'),
            "its 4 links and 3 joints are no tree",
        ),
        (lambda text: text.replace('type="fixed"', 'type="planar"'), "ankle.kind is 'planar'; it must be one of revol"),
        (lambda text: text.replace('lower="-1"', 'lower="-1,0"'), "joint 'hip' cannot be read"),
        (lambda text: text.replace('lower="-1"', 'lower="3"'), "hip.position_limit is .*low <= high"),
        (lambda text: text.replace('mimic joint="hip"', 'mimic joint="toe"'), "knee.mimics is 'toe'"),
        (lambda text: text.replace('<child link="foot"/>', ""), "joint 'ankle' cannot be read"),
    ],
)
def test_a_bad_description_is_refused(change, message):
    """Each fault says where."""
    with pytest.raises(ContractError, match=message):
        Chain.from_urdf(change(LEG), "leg.urdf")


def test_positions_of_other_joints_are_refused():
    """A joint that is not there, is fixed, or follows another."""
    chain = Chain.from_urdf(LEG)
    for name, message in (("toe", "has no joint 'toe'"), ("ankle", "moves by itself"), ("knee", "moves by itself")):
        with pytest.raises(ContractError, match=message):
            chain.link_poses({name: 0.1})


def test_it_travels_in_the_contract():
    """Bit by bit, and part of the hash; a robot whose joints it lacks is refused."""
    joints = [ChainJoint(name="hip", kind="revolute", parent="base", child="a", origin_xyz=(0.1, 0.2, 0.3))]
    joints += [ChainJoint(name=n, kind="revolute", parent="a", child=n + "_link") for n in ("knee", "ankle")]
    chain = Chain(root="base", joints=tuple(joints))
    one = make(robot=replace(make().robot, chain=chain))
    again = Contract.from_json(one.canonical())
    assert again == one and again.robot.chain == chain and one.sha256 != make().sha256
    with pytest.raises(ContractError, match="robot.joints is .*'ankle'.*among the joints of robot.chain"):
        replace(make().robot, chain=replace(chain, joints=chain.joints[:2]))
    with pytest.raises(ContractError, match="a link from further up"):
        replace(chain, joints=chain.joints[::-1])
