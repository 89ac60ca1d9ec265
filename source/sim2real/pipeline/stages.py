"""A run of stages in one folder, resumable.

Each stage is a verb of the command line in a process of its own: an engine that is started is gone when the stage
ends, and what a stage does can be repeated by hand. `state.json` in the folder says with which settings the run was
begun, which stages are finished and how long each took; it is replaced whole, so a kill leaves the last truth.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim2real.errors import Sim2RealError

STATE = "state.json"
GRACE_S = 30.0
"""How long a stage may take to finish what it holds after Ctrl-C [s]."""


class PipelineError(Sim2RealError):
    """A run cannot go on; the message says which stage, why, and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a run."""

    name: str
    """Short name, unique in the run."""
    argv: tuple[str, ...]
    """The verb and its arguments."""

    def command(self) -> str:
        """What to type to run this stage alone."""
        return shlex.join(["./sim2real.sh", *self.argv])


@dataclasses.dataclass(kw_only=True)
class Run:
    """The state of a run."""

    folder: Path
    """Where everything lies."""
    settings: dict[str, Any]
    """What the run was begun with."""
    seconds: dict[str, float]
    """Wall time spent in each stage so far [s]."""
    finished: list[str]
    """Names of the finished stages, in order."""

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, Any]) -> Run:
        """Begin a run, or continue the one in `folder`.

        Raises:
            PipelineError: the folder holds a run with other settings, or its state cannot be read.
        """
        path = folder / STATE
        if not path.is_file():
            run = cls(folder=folder, settings=dict(settings), seconds={}, finished=[])
            run.save()
            return run
        try:
            state = json.loads(path.read_text())
            run = cls(
                folder=folder, settings=state["settings"], seconds=state["seconds"], finished=list(state["finished"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PipelineError(f"{path} is damaged ({error}); remove {folder} or choose another folder") from error
        wanted = json.loads(json.dumps(dict(settings)))
        differing = sorted(key for key in {*wanted, *run.settings} if wanted.get(key) != run.settings.get(key))
        if differing:
            said = "; ".join(f"{key}: there {run.settings.get(key)!r}, now {wanted.get(key)!r}" for key in differing)
            raise PipelineError(
                f"{folder} holds a run with other settings ({said}); nothing was changed."
                " Use the same settings to continue it, --fresh to begin anew, or another --out"
            )
        return run

    def save(self) -> None:
        """Write the state, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / (STATE + ".tmp")
        content = {"settings": self.settings, "seconds": self.seconds, "finished": self.finished}
        with open(temporary, "w") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.folder / STATE)

    def perform(self, stages: Sequence[Stage]) -> None:
        """Run the stages that are not finished.

        Raises:
            PipelineError: a stage failed; finished ones are kept.
        """
        for number, stage in enumerate(stages, start=1):
            if stage.name in self.finished:
                print(f"[{number}/{len(stages)}] {stage.name}: done before", flush=True)
                continue
            print(f"[{number}/{len(stages)}] {stage.name}: {stage.command()}", flush=True)
            start = time.perf_counter()
            try:
                code = _run([sys.executable, "-m", "sim2real.cli.main", *stage.argv])
            finally:
                self.seconds[stage.name] = self.seconds.get(stage.name, 0.0) + time.perf_counter() - start
                self.save()
            if code:
                if code in (130, -2):
                    raise KeyboardInterrupt
                raise PipelineError(
                    f"stage '{stage.name}' failed (exit code {code}); what is said above tells why."
                    f" Finished stages are kept: the same command goes on here. Alone: {stage.command()}"
                )
            self.finished.append(stage.name)
            self.save()


def _run(argv: list[str]) -> int:
    """Run a process to its end. Ctrl-C reaches it too: it gets time to finish what it holds before it is ended."""
    process = subprocess.Popen(argv)
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(GRACE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.terminate()
            process.wait()
        raise
