"""What an engine has to do to be played on: take conditions, take targets, say where the robot is.

A player holds n robots of the same description in n worlds, each under conditions of its own. Time goes on by one
decision of the policy for all worlds at once; inside, the engine steps its physics and the targets act when they arrive
(`latency.py`). Arrays are NumPy's, float64, joints in the order of the contract's robot, quaternions x, y, z, w.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from sim2real.contract import Robot
from sim2real.errors import Sim2RealError

ENGINES = ("newton", "physx", "mujoco", "dart")
"""Engines that can be asked for."""
FAMILIES = {"newton": "mujoco", "mujoco": "mujoco", "physx": "physx", "dart": "dart"}
"""Newton's solver is MuJoCo Warp: the same contact model as MuJoCo's C library, written twice."""
LAB_PHYSICS = {"newton": "newton_mjwarp", "physx": "ovphysx"}
"""Engines that Isaac Lab runs, by the name that it gives them."""
NEEDS = {"newton": "newton", "physx": "ovphysx", "mujoco": "mujoco", "dart": "dartpy"}
"""Python module of each engine."""


BELOW_ARM = 0.1
"""How far below the base of an arm the ground lies [m], as in our reach tasks."""


class EngineUnavailable(Sim2RealError):
    """An engine that is not known, or not installed."""


class RobotMismatch(Sim2RealError):
    """A robot's description that is not there, not whole, or not the contract's."""


def check_engine(engine: str) -> str:
    """Return an engine's name if it can run here.

    Raises:
        EngineUnavailable: an unknown name, or one whose module is not installed.
    """
    from importlib.util import find_spec

    if engine not in ENGINES:
        raise EngineUnavailable(f"unknown engine '{engine}'; allowed: {', '.join(ENGINES)}")
    if find_spec(NEEDS[engine]) is None:
        remedy = "run ./sim2real.sh setup" + (", which asks for its terms" if engine == "physx" else "")
        raise EngineUnavailable(
            f"engine '{engine}' needs the Python module '{NEEDS[engine]}', which is not installed: {remedy}, or leave"
            f" '{engine}' out of --engines"
        )
    return engine


@dataclass(frozen=True, kw_only=True, eq=False)
class LinkChanges:
    """What differs between the worlds link by link; n rows, a column for each named link. Others stay nominal."""

    names: tuple[str, ...]
    """Links."""
    mass: np.ndarray
    """Factor on mass and inertia [1], (n, links)."""
    load: np.ndarray
    """Mass that is carried at the centre of mass, beside it [kg], (n, links)."""
    com: np.ndarray
    """How far the centre of mass is moved, in the link's frame [m], (n, links, 3)."""
    heads: Mapping[str, str] = field(default_factory=dict)
    """Link -> the link that it is tied to for good, of which an engine may have made one body with it."""

    def take(self, rows: np.ndarray | list[int]) -> LinkChanges:
        """The changes of some worlds."""
        return dataclasses.replace(self, mass=self.mass[rows], load=self.load[rows], com=self.com[rows])

    def on(self, names: Sequence[str], engine: str) -> LinkChanges:
        """The changes with a column for each link that an engine has, in its order.

        Raises:
            RobotMismatch: a link is changed that the engine has not.
        """
        changed = (self.mass != 1.0).any(axis=0) | (self.load != 0.0).any(axis=0) | (self.com != 0.0).any(axis=(0, 2))
        here = set(names)
        missing = [
            name for k, name in enumerate(self.names) if changed[k] and name not in here and not self._in_head(k, here)
        ]
        if missing:
            raise RobotMismatch(
                f"the spec changes links that are not links of their own in '{engine}': {', '.join(missing)}; it has:"
                f" {', '.join(names)}. Select others in the spec"
            )
        rows = len(self.mass)
        whole = LinkChanges(
            names=tuple(names),
            mass=np.ones((rows, len(names))),
            load=np.zeros((rows, len(names))),
            com=np.zeros((rows, len(names), 3)),
        )
        columns = [(list(names).index(name), k) for k, name in enumerate(self.names) if name in names]
        for mine, other in columns:
            whole.mass[:, mine], whole.load[:, mine] = self.mass[:, other], self.load[:, other]
            whole.com[:, mine] = self.com[:, other]
        return whole

    def _in_head(self, k: int, here: set[str]) -> bool:
        """Whether a link changes no more than its mass, by the factor of the link that it is tied to and is part of."""
        head = self.heads.get(self.names[k])
        if head not in here or head not in self.names or self.load[:, k].any() or self.com[:, k].any():
            return False
        return bool((self.mass[:, k] == self.mass[:, self.names.index(head)]).all())


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """What differs between the worlds; n rows each."""

    friction: np.ndarray
    """Coefficient between robot and ground [1], (n,)."""
    mass: np.ndarray
    """Factor on the mass and inertia of every link [1], (n,)."""
    strength: np.ndarray
    """Factor on gains and effort limits of every joint [1], (n,)."""
    latency_s: np.ndarray
    """From the decision until the drives have the targets [s], (n,)."""
    yaw: np.ndarray
    """Heading at the start [rad], (n,)."""
    joint_offset: np.ndarray
    """Start of the joints beside the default pose [rad or m], (n, joints)."""
    base_velocity: np.ndarray
    """Velocity of the base at the start in the world [m/s], (n, 3); 0 for a base that is fixed."""
    drives: np.ndarray | None = None
    """Factors on stiffness, damping and effort limit beside `strength` [1], (n, joints, 3); None: 1."""
    links: LinkChanges | None = None
    """What differs link by link, beside `mass`; None: nothing."""

    def __len__(self) -> int:
        return len(self.friction)

    def take(self, rows: np.ndarray | list[int]) -> Conditions:
        """The conditions of some worlds."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        links = None if self.links is None else self.links.take(rows)
        taken: dict[str, Any] = {
            name: None if value is None else value[rows] for name, value in values.items() if name != "links"
        }
        return Conditions(**taken, links=links)

    def links_of(self, names: Sequence[str], engine: str) -> LinkChanges:
        """What differs at each link of an engine, `mass` included. Raises: RobotMismatch."""
        count = len(self)
        none = LinkChanges(names=(), mass=np.ones((count, 0)), load=np.zeros((count, 0)), com=np.zeros((count, 0, 3)))
        found = (self.links or none).on(names, engine)
        return dataclasses.replace(found, mass=found.mass * self.mass[:, None])

    def drive_factors(self, joints: int) -> np.ndarray:
        """Factors on stiffness, damping and effort limit, `strength` included, (n, joints, 3)."""
        own = np.ones((len(self), joints, 3)) if self.drives is None else self.drives
        return own * np.asarray(self.strength, float)[:, None, None]

    @classmethod
    def nominal(cls, worlds: int, joints: int, friction: float = 0.8) -> Conditions:
        """Conditions that change nothing: the default pose at rest, no delay."""
        one, zero = np.ones(worlds), np.zeros(worlds)
        return cls(
            friction=np.full(worlds, friction),
            mass=one,
            strength=one.copy(),
            latency_s=zero,
            yaw=zero.copy(),
            joint_offset=np.zeros((worlds, joints)),
            base_velocity=np.zeros((worlds, 3)),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """Where n robots are, after a reset or a decision."""

    base_pos: np.ndarray
    """Origin of the base link in its world [m], (n, 3)."""
    base_quat_xyzw: np.ndarray
    """Orientation of the base link, (n, 4)."""
    base_lin_vel: np.ndarray
    """Velocity of the base link's centre of mass in the base's frame [m/s], (n, 3)."""
    base_ang_vel: np.ndarray
    """Angular velocity of the base in its own frame [rad/s], (n, 3)."""
    joint_pos: np.ndarray
    """Joint positions [rad or m], (n, joints)."""
    joint_vel: np.ndarray
    """Joint velocities [rad/s or m/s], (n, joints)."""
    joint_effort: np.ndarray
    """What the drives did in the last physics step [N·m or N], (n, joints)."""
    energy: np.ndarray
    """Sum over joints and physics steps since the last snapshot of |effort x velocity| x dt [J], (n,)."""
    links: np.ndarray
    """Origins of the links of `Player.link_names` [m], (n, links, 3)."""
    tool_quat_xyzw: np.ndarray
    """Orientation of the end effector, or of the base where there is none, (n, 4)."""

    def finite(self) -> np.ndarray:
        """Whether a world's numbers are numbers, bool (n,)."""
        good = np.ones(len(self.base_pos), bool)
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            good &= np.isfinite(value.reshape(len(value), -1)).all(axis=1)
        return good


class Player(Protocol):
    """Robots in an engine."""

    engine: str
    """One of `ENGINES`."""
    num_worlds: int
    """Robots."""
    joint_names: tuple[str, ...]
    """Joints, in the order of the contract's robot."""
    link_names: tuple[str, ...]
    """Links whose places are reported; the base first."""
    mass: np.ndarray
    """Mass of a robot as the engine holds it [kg], (num_worlds,), once it was reset."""

    def reset(self, conditions: Conditions) -> Snapshot:
        """Begin an episode in every world."""

    def step(self, targets: np.ndarray, active: np.ndarray | None = None) -> Snapshot:
        """Go on by one decision.

        Args:
            targets: joint positions that the policy wants [rad or m], (num_worlds, joints).
            active: worlds that matter, bool (num_worlds,); an engine may leave the others where they are.
        """

    def ground_force(self) -> np.ndarray:
        """Force of the ground on each robot [N], (num_worlds, 3)."""

    def close(self) -> None:
        """Free what the engine holds; nothing works afterwards."""


def ground_height(robot: Robot) -> float:
    """Height of the ground [m]: 0 for a robot that moves, a hand's breadth below the base of one that does not."""
    return 0.0 if robot.floating_base else robot.start_pos[2] - BELOW_ARM


def feels_gravity(robot: Robot) -> bool:
    """Whether gravity pulls at a robot. Not at an arm: its own controller carries it, as in our reach tasks."""
    return robot.floating_base


def quat_from_yaw(yaw: np.ndarray, quat_xyzw: tuple[float, ...]) -> np.ndarray:
    """A turn about the vertical after a given one, x, y, z, w, (n, 4)."""
    x, y, z, w = quat_xyzw
    sine, cosine = np.sin(yaw / 2), np.cos(yaw / 2)
    return np.stack(
        (cosine * x - sine * y, cosine * y + sine * x, cosine * z + sine * w, cosine * w - sine * z), axis=-1
    )


def turn_back(quat_xyzw: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector of the world in the frame that a quaternion turns into the world, (n, 3)."""
    axis, real = -quat_xyzw[..., :3], quat_xyzw[..., 3:]
    twice = 2.0 * np.cross(axis, vector)
    return vector + real * twice + np.cross(axis, twice)
