"""A card: what is guessed of robots that do not ship, written, read back, and refused where it is wrong."""

import dataclasses
import re

import numpy as np
import pytest
import yaml

from sim2real.errors import Sim2RealError
from sim2real.spec import SpecError
from sim2real_tasks.robots.card import description_of, read_card
from sim2real_tasks.robots.card_text import card_table, card_text, write_card
from sim2real_tasks.robots.guess import CLEARANCE, guess_card
from sim2real_tasks.robots.kinematics import link_frames, lowest_points
from sim2real_tasks.robots.limbs import STRETCH
from sim2real_tasks.robots.urdf import UrdfError, read_urdf
from sim2real_tasks.robots.vendor import vendor_urdf
from tasks.own_urdfs import arm, link, quadruped
from tasks.own_urdfs import joint as joint_of

WALKERS = {
    "a1_description/urdf/a1.urdf": {"FR_foot", "FL_foot", "RR_foot", "RL_foot"},
    "anymal_b_simple_description/robots/anymal.urdf": {"LF_FOOT", "RF_FOOT", "LH_FOOT", "RH_FOOT"},
    "solo_description/robots/solo12.urdf": {"FL_FOOT", "FR_FOOT", "HL_FOOT", "HR_FOOT"},
    "bolt_description/robots/bolt.urdf": {"FL_LOWER_LEG", "FR_LOWER_LEG"},
}
"""Feet by description."""
ARMS = {
    "z1_description/urdf/z1.urdf": ("link06", 6, {"jointGripper"}),
    "kinova_description/robots/kinova.urdf": ("j2s6s200_link_6", 6, set()),
    "xarm_description/urdf/xarm7.urdf": ("link7", 7, set()),
}
"""End-effector, number of joints and what is held, by description."""


def guessed(folder, text=None, vendor=None, kind=None):
    """The description and the card of a text, or of a vendor's robot."""
    urdf = folder / "robot.urdf"
    if text is not None:
        urdf.write_text(text)
    robot = read_urdf(urdf if vendor is None else vendor_urdf(vendor))
    return robot, guess_card(robot, folder / "mine.yaml", kind, ()).card


def check_common(card):
    """Figures that any drive can have; every guess waits to be confirmed."""
    for joint in card.joints:
        assert joint.limits is None or joint.limits[0] <= joint.pose <= joint.limits[1]
        assert 0 < joint.kp <= joint.effort / 0.002 and 0 < joint.kd < joint.kp
    assert set(card.open_guesses) == set(card.guesses) >= {"pose", "gains", "armature", "friction", "task"}


LONG = {
    "bolt_description/robots/bolt.urdf",
    "kinova_description/robots/kinova.urdf",
    "xarm_description/urdf/xarm7.urdf",
}
"""Many vertices, or many joints to search over."""


def marked(names):
    """Those that take longer are slow tests."""
    return [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in names]


@pytest.mark.parametrize("name", marked(WALKERS))
def test_walkers_are_known_by_their_limbs(name, tmp_path):
    """Feet, a floating base, knees bent, soles at one height, the lowest one a finger above the ground."""
    robot, card = guessed(tmp_path, vendor=name)
    assert card.kind == "velocity" and set(card.feet) == WALKERS[name] and not card.end_effector
    check_common(card)
    low = lowest_points(robot, link_frames(robot, {joint.name: joint.pose for joint in card.joints}))
    soles = np.array([low[foot][2] for foot in card.feet]) + card.height
    assert CLEARANCE - 1e-3 <= soles.min() <= soles.max() < 0.03
    assert min(point[2] for point in low.values()) + card.height == pytest.approx(CLEARANCE, abs=1e-3)
    assert sum(abs(joint.pose) > 0.3 for joint in card.joints) >= len(card.feet)


@pytest.mark.parametrize("name", marked(ARMS))
def test_arms_are_known_by_their_one_chain(name, tmp_path):
    """End-effector before fingers, a base that stays, targets about where the default pose is."""
    robot, card = guessed(tmp_path, vendor=name)
    tip, count, held = ARMS[name]
    assert (card.kind, card.end_effector, len(card.joints), set(card.frozen)) == ("reach", tip, count, held)
    check_common(card)
    frames = link_frames(robot, {joint.name: joint.pose for joint in card.joints})
    for value, (lower, upper) in zip(frames[tip][:3, 3], (card.task.x, card.task.y, card.task.z), strict=True):
        assert lower <= value <= upper
    assert frames[tip][0, 3] > 0.15 and all(frame[2, 3] > -0.01 for frame in frames.values())


def test_a_leg_stands_below_its_hip(tmp_path):
    """Stretched by the share that the card states; left and right alike."""
    robot, card = guessed(tmp_path, quadruped())
    assert card.kind == "velocity" and set(card.feet) == {"FR_foot", "FL_foot", "HR_foot", "HL_foot"}
    pose = {joint.name: joint.pose for joint in card.joints}
    frames = link_frames(robot, pose)
    hip, foot = frames["FL_thigh"][:3, 3], frames["FL_foot"][:3, 3]
    assert foot[0] == pytest.approx(hip[0], abs=0.02) and foot[1] == hip[1]
    assert (hip[2] - foot[2]) / 0.4 == pytest.approx(STRETCH, abs=0.04)
    assert pose["FL_knee"] == pose["FR_knee"] == pose["HR_knee"] < -0.5 and pose["FL_roll"] == 0
    hold = 8.0 * 9.81 / 4 * card.height / 2 / 0.15
    knee = next(joint for joint in card.joints if joint.name == "FL_knee")
    assert knee.kp == pytest.approx(hold, rel=0.02) and knee.armature == pytest.approx(0.01 * 8 / 12, rel=0.01)


def test_fingers_are_held_and_gains_follow_the_stated_rule(tmp_path):
    """kp is inertia times 24 squared; joints of the arm in the order of the file, the endless one without limits."""
    robot, card = guessed(tmp_path, arm())
    assert [joint.name for joint in card.joints] == ["joint1", "joint2", "joint3", "joint4"]
    assert card.frozen == ("left_finger_joint", "right_finger_joint") and card.end_effector == "link4"
    assert card.joints[0].limits is None
    for joint in card.joints:
        assert joint.kd == pytest.approx(2 * joint.kp / 24.0, rel=0.01)


def test_a_finger_alone_is_an_arm_and_wheels_are_no_legs(tmp_path):
    """Names of joints decide only where others are left; what walks has two joints a limb."""
    _, card = guessed(tmp_path, arm().replace('"joint', '"finger_joint'))
    assert [joint.name for joint in card.joints][:4] == [f"finger_joint{number}" for number in range(1, 5)]
    wheels = [
        link(side, 0.5, 0.05) + joint_of(f"{side}_wheel", "cart", side, f"0 {y} -0.1", kind="continuous")
        for side, y in (("left", 0.2), ("right", -0.2))
    ]
    _, card = guessed(tmp_path, f'<robot name="cart">{link("cart", 5.0, 0.2)}{"".join(wheels)}</robot>')
    assert card.kind == "reach"


def test_a_kind_that_does_not_fit_is_refused(tmp_path):
    """A base without mass cannot float; a dog may be asked to reach with a leg."""
    with pytest.raises(UrdfError, match="link 'world': no inertial, yet the base of a walking robot moves"):
        guessed(tmp_path, arm().replace('<mass value="4.0"/>', '<mass value="0"/>'), kind="velocity")
    with pytest.raises(Sim2RealError, match="no link at the end of a limb has a collider to stand on"):
        guessed(tmp_path, arm(), kind="velocity")
    _, card = guessed(tmp_path, quadruped(), kind="reach")
    assert card.kind == "reach" and len(card.joints) == 3 and len(card.frozen) == 9
    fixed = re.sub('type="[a-z]+"', 'type="fixed"', arm())
    with pytest.raises(Sim2RealError, match="no joint moves"):
        guessed(tmp_path, fixed)


@pytest.mark.parametrize("text", [arm(), quadruped()], ids=["arm", "quadruped"])
def test_a_card_is_read_as_it_was_written(text, tmp_path):
    """Also by any other reader of YAML; the URDF's names in its own order."""
    robot, card = guessed(tmp_path, text)
    card = dataclasses.replace(card, package_paths=(tmp_path / "a b",))
    path = write_card(card, "robot add robot.urdf")
    back = read_card(path)
    assert card_text(back, "robot add robot.urdf") == path.read_text()
    assert (back.feet, back.frozen, back.guesses, back.task) == (card.feet, card.frozen, card.guesses, card.task)
    assert list(description_of(back).joints) == list(robot.joints)
    plain = yaml.safe_load(path.read_text())
    assert list(plain["joints"]) == [joint.name for joint in card.joints]
    assert plain["guesses"]["gains"]["confirm"] is True
    assert all(joint.name in card_table(back) for joint in back.joints)


WRONG = {
    "unknown key": ("friction:", "fricton:", "fricton: unknown key; did you mean 'friction'"),
    "schema": ("schema: 1", "schema: 2", "schema: got '2'; this release reads schema 1"),
    "kind": ("kind: reach", "kind: swim", "unknown kind of task 'swim'; allowed: velocity, reach"),
    "feet of an arm": ("friction:", "feet: [link4]\nfriction:", "feet: has no part in kind: reach"),
    "no joints": ("joints:", "links:", "missing: joints"),
    "pose": ("pose: ", "pose: 9", "outside the limits"),
    "negative gain": ("kd: ", "kd: -", "joints.joint1.kd: got '-"),
    "limits": ("[-2.5, 2.5]", "[2.5, -2.5]", "limits: got [2.5, -2.5]; give [lower, upper]"),
    "joint key": ("velocity: 12, ", "", "joints.joint1: missing: velocity"),
    "sha": ("sha256: ", "sha256: x", "give the URDF's SHA-256"),
    "held and driven": ("frozen: [", "frozen: [joint1, ", "joint1 stand among the joints too"),
    "confirm": ("confirm: true", "confirm: maybe", "unknown answer 'maybe'"),
    "guess": ("  gains:", "  grains:", "unknown key; did you mean 'gains'"),
    "task": ("  yaw:", "  jaw:", "task.jaw: unknown key"),
    "no number": ("armature: 0", "armature: zero, x: 0", "allowed here: limits, effort"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_card_says_where(case, tmp_path):
    """File, line, key, what came, what is allowed."""
    _, card = guessed(tmp_path, arm())
    path = write_card(card, "robot add")
    before, after, said = WRONG[case]
    text = path.read_text()
    # A pose of the joint without limits may be anything: the second joint's is spoilt.
    start = text.index("  joint2:") if case == "pose" else 0
    assert before in text[start:]
    path.write_text(text[:start] + text[start:].replace(before, after, 1))
    with pytest.raises(SpecError, match=re.escape(said)) as caught:
        read_card(path)
    assert re.match(rf"{re.escape(str(path))}:\d+: ", str(caught.value))


DISAGREE = {
    "joint": ("  joint3: {", "  elbow: {", "has no moving joint 'elbow'"),
    "left out": ("frozen: [left_finger_joint, ", "frozen: [", "left_finger_joint of robot.urdf are missing"),
    "link": ("end_effector: link4", "end_effector: hand", "has no link 'hand'"),
    "base": ("base: world", "base: foot", "the root link of robot.urdf is 'world'"),
    "endless": ("limits: [-2.5, 2.5]", "limits: none", "this joint is revolute: give [lower, upper]"),
}


@pytest.mark.parametrize("case", DISAGREE)
def test_a_card_that_disagrees_with_its_urdf_is_refused(case, tmp_path):
    """By name, with what the URDF has."""
    _, card = guessed(tmp_path, arm())
    path = write_card(card, "robot add")
    before, after, said = DISAGREE[case]
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(Sim2RealError, match=re.escape(said)):
        description_of(read_card(path))


def test_another_urdf_is_refused(tmp_path):
    """Changed, or gone."""
    _, card = guessed(tmp_path, arm())
    urdf = tmp_path / "robot.urdf"
    urdf.write_text(arm().replace('value="4.0"', 'value="4.1"'))
    with pytest.raises(Sim2RealError, match="changed since the card was written"):
        description_of(card)
    urdf.unlink()
    with pytest.raises(Sim2RealError, match="no file"):
        description_of(card)
