"""What every engine has to play: numbered episodes with their start, commands and conditions.

An episode's number and the seed decide everything that is drawn (`sim2real.draws`), so that the same episode is played
in every engine, on any machine, in any order, however many at a time. A *variant* says under which conditions: `drawn`
takes those of the episode; `friction=0.2` holds one at a value and all others at nominal, for the robustness curves;
start and commands stay the episode's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sim2real.contract import Command, Contract, ContractError, ObservationTerm
from sim2real.draws import Draws
from sim2real.evaluate.engines.player import Conditions, LinkChanges, Snapshot, turn_back
from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.transfer_spec import SpecEpisodes

DRAWN = "drawn"
"""The variant whose conditions are the episode's own."""
NOMINAL = "nominal"
"""The variant in which every condition is nominal."""
VELOCITY, REACH = "velocity", "reach"
"""What a policy can be asked for."""
FACTORS: dict[str, tuple[float, tuple[float, float], tuple[float, ...], float]] = {
    "latency_s": (0.0, (0.0, 0.02), (0.01, 0.02, 0.04, 0.06, 0.08, 0.12), 0.02),
    "friction": (0.8, (0.5, 1.25), (0.1, 0.2, 0.3, 0.5, 1.2), 0.4),
    "mass": (1.0, (0.9, 1.1), (0.5, 0.75, 1.25, 1.5, 2.0), 0.5),
    "strength": (1.0, (0.9, 1.1), (0.3, 0.5, 0.7, 0.85, 1.5), 0.5),
}
"""For each condition: nominal value, range of `drawn`, values of the robustness curve, and one unit of its change."""


@dataclass(frozen=True, kw_only=True)
class TransferRules:
    """What counts, and how long; part of a table's identity."""

    episode_s: float = 20.0
    """Length of an episode [s]."""
    resample_s: float = 10.0
    """After how long a new command is drawn [s]."""
    joint_offset: float = 0.1
    """Largest start of a joint beside the default pose [rad]; a sliding joint starts at it."""
    base_speed: float = 0.3
    """Largest speed of the base at the start, along x and y [m/s]; for a base that moves."""
    tilt_rad: float = math.radians(60.0)
    """From this tilt on a robot has fallen."""
    low: float = 0.4
    """Below this share of its height in the default pose, too."""
    velocity_within: float = 0.5
    """Largest mean error of the velocity in a success [m/s]."""
    reach_within: float = 0.05
    """Largest mean distance to the targets in a success [m], over the last second of each."""

    def __post_init__(self) -> None:
        """Check ranges. Raises: EvaluationError."""
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value > 0.0):
                raise EvaluationError(f"{name} is {value}; give a number above 0")


@dataclass(frozen=True)
class Episode:
    """An episode under conditions."""

    number: int
    """Its number; with the seed it decides start, commands and drawn conditions."""
    variant: str = DRAWN
    """`drawn`, `nominal`, or `<condition>=<value>`."""

    def overrides(self) -> Mapping[str, float] | None:
        """Conditions that are set, the others nominal; None where all are drawn."""
        if self.variant == DRAWN:
            return None
        if self.variant == NOMINAL:
            return {}
        name, _, value = self.variant.partition("=")
        if name not in FACTORS:
            raise ValueError(f"variant '{self.variant}': no condition '{name}'; there are {', '.join(FACTORS)}")
        return {name: float(value)}


@dataclass(frozen=True, kw_only=True)
class TransferTask:
    """The task of a policy, as its contract says it."""

    kind: str
    """`velocity` or `reach`."""
    command: Command
    """What is asked."""
    contract: Contract
    """Of the policy."""
    seed: int = 0
    """Seed of the episodes."""
    rules: TransferRules = field(default_factory=TransferRules)
    """What counts."""
    spec: SpecEpisodes | None = None
    """What `drawn` conditions are drawn from; None: the ranges of `FACTORS`."""

    @classmethod
    def of(cls, contract: Contract, seed: int = 0, spec: SpecEpisodes | None = None, **changes: Any) -> TransferTask:
        """The task of a contract; `changes` are fields of `TransferRules`.

        Raises:
            ContractError: the policy moves no joints, or takes no velocity or pose command.
        """
        kinds = {"velocity_command": VELOCITY, "pose_command": REACH}
        commands = contract.state.commands
        if len(commands) != 1:
            raise ContractError(
                f"policy '{contract.name}' takes {len(commands)} commands; a transfer test knows policies of one"
                " velocity or one pose"
            )
        kind = kinds[commands[0].kind]
        given = {"episode_s": 20.0 if kind == VELOCITY else 12.0}
        if commands[0].resample_s is not None:
            given["resample_s"] = commands[0].resample_s[1]
        rules = TransferRules(**{**given, **changes})
        return cls(kind=kind, command=commands[0], contract=contract, seed=seed, rules=rules, spec=spec)

    @property
    def scan(self) -> ObservationTerm | None:
        """The policy's height scan, which tells flat ground here; None without one."""
        return next((term for term in self.contract.state.terms if term.kind == "height_scan"), None)

    @property
    def step_s(self) -> float:
        """Time of one decision [s]."""
        return 1.0 / self.contract.rate_hz

    @property
    def steps(self) -> int:
        """Decisions of an episode."""
        return max(1, round(self.rules.episode_s * self.contract.rate_hz))

    @property
    def phase_steps(self) -> int:
        """Decisions under one command."""
        return max(1, round(self.rules.resample_s * self.contract.rate_hz))

    def identity(self) -> dict[str, Any]:
        """What all episodes of a table share."""
        shared = {"contract": self.contract.sha256, "seed": self.seed, "rules": asdict(self.rules), "task": self.kind}
        return shared if self.spec is None else {**shared, "spec": self.spec.spec.digest}

    def conditions(self, episodes: Sequence[Episode]) -> Conditions:
        """Starts and conditions of episodes."""
        draws, numbers = Draws(self.seed), [episode.number for episode in episodes]
        joints = self.contract.robot.joints  # type: ignore[union-attr]  # a contract with joint actions has a robot

        def between(name: str, low: float, high: float, count: int = 1) -> np.ndarray:
            return low + (high - low) * draws.unit(f"transfer/{name}", numbers, count=count).astype(np.float64)

        given = [episode.overrides() for episode in episodes]
        from_spec = {} if self.spec is None else self.spec.values(self.seed, numbers)
        values: dict[str, Any] = {}
        for name, (nominal, (low, high), _, _) in FACTORS.items():
            if self.spec is None:
                own = between(name, low, high)[:, 0]
            else:
                own = from_spec.pop(name, np.full(len(numbers), nominal))
            pairs = zip(own, given, strict=True)
            values[name] = np.array([drawn if said is None else said.get(name, nominal) for drawn, said in pairs])
        if from_spec:
            _undo(from_spec["drives"], from_spec["links"], np.array([said is not None for said in given]))
        span = np.array([self.rules.joint_offset if joint.unit == "rad" else 0.0 for joint in joints])
        moves = self.contract.robot.floating_base  # type: ignore[union-attr]
        offset = between("joint_offset", -1.0, 1.0, len(joints)) * span
        default = np.array([joint.default_pos for joint in joints])
        limits = np.array([joint.position_limit or (-np.inf, np.inf) for joint in joints])
        speed = between("base_velocity", -self.rules.base_speed, self.rules.base_speed, 2) if moves else 0.0
        velocity = np.zeros((len(numbers), 3))
        velocity[:, :2] = speed
        return Conditions(
            **values,
            **from_spec,
            yaw=between("yaw", -math.pi, math.pi)[:, 0] if moves else np.zeros(len(numbers)),
            joint_offset=np.clip(default + offset, limits[:, 0], limits[:, 1]) - default,
            base_velocity=velocity,
        )

    def wanted(self, episodes: Sequence[Episode], step: int) -> np.ndarray:
        """What was drawn of the command that holds at a step: (n, 3) or (n, 4) for a velocity, (n, 7) for a pose."""
        draws = Draws(self.seed)
        ranges = self.command.ranges
        numbers = [episode.number for episode in episodes]
        if self.kind == VELOCITY:
            keys: tuple[str, ...] = ("lin_vel_x", "lin_vel_y", "ang_vel_z", "heading")
        else:
            keys = ("pos_x", "pos_y", "pos_z", "roll", "pitch", "yaw")
        bounds = np.array([ranges.get(key, (-math.pi, math.pi) if key == "heading" else (0.0, 0.0)) for key in keys])
        units = draws.unit("transfer/command", numbers, occurrence=step // self.phase_steps, count=len(keys))
        values = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * units.astype(np.float64)
        if self.kind == VELOCITY:
            return values if self.command.heading_stiffness is not None else values[:, :3]
        return np.concatenate([values[:, :3], quat_from_euler(values[:, 3:])], axis=1)

    def command_now(self, wanted: np.ndarray, seen: Snapshot) -> np.ndarray:
        """The command that the policy gets: (n, 3) velocity in the base's frame, or (n, 7) pose."""
        if self.kind == REACH or wanted.shape[1] == 3:
            return wanted
        low, high = self.command.ranges.get("ang_vel_z", (-math.inf, math.inf))
        error = wanted[:, 3] - heading_of(seen.base_quat_xyzw)
        error = (error + math.pi) % (2 * math.pi) - math.pi
        turn = np.clip((self.command.heading_stiffness or 0.0) * error, low, high)
        return np.concatenate([wanted[:, :2], turn[:, None]], axis=1)


def _undo(drives: np.ndarray, links: LinkChanges, rows: np.ndarray) -> None:
    """Make drives and links of some worlds nominal again."""
    drives[rows], links.mass[rows], links.load[rows], links.com[rows] = 1.0, 1.0, 0.0, 0.0


def heading_of(quat_xyzw: np.ndarray) -> np.ndarray:
    """Heading of a base [rad]: where its x axis points in the plane, (n,)."""
    x, y, z, w = quat_xyzw.T
    return np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def quat_from_euler(angles: np.ndarray) -> np.ndarray:
    """Turns about the fixed x, then y, then z axis [rad] as x, y, z, w with w not negative, (n, 4)."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(angles / 2).T, np.cos(angles / 2).T
    quat = np.stack(
        (
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        ),
        axis=1,
    )
    return np.where(quat[:, 3:] < 0.0, -quat, quat)


def fallen(seen: Snapshot, height: float, rules: TransferRules) -> np.ndarray:
    """Whether robots have fallen, by tilt or by height; `height` is that of the default pose [m], bool (n,)."""
    down = turn_back(seen.base_quat_xyzw, np.broadcast_to([0.0, 0.0, -1.0], seen.base_pos.shape))
    with np.errstate(invalid="ignore"):
        return (-down[:, 2] < math.cos(rules.tilt_rad)) | (seen.base_pos[:, 2] < rules.low * height)
