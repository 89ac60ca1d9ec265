"""The presets for kinds of robots: names that real robots have, and the ranges of the sources that they name.

What is said to come from Isaac Lab is read from the installed Isaac Lab; no engine is started.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sim2real.spec import Spec, Term, load_spec
from sim2real.spec.targets import TARGETS

ROVER = Path(__file__).parents[2] / "source" / "sim2real_tasks" / "robots" / "rover.urdf"
ROBOTS = {
    "quadruped": ("go2_description/urdf/go2.urdf", "anymal_c_simple_description/urdf/anymal.urdf"),
    "humanoid": ("g1_description/urdf/g1_29dof_rev_1_0.urdf",),
    "arm": ("panda_description/urdf/panda.urdf", "ur_description/urdf/ur5_robot.urdf"),
    "rover": (str(ROVER),),
    "go2": ("go2_description/urdf/go2.urdf",),
    "anymal_c": ("anymal_c_simple_description/urdf/anymal.urdf",),
    "panda": ("panda_description/urdf/panda.urdf",),
    "ur5": ("ur_description/urdf/ur5_robot.urdf",),
}
KIND = {"go2": "quadruped", "anymal_c": "quadruped", "panda": "arm", "ur5": "arm"}
"""Which kind's preset a robot's own has its terms from."""
PAIRS = [(preset, urdf) for preset, urdfs in ROBOTS.items() for urdf in urdfs]
JOINTS = ("joint", "actuator")
"""First words of targets that select joints; bodies and shapes are selected by their links' names."""
UNIFORM = {"base_lin_vel": 0.1, "base_ang_vel": 0.2, "projected_gravity": 0.05, "joint_pos": 0.01, "joint_vel": 1.5}
"""Half widths of the observation noise that legged tasks share, SI."""


@cache
def names_of(urdf: str) -> tuple[list[str], list[str]]:
    """Links with a mass or a shape, and joints that move."""
    if not Path(urdf).is_file():
        pytest.importorskip("isaaclab")
        from sim2real_tasks.robots.vendor import vendor_urdf

        urdf = str(vendor_urdf(urdf))
    robot = ElementTree.parse(urdf).getroot()
    links = [e.attrib["name"] for e in robot.findall("link") if len(e.findall("inertial") + e.findall("collision"))]
    moving = ("revolute", "continuous", "prismatic")
    return links, [e.attrib["name"] for e in robot.findall("joint") if e.attrib.get("type") in moving]


def selecting(spec: Spec) -> dict[str, Term]:
    """The terms that select elements of the robot."""
    return {n: t for n, t in spec.terms.items() if TARGETS[t.target].selects and t.target.partition(".")[0] != "camera"}


@pytest.mark.parametrize(("preset", "urdf"), PAIRS)
def test_selectors_match_real_robots(preset: str, urdf: str) -> None:
    """Every selector means something on the vendor's robot, and a push or a load means exactly one link."""
    links, joints = names_of(urdf)
    for name, term in selecting(load_spec(preset)).items():
        names = joints if term.target.partition(".")[0] in JOINTS else links
        found = [other for other in names if re.fullmatch(term.select, other)]
        assert found, f"{name}: {term.select} in {names}"
        if term.target in ("body.payload", "body.velocity_kick"):
            assert len(found) == 1, (name, found)


@pytest.mark.parametrize(("preset", "urdf"), PAIRS)
def test_joint_units_fit(preset: str, urdf: str) -> None:
    """What is set or added in rad or N*m goes to hinges only, also where a gripper slides."""
    links, joints = names_of(urdf)
    for name, term in selecting(load_spec(preset)).items():
        if term.target.partition(".")[0] in JOINTS and term.op != "scale":
            chosen = [joint for joint in joints if re.fullmatch(term.select, joint)]
            assert not [joint for joint in chosen if "finger" in joint], name


@pytest.mark.parametrize("preset", sorted(ROBOTS))
def test_sources_are_named_in_the_file(preset: str) -> None:
    """A range that claims a source begins with one that the head of the file spells out; the rest says `default`."""
    from sim2real.paths import presets_dir

    spec, text = load_spec(preset), (presets_dir() / "randomization" / f"{preset}.yaml").read_text()
    head = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    said = [term.provenance for term in spec.terms.values()]
    said += [claim for signal in spec.signals.values() for claim in signal.provenance.values()]
    sources = [claim.partition(":")[2] for claim in said if claim != "default"]
    assert preset == "rover" or len(sources) >= 6
    for source in sources:
        assert any(source.startswith(line.split("  ")[0]) for line in head if "  " in line), source


@pytest.mark.parametrize("preset", ["quadruped", "humanoid"])
def test_uniform_noise_becomes_its_standard_deviation(preset: str) -> None:
    """The peers' uniform noise and our white noise have one spread."""
    own = {"base_lin_vel": 0.5} if preset == "humanoid" else {}
    signals = load_spec(preset).signals
    for name, half in (UNIFORM | own).items():
        (std,) = signals[name].white.bounds()[0]
        assert std == pytest.approx(half / math.sqrt(3.0), rel=0.02), name


def test_rover_draws_the_scenes_of_the_lab() -> None:
    """The rover's preset runs in the avoidance lab, in the same scenes with the same camera."""
    rover, lab = load_spec("rover"), load_spec("avoidance")
    assert rover.seed == lab.seed and rover.vision == lab.vision
    assert {name: rover.terms[name] for name in lab.terms} == dict(lab.terms)


@pytest.mark.parametrize("preset", sorted(KIND))
def test_a_robot_has_the_terms_of_its_kind(preset: str) -> None:
    """All of them, with the same ranges; a robot has its own payload and names."""
    kind, robot = load_spec(KIND[preset]), load_spec(preset)
    assert list(robot.terms) == list(kind.terms)
    for name, term in robot.terms.items():
        wanted = replace(kind.terms[name], select=term.select)
        if name == "payload":
            wanted = replace(wanted, dist=term.dist, provenance=term.provenance)
        assert term == wanted, name


@pytest.mark.parametrize("preset", sorted(KIND))
def test_a_robot_says_the_way_of_its_signals(preset: str) -> None:
    """Every signal of its kind that its policy sees; sensors on a bus with a latency, and a command with one."""
    kind, robot = load_spec(KIND[preset]).signals, load_spec(preset).signals
    assert set(robot) == set(kind) - {"base_lin_vel"}  # no robot measures it
    for name, signal in robot.items():
        assert signal.latency is not None and (name == "command" or signal.bus is not None), name
    if "base_ang_vel" in robot:
        gyro, gravity = robot["base_ang_vel"], robot["projected_gravity"]
        assert None not in (gyro.noise_density, gyro.bias_instability, gyro.bias, gyro.cross_axis)
        assert (gyro.mount, gyro.misalignment) == (gravity.mount, gravity.misalignment) and gyro.mount is not None


def check(term: Term, low, high, what: str) -> None:
    """Compare a term's bounds with a source's."""
    for bound, value in zip(term.dist.bounds(), (low, high), strict=True):
        np.testing.assert_allclose(bound, np.atleast_1d(value), rtol=1e-12, atol=0.0, err_msg=what)


def test_quadruped_has_isaac_labs_ranges() -> None:
    """What the quadruped says to have from Isaac Lab's velocity task is what Isaac Lab does there."""
    pytest.importorskip("isaaclab_tasks")
    from isaaclab_tasks.core.velocity.velocity_env_cfg import EventsCfg, ObservationsCfg

    theirs, ours = EventsCfg(), load_spec("quadruped").terms
    mass = theirs.add_base_mass.params
    assert (mass["operation"], mass["distribution"]) == (ours["base_mass"].op, ours["base_mass"].dist.kind)
    check(ours["base_mass"], *mass["mass_distribution_params"], "add_base_mass")
    com = theirs.base_com.params["com_range"]
    check(ours["base_com"], [com[axis][0] for axis in "xyz"], [com[axis][1] for axis in "xyz"], "base_com")
    push = theirs.push_robot.params["velocity_range"] | {"z": (0.0, 0.0)}
    check(ours["push"], [push[axis][0] for axis in "xyz"], [push[axis][1] for axis in "xyz"], "push_robot")
    assert ours["push"].interval_s == theirs.push_robot.interval_range_s
    pose, speed = theirs.reset_base.params["pose_range"], theirs.reset_base.params["velocity_range"]
    check(ours["start_position"], [pose["x"][0], pose["y"][0], 0.0], [pose["x"][1], pose["y"][1], 0.0], "pose")
    assert ours["start_yaw"].dist.bounds()[1] == pytest.approx((pose["yaw"][1],), abs=0.002)
    for name, axes in (("start_velocity", ("x", "y", "z")), ("start_spin", ("roll", "pitch", "yaw"))):
        check(ours[name], [speed[axis][0] for axis in axes], [speed[axis][1] for axis in axes], name)
    check(ours["start_joints"], *theirs.reset_robot_joints.params["position_range"], "reset_robot_joints")
    policy = ObservationsCfg().policy
    for name, half in UNIFORM.items():
        noise = getattr(policy, name).noise
        assert (noise.n_min, noise.n_max) == (-half, half), name


def test_arm_has_isaac_labs_ranges() -> None:
    """What the arm says to have from Isaac Lab's reach tasks is what Isaac Lab does there."""
    pytest.importorskip("isaaclab_tasks")
    from isaaclab_tasks.contrib.deploy.reach.reach_env_cfg import EventCfg
    from isaaclab_tasks.core.reach.reach_env_cfg import ObservationsCfg

    theirs, spec = EventCfg(), load_spec("arm")
    gains = theirs.robot_joint_stiffness_and_damping.params
    check(spec.terms["position_gain"], *gains["stiffness_distribution_params"], "stiffness")
    check(spec.terms["velocity_gain"], *gains["damping_distribution_params"], "damping")
    friction = theirs.joint_friction.params
    assert friction["operation"] == spec.terms["joint_friction"].op
    check(spec.terms["joint_friction"], *friction["friction_distribution_params"], "joint friction")
    check(spec.terms["start_joints"], *theirs.reset_robot_joints.params["position_range"], "reset_robot_joints")
    for name in ("joint_pos", "joint_vel"):
        half = getattr(ObservationsCfg().policy, name).noise.n_max
        assert spec.signals[name].white.bounds()[0][0] == pytest.approx(half / math.sqrt(3.0), rel=0.02)
