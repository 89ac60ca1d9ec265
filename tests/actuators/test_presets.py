"""Motors of known robots: every joint of the vendors' URDFs has one, and what is called the URDF's is the URDF's."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from sim2real.actuators.motor import Motor
from sim2real.actuators.presets import UNITS, load_motor, motor_names, parse_motor
from sim2real.spec.errors import SpecError

ROOT = Path(__file__).parents[2]
URDFS = {
    "go2": ("go2_description/urdf/go2.urdf", ".*"),
    "anymal_c": ("anymal_c_simple_description/urdf/anymal.urdf", ".*"),
    "panda": ("panda_description/urdf/panda.urdf", "panda_joint.*"),
    "ur5": ("ur_description/urdf/ur5_robot.urdf", ".*"),
    "rover": (ROOT / "source/sim2real_tasks/robots/rover.urdf", ".*"),
}
"""The URDF of each preset, and which of its joints have motors."""
GOOD = """
schema: 1
robot: mine
motor:
  voltage: {value: 24, unit: V, provenance: default}
  no_load_speed: {value: 300, unit: rpm, provenance: "datasheet:Maker, model 7"}
  stall_torque: {value: {".*_knee": 40, ".*": 20}, unit: N*m, provenance: default}
"""


def limits(name):
    """Effort and velocity limit of each driven joint of a preset's URDF."""
    from sim2real_tasks.robots.vendor import vendor_urdf

    urdf, pattern = URDFS[name]
    path = urdf if isinstance(urdf, Path) else vendor_urdf(urdf)
    joints = [j for j in ElementTree.parse(path).getroot().iter("joint") if j.get("type") in ("revolute", "continuous")]
    found = {joint.get("name"): joint.find("limit").attrib for joint in joints}
    return {joint: limit for joint, limit in found.items() if re.fullmatch(pattern, joint)}


def test_all_robots_are_there():
    """The presets are those of the robots."""
    assert motor_names() == sorted(URDFS)


@pytest.mark.parametrize("name", URDFS)
def test_every_joint_has_a_motor_of_numbers_with_sources(name):
    """Each joint of the URDF; each number has a provenance; its own limit lies within the motor's line."""
    preset, joints = load_motor(name), limits(name)
    assert set(preset.provenance) == set(UNITS) and len(joints) >= 2
    for joint, limit in joints.items():
        numbers = preset.motor.numbers(joint)
        assert set(preset.motor.friction(joint)) == {"coulomb_friction", "viscous_friction"}
        fast, strong = numbers["voltage"] / numbers["constant"], numbers["constant"] * numbers["voltage"]
        strong /= numbers["resistance"]
        assert fast >= float(limit["velocity"]) * (1 - 1e-6) and strong >= float(limit["effort"]) * (1 - 1e-6)
        if preset.provenance["no_load_speed"].startswith("urdf:"):
            assert fast == pytest.approx(float(limit["velocity"]))
        if preset.provenance["stall_torque"].startswith("urdf:"):
            assert strong == pytest.approx(float(limit["effort"]))
        for field in ("coulomb_friction", "viscous_friction"):
            value = getattr(preset.motor, field)
            matched = [p for p in value if re.fullmatch(p, joint)] if isinstance(value, dict) else [value]
            assert len(matched) == 1


def test_a_file_of_ones_own_is_read_in_si(tmp_path):
    """Units are converted, patterns kept; `Motor.load` takes the path."""
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    motor = Motor.load(path)
    assert motor.no_load_speed == pytest.approx(31.41592653589793)
    assert motor.numbers("left_knee")["resistance"] * 2 == motor.numbers("left_hip")["resistance"]
    assert motor.coulomb_friction is None
    assert load_motor(path).provenance["no_load_speed"] == "datasheet:Maker, model 7"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("voltage:", "volts:", r"mine:5: motor.volts: unknown key; did you mean 'voltage'"),
        ("unit: rpm", "unit: rps", r"mine:6: motor.no_load_speed.unit: unknown unit 'rps'.* allowed: rad/s, m/s, rpm"),
        ("datasheet:Maker, model 7", "hearsay", r"mine:6: .*unknown provenance 'hearsay'; allowed: 'default', 'datas"),
        ("provenance: default}", "}", r"mine:5: motor.voltage: 'provenance' is missing"),
        ("value: 24", "value: -24", r"mine:5: motor.voltage: voltage: got -24.0; it has to be more than 0"),
        ("value: 24", "value: 24V", r"mine:5: motor.voltage.value: got '24V'; give a number"),
        (
            "  voltage: {value: 24, unit: V, provenance: default}\n",
            "",
            r"mine:4: motor: voltage missing; a motor needs",
        ),
        ('".*_knee"', '"(knee"', r"mine:7: .*'\(knee' is no regular expression"),
        ("schema: 1", "schema: 2", r"mine:2: schema: unknown schema version; this release reads 1"),
        ("robot: mine\n", "", r"'robot' is missing"),
        (GOOD, " ", r"mine: is empty; start with 'schema: 1'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old, new, message):
    """What came, what is allowed, file, line and key."""
    assert old in GOOD
    with pytest.raises(SpecError, match=message):
        parse_motor(GOOD.replace(old, new, 1), "mine")


def test_a_supply_is_one_and_a_name_is_known():
    """The lead is not a joint's; a misspelt robot is guessed."""
    more = GOOD + '  bus_resistance: {value: {".*": 0.1}, unit: ohm, provenance: default}\n'
    with pytest.raises(SpecError, match="bus_resistance belongs to the supply of all joints; give one number"):
        parse_motor(more)
    with pytest.raises(SpecError, match="no motor of that name; did you mean 'go2'"):
        load_motor("go3")
