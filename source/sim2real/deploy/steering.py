"""From a class to a body command: the small controller around the avoidance classifier, the same in simulation and
on the robot.

Turning is latched: once the policy says left or right, the rover turns that way until the policy says forward, so
that it cannot dither between two sides. After a turn it drives straight for a moment, past the obstacle, before it
steers back to its heading. NumPy only; one row per robot.
"""

from __future__ import annotations

import dataclasses

import numpy as np

FORWARD, LEFT, RIGHT = 0, 1, 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class SteeringParams:
    """The controller's numbers; they travel in the contract."""

    speed_m_s: float = 0.6
    """Speed while driving forward [m/s]."""
    creep_m_s: float = 0.03
    """Speed while turning [m/s]."""
    turn_rad_s: float = 1.2
    """Turn rate while turning [rad/s]."""
    heading_gain: float = 0.9
    """Turn rate per radian of heading error while driving forward [1/s]."""
    heading_rate_max_rad_s: float = 0.4
    """Limit of that turn rate [rad/s]."""
    heading_hold_s: float = 0.7
    """How long after a turn the heading is left alone [s]."""
    rate_hz: float = 10.0
    """How often the controller is asked [Hz]."""


class Steering:
    """The controller's state for n robots.

    Example:
        >>> steering = Steering(1)
        >>> steering(np.array([LEFT]), heading=np.array([0.0]))
        array([[0.03, 1.2 ]], dtype=float32)
    """

    def __init__(self, count: int, params: SteeringParams | None = None):
        self.params = params or SteeringParams()
        self._latch = np.zeros(count, np.int64)
        self._hold = np.zeros(count, np.int64)

    def reset(self, rows: np.ndarray | None = None) -> None:
        """Forget the turn under way, for all robots or for `rows`."""
        where = slice(None) if rows is None else rows
        self._latch[where] = FORWARD
        self._hold[where] = 0

    def __call__(self, action: np.ndarray, heading: np.ndarray) -> np.ndarray:
        """Return the body command for each robot.

        Args:
            action: Class per robot: 0 forward, 1 left, 2 right; shape (n,).
            heading: Heading relative to the way to go [rad], positive to the left; shape (n,).

        Returns:
            Forward speed [m/s] and turn rate [rad/s], float32 (n, 2).
        """
        p = self.params
        action = np.asarray(action)
        if action.shape != self._latch.shape or not np.isin(action, (FORWARD, LEFT, RIGHT)).all():
            raise ValueError(f"action must be {self._latch.shape} of 0, 1 or 2; got {action.shape} {np.unique(action)}")
        starting = (self._latch == FORWARD) & (action != FORWARD)
        self._latch = np.where(action == FORWARD, FORWARD, np.where(starting, action, self._latch))
        turning = self._latch != FORWARD
        hold_ticks = round(p.heading_hold_s * p.rate_hz)
        self._hold = np.where(turning, hold_ticks, np.maximum(self._hold - 1, 0))
        correction = np.clip(-p.heading_gain * heading, -p.heading_rate_max_rad_s, p.heading_rate_max_rad_s)
        correction = np.where(self._hold > 0, 0.0, correction)
        linear = np.where(turning, p.creep_m_s, p.speed_m_s)
        angular = np.where(turning, np.where(self._latch == LEFT, p.turn_rad_s, -p.turn_rad_s), correction)
        return np.stack((linear, angular), -1).astype(np.float32)
