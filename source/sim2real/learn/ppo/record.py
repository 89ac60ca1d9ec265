"""What a run folder says about its run: `run.json` (what made it), `spec.yaml`, `agent.json`, and the learning curve.

All files are written whole and renamed. The curve ends where the last checkpoint was saved, so that a resumed run
goes on with it without a gap or a double.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from sim2real.learn.errors import LearnError
from sim2real.learn.ppo.config import MEMORY, RunCfg

RUN, SPEC, AGENT, CURVES, PICTURE = "run.json", "spec.yaml", "agent.json", "curves.json", "curves.png"
SAME = ("task", "physics", "spec_digest", "num_envs", "ranks", "seed", "start", "network", "memory")
"""What a resumed run has to have in common with its folder."""
PACKAGES = ("sim2real", "isaaclab", "rsl-rl-lib", "torch", "warp-lang", "newton", "mujoco-warp", "ovphysx")


def write_whole(path: Path, text: str) -> None:
    """Write a text file beside and rename it."""
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        LearnError: it is not there, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LearnError(f"{path} is not there; give the run folder of 'train'") from None
    except ValueError as error:
        raise LearnError(f"{path} is no JSON ({error}); the run folder is damaged") from error


class Record:
    """The files of one run."""

    def __init__(self, folder: Path, facts: dict[str, Any], agent: dict[str, Any], spec_yaml: str | None) -> None:
        """Begin a session of the run, its first or another one.

        Args:
            folder: the run folder, which exists.
            facts: what identifies the run, the keys of `SAME` among them.
            agent: the rsl_rl configuration as plain data.
            spec_yaml: the spec as YAML, or None.

        Raises:
            LearnError: the folder holds a run that differs.
        """
        self._folder = folder
        self.rows: list[dict[str, Any]] = []
        """The learning curve: one entry for each iteration."""
        old = read_json(folder / RUN) if (folder / RUN).is_file() else {}
        for key in SAME if old else ():
            had = old.get(key, 1 if key == "ranks" else None)
            if had != facts[key]:
                raise LearnError(
                    f"{folder} holds a run with {key} {had}, and this one has {facts[key]}; give another"
                    " --out, or --no-resume to start over"
                )
        sessions = old.get("sessions", [])
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        sessions.append({"began": now, "command": command(), "machine": machine(), "commit": commit()})
        self.facts = {**facts, "versions": versions(), "sessions": sessions}
        if "started" in old:
            self.facts["started"] = old["started"]
        if spec_yaml is not None:
            write_whole(folder / SPEC, spec_yaml)
        write_whole(folder / AGENT, json.dumps(agent, indent=1, default=str))
        self._write_run()

    def begin_with(self, told: dict[str, Any]) -> None:
        """Write down which run's networks this one begins with; a resume keeps it."""
        self.facts["started"] = told
        self._write_run()

    def go_on(self, done: int) -> None:
        """Take the curve up to an iteration from the folder."""
        path = self._folder / CURVES
        rows = read_json(path)["rows"] if path.is_file() else []
        self.rows = [row for row in rows if row["iteration"] <= done]

    def write(self, done: int, seconds: float) -> None:
        """Write the curve and what was reached."""
        last = self.rows[-1] if self.rows else {}
        reached = {"iterations_done": done, "env_steps": last.get("env_steps", 0), "hours": seconds / 3600}
        self.facts.update(reached, steps_per_s=reached["env_steps"] / seconds if seconds else None)
        self.facts["sessions"][-1]["to_iteration"] = done
        write_whole(self._folder / CURVES, json.dumps({"unit": "env_steps", "rows": self.rows}))
        self._write_run()

    def _write_run(self) -> None:
        write_whole(self._folder / RUN, json.dumps(self.facts, indent=1))

    def draw(self) -> None:
        """Draw the curve."""
        draw_curve(self.rows, self._folder / PICTURE, title=self.facts["task"])


def draw_curve(rows: list[dict[str, Any]], path: Path, title: str) -> None:
    """Draw reward and episode length over environment steps as a picture.

    Args:
        rows: a learning curve.
        path: the PNG.
        title: what is written above.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    steps = [row["env_steps"] / 1e6 for row in rows]
    for axis, key, label in zip(axes, ("reward", "episode_length"), ("return", "episode [steps]"), strict=True):
        axis.plot(steps, [float("nan") if row[key] is None else row[key] for row in rows], linewidth=1.2)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_title(title)
    axes[1].set_xlabel("environment steps [millions]")
    beside = path.with_name(f".{path.stem}.partial.png")
    FigureCanvasAgg(figure).print_png(str(beside))
    os.replace(beside, path)


def facts_of(cfg: RunCfg, num_envs: int, spec: Any, iterations: int, ranks: int = 1) -> dict[str, Any]:
    """Return what identifies a run; `num_envs` are those of each of its ranks."""
    return {
        "task": cfg.task,
        "physics": cfg.physics,
        "spec": cfg.spec,
        "spec_digest": None if spec is None else spec.digest,
        "curriculum": cfg.curriculum,
        "network": cfg.network,
        "memory": None if cfg.network is None else cfg.memory or MEMORY,
        "privileged": cfg.privileged,
        "teacher": None if cfg.teacher is None else str(cfg.teacher),
        "start": None if cfg.start is None else str(cfg.start),
        "num_envs": num_envs,
        "ranks": ranks,
        "seed": cfg.seed,
        "device": cfg.device,
        "iterations": iterations,
    }


def command() -> str:
    """Return the command line of this process."""
    import shlex

    program = os.environ.get("SIM2REAL_PROGRAM")
    return shlex.join([program, *sys.argv[1:]] if program else sys.argv)


def machine() -> dict[str, Any]:
    """Return what this machine is."""
    import torch

    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"cpu": model, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "gpu": gpu}


def commit() -> str | None:
    """Return the commit of the checkout, `+` behind it where files differ; None outside of one."""
    root = Path(__file__).resolve().parents[4]
    if not (root / ".git").exists():
        return None
    try:
        git = ["git", "-C", str(root)]
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "source", "config"], timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("+" if changed.returncode else "")


def versions() -> dict[str, str]:
    """Return the versions of what decides the numbers."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
