"""What benchmarks share that measure contenders side by side: a process for each, and how figures are summed up."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("isaaclab", "newton", "mujoco-warp", "warp-lang", "torch", "ovphysx")


def spread(times: Any) -> dict[str, float]:
    """Median and interquartile range."""
    low, median, high = np.quantile(times, [0.25, 0.5, 0.75])
    return {"median": round(float(median), 4), "iqr": round(float(high - low), 4)}


class Worker:
    """A contender's process: it says what it is in one line of JSON, and answers each line with another."""

    def __init__(self, script: str, *words: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script)), *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.about = self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise SystemExit(f"{' '.join(self.process.args)} ended with {self.process.wait()}; run it alone to see why")  # type: ignore[arg-type]
        return json.loads(line)

    def ask(self, what: str) -> dict[str, Any]:
        """One round."""
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End it."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def turns(names: Sequence[str], number: int) -> list[str]:
    """The order of a round: everyone goes first once in a while."""
    first = number % len(names)
    return [*names[first:], *names[:first]]


def where(command: str, load_before: float) -> dict[str, Any]:
    """Where and with what it was measured."""
    described = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    )
    return {
        "command": command,
        "commit": os.environ.get("BENCH_COMMIT") or described.stdout.strip(),
        "cores": os.cpu_count(),
        "used_cores": 1,
        "machine": platform.machine(),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "versions": {package: version(package) for package in PACKAGES},
    }


def merge(path: Path, part: str, result: dict[str, Any]) -> None:
    """Write one part of a file of results; the others stay."""
    merged = json.loads(path.read_text()) if path.is_file() else {}
    merged[part] = result
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(merged, indent=1) + "\n")
