"""What is read of a URDF, and what is refused: every impossible thing by its name, its number and its line."""

import re

import mujoco
import numpy as np
import pytest

from sim2real.errors import Sim2RealError
from sim2real_tasks.robots.kinematics import joint_inertia, joint_load, link_frames, lowest_points
from sim2real_tasks.robots.urdf import UrdfError, find_mesh, read_urdf
from sim2real_tasks.robots.vendor import vendor_urdf
from tasks.own_urdfs import BOX, arm, fixed, joint, link, quadruped


def written(folder, text):
    """A URDF in a file."""
    path = folder / "robot.urdf"
    path.write_text(text)
    return path


def with_more(more):
    """The arm, and something besides."""
    return arm().replace("</robot>", f"{more}</robot>")


def line_of(text, part):
    """The line in which a part begins, from 1."""
    return text[: text.index(part)].count("\n") + 1


FAULTS = {
    "no mass": (arm().replace('<mass value="1.0"/>', '<mass value="0"/>', 1), "link 'link1'", "mass 0 kg, yet"),
    "mass below zero": (arm().replace('value="0.05"', 'value="-0.05"', 1), "link 'left_finger'", "mass -0.05 kg"),
    "no inertial": (
        re.sub(r'(<link name="link2">\n)  <inertial>.*\n', r"\1", arm()), "link 'link2'", "no inertial, yet it moves",
    ),
    "not positive": (
        with_more(link("x", 1.0, inertia=BOX.format(-0.01)) + joint("j", "link4", "x", "0 0 0")), "link 'x'",
        "principal moments of inertia -0.01, -0.01, -0.01 kg·m², and each has to be above 0",
    ),
    "triangle": (
        with_more(
            link("x", 1.0, inertia='ixx="0.1" ixy="0" ixz="0" iyy="0.1" iyz="0" izz="0.3"')
            + joint("j", "link4", "x", "0 0 0")
        ),
        "link 'x'", "0.1, 0.1, 0.3 kg·m², the largest 0.1 above the sum of the other two",
    ),
    "limits crossed": (arm().replace('lower="0"', 'lower="0.5"', 1), "joint 'left_finger_joint'", "0.5 is above"),
    "no axis": (arm().replace('xyz="0 1 0"/>\n  <limit lower="-2.5"', 'xyz="0 0 0"/>\n  <limit lower="-2.5"', 1),
                "joint 'joint2'", "axis 0 0 0"),
    "no effort": (arm().replace('effort="60.0"', 'effort="0"', 1), "joint 'joint1'", "effort limit 0 N·m"),
    "no limit": (re.sub(r"  <limit [^>]*>\n", "", arm(), count=1), "joint 'joint1'", "velocity limit 0 rad/s"),
    "two roots": (with_more(link("lost", 1.0)), "link 'lost'", "a second root beside 'world'"),
    "loop": (with_more(joint("back", "link4", "link2", "0 0 0")), "joint 'back'", "closes a loop: link 'link2'"),
    "ring": (
        with_more(link("a", 1.0) + link("b", 1.0) + joint("ab", "a", "b", "0 0 0") + joint("ba", "b", "a", "0 0 0")),
        "joint 'ba'", "a loop of joints that no root leads to",
    ),
    "link twice": (with_more(link("link2", 1.0)), "link 'link2'", "given twice"),
    "joint twice": (with_more(fixed("mount", "link4", "link3", "0 0 0")), "joint 'mount'", "given twice"),
    "unknown parent": (with_more(link("x", 1.0) + joint("j", "nobody", "x", "0 0 0")), "joint 'j'", "'nobody' is not"),
    "unknown type": (arm().replace('"continuous"', '"floating"'), "joint 'joint1'", "type 'floating'; allowed: fixed"),
    "mesh": (
        arm().replace('<box size="0.01 0.01 0.05"/>', '<mesh filename="package://my_arm/a.stl"/>', 1),
        "link 'left_finger'", "package://my_arm/a.stl is not there",
    ),
    "no number": (arm().replace('value="4.0"', 'value="4,0"'), "link 'foot'", 'value="4,0"; give 1 finite number'),
    "flat collider": (arm().replace('radius="0.08"', 'radius="0"'), "link 'foot'", "a collider cylinder of size"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_the_impossible_is_refused_by_name(case, tmp_path):
    """Link or joint, number, and the line that it stands in."""
    text, where, said = FAULTS[case]
    path = written(tmp_path, text)
    with pytest.raises(UrdfError) as caught:
        read_urdf(path)
    (fault,) = [fault for fault in caught.value.faults if fault.where == where and said in fault.message]
    name = where.split("'")[1]
    near = [number for number, line in enumerate(text.splitlines(), 1) if f'name="{name}"' in line]
    assert any(first <= fault.line <= first + 3 for first in near)
    assert f"line {fault.line}: {where}: " in str(caught.value) and str(path) in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path):
    """In the order of the file."""
    text = arm().replace('effort="60.0"', 'effort="0"').replace('<mass value="1.0"/>', '<mass value="-1"/>')
    check_count(text, 8, tmp_path)
    check_count(text.replace("</robot>", '<link name="lost"/></robot>'), 9, tmp_path)


def check_count(text, count, tmp_path):
    """So many faults, in order."""
    with pytest.raises(UrdfError) as caught:
        read_urdf(written(tmp_path, text))
    assert len(caught.value.faults) == count and f"{count} faults" in str(caught.value)
    lines = [fault.line for fault in caught.value.faults]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<robot name="a">\n<link name="b">\n</robot>', "line 3: no XML: mismatched tag"),
        ("", "line 1: no XML"),
        ("<sdf/>", "the root element is <sdf>, not <robot>"),
        ('<robot name="a"/>', "no links"),
        ('<robot name="a" xmlns:xacro="http://x">\n<xacro:leg/></robot>', "line 2: <xacro:leg> is a macro"),
    ],
)
def test_what_is_no_urdf_says_so(text, said, tmp_path):
    """With the line where the text breaks."""
    with pytest.raises(UrdfError, match=re.escape(said)):
        read_urdf(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    """It is no fault of ours."""
    with pytest.raises(Sim2RealError, match="no URDF at"):
        read_urdf(tmp_path / "none.urdf")


def test_a_part_that_no_body_has_passes_as_part_of_one_that_can_be(tmp_path):
    """It is told, and only because the body as a whole is possible."""
    odd = 'ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"'
    path = written(tmp_path, with_more(link("cam", 0.01, inertia=odd) + fixed("c", "link4", "cam", "0 0 0")))
    (note,) = read_urdf(path).notes
    assert "link 'cam'" in note and "as a part of 'link4'" in note


def test_a_package_path_finds_meshes(tmp_path):
    """`package://NAME/REST` is NAME/REST below it, else REST; folders above the URDF come after."""
    (tmp_path / "up" / "deep").mkdir(parents=True)
    urdf = tmp_path / "up" / "deep" / "robot.urdf"
    for place in ("elsewhere/my_arm/a.stl", "elsewhere/b.stl", "up/my_arm/c.stl"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    extra = [tmp_path / "elsewhere"]
    assert find_mesh(urdf, "package://my_arm/a.stl") is None
    assert find_mesh(urdf, "package://my_arm/a.stl", extra) == tmp_path / "elsewhere/my_arm/a.stl"
    assert find_mesh(urdf, "package://my_arm/b.stl", extra) == tmp_path / "elsewhere/b.stl"
    assert find_mesh(urdf, "package://my_arm/c.stl", extra) == tmp_path / "up/my_arm/c.stl"
    assert find_mesh(urdf, "package://", extra) is None


@pytest.mark.parametrize("name", ["a1_description/urdf/a1.urdf", "bolt_description/robots/bolt.urdf", "quadruped"])
def test_frames_inertias_and_loads_are_mujocos(name, tmp_path):
    """What a joint moves is the mass matrix' diagonal; what it holds is MuJoCo's bias force; frames agree."""
    path = written(tmp_path, quadruped()) if name == "quadruped" else vendor_urdf(name)
    robot = read_urdf(path)
    text = re.sub(r"(?s)<visual>.*?</visual>|<collision>.*?</collision>", "", path.read_text())
    model = mujoco.MjModel.from_xml_string(text)
    data, generator = mujoco.MjData(model), np.random.default_rng(3)
    moving = [one for one in robot.joints.values() if one.moves]
    pose = {one.name: float(generator.uniform(-0.5, 0.5)) for one in moving}
    for one in moving:
        data.qpos[model.joint(one.name).qposadr[0]] = pose[one.name]
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    frames = link_frames(robot, pose)
    for one in moving:
        dof = model.joint(one.name).dofadr[0]
        np.testing.assert_allclose(joint_inertia(robot, frames, one), full[dof, dof], rtol=5e-3)
        held = joint_load(robot, frames, one, {})
        np.testing.assert_allclose(held, abs(data.qfrc_bias[dof]), rtol=1e-3, atol=1e-8)
        body = data.body(model.joint(one.name).bodyid[0])
        np.testing.assert_allclose(frames[one.child][:3, 3], body.xpos, atol=1e-9)


def test_the_ground_carries_what_stands(tmp_path):
    """A knee with the foot straight below holds nothing, and by its lever what lies beside it."""
    robot = read_urdf(written(tmp_path, quadruped()))
    frames = link_frames(robot, {})
    feet = {name: point for name, point in lowest_points(robot, frames).items() if name.endswith("foot")}
    knee = robot.joints["FL_knee"]
    assert joint_load(robot, frames, knee, feet) < 1e-9
    aside = {name: point + [0.1, 0, 0] for name, point in feet.items()}
    weight = sum(one.mass for one in robot.links.values()) * 9.81
    np.testing.assert_allclose(joint_load(robot, frames, knee, aside), weight / 4 * 0.1, rtol=1e-9)
    assert {round(float(point[2]), 6) for point in feet.values()} == {-0.42}
