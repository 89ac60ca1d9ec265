"""A transfer test from the bundle to the tables: which engine plays which episodes, each in a process of its own.

One environment of Isaac Lab may be open in a process, and a crash of one engine's library must not take the others'
episodes with it; so every engine gets a side process (`transfer_worker.py`), one after another. Tables on disk are the
only thing that comes back, so a run that is killed goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from sim2real.contract import Contract, RobotState, read_manifest
from sim2real.deploy.joint_runtime import JointPolicyRuntime
from sim2real.evaluate.engines.player import ENGINES, LAB_PHYSICS, Player, Snapshot, check_engine
from sim2real.evaluate.engines.urdf import check_urdf
from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.log import LEAST, LogWriter, state_of
from sim2real.evaluate.transfer_plan import FACTORS, NOMINAL, REACH, Episode, TransferTask
from sim2real.evaluate.transfer_rollout import play
from sim2real.evaluate.transfer_spec import read_spec
from sim2real.evaluate.transfer_table import PlayedTable

BATCH = {"newton": 128, "physx": 128, "mujoco": 16, "dart": 8}
"""Most robots at a time: what an engine likes, and what a kill may lose."""
FILMED = Episode(0)
"""The episode that is filmed in every engine."""
Told = Callable[[str, int, int], None]
"""Called with an engine, episodes played, and episodes in all."""


@dataclass(frozen=True, kw_only=True)
class EnginesCfg:
    """A transfer test between engines."""

    bundle: Path
    """The policy."""
    out: Path
    """Folder of tables, films and report."""
    engines: tuple[str, ...] = ENGINES
    """Where it is played."""
    episodes: int = 100
    """Under drawn conditions, in each engine."""
    curve_engines: tuple[str, ...] = ("mujoco",)
    """Where robustness curves are made."""
    curve_episodes: int = 20
    """At each point of a curve; 0: no curves."""
    seed: int = 20261
    """Of the episodes."""
    spec: str | None = None
    """What drawn conditions are drawn from, a name or a file; None: the test's own ranges."""
    episode_s: float | None = None
    """Length of an episode [s]; None: 20 s for a velocity, 12 s for a reach."""
    urdf: Path | None = None
    """Description of a robot that is not among the vendors'."""
    batch: int | None = None
    """Robots at a time; None: as an engine likes."""

    def __post_init__(self) -> None:
        """Check engines and numbers. Raises: EvaluationError, EngineUnavailable."""
        if not self.engines:
            raise EvaluationError(f"no engine to play in; give some of {', '.join(ENGINES)}")
        for engine in self.engines:
            check_engine(engine)
        strange = [engine for engine in self.curve_engines if engine not in self.engines]
        if strange:
            raise EvaluationError(f"curves in {', '.join(strange)}, which are not among the engines")
        if self.episodes < 1 or self.curve_episodes < 0:
            raise EvaluationError(f"{self.episodes} episodes, {self.curve_episodes} on curves; give 1, 0 or more")
        if self.batch is not None and self.batch < 1:
            raise EvaluationError(f"batch is {self.batch}; give 1 robot or more at a time")

    def task(self, contract: Contract) -> TransferTask:
        """What is asked of the policy. Raises: ContractError: nothing that this test can ask."""
        changes = {} if self.episode_s is None else {"episode_s": self.episode_s}
        spec = None
        if self.spec is not None and contract.robot is not None:
            spec = read_spec(self.spec, contract.robot, contract.rate_hz, self.urdf)
        task = TransferTask.of(contract, self.seed, spec, **changes)
        rough = [engine for engine in self.engines if engine in LAB_PHYSICS]
        if task.scan is not None and rough:
            raise EvaluationError(
                f"policy '{contract.name}' takes a height scan ({task.scan.name}): it is played on flat ground, and its"
                f" scene in {', '.join(rough)} is not flat. Give --engines mujoco,dart"
            )
        return task

    def episodes_of(self, engine: str) -> list[Episode]:
        """Everything that an engine has to play."""
        wanted = [Episode(number) for number in range(self.episodes)]
        if engine in self.curve_engines and self.curve_episodes:
            wanted += [Episode(n, variant) for variant in curve_variants() for n in range(self.curve_episodes)]
        return wanted

    def table_path(self, engine: str) -> Path:
        """Where an engine's episodes stand."""
        return self.out / f"episodes-{engine}.jsonl"

    def film_path(self, engine: str) -> Path:
        """Where the poses of the filmed episode stand."""
        return self.out / f"film-{engine}.npz"

    def log_path(self, engine: str) -> Path:
        """Where the log of the filmed episode stands, for `diagnose`."""
        return self.out / f"log-{engine}.npz"

    def table(self, engine: str, contract: Contract) -> PlayedTable:
        """An engine's episodes. Raises: EvaluationError: of another run."""
        return PlayedTable(self.table_path(engine), {"engine": engine, **self.task(contract).identity()})

    def to_json(self) -> str:
        """For the side process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> EnginesCfg:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        paths = {name: Path(data[name]) for name in ("bundle", "out")}
        lists = {name: tuple(data[name]) for name in ("engines", "curve_engines")}
        return cls(**{**data, **paths, **lists, "urdf": None if data["urdf"] is None else Path(data["urdf"])})


def curve_variants() -> list[str]:
    """The points of all robustness curves, the nominal one first."""
    return [NOMINAL, *(f"{name}={value:g}" for name, (_, _, values, _) in FACTORS.items() for value in values)]


def open_player(engine: str, task: TransferTask, num_worlds: int, urdf: Path | None = None) -> Player:
    """Robots of a task's contract in an engine.

    Raises:
        Sim2RealError: the engine is not there, or the robot does not fit.
    """
    check_engine(engine)
    contract = task.contract
    robot, run = contract.robot, contract.run
    assert robot is not None and run is not None  # a contract with joint actions has both
    if task.kind == REACH:
        robot = replace(robot, end_effector=task.command.body)
    if engine in LAB_PHYSICS:
        from sim2real.evaluate.engines.lab_player import LabPlayer

        return LabPlayer(engine, robot, contract.task, run.physics_dt_s, run.decimation, num_worlds)
    if engine == "mujoco":
        from sim2real.evaluate.engines.mujoco_player import MujocoPlayer

        return MujocoPlayer(robot, run.physics_dt_s, run.decimation, num_worlds, urdf)
    from sim2real.evaluate.engines.dart_player import DartPlayer

    return DartPlayer(robot, run.physics_dt_s, run.decimation, num_worlds, urdf)


def run_engine(cfg: EnginesCfg, engine: str, told: Told | None = None) -> PlayedTable:
    """Play in this process what an engine has not played yet; return its table.

    Raises:
        Sim2RealError: the bundle, the engine or the robot is not as it must be.
    """
    contract = read_manifest(cfg.bundle).contract
    task, table = cfg.task(contract), cfg.table(engine, contract)
    wanted = cfg.episodes_of(engine)
    missing = table.missing(wanted)
    if not missing:
        return table
    worlds = min(len(missing), cfg.batch or BATCH[engine])
    policy = JointPolicyRuntime(cfg.bundle, worlds)
    player = open_player(engine, task, worlds, cfg.urdf)
    try:
        for start in range(0, len(missing), worlds):
            part = missing[start : start + worlds]
            padded = [*part, *[part[-1]] * (worlds - len(part))]
            film = log = None
            if FILMED in part:
                film, log = _Film(part.index(FILMED)), EpisodeLog(part.index(FILMED), policy, task.step_s)
            played = play(player, policy, task, padded, film, log)
            if film is not None and log is not None:
                film.save(cfg.film_path(engine), task.step_s)
                log.save(cfg.log_path(engine))
            table.append(played[: len(part)])
            if told is not None:
                told(engine, len(wanted) - len(missing) + start + len(part), len(wanted))
    finally:
        player.close()
    return table


def run_all(cfg: EnginesCfg, told: Told | None = None) -> dict[str, PlayedTable]:
    """Play everything that is missing, each engine in a side process; return the tables.

    Raises:
        Sim2RealError: as `run_engine`; what other engines played is kept.
    """
    contract = read_manifest(cfg.bundle).contract
    robot = cfg.task(contract).contract.robot
    if robot is not None and any(engine not in LAB_PHYSICS for engine in cfg.engines):
        check_urdf(robot, cfg.urdf)
    tables = {engine: cfg.table(engine, contract) for engine in cfg.engines}
    for engine in cfg.engines:
        if tables[engine].missing(cfg.episodes_of(engine)):
            _in_side_process(cfg, engine, told)
            tables[engine] = cfg.table(engine, contract)
    return tables


def _in_side_process(cfg: EnginesCfg, engine: str, told: Told | None) -> None:
    command = [sys.executable, "-m", "sim2real.evaluate.transfer_worker", engine]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        said: list[str] = []
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        reader = Thread(target=said.extend, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # one that is gone already says why on its standard error
                process.stdin.write(cfg.to_json())
                process.stdin.close()
            for line in process.stdout:
                if told is not None and line.startswith("played "):
                    _, done, total = line.split()
                    told(engine, int(done), int(total))
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            reader.join()
    if code != 0:
        raise EvaluationError(_reason(engine, code, said))


def _reason(engine: str, code: int, said: Sequence[str]) -> str:
    errors = [line.removeprefix("error: ").strip() for line in said if line.startswith("error: ")]
    if errors:
        return errors[-1]
    last = "".join(said[-15:]).strip()
    return (
        f"the process of engine '{engine}' ended with {code}; what other engines played is kept. It said last:\n{last}"
    )


class _Film:
    """Poses of one robot of a batch, as they come."""

    def __init__(self, row: int) -> None:
        self._row = row
        self._rows: list[dict[str, np.ndarray]] = []

    def __call__(self, step: int, seen: Snapshot, command: np.ndarray) -> None:
        i = self._row
        self._rows.append(
            {
                "base_pos": seen.base_pos[i],
                "base_quat_xyzw": seen.base_quat_xyzw[i],
                "joint_pos": seen.joint_pos[i],
                "links": seen.links[i],
                "command": command[i],
                "base_lin_vel": seen.base_lin_vel[i],
            }
        )

    def save(self, path: Path, step_s: float) -> None:
        """Write the poses, float32, all at once."""
        columns: dict[str, Any] = {
            name: np.array([row[name] for row in self._rows], np.float32) for name in self._rows[0]
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        work = path.with_suffix(".part.npz")
        np.savez_compressed(work, **columns, step_s=np.float32(step_s))
        os.replace(work, path)


class EpisodeLog:
    """Decisions of one robot of a batch, as a robot would log them, until it falls; for `play` to tell them to.

    Args:
        row: of the robot in the batch.
        policy: that decides for the batch.
        step_s: time of a decision [s].
    """

    def __init__(self, row: int, policy: JointPolicyRuntime, step_s: float) -> None:
        robot = policy.contract.robot
        assert robot is not None  # a contract with joint actions has one
        self._row, self._policy, self._step_s, self._decisions = row, policy, step_s, 0
        self._writer = LogWriter(robot.joint_names, tuple(policy.joint_names))

    def __call__(self, step: int, seen: Snapshot, felt: RobotState, targets: np.ndarray, alive: np.ndarray) -> None:
        i = self._row
        if not alive[i]:
            return
        self._decisions += 1
        self._writer.add(
            step * self._step_s, state_of(felt, i), action=self._policy.last_action[i], targets=targets[i],
            effort=seen.joint_effort[i], base_pos=seen.base_pos[i],
        )  # fmt: skip

    def save(self, path: Path) -> None:
        """Write the log; nothing where the robot fell before there was enough to look at."""
        if self._decisions >= LEAST:
            self._writer.log().save(path)
