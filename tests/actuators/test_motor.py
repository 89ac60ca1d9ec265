"""What a motor's data sheet says, and what it cannot say."""

import math

import pytest

from sim2real.actuators.motor import Motor, MotorError

LINE = {"voltage": 24.0, "no_load_speed": 30.0, "stall_torque": 20.0}


def test_the_line_gives_constant_and_resistance():
    """No-load speed and stall torque are where the line of `V = R i + k w` meets the axes."""
    numbers = Motor(**LINE).numbers("knee")
    k, resistance = numbers["constant"], numbers["resistance"]
    assert 24.0 / k == pytest.approx(30.0) and k * 24.0 / resistance == pytest.approx(20.0)
    assert numbers["heat_capacity"] == math.inf and numbers["derate_from"] == 55.0


def test_joints_may_differ():
    """The first pattern that matches the whole name."""
    motor = Motor(**{**LINE, "stall_torque": {".*_knee": 40.0, ".*": 20.0}})
    assert motor.numbers("left_knee")["resistance"] * 2 == motor.numbers("left_hip")["resistance"]
    with pytest.raises(MotorError, match="no pattern of .* matches joint 'hip'"):
        Motor(**{**LINE, "backlash": {".*_knee": 0.1}}).numbers("hip")


def test_friction_differs_like_any_number_and_none_of_it_is_the_actuators():
    """The first pattern counts; a joint that no pattern names is refused."""
    motor = Motor(**LINE, coulomb_friction={".*_knee": 2.0, ".*": 0.5})
    assert motor.friction("left_knee") == {"coulomb_friction": 2.0} and motor.friction("hip")["coulomb_friction"] == 0.5
    assert Motor(**LINE).friction("hip") == {}
    with pytest.raises(MotorError, match="viscous_friction: no pattern of .* matches joint 'hip'"):
        Motor(**LINE, viscous_friction={".*_knee": 0.1}).friction("hip")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"voltage": 0.0}, "voltage: got 0.0; it has to be more than 0"),
        ({"stall_torque": -1.0}, "stall_torque: got -1.0; it has to be more than 0"),
        ({"backlash": -0.1}, "backlash: got -0.1; it has to be 0 or more"),
        ({"bus_resistance": math.nan}, "bus_resistance: nan is no number"),
        ({"no_load_speed": {".*": math.inf}}, "no_load_speed: inf is not finite; only heat_capacity"),
        ({"thermal_resistance": "1 K/W"}, "thermal_resistance: '1 K/W' is no number"),
    ],
)
def test_numbers_that_no_motor_has(change, message):
    """Each is refused with what is allowed."""
    with pytest.raises(MotorError, match=message):
        Motor(**{**LINE, **change})


def test_torque_falls_towards_higher_temperatures():
    """The two temperatures in the wrong order."""
    with pytest.raises(MotorError, match="derate_to 80.0 °C has to lie above derate_from 90.0 °C"):
        Motor(**LINE, derate_from=90.0, derate_to=80.0).numbers("knee")
