"""The controller around the classifier: latched turns, a held heading, bounded corrections, rows on their own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.deploy.steering import FORWARD, LEFT, RIGHT, Steering, SteeringParams

P = SteeringParams()
HOLD_TICKS = 7  # 0.7 s at 10 Hz


def ask(steering, action, heading=0.0):
    """One robot's command (speed, turn rate)."""
    linear, angular = steering(np.array([action]), np.array([heading]))[0]
    return pytest.approx(linear, abs=1e-6), pytest.approx(angular, abs=1e-6)


def test_forward_drives_and_turns_back_to_the_heading():
    """Straight on at zero error; a heading to the left is corrected to the right, in proportion, within the limit."""
    steering = Steering(1)
    assert ask(steering, FORWARD) == (P.speed_m_s, 0.0)
    assert ask(steering, FORWARD, 0.2) == (P.speed_m_s, -0.2 * P.heading_gain)
    assert ask(steering, FORWARD, -0.2) == (P.speed_m_s, 0.2 * P.heading_gain)
    assert ask(steering, FORWARD, 2.0) == (P.speed_m_s, -P.heading_rate_max_rad_s)
    assert ask(steering, FORWARD, -2.0) == (P.speed_m_s, P.heading_rate_max_rad_s)


@pytest.mark.parametrize(("first", "other", "sign"), [(LEFT, RIGHT, 1.0), (RIGHT, LEFT, -1.0)])
def test_a_turn_is_latched_until_forward(first, other, sign):
    """Left stays left while the policy dithers; only forward ends it, and then the other side may be taken."""
    steering = Steering(1)
    for action in (first, other, other, first, other):
        assert ask(steering, action, heading=1.0) == (P.creep_m_s, sign * P.turn_rad_s)
    ask(steering, FORWARD)
    assert ask(steering, other) == (P.creep_m_s, -sign * P.turn_rad_s)


def test_after_a_turn_the_heading_is_left_alone_for_a_moment():
    """Seven ticks, of which the first ends the turn, drive straight at 0.7 s and 10 Hz; then the correction is back."""
    steering = Steering(1)
    ask(steering, LEFT)
    rates = [float(steering(np.array([FORWARD]), np.array([0.3]))[0, 1]) for _ in range(HOLD_TICKS + 1)]
    assert rates[: HOLD_TICKS - 1] == [0.0] * (HOLD_TICKS - 1)
    assert rates[HOLD_TICKS - 1 :] == pytest.approx([-0.3 * P.heading_gain] * 2)


def test_the_hold_begins_anew_with_each_turn():
    """A second turn inside the hold starts the moment over."""
    steering = Steering(1)
    for action in (LEFT, FORWARD, FORWARD, RIGHT):
        ask(steering, action)
    rates = [float(steering(np.array([FORWARD]), np.array([0.3]))[0, 1]) for _ in range(HOLD_TICKS)]
    assert rates[:-1] == [0.0] * (HOLD_TICKS - 1) and rates[-1] < 0


def test_the_hold_is_seconds_not_ticks():
    """At twice the rate the same 0.7 s are twice the ticks."""
    steering = Steering(1, SteeringParams(rate_hz=20.0))
    ask(steering, LEFT)
    rates = [float(steering(np.array([FORWARD]), np.array([0.3]))[0, 1]) for _ in range(2 * HOLD_TICKS)]
    assert np.flatnonzero(rates)[0] == 2 * HOLD_TICKS - 1


def test_reset_forgets_the_turn_of_the_given_rows_alone():
    """Row 1 forgets, rows 0 and 2 stay latched; without rows, all forget, the hold included."""
    steering = Steering(3)
    steering(np.full(3, LEFT), np.zeros(3))
    steering.reset(np.array([1]))
    command = steering(np.full(3, RIGHT), np.zeros(3))
    np.testing.assert_allclose(command[:, 1], [P.turn_rad_s, -P.turn_rad_s, P.turn_rad_s])
    steering.reset()
    np.testing.assert_allclose(steering(np.zeros(3, int), np.full(3, 0.1))[:, 1], -0.1 * P.heading_gain)


def test_an_empty_reset_changes_nothing():
    """No rows is not all rows."""
    steering = Steering(2)
    steering(np.full(2, LEFT), np.zeros(2))
    steering.reset(np.array([], int))
    assert (steering(np.full(2, RIGHT), np.zeros(2))[:, 1] > 0).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.tuples(st.integers(0, 2), st.floats(-3, 3))] * 4), min_size=1, max_size=30))
def test_robots_do_not_influence_each_other(ticks):
    """Four robots in one controller get what each gets alone, and every command is within the limits."""
    together, alone = Steering(4), [Steering(1) for _ in range(4)]
    for tick in ticks:
        action, heading = np.array([a for a, _ in tick]), np.array([h for _, h in tick])
        command = together(action, heading)
        assert command.dtype == np.float32 and command.shape == (4, 2)
        assert set(command[:, 0]) <= {np.float32(P.speed_m_s), np.float32(P.creep_m_s)}
        assert (np.abs(command[:, 1]) <= np.float32(P.turn_rad_s)).all()
        for i in range(4):
            np.testing.assert_array_equal(alone[i](action[i : i + 1], heading[i : i + 1])[0], command[i])


@pytest.mark.parametrize("action", [[3], [-1], [0, 1], [[0]], [0.5]])
def test_what_is_no_class_is_refused(action):
    """The error says what came and what is allowed; the state is as before."""
    steering = Steering(1)
    ask(steering, LEFT)
    with pytest.raises(ValueError, match=r"action must be \(1,\) of 0, 1 or 2; got"):
        steering(np.array(action), np.zeros(1))
    assert ask(steering, RIGHT) == (P.creep_m_s, P.turn_rad_s)
