"""A policy that fails in an engine: the same episodes again with one thing corrected at a time.

What could be wrong is put right on the way into the network and out of it, or in the drives; episodes, starts and
commands stay the same, so that each correction is compared with none episode by episode. The score is that of the
transfer test: how well the command is followed over the whole episode, nothing after a fall.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import ActionMapper, Contract, ObservationAssembler, RobotState
from sim2real.evaluate.diagnose_evidence import NOTHING, Correction, Felt, world_of
from sim2real.evaluate.diagnose_search import (
    factor_text,
    on,
    on_joints,
    reordered,
    short,
    swaps_text,
    times,
    usual_orders,
)
from sim2real.evaluate.engines.player import Conditions, Player
from sim2real.evaluate.log import LogError, RobotLog, record
from sim2real.evaluate.transfer_plan import NOMINAL, Episode, TransferTask
from sim2real.evaluate.transfer_rollout import PlayedEpisode, play

WORKS = 0.9
"""Share of successes from which on a policy works [1]."""
CONDITIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    "strength": ("strength", (0.7, 1.4)),
    "mass": ("mass", (0.8, 1.25)),
    "friction": ("ground friction", (0.4, 1.2)),
}
"""Conditions that are tried: field, name and values; nominal are 1, 1 and 0.8."""


@dataclass(frozen=True, kw_only=True)
class TrialsCfg:
    """How to try."""

    engine: str
    """Where."""
    episodes: int = 4
    """Of each correction, all at a time."""
    episode_s: float = 4.0
    """Length of an episode [s]."""
    seed: int = 20261
    """Of the episodes."""
    urdf: Path | None = None
    """Description of a robot that is not among the vendors'."""

    def __post_init__(self) -> None:
        """Check ranges. Raises: LogError."""
        if self.episodes < 1 or not self.episode_s > 0.0:
            raise LogError(f"{self.episodes} episodes of {self.episode_s} s; give 1 or more, of more than 0 s")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A correction, played."""

    name: str
    """What was corrected."""
    text: str
    """How."""
    score: float
    """Mean score of the episodes [1]."""
    success: float
    """Share of successes [1]."""
    gain: float
    """Mean score above that without correction, episode by episode [1]."""
    low: float
    """2.5 % of the gain's bootstrap over episodes [1]."""
    high: float
    """97.5 % [1]."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """What was tried."""

    plain: Trial
    """Without any correction."""
    tried: tuple[Trial, ...]
    """The best first."""
    log: RobotLog
    """The first episode without any correction."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"plain": self.plain.to_dict(), "tried": [trial.to_dict() for trial in self.tried]}

    def lines(self, engine: str, top: int = 5) -> list[str]:
        """The table, for a terminal."""
        plain = self.plain
        rows = [f"{engine}: success {plain.success:.0%}, score {plain.score:.3f} as it is"]
        helped = [trial for trial in self.tried if trial.low > 0.01][:top]
        if helped:
            rows.append(f"   {'gain':>6} {'95 %':>16} {'success':>7}  correction")
        for place, trial in enumerate(helped, start=1):
            span = f"{trial.low:+.3f}..{trial.high:+.3f}"
            rows.append(
                f"{place:>2} {trial.gain:+6.3f} {span:>16} {trial.success:7.0%}  {trial.name}: {short(trial.text, 60)}"
            )
        if plain.success >= WORKS:
            rows.append("It works here as it is; what helps beside is no fault.")
        elif not helped:
            rows.append(
                f"None of {len(self.tried)} corrections helps: no order, sign, frame, scale or gain that is known."
            )
        return rows


class CorrectedPolicy:
    """A policy with something put right on its way in or out; it decides as `sim2real.deploy.JointPolicyRuntime`.

    Args:
        contract: of the policy.
        infer: its network.
        num_envs: robots.
        correction: `given`, `observed` and `answered` of it count.
    """

    def __init__(
        self, contract: Contract, infer: Callable[[np.ndarray], np.ndarray], num_envs: int, correction: Correction
    ) -> None:
        self._contract, self._infer, self._correction = contract, infer, correction
        self._assembler, self._mapper = ObservationAssembler(contract, num_envs), ActionMapper(contract)
        self.joint_names = self._mapper.joint_names
        self.last_action = np.zeros((num_envs, len(self.joint_names)), np.float32)

    def reset(self, rows: Any = None) -> None:
        """Begin an episode."""
        self._assembler.reset(rows)
        self.last_action[slice(None) if rows is None else rows] = 0.0

    def step(self, state: RobotState) -> np.ndarray:
        """Joint positions to hold until the next decision [rad or m], (n, joints)."""
        to = self._correction
        names = self._contract.robot.joint_names  # type: ignore[union-attr]
        order = [state.joint_names.index(name) for name in names]
        felt = Felt(
            time=np.zeros(len(self.last_action)), pos=state.joint_pos[:, order], vel=state.joint_vel[:, order],
            quat=state.base_quat_xyzw, gyro=state.base_ang_vel, lin_vel=state.base_lin_vel, place=None,
            commands=state.commands, last=self.last_action,
        )  # fmt: skip
        felt = to.given(felt) if to.given else felt
        seen = self._assembler(
            RobotState(
                joint_names=names, joint_pos=felt.pos, joint_vel=felt.vel, base_quat_xyzw=felt.quat,
                base_ang_vel=felt.gyro, base_lin_vel=felt.lin_vel, commands=felt.commands, last_action=felt.last,
            )
        )  # fmt: skip
        seen = to.observed(seen) if to.observed else seen
        output = self._infer(np.ascontiguousarray(seen, np.float32))
        self.last_action = self._mapper.raw(output)
        return self._mapper.targets(to.answered(output) if to.answered else output)


def run_trials(bundle: Path, cfg: TrialsCfg, told: Callable[[int, int], None] | None = None) -> Trials:
    """Play a policy with one thing corrected at a time.

    Raises:
        Sim2RealError: the bundle, the engine or the robot is not as it must be.
    """
    from sim2real.deploy.joint_runtime import JointPolicyRuntime
    from sim2real.evaluate.transfer_run import open_player

    policy = JointPolicyRuntime(bundle, cfg.episodes)
    contract = policy.contract
    task = TransferTask.of(contract, cfg.seed, episode_s=cfg.episode_s)
    episodes = [Episode(number, NOMINAL) for number in range(cfg.episodes)]
    player = open_player(cfg.engine, task, cfg.episodes, cfg.urdf)
    every = [("nothing", "", NOTHING, {}), *_corrections(contract)]
    played: list[list[PlayedEpisode]] = []
    try:
        conditions = task.conditions(episodes)

        def asked(step: int, seen: Any) -> dict[str, np.ndarray]:
            wanted = task.wanted(episodes, step - step % task.phase_steps)
            return {task.command.name: task.command_now(wanted, seen)}

        log = record(player, policy, asked, max(task.steps, 21), task.step_s, conditions)
        for done, (_, _, correction, changes) in enumerate(every):
            corrected = CorrectedPolicy(contract, policy.infer, cfg.episodes, correction)
            played.append(play(_Changed(player, changes), corrected, task, episodes))
            if told is not None:
                told(done + 1, len(every))
    finally:
        player.close()
    plain = np.array([episode.score for episode in played[0]])
    rng = np.random.default_rng(cfg.seed)
    rows = rng.integers(cfg.episodes, size=(1000, cfg.episodes))
    trials = []
    for (name, text, _, _), result in zip(every, played, strict=True):
        gains = np.array([episode.score for episode in result]) - plain
        low, high = np.percentile(gains[rows].mean(axis=1), (2.5, 97.5))
        trials.append(
            Trial(
                name=name, text=text, score=float((gains + plain).mean()), gain=float(gains.mean()), low=float(low),
                high=float(high), success=float(np.mean([episode.success for episode in result])),
            )
        )  # fmt: skip
    best = tuple(sorted(trials[1:], key=lambda trial: -trial.gain))
    return Trials(plain=trials[0], tried=best, log=log)


class _Changed:
    """A player with some conditions changed at each reset."""

    def __init__(self, player: Player, changes: dict[str, float]) -> None:
        self._player, self._changes = player, changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._player, name)

    def reset(self, conditions: Conditions) -> Any:
        """Begin an episode in every world."""
        changed: dict[str, Any] = {name: np.full(len(conditions), value) for name, value in self._changes.items()}
        return self._player.reset(dataclasses.replace(conditions, **changed))


def _corrections(contract: Contract) -> Iterator[tuple[str, str, Correction, dict[str, float]]]:
    """Everything that is tried: name, how, the correction, and changed conditions."""
    robot = contract.robot
    assert robot is not None  # a contract with joint actions has one
    kinds = {term.kind for term in contract.state.terms}
    for name, text, change in _frames(kinds):
        yield name, text, Correction(given=change), {}
    names, count = robot.joint_names, len(robot.joints)
    orders = {tuple(order): order for order in usual_orders(names)}
    for order in orders.values():
        if text := swaps_text(order, names)[0]:
            given = on_joints(reordered(order))
            yield "joint order (network input)", text, Correction(given=given), {}
    for i in range(count):
        signs = np.where(np.arange(count) == i, -1.0, 1.0)
        flip = on_joints(times(signs))
        yield "joint sign (network input)", names[i], Correction(given=flip), {}
    moved = contract.joint_positions.joints
    for i, name in enumerate(moved):
        turn = np.where(np.arange(len(moved)) == i, -1.0, 1.0).astype(np.float32)
        yield "joint sign (network output)", name, Correction(answered=times(turn)), {}
    for factor in (0.5, 2.0):
        text = factor_text(factor)
        yield "action scale (network output)", text, Correction(answered=times(np.float32(factor))), {}
    for field, (name, values) in CONDITIONS.items():
        for value in values:
            yield name, f"{value:g}", NOTHING, {field: value}


def _frames(kinds: Sequence[str] | set[str]) -> Iterator[tuple[str, str, Callable[[Felt], Felt]]]:
    """Orders, frames and units of what a base and its joints measure."""

    if "projected_gravity" in kinds:
        yield "quaternion order", "w, x, y, z is wanted", on("quat", reordered([3, 0, 1, 2]))
        yield "orientation frame", "the inverse is wanted", on("quat", times(np.array([-1.0, -1.0, -1.0, 1.0])))
        yield "orientation frame", "upside down", on("quat", _turned_over)
    if "base_ang_vel" in kinds:
        yield (
            "angular velocity frame", "the world's is wanted",
            lambda felt: dataclasses.replace(felt, gyro=world_of(felt.quat, felt.gyro)),
        )  # fmt: skip
        yield "angular velocity sign", "-(x, y, z)", on("gyro", times(-1.0))
    units = {"base_ang_vel": "gyro", "joint_pos": "pos", "joint_vel": "vel"}
    for kind, part in units.items():
        if kind in kinds:
            for factor in (np.pi / 180, 180 / np.pi):
                yield f"{kind} scale", factor_text(factor), on(part, times(factor))
    if "joint_vel" in kinds:
        yield "joint_vel sign", "all joints", on("vel", times(-1.0))


def _turned_over(quat: np.ndarray) -> np.ndarray:
    """A half turn about the base's own x axis after a rotation, x, y, z, w."""
    x, y, z, w = quat.T
    return np.stack((w, z, -y, -x), axis=1)
