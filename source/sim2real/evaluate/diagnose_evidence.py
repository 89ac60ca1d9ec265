"""What a log says against itself, against the network and against physics: four numbers that a correction can lower.

`network`: the answer of the policy's network to the logged state, against the logged answer. `joint rates` and `base
rates`: measured velocities against the change of measured positions. `motion`: MuJoCo, set to the logged state and
given the logged targets, against the logged joints some tenths of a second later (`diagnose_replay.py`). Each is a sum
of squared errors beside the sum of squares that it is measured in, by segments of the log, so that a bootstrap can
draw segments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from sim2real.contract import ActionMapper, Contract, ObservationAssembler, RobotState
from sim2real.evaluate.engines.player import turn_back
from sim2real.evaluate.log import LogError, RobotLog

NETWORK, JOINT_RATES, BASE_RATES, MOTION = "network", "joint rates", "base rates", "motion"
TOLERANCES = {NETWORK: 0.01, JOINT_RATES: 0.35, BASE_RATES: 0.35, MOTION: 0.05}
"""Root of the relative squared error up to which a channel is consistent [1]. Rates are integrated by the trapezium
rule over a decision, which impacts cannot follow."""
STILL = 1e-3
"""Rates whose integral over a decision stays below this root mean square say nothing [rad]."""

Channel = np.ndarray
"""Squared error and squared size of each segment, (segments, 2)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Felt:
    """The state of a log in the contract's order; t rows."""

    time: np.ndarray
    """(t,) [s]."""
    pos: np.ndarray
    """(t, joints of the robot)."""
    vel: np.ndarray
    """Likewise."""
    quat: np.ndarray
    """x, y, z, w; (t, 4)."""
    gyro: np.ndarray
    """(t, 3)."""
    lin_vel: np.ndarray | None
    """(t, 3), in the base's frame."""
    place: np.ndarray | None
    """(t, 3), in the world."""
    commands: Mapping[str, np.ndarray]
    """By name."""
    last: np.ndarray
    """The action before, (t, actions); 0 in the first row."""

    def rows(self, which: Any) -> Felt:
        """Some rows."""
        parts = {name: value[which] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **parts, commands={name: value[which] for name, value in self.commands.items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Drive:
    """How the drives and the ground differ from the contract's."""

    latency_s: float = 0.0
    """Later than sent [s]."""
    kp: Any = 1.0
    """Factor on stiffness, one or one for each joint; so are the next two."""
    kd: Any = 1.0
    """Factor on damping."""
    strength: Any = 1.0
    """Factor on stiffness, damping and limits."""
    friction: float = 0.0
    """Friction of each joint beside the contract's [N·m or N]."""
    ground: float = 0.8
    """Friction coefficient of the ground [1]."""
    mass: float = 1.0
    """Factor on the mass of every link."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Correction:
    """What could have been wrong, put right: in what the network was given, in what was read, in what was sent."""

    given: Callable[[Felt], Felt] | None = None
    """From the logged state to what the network was given on the robot."""
    observed: Callable[[np.ndarray], np.ndarray] | None = None
    """From the observation to what the network was given."""
    answered: Callable[[np.ndarray], np.ndarray] | None = None
    """From the network's answer to what was taken for it."""
    read: Callable[[Felt], Felt] | None = None
    """From the logged state to the true one."""
    sent: Callable[[np.ndarray], np.ndarray] | None = None
    """From the logged targets to what the drives got."""
    drive: Drive | None = None
    """The drives and the ground as they are."""


NOTHING = Correction()


class Replay(Protocol):
    """Sets a simulated robot to a logged state, and gives it logged targets."""

    segments: np.ndarray
    """Which segments are replayed."""

    def __call__(self, felt: Felt, targets: np.ndarray, drive: Drive) -> tuple[np.ndarray, np.ndarray]:
        """Joints as replayed and as logged, each (segments, decisions + 1, joints), the start included."""


@dataclass(kw_only=True, eq=False)
class Evidence:
    """A log beside its policy."""

    contract: Contract
    """Of the policy."""
    felt: Felt
    """The logged state."""
    action: np.ndarray
    """The logged answers, (t, actions)."""
    targets: np.ndarray
    """What was sent, (t, joints of the robot)."""
    infer: Callable[[np.ndarray], np.ndarray]
    """The network."""
    replay: Replay | None = None
    """None: the motion is not replayed."""
    segment: int = 10
    """Decisions of a segment."""
    _mapper: ActionMapper = field(init=False)
    _nothing: dict[str, Channel] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._mapper = ActionMapper(self.contract)
        terms = self.contract.state.terms
        self.skip = 1 + max(term.history for term in terms)
        """Decisions at the start whose history the log does not hold."""
        self._nothing = self.measure(NOTHING)

    @property
    def before(self) -> dict[str, Channel]:
        """What the log shows as it is."""
        return self._nothing

    def measure(self, correction: Correction, replayed: bool = True) -> dict[str, Channel]:
        """Every channel under a correction; those that it does not touch are not computed again.

        Args:
            correction: what is put right.
            replayed: False leaves the motion as it is without the correction.
        """
        found = dict(self._nothing)
        first, to = not found, correction
        if first or to.given or to.observed or to.answered:
            found[NETWORK] = self._by_segment(*self.network(correction))
        felt = to.read(self.felt) if to.read else self.felt
        if first or to.read:
            found[JOINT_RATES] = self._by_segment(*self._joint_rates(felt))
            found[BASE_RATES] = self._by_segment(*self._base_rates(felt))
            for name in (JOINT_RATES, BASE_RATES):
                if not first and not found[name].any():  # a correction that stills the robot mends nothing
                    found[name] = self._nothing[name]
        if self.replay is not None and replayed and (first or to.read or to.sent or to.drive):
            played, logged = self.motion(correction)
            error, size = played - logged, logged - logged[:, :1]
            found[MOTION] = np.stack([(error**2).sum(axis=(1, 2)), (size**2).sum(axis=(1, 2))], axis=1)
        return found

    def motion(self, correction: Correction) -> tuple[np.ndarray, np.ndarray]:
        """Joints as replayed and as logged, (segments, decisions + 1, joints)."""
        assert self.replay is not None
        felt = correction.read(self.felt) if correction.read else self.felt
        targets = correction.sent(self.targets) if correction.sent else self.targets
        return self.replay(felt, targets, correction.drive or Drive())

    def answers(self, correction: Correction) -> np.ndarray:
        """What the network says to the logged state, within the raw clip, (t, actions)."""
        felt = correction.given(self.felt) if correction.given else self.felt
        seen = self.observe(felt)
        if correction.observed:
            seen = correction.observed(seen)
        action = self._mapper.raw(self.infer(np.ascontiguousarray(seen, np.float32))).astype(np.float64)
        return correction.answered(action) if correction.answered else action

    def observe(self, felt: Felt) -> np.ndarray:
        """The observations of all decisions at once, (t, size): every row a robot, its history played through."""
        count = len(felt.time)
        assembler = ObservationAssembler(self.contract, count)
        deepest = max(term.history for term in self.contract.state.terms)
        for back in reversed(range(deepest)):
            row = felt.rows(np.maximum(np.arange(count) - back, 0))
            seen = assembler(
                RobotState(
                    joint_names=self.contract.robot.joint_names,  # type: ignore[union-attr]
                    joint_pos=row.pos, joint_vel=row.vel, base_quat_xyzw=row.quat, base_ang_vel=row.gyro,
                    base_lin_vel=row.lin_vel, commands=row.commands, last_action=row.last,
                )
            )  # fmt: skip
        return seen

    def network(self, correction: Correction) -> tuple[np.ndarray, np.ndarray]:
        """Squared error of the answers and their squared size, of each decision."""
        error = self.answers(correction) - self.action
        size = self.action - self.action[self.skip :].mean(axis=0)
        error[: self.skip], size[: self.skip] = 0.0, 0.0
        if not size.any():
            size[self.skip :] = 1.0
        return (error**2).sum(axis=1), (size**2).sum(axis=1)

    def _joint_rates(self, felt: Felt) -> tuple[np.ndarray, np.ndarray]:
        step = np.diff(felt.time)[:, None]
        return _against(0.5 * step * (felt.vel[1:] + felt.vel[:-1]), np.diff(felt.pos, axis=0))

    def _base_rates(self, felt: Felt) -> tuple[np.ndarray, np.ndarray]:
        step = np.diff(felt.time)[:, None]
        return _against(0.5 * step * (felt.gyro[1:] + felt.gyro[:-1]), turns(felt.quat))

    def _by_segment(self, error: np.ndarray, size: np.ndarray) -> Channel:
        place = np.arange(len(error)) // self.segment
        return np.stack([np.bincount(place, error), np.bincount(place, size)], axis=1)


def relative(channel: Channel) -> float:
    """Root of the squared error over the squared size [1]."""
    error, size = channel.sum(axis=0)
    return float(np.sqrt(error / size)) if size > 0.0 else 0.0


def weights_of(before: Mapping[str, Channel]) -> dict[str, float]:
    """How much each channel counts: its squared error beyond the tolerance, at most 1; shares of all, or zeros."""
    beyond = {name: max(0.0, min(relative(c), 1.0) ** 2 - TOLERANCES[name] ** 2) for name, c in before.items()}
    total = sum(beyond.values())
    return {name: value / total if total else 0.0 for name, value in beyond.items()}


def explained(weights: Mapping[str, float], before: Mapping[str, Channel], after: Mapping[str, Channel]) -> float:
    """Share of the squared error that a correction takes away, over the channels that count [1]; may be below 0."""
    share = 0.0
    for name, weight in weights.items():
        if weight > 0.0 and (was := relative(before[name])) > 0.0:
            share += weight * max(-1.0, 1.0 - (relative(after[name]) / was) ** 2)
    return share


def _against(rate: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared difference and squared size (of both, so that neither can shrink it by vanishing), of each decision."""
    error, size = ((rate - change) ** 2).sum(axis=1), 0.5 * (rate**2 + change**2).sum(axis=1)
    if size.mean() < STILL**2:
        return np.zeros_like(error), np.zeros_like(size)
    return error, size


def turns(quat: np.ndarray) -> np.ndarray:
    """How a frame turned from row to row, in its own frame [rad], (t - 1, 3)."""
    a, b = quat[:-1], quat[1:]
    vector = a[:, 3:] * b[:, :3] - b[:, 3:] * a[:, :3] - np.cross(a[:, :3], b[:, :3])
    real = (a * b).sum(axis=1)
    vector, real = vector * np.where(real < 0.0, -1.0, 1.0)[:, None], np.abs(real)
    length = np.linalg.norm(vector, axis=1)
    angle = 2.0 * np.arctan2(length, real)
    return vector * np.where(length > 1e-12, angle / np.maximum(length, 1e-12), 2.0)[:, None]


def world_of(quat: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector of the base's frame in the world, (t, 3)."""
    return turn_back(quat * np.array([-1.0, -1.0, -1.0, 1.0]), vector)


def arrange(log: RobotLog, contract: Contract) -> tuple[Felt, np.ndarray, np.ndarray]:
    """A log in the contract's order.

    Returns:
        The state; the answers, (t, actions); the targets, (t, joints of the robot).

    Raises:
        LogError: something that the policy needs is not in the log, or it is not at the policy's rate.
    """
    robot, action = contract.robot, contract.joint_positions
    assert robot is not None  # a contract with joint actions has one
    _check_rate(log, contract)
    kinds = {term.kind for term in contract.state.terms}
    if "height_scan" in kinds:
        raise LogError(f"policy '{contract.name}' takes a height scan, which a log does not hold")
    needed = {joint for term in contract.state.terms for joint in term.joints} | set(action.joints)
    missing = sorted(needed - set(log.joint_names))
    if missing:
        raise LogError(f"the policy needs the joints {', '.join(missing)}; the log has {', '.join(log.joint_names)}")
    wants = {
        "base_quat_xyzw": {"projected_gravity"},
        "base_ang_vel": {"base_ang_vel"},
        "base_lin_vel": {"base_lin_vel"},
    }
    for name, by in wants.items():
        walks = robot.floating_base and name != "base_lin_vel"
        if getattr(log, name) is None and (walks or by & kinds):
            raise LogError(f"the log has no {name}, which policy '{contract.name}' or its robot needs")
    for command in contract.state.commands:
        size = 3 if command.kind == "velocity_command" else 7
        value = log.commands.get(command.name)
        if value is None or value.shape[1] != size:
            raise LogError(
                f"the log needs command.{command.name} of {size} numbers; it has"
                f" {', '.join(f'{name} of {v.shape[1]}' for name, v in log.commands.items()) or 'no command'}"
            )
    count, default = len(log), np.array([joint.default_pos for joint in robot.joints])
    pos, vel, sent = np.tile(default, (count, 1)), np.zeros((count, len(default))), np.tile(default, (count, 1))
    for i, name in enumerate(robot.joint_names):
        if name in log.joint_names:
            at = log.joint_names.index(name)
            pos[:, i], vel[:, i] = log.joint_pos[:, at], log.joint_vel[:, at]
            if log.targets is not None:
                sent[:, i] = log.targets[:, at]
    columns = [robot.joint_names.index(name) for name in action.joints]
    if log.action is not None:
        strange = sorted(set(action.joints) ^ set(log.action_names))
        if strange:
            raise LogError(f"action_names and the policy's joints differ in {', '.join(strange)}")
        answer = log.action[:, [log.action_names.index(name) for name in action.joints]]
    else:
        answer = (sent[:, columns] - np.asarray(action.offset)) / np.asarray(action.scale)
    if log.targets is None:
        sent[:, columns] = ActionMapper(contract).targets(answer)
    level = np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))
    felt = Felt(
        time=log.time - log.time[0], pos=pos, vel=vel,
        quat=level if log.base_quat_xyzw is None else log.base_quat_xyzw,
        gyro=np.zeros((count, 3)) if log.base_ang_vel is None else log.base_ang_vel,
        lin_vel=log.base_lin_vel, place=log.base_pos, commands=dict(log.commands),
        last=np.vstack([np.zeros_like(answer[:1]), ActionMapper(contract).raw(answer[:-1])]),
    )  # fmt: skip
    return felt, answer, sent


def _check_rate(log: RobotLog, contract: Contract) -> None:
    wanted, steps = 1.0 / contract.rate_hz, np.diff(log.time)
    if abs(log.step_s / wanted - 1.0) > 0.05:
        raise LogError(
            f"the log has a row every {1e3 * log.step_s:.3g} ms, the policy decides every {1e3 * wanted:.3g} ms; log"
            " each decision once"
        )
    gap = int(steps.argmax())
    if steps[gap] > 1.5 * wanted:
        raise LogError(f"{1e3 * steps[gap]:.3g} ms without a decision after row {gap}; give a stretch without gaps")
