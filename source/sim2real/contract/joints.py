"""The robot that a policy was trained on, and the training.

The robot says what stood behind its joints in training: gains, limits, rotor inertia, the law of the drive. Whoever
runs the policy on another engine builds the same drives from it; whoever runs it on a robot compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim2real.contract.chain import Chain
from sim2real.contract.reading import (
    as_range,
    at_least_zero,
    is_number,
    is_sha256,
    keys,
    need,
    need_label,
    need_text,
    numbers,
    objects,
    optional_range,
    plain,
)

DRIVES = ("implicit_pd", "pd", "dc_motor", "motor")
"""``implicit_pd``: solved with the physics; ``pd``: torque of gains, clipped at the effort limit; ``dc_motor``: clipped
along a torque-speed line too; ``motor``: sim2real's motor with supply, heat and play."""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A joint and its drive in training, without what was randomized."""

    name: str
    """Name of the joint in the robot's description."""
    unit: str = "rad"
    """``rad`` for a turning joint, ``m`` for a sliding one."""
    default_pos: float
    """Position in the default pose [unit]."""
    default_vel: float = 0.0
    """Velocity in the default pose [unit/s]."""
    position_limit: tuple[float, float] | None = None
    """Range of the joint [unit]; None: endless."""
    drive: str = "pd"
    """One of ``DRIVES``."""
    kp: float
    """Stiffness [N·m/rad or N/m]."""
    kd: float
    """Damping [N·m·s/rad or N·s/m]."""
    effort_limit: float | None = None
    """Largest torque or force [N·m or N]; None: not limited."""
    velocity_limit: float | None = None
    """Largest speed [unit/s]; for ``dc_motor`` the speed at which no torque is left; None: not limited."""
    saturation_effort: float | None = None
    """Torque of a ``dc_motor`` at rest [N·m]; None for the other drives."""
    armature: float = 0.0
    """Inertia of the rotor as the joint feels it [kg·m² or kg]."""
    friction: float = 0.0
    """Static friction of the joint, as the training engine was given it [N·m or N]."""
    delay_s: tuple[float, float] = (0.0, 0.0)
    """Range of the drive's own delay in training [s]."""
    motor: Mapping[str, Any] | None = None
    """Numbers of a ``motor``; None for the other drives."""

    def __post_init__(self) -> None:
        """Check names and ranges. Raises: ContractError."""
        need_label(self.name, "robot.joints: name")
        where = f"robot.joints: {self.name}."
        need(self.unit in ("rad", "m"), where + "unit", self.unit, "'rad' or 'm'")
        need(self.drive in DRIVES, where + "drive", self.drive, f"one of {', '.join(DRIVES)}")
        for name in ("default_pos", "default_vel"):
            value = getattr(self, name)
            need(is_number(value), where + name, value, "a number")
            object.__setattr__(self, name, float(value))
        for name in ("kp", "kd", "armature", "friction"):
            at_least_zero(self, name, where)
        for name in ("effort_limit", "velocity_limit", "saturation_effort"):
            at_least_zero(self, name, where, optional=True)
        optional_range(self, "position_limit", where)
        delay = as_range(self.delay_s, where + "delay_s")
        need(delay[0] >= 0.0, where + "delay_s", delay, "0 or more")
        object.__setattr__(self, "delay_s", delay)
        line = self.drive == "dc_motor"
        whole = (self.saturation_effort is not None) == line and not (line and self.velocity_limit is None)
        given = (self.saturation_effort, self.velocity_limit)
        need(whole, where + "saturation_effort, velocity_limit", given, "two numbers, for a dc_motor alone")
        need(
            (self.motor is not None) == (self.drive == "motor"), where + "motor", self.motor, "given for a motor alone"
        )
        if self.motor is not None:
            object.__setattr__(self, "motor", plain(self.motor, where + "motor"))


@dataclass(frozen=True, kw_only=True)
class Robot:
    """The robot that the policy was trained on."""

    name: str
    """Name of the robot."""
    urdf: str
    """File name of its description, below the folder of robots: ``go2_description/urdf/go2.urdf``."""
    urdf_sha256: str
    """SHA-256 of that file."""
    base_link: str
    """The link whose motion is the base's."""
    end_effector: str | None = None
    """The link that reaches; None for a robot that walks."""
    floating_base: bool = True
    """Whether the base moves."""
    start_pos: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the base stands at the start, above flat ground at z = 0 [m]."""
    start_quat_xyzw: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """How it is turned there."""
    joints: tuple[Joint, ...]
    """All its joints in the order of training, those too that the policy does not move: they hold their default."""
    chain: Chain | None = None
    """Its links and joints as the description has them; None: not read."""

    def __post_init__(self) -> None:
        """Check names and numbers. Raises: ContractError."""
        need_label(self.name, "robot.name")
        need_text(self.urdf, "robot.urdf")
        outside = self.urdf.startswith("/") or ".." in self.urdf.split("/") or "\\" in self.urdf
        need(not outside, "robot.urdf", self.urdf, "a path below the folder of robots, with '/' and without '..'")
        need(is_sha256(self.urdf_sha256), "robot.urdf_sha256", self.urdf_sha256, "64 hexadecimal digits")
        need_label(self.base_link, "robot.base_link")
        if self.end_effector is not None:
            need_label(self.end_effector, "robot.end_effector")
        need(isinstance(self.floating_base, bool), "robot.floating_base", self.floating_base, "true or false")
        numbers(self, "start_pos", "robot.", (3,))
        numbers(self, "start_quat_xyzw", "robot.", (4,))
        object.__setattr__(self, "joints", tuple(self.joints))
        names = [joint.name for joint in self.joints]
        need(len(set(names)) == len(names) >= 1, "robot.joints", names, "one or more joints, each name once")
        if self.chain is not None:
            known = {joint.name for joint in self.chain.joints}
            missing = [name for name in names if name not in known]
            need(not missing, "robot.joints", missing, "among the joints of robot.chain")

    def joint(self, name: str) -> Joint:
        """The joint of a name. Raises: ContractError."""
        for joint in self.joints:
            if joint.name == name:
                return joint
        need(False, "joint", name, f"one of {', '.join(j.name for j in self.joints)}")
        raise AssertionError  # the line above raises

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of all joints, in the order of training."""
        return tuple(joint.name for joint in self.joints)

    @classmethod
    def from_dict(cls, data: Any) -> Robot:
        """Read from plain JSON values. Raises: ContractError."""
        top = keys(cls, data, "robot")
        top["joints"] = objects(Joint, top["joints"], "robot.joints")
        top["chain"] = None if top["chain"] is None else Chain.from_dict(top["chain"])
        return cls(**top)


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """Where the policy comes from."""

    physics: str
    """The engine that it was trained in: ``newton_mjwarp``, ``ovphysx`` or ``isaacsim_physx``."""
    physics_dt_s: float
    """Step of that engine [s]."""
    decimation: int
    """Physics steps of one decision."""
    seed: int | None = None
    """Seed of the run."""
    command: str | None = None
    """Command line of the run; those of the runs whose networks it began with, one after another, before it."""
    commit: str | None = None
    """Commit of the code that trained it."""
    num_envs: int | None = None
    """Parallel environments."""
    iterations: int | None = None
    """Updates until the checkpoint."""
    env_steps: int | None = None
    """Decisions of all environments until the checkpoint, those of earlier runs among them."""
    hours: float | None = None
    """Wall time until the checkpoint [h], earlier runs' with it."""
    machine: str | None = None
    """What it ran on."""
    checkpoint: str | None = None
    """File name of the checkpoint."""

    def __post_init__(self) -> None:
        """Check types and ranges. Raises: ContractError."""
        need_label(self.physics, "run.physics")
        good = is_number(self.physics_dt_s) and 0.0 < self.physics_dt_s <= 1.0
        need(good, "run.physics_dt_s", self.physics_dt_s, "a number above 0 and up to 1")
        object.__setattr__(self, "physics_dt_s", float(self.physics_dt_s))
        for name, least in (("decimation", 1), ("seed", None), ("num_envs", 1), ("iterations", 0), ("env_steps", 0)):
            value = getattr(self, name)
            if value is None and name != "decimation":
                continue
            whole = isinstance(value, int) and not isinstance(value, bool)
            need(whole and (least is None or value >= least), f"run.{name}", value, "a whole number in its range")
        at_least_zero(self, "hours", "run.", optional=True)
        for name in ("command", "commit", "machine", "checkpoint"):
            if getattr(self, name) is not None:
                need_text(getattr(self, name), f"run.{name}")
