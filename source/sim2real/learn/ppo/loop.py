"""The training of one run: makes the environment, lets rsl_rl learn, saves as it goes, stops when asked."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError
from sim2real.learn.errors import LearnError
from sim2real.learn.ppo.config import ENVS_ON_CPU, RunCfg
from sim2real.learn.ppo.ranks import Ranks

if TYPE_CHECKING:
    from sim2real.learn.ppo.curricula import CurriculumStage
    from sim2real.learn.ppo.playing import Run

NEVER = 10**9
"""Iterations between the checkpoints that rsl_rl would write by itself."""
PICTURE_EVERY_S = 120.0
"""Time between two drawings of the curve [s]."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a training came to."""

    out: Path
    """Run folder."""
    checkpoint: Path
    """The last checkpoint."""
    iterations: int
    """Iterations done, in all."""
    env_steps: int
    """Steps of one environment, in all."""
    steps_per_s: float | None
    """Environment steps per second, learning included, in this session; None where nothing was left to do."""
    reward: float | None
    """Mean return of the last hundred episodes."""


class Stopped(KeyboardInterrupt):
    """The training was asked to stop, and has saved."""


def train(cfg: RunCfg) -> RunResult:
    """Train a task and leave a run folder; go on where its last checkpoint stands.

    Under `torchrun` the processes train together, each with `num_envs` worlds of its own.

    Raises:
        Sim2RealError: no such task, engine, device or spec; or the folder holds another run.
        Stopped: Ctrl-C or SIGTERM came; a checkpoint was saved at the end of the iteration.
    """
    from sim2real.lab.launch import check_device

    ranks = Ranks.here()
    device = ranks.device(cfg.device)
    check_device(device)
    with ranks.joined(device):
        return _train(dataclasses.replace(cfg, device=device), ranks)


def _train(cfg: RunCfg, ranks: Ranks) -> RunResult:
    from sim2real.lab.launch import check_physics, make_env, register_tasks
    from sim2real.learn.ppo.agents import agent_for, check_batches
    from sim2real.learn.ppo.curricula import load_curriculum
    from sim2real.learn.ppo.playing import Run
    from sim2real.learn.ppo.saving import checkpoints_in
    from sim2real.spec import load_spec

    for physics in (cfg.physics, *cfg.try_in):
        check_physics(physics)
    spec = None if cfg.spec is None else load_spec(cfg.spec)
    stages = () if cfg.curriculum is None else load_curriculum(cfg.curriculum)
    register_tasks()
    teacher = None if cfg.teacher is None else Run.read(cfg.teacher)
    agent = agent_for(cfg, teacher)
    start = None
    if cfg.start is not None and not (cfg.resume and checkpoints_in(cfg.out)):  # a resume needs it no more
        start = Run.read(cfg.start)
    iterations = cfg.iterations or int(agent.max_iterations)
    if not cfg.resume:
        ranks.on_first(lambda: start_over(cfg.out))
    changes: dict[str, Any] = {"seed": cfg.seed + ranks.rank}  # each explores its own way; the spec's seed stays
    count = cfg.num_envs or (ENVS_ON_CPU if cfg.device == "cpu" else None)
    if count is not None:
        check_batches(agent, count)
        changes["scene.num_envs"] = count

    def prepare(task: Any) -> None:
        from sim2real.lab.apply import apply_nothing, apply_spec
        from sim2real.lab.levels import add_levels

        if spec is None:
            apply_nothing(task)
            return
        applied = apply_spec(task, spec, steps_per_iteration=int(agent.num_steps_per_env), on_divergence="count")
        if cfg.curriculum is not None:
            add_levels(task)
        if ranks.first:
            sys.stderr.write("".join(f"{line}\n" for line in applied.lines()))

    with make_env(cfg.task, cfg.physics, cfg.device, verbose=cfg.verbose, prepare=prepare, **changes) as env:
        check_batches(agent, env.num_envs)  # where the task says the number, it is known now
        return Training(cfg, agent, env, spec, iterations, stages, teacher, ranks, start).run()


class Training:
    """One session of a run."""

    def __init__(
        self,
        cfg: RunCfg,
        agent: Any,
        env: Any,
        spec: Any,
        iterations: int,
        stages: tuple[CurriculumStage, ...] = (),
        teacher: Run | None = None,
        ranks: Ranks | None = None,
        start: Run | None = None,
    ) -> None:
        """Make the runner and go on from the folder's last checkpoint.

        Args:
            cfg: the run.
            agent: the task's rsl_rl configuration.
            env: the environment, unwrapped.
            spec: the spec at work in it, or None.
            iterations: how many to do in all.
            stages: in which the spec comes to act; none: all of it from the start.
            teacher: the run to imitate, or None.
            ranks: the processes that train together; None: this one alone.
            start: whose networks a run that has no checkpoint yet begins with, or None.
        """
        from isaaclab.utils import to_dict
        from isaaclab_rl.rsl_rl import create_rsl_rl_runner

        from sim2real.learn.ppo.curricula import Progression
        from sim2real.learn.ppo.envs import TrainingEnv
        from sim2real.learn.ppo.record import Record, facts_of
        from sim2real.learn.ppo.saving import Checkpoints, checkpoints_in
        from sim2real.learn.ppo.starting import begin_with, told_of
        from sim2real.learn.ppo.tries import Tries
        from sim2real.learn.ppo.watch import Line, Watch

        self.cfg, self.env, self.iterations = cfg, env, iterations
        self.ranks = ranks = ranks or Ranks()
        data = to_dict(agent)

        def begin() -> Record:
            cfg.out.mkdir(parents=True, exist_ok=True)
            facts = facts_of(cfg, env.num_envs, spec, iterations, ranks.count)
            return Record(cfg.out, facts, data, None if spec is None else spec.to_yaml())

        self.record = ranks.on_first(begin)
        agent.save_interval = NEVER
        with quiet(not cfg.verbose), ranks.unseen():
            self.runner = create_rsl_rl_runner(TrainingEnv(env, agent.clip_actions), agent, log_dir=str(cfg.out))
        if teacher is not None:
            teach(self.runner, teacher)
        self._random_start = bool(agent.init_at_random_ep_len)
        Watch(self.runner, str(cfg.out), self._iteration, cfg.verbose, ranks)
        self._line = Line()
        self.checkpoints = Checkpoints(self.runner, env, cfg.out, ranks)
        self.done, self.seconds = 0, 0.0
        self._row: dict[str, Any] = {}
        self._steps, self._spent = 0.0, 0.0
        self._drawn = float("-inf")
        self._stop = StopRequest(ranks.first)
        self._tries = None
        if cfg.try_in and ranks.first:
            self._tries = Tries(cfg.out, cfg.physics, cfg.try_in, cfg.try_episodes, cfg.device)
        self._stages = Progression(stages) if stages else None
        found = ranks.gather(list(checkpoints_in(cfg.out).items())[-1:])[0]
        self.checkpoint: Path | None = None
        if found:
            self.done, self.checkpoint = found[0]
            state = self.checkpoints.load(self.checkpoint)
            self.seconds = state["seconds"]
            if self.record is not None:
                self.record.go_on(self.done)
                self._row = self.record.rows[-1] if self.record.rows else {}
            if self._stages is not None and state["stages"] is not None:
                self._stages.load_state_dict(state["stages"])
        elif start is not None:
            self._tell(begin_with(self.runner, start))
            if self.record is not None:
                self.record.begin_with(told_of(start))
        ranks.attach(self.runner)
        if self._stages is not None:
            self._enter()

    def run(self) -> RunResult:
        """Learn to the end."""
        if self.done < self.iterations:
            if self.done:
                self._tell(f"going on after iteration {self.done}")
            try:
                with self._stop.listening():
                    self.runner.learn(self.iterations - self.done, init_at_random_ep_len=self._random_start)
                # Everything is saved now: Ctrl-C while tries are waited for ends at once.
                self._tried(self._tries.finish() if self._tries is not None else [])
            finally:
                if self._tries is not None:
                    self._tries.stop()
            if self.record is not None:
                self.record.draw()
        assert self.checkpoint is not None
        return RunResult(
            out=self.cfg.out,
            checkpoint=self.checkpoint,
            iterations=self.done,
            env_steps=int(self._row.get("env_steps", 0)),
            steps_per_s=self._steps / self._spent if self._spent else None,
            reward=self._row.get("reward"),
        )

    def _iteration(self, row: dict[str, Any]) -> None:
        """End an iteration: tell, save when it is time, stop when asked; all ranks with the same numbers."""
        from sim2real.learn.ppo.watch import merged

        told = self.ranks.gather((row, self._stop.asked))
        row, asked = merged([numbers for numbers, _ in told]), any(stop for _, stop in told)
        self.done = row["iteration"]
        self.seconds += row["iteration_s"]
        self._spent += row["iteration_s"]
        self._steps += row["env_steps"] / row["iteration"]
        self._row = {key: value for key, value in row.items() if key != "of"} | {"seconds": self.seconds}
        if self._stages is not None:
            row["stage"] = self._row["stage"] = self._stages.number
            if self._stages.end_iteration(row, float(self.env.max_episode_length)):
                self._enter()
        if self.record is not None:
            self.record.rows.append(self._row)
            self._line.show(row, self._curriculum())
        last = self.done >= self.iterations
        due = bool(self.cfg.try_in) and (last or self.done % self.cfg.try_every == 0)
        if asked or last or due or self.done % self.cfg.save_every == 0:
            self._save()
        if asked:
            raise Stopped
        if self._tries is not None:
            if due and self.checkpoint is not None:
                self._tries.ask(self.checkpoint, self.done, int(row["env_steps"]))
            self._tried(self._tries.poll())

    def _tried(self, found: list[dict[str, Any]]) -> None:
        """Tell what came of tries, and plot it at the iteration of the policy that was tried."""
        from sim2real.learn.ppo.tries import plotted, said

        for entry in found:
            self._tell(said(entry))
            for name, value in plotted(entry).items():
                self.runner.logger.writer.add_scalar(name, value, entry["iteration"] - 1)

    def _enter(self) -> None:
        """Set the levels of the stage."""
        from sim2real.lab.levels import LEVELS, levels_of

        assert self._stages is not None
        levels_of(self.env).set(**{name: getattr(self._stages.stage, name) for name in LEVELS})
        if self.done:
            self._tell(f"after iteration {self.done}: {self._stages.said()}")

    def _save(self) -> None:
        stages = None if self._stages is None else self._stages.state_dict()
        self.checkpoint = self.checkpoints.save(self.done, self.seconds, stages=stages)
        if self.record is None:
            return
        self.record.write(self.done, self.seconds)
        if time.monotonic() - self._drawn > PICTURE_EVERY_S:
            self.record.draw()
            self._drawn = time.monotonic()

    def _tell(self, line: str) -> None:
        if self.ranks.first:
            sys.stderr.write(f"{line}\n")

    def _curriculum(self) -> str:
        """Return how far the spec's ranges are open, as text."""
        if self._stages is not None:
            return self._stages.said()
        from sim2real.lab import randomization_of
        from sim2real.lab.event_terms import has_spec

        if not has_spec(self.env.cfg.events):
            return ""
        return randomization_of(self.env).curriculum.said()


def teach(runner: Any, teacher: Run) -> None:
    """Give a runner of distillation its teacher.

    Raises:
        LearnError: the teacher sees other observations than this environment shows.
    """
    try:
        runner.load(str(teacher.checkpoint), load_cfg={"teacher": True}, map_location=runner.device)
    except (RuntimeError, KeyError) as error:
        why = (str(error).splitlines()[1:] or [str(error)])[0].strip()  # the first tensor that does not fit
        raise LearnError(
            f"{teacher.checkpoint} cannot teach here: {why}; a teacher has to be a run of the same task with the same"
            " spec, trained with --privileged"
        ) from error


def start_over(folder: Path) -> None:
    """Remove what an earlier run left in a folder, and nothing else.

    Raises:
        LearnError: the folder holds no run, but other files.
    """
    from sim2real.learn.ppo.record import RUN

    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / RUN).is_file():
        raise LearnError(f"{folder} holds files, and none is a run's; give a new folder as --out")
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def quiet(on: bool) -> Iterator[None]:
    """Hold back what is printed; show it if something fails."""
    if not on:
        yield
        return
    held = io.StringIO()
    try:
        with contextlib.redirect_stdout(held):
            yield
    except Sim2RealError:
        raise
    except BaseException:
        sys.stderr.write(held.getvalue())
        raise


class StopRequest:
    """Ctrl-C and SIGTERM, heard at the end of an iteration; the second one stops at once."""

    def __init__(self, tells: bool = True) -> None:
        """Nobody has asked.

        Args:
            tells: whether to answer on stderr.
        """
        self.asked = False
        self._tells = tells

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen, where signals can be heard at all."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._heard) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if not self._tells:
            return
        sys.stderr.write("\nstopping after this iteration, and saving; again to stop now\n")
        sys.stderr.flush()
