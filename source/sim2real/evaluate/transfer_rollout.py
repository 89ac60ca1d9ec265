"""Play episodes of a policy on a player, and measure them.

Every robot of a batch decides at the same time. One that fell or flew apart stops there: its numbers are frozen, so
that the policy's network goes on with the others. What is measured is the same in every engine, from the same places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

import numpy as np

from sim2real.contract import RobotState
from sim2real.evaluate.engines.player import Player, Snapshot, ground_height, turn_back
from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.transfer_plan import REACH, VELOCITY, Episode, TransferTask, fallen

OUTCOMES = ("success", "off_target", "fall", "diverged")
"""How an episode can end: `off_target` stood to the end without doing what was asked; `diverged` is no number."""


class Policy(Protocol):
    """What decides; `sim2real.deploy.JointPolicyRuntime` is one."""

    joint_names: tuple[str, ...]
    """Names of the joints that it moves."""

    def reset(self, rows: Any = None) -> None:
        """Begin an episode with all robots."""

    def step(self, state: RobotState) -> np.ndarray:
        """Joint positions to hold until the next decision, (n, joints)."""


@dataclass(frozen=True, kw_only=True)
class PlayedEpisode:
    """One episode, measured."""

    number: int
    """Its number."""
    variant: str
    """Under which conditions."""
    outcome: str
    """One of `OUTCOMES`."""
    time_s: float
    """How long it went [s]."""
    score: float
    """Mean over the whole episode of exp(-(error / scale)²) [1]: 1 is perfect, nothing is got after a fall. Scales:
    0.5 m/s (and, for a third of the weight, 0.5 rad/s) for a velocity, 0.1 m for a reach."""
    error: float
    """Mean error of the velocity [m/s], or mean distance in the last second of each target [m]."""
    turn_error: float
    """Mean error of the turn rate [rad/s], or mean angle in the last second of each target [rad]."""
    energy_j: float
    """Sum of |effort x velocity| over joints and time [J]."""
    distance_m: float
    """Way of the base over ground, or of the end effector [m]."""
    cost_of_transport: float | None
    """Energy / (weight x way) [1]; None for an arm, and for a way below 0.5 m."""
    action_rate: float
    """Root mean square of the targets' change [rad/s]; smaller is smoother."""
    at_speed_limit: float
    """Share of the decisions after which a joint was at 99 % of its contract's speed limit, or beyond [1]."""
    conditions: dict[str, float] = field(default_factory=dict)
    """Friction, mass, strength and latency of the episode; what else a spec drew follows from its number."""

    @property
    def success(self) -> bool:
        """Whether it did what was asked."""
        return self.outcome == "success"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PlayedEpisode:
        """Read what `to_dict` wrote. Raises: ValueError, TypeError."""
        names = {f.name for f in fields(cls)}
        if set(data) != names or data["outcome"] not in OUTCOMES:
            raise ValueError(f"not an episode: {sorted(set(data) ^ names)}")
        return cls(**data)


Watcher = Callable[[int, Snapshot, np.ndarray], None]
"""Called after each decision with its number, the robots, and the commands."""


Listener = Callable[[int, Snapshot, RobotState, np.ndarray, np.ndarray], None]
"""Called with each decision: its number, the robots as it was taken, what they felt, the joint positions that were sent
(in the coordinates of their encoders), and which of them are in the game, bool (n,)."""


def play(
    player: Player,
    policy: Policy,
    task: TransferTask,
    episodes: Sequence[Episode],
    watch: Watcher | None = None,
    listen: Listener | None = None,
) -> list[PlayedEpisode]:
    """Play as many episodes as the player holds robots.

    Args:
        player: robots in an engine.
        policy: made for as many robots.
        task: what is asked and what counts.
        episodes: one for each robot.
        watch: sees every decision, for films.
        listen: hears every decision, for logs.

    Returns:
        The episodes, measured, in their order.
    """
    count = player.num_worlds
    if len(episodes) != count:
        raise ValueError(f"{len(episodes)} episodes for {count} robots; give one for each")
    columns = [player.joint_names.index(name) for name in policy.joint_names]
    conditions = task.conditions(episodes)
    seen = player.reset(conditions)
    policy.reset()
    default = np.array([joint.default_pos for joint in task.contract.robot.joints])  # type: ignore[union-attr]
    measure = _Measure(task, player, seen)
    targets = np.tile(default, (count, 1))
    senses = _Senses(player, task, episodes)
    for step in range(task.steps):
        if step % task.phase_steps == 0:
            wanted = task.wanted(episodes, step)
        command = task.command_now(wanted, seen)
        targets = targets.copy()
        felt = senses(seen, step, command)
        targets[:, columns] = policy.step(felt)
        if listen is not None:
            listen(step, seen, felt, targets, measure.alive)
        targets = targets - senses.zero
        after = player.step(targets, measure.alive)
        seen = measure.add(step, seen, after, command, targets)
        if watch is not None:
            watch(step, seen, command)
        if not measure.alive.any():
            break
    return measure.results(episodes, conditions)


class _Senses:
    """What robots feel: the exact state, or what the spec's sensors tell of it in drawn episodes."""

    def __init__(self, player: Player, task: TransferTask, episodes: Sequence[Episode]) -> None:
        self._player, self._task = player, task
        self._numbers = [episode.number for episode in episodes]
        self._drawn = np.array([episode.overrides() is None for episode in episodes])
        self.zero = np.zeros((len(episodes), len(player.joint_names)))
        if task.spec is not None:
            self.zero[self._drawn] = task.spec.zero_offset(task.seed, self._numbers)[self._drawn]
        scan, self._rays = task.scan, 0
        if scan is not None:  # rays that hit flat ground are all as far below the scanner's link as the ground is
            link = str(scan.sensor.get("link", task.contract.robot.base_link))  # type: ignore[union-attr]
            if link not in player.link_names:
                raise EvaluationError(f"the height scan hangs on '{link}'; links are {', '.join(player.link_names)}")
            self._link, self._rays = player.link_names.index(link), scan.size
            self._ground = ground_height(task.contract.robot)  # type: ignore[arg-type]

    def __call__(self, seen: Snapshot, step: int, command: np.ndarray) -> RobotState:
        names = ("joint_pos", "joint_vel", "base_ang_vel", "base_lin_vel")
        state = {name: getattr(seen, name) for name in names}
        state["joint_pos"] = state["joint_pos"] + self.zero
        if self._task.spec is not None:
            told = self._task.spec.felt(self._task.seed, self._numbers, step, state)
            state = {name: np.where(self._drawn[:, None], told[name], state[name]) for name in names}
        if self._rays:
            state["height_scan"] = np.repeat(seen.links[:, self._link, 2:] - self._ground, self._rays, axis=1)
        return RobotState(
            joint_names=self._player.joint_names,
            base_quat_xyzw=seen.base_quat_xyzw,
            commands={self._task.command.name: command},
            **state,
        )


class _Measure:
    """Sums over a batch of episodes."""

    def __init__(self, task: TransferTask, player: Player, first: Snapshot) -> None:
        count = player.num_worlds
        self._task, self._player = task, player
        self.alive = np.ones(count, bool)
        self._outcome = np.full(count, "", dtype=object)
        self._height = stance_height(task)
        zeros = {name: np.zeros(count) for name in ("score", "error", "turn", "energy", "way", "change", "fast")}
        self._sums, self._steps, self._late = zeros, np.zeros(count), np.zeros(count)
        self._tip = player.link_names.index(task.command.body) if task.kind == REACH else 0  # type: ignore[arg-type]
        limits = [joint.velocity_limit for joint in task.contract.robot.joints]  # type: ignore[union-attr]
        self._speed = np.array([math.inf if limit is None else 0.99 * limit for limit in limits])
        self._last_targets: np.ndarray | None = None

    def add(self, step: int, before: Snapshot, after: Snapshot, command: np.ndarray, targets: np.ndarray) -> Snapshot:
        """Take in a decision; return the robots, those that are out of it where they were."""
        good = after.finite()
        self._end(self.alive & ~good, "diverged")
        seen = _where(self.alive, after, before)
        on, sums = self.alive, self._sums
        self._steps[on] += 1
        sums["energy"][on] += seen.energy[on]
        sums["fast"][on] += (np.abs(seen.joint_vel) >= self._speed).any(axis=1)[on]
        place, was = seen.links[:, self._tip], before.links[:, self._tip]
        axes = 3 if self._task.kind == REACH else 2
        sums["way"][on] += np.linalg.norm(place[:, :axes] - was[:, :axes], axis=1)[on]
        if self._last_targets is not None:
            sums["change"][on] += (((targets - self._last_targets) / self._task.step_s) ** 2).mean(axis=1)[on]
        self._last_targets = targets
        if self._task.kind == VELOCITY:
            self._add_velocity(seen, command, on)
            self._end(on & fallen(seen, self._height, self._task.rules), "fall")
        else:
            self._add_reach(step, seen, command, on)
        return seen

    def _add_velocity(self, seen: Snapshot, command: np.ndarray, on: np.ndarray) -> None:
        error = np.linalg.norm(level_velocity(seen) - command[:, :2], axis=1)
        turn = np.abs(seen.base_ang_vel[:, 2] - command[:, 2])
        score = (2.0 * np.exp(-((error / 0.5) ** 2)) + np.exp(-((turn / 0.5) ** 2))) / 3.0
        for name, value in (("error", error), ("turn", turn), ("score", score)):
            self._sums[name][on] += value[on]
        self._late[on] += 1

    def _add_reach(self, step: int, seen: Snapshot, command: np.ndarray, on: np.ndarray) -> None:
        target = seen.base_pos + turn_back(_inverse(seen.base_quat_xyzw), command[:, :3])
        error = np.linalg.norm(seen.links[:, self._tip] - target, axis=1)
        turned = _product(_inverse(_product(seen.base_quat_xyzw, command[:, 3:])), seen.tool_quat_xyzw)
        angle = 2.0 * np.arctan2(np.linalg.norm(turned[:, :3], axis=1), np.abs(turned[:, 3]))
        self._sums["score"][on] += np.exp(-((error / 0.1) ** 2))[on]
        phase = self._task.phase_steps
        left = phase - 1 - step % phase
        if left < round(self._task.contract.rate_hz) or phase <= round(self._task.contract.rate_hz):
            self._sums["error"][on] += error[on]
            self._sums["turn"][on] += angle[on]
            self._late[on] += 1

    def _end(self, rows: np.ndarray, outcome: str) -> None:
        self._outcome[rows] = outcome
        self.alive &= ~rows

    def results(self, episodes: Sequence[Episode], conditions: Any) -> list[PlayedEpisode]:
        task, rules = self._task, self._task.rules
        within = rules.velocity_within if task.kind == VELOCITY else rules.reach_within
        late, steps, sums = np.maximum(self._late, 1), np.maximum(self._steps, 1), self._sums
        played = []
        for i, episode in enumerate(episodes):
            error, way = sums["error"][i] / late[i], sums["way"][i]
            never = self._late[i] == 0  # a reach that ended before its first target was due
            error = math.nan if never else error
            outcome = self._outcome[i] or ("success" if error <= within else "off_target")
            moved = task.kind == VELOCITY and way >= 0.5
            cost = sums["energy"][i] / (9.81 * self._player.mass[i] * way) if moved else None
            played.append(
                PlayedEpisode(
                    number=episode.number,
                    variant=episode.variant,
                    outcome=outcome,
                    time_s=_kept(self._steps[i] * task.step_s),
                    score=_kept(sums["score"][i] / task.steps),
                    error=_kept(task.rules.episode_s if never else error),
                    turn_error=_kept(math.pi if never else sums["turn"][i] / late[i]),
                    energy_j=_kept(sums["energy"][i]),
                    distance_m=_kept(way),
                    cost_of_transport=None if cost is None else _kept(cost),
                    action_rate=_kept(math.sqrt(sums["change"][i] / steps[i])),
                    at_speed_limit=_kept(sums["fast"][i] / steps[i]),
                    conditions={name: _kept(getattr(conditions, name)[i]) for name in _CONDITIONS},
                )
            )
        return played


_CONDITIONS = ("latency_s", "friction", "mass", "strength")


def stance_height(task: TransferTask) -> float:
    """Height of the base at the start of an episode [m], against which a fall is told."""
    return float(task.contract.robot.start_pos[2])  # type: ignore[union-attr]


def level_velocity(seen: Snapshot) -> np.ndarray:
    """Velocity along and across the heading, in the horizontal plane [m/s], (n, 2)."""
    from sim2real.evaluate.transfer_plan import heading_of

    world = turn_back(_inverse(seen.base_quat_xyzw), seen.base_lin_vel)
    heading = heading_of(seen.base_quat_xyzw)
    cosine, sine = np.cos(heading), np.sin(heading)
    return np.stack((cosine * world[:, 0] + sine * world[:, 1], cosine * world[:, 1] - sine * world[:, 0]), axis=1)


def _where(rows: np.ndarray, new: Snapshot, old: Snapshot) -> Snapshot:
    """The new numbers in some rows, the old ones in the others."""
    values = {}
    for f in fields(Snapshot):
        one, other = getattr(new, f.name), getattr(old, f.name)
        values[f.name] = np.where(rows.reshape(-1, *[1] * (one.ndim - 1)), one, other)
    return Snapshot(**values)


def _inverse(quat: np.ndarray) -> np.ndarray:
    return quat * np.array([-1.0, -1.0, -1.0, 1.0])


def _product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Quaternion product, x, y, z, w, (n, 4)."""
    a, b = one[:, :3], other[:, :3]
    vector = one[:, 3:] * b + other[:, 3:] * a + np.cross(a, b)
    return np.concatenate([vector, one[:, 3:] * other[:, 3:] - (a * b).sum(axis=1, keepdims=True)], axis=1)


def _kept(value: float) -> float:
    """Six significant digits."""
    return float(f"{float(value):.6g}")
