"""Builds, times and proves an engine with ``trtexec``, TensorRT's own program, where its Python package is missing.

A command is a list of arguments, never a text for a shell. Options came and went with versions, so each list is made
for the version that the program says it has. Its word (``&&&& PASSED``) and its exit code have to agree.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.deploy.tensorrt_device import EngineError, parse_version
from sim2real.deploy.tensorrt_engine import with_batch
from sim2real.deploy.tensorrt_proof import percentiles
from sim2real.export.tensorrt.plan import BuildPlan, Choice

PLACES = (
    "/usr/src/tensorrt/bin/trtexec",
    "/usr/local/bin/trtexec",
    "/opt/tensorrt/bin/trtexec",
    "/usr/local/tensorrt/bin/trtexec",
)
_BANNER = re.compile(r"\[TensorRT v(\d+)\]")
_RESULT = re.compile(r"&&&& (PASSED|FAILED)")
_GPU = re.compile(r"Selected Device:\s*(.+?)\s*$", re.MULTILINE)
_SM = re.compile(r"Compute Capability:\s*(\d+\.\d+)")


def find_trtexec() -> Path:
    """The program. Raises: EngineError."""
    for place in (shutil.which("trtexec"), *PLACES):
        if place and os.access(place, os.X_OK):
            return Path(place)
    raise EngineError(
        f"trtexec is not here (looked on the PATH and at {', '.join(PLACES)}). On a Jetson: sudo apt install "
        "libnvinfer-bin."
    )


def banner_version(text: str) -> str:
    """``[TensorRT v8502]`` -> ``8.5.2``; ``[TensorRT v101303]`` -> ``10.13.3``. Raises: EngineError."""
    match = _BANNER.search(text)
    if match is None:
        raise EngineError("trtexec does not say its version; expected is a line with '[TensorRT v100300]'.")
    number = int(match.group(1))
    # 8.x wrote major, minor, patch as 1, 1 and 2 digits; later ones as 2, 2 and 2
    parts = (number // 1000, number // 100 % 10) if number < 10000 else (number // 10000, number // 100 % 100)
    version = f"{parts[0]}.{parts[1]}.{number % 100}"
    parse_version(version)
    return version


def selected_gpu(text: str) -> tuple[str, str]:
    """Name and compute capability of the GPU that trtexec chose. Raises: EngineError."""
    gpu, sm = _GPU.search(text), _SM.search(text)
    if gpu is None or sm is None:
        raise EngineError("trtexec does not say which GPU it runs on.")
    return gpu.group(1), sm.group(1)


class Trtexec:
    """The program at work.

    Args:
        program: its path.
        version: its version; None: ask it.
        timeout_s: how long a build may take [s].
    """

    def __init__(self, program: Path, version: str | None = None, timeout_s: float = 3600.0) -> None:
        self.program, self.timeout_s = program, timeout_s
        if version is None:
            # Without a model it prints its banner, its help and an exit code of no meaning.
            version = banner_version(self._run(["--help"])[1])
        self.version = version
        self._numbers = parse_version(version)

    def _run(self, arguments: Sequence[str], cwd: Path | None = None) -> tuple[int, str]:
        """Exit code and everything that it printed."""
        try:
            done = subprocess.run(
                [str(self.program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"trtexec did not end within {self.timeout_s:.0f} s and was stopped.") from None
        except OSError as error:
            raise EngineError(f"{self.program}: cannot be started ({error}).") from None
        return done.returncode, done.stdout.decode(errors="replace")

    def run(self, arguments: Sequence[str], cwd: Path | None = None) -> str:
        """Run it and return what it printed. Raises: EngineError unless exit code and verdict both say success."""
        code, output = self._run(arguments, cwd)
        verdict = _RESULT.findall(output)
        if code != 0 or not verdict or verdict[-1] != "PASSED":
            lines = [line for line in output.splitlines() if "[E]" in line or "nknown option" in line]
            said = "; ".join(line.strip() for line in lines[-3:]) or "it gave no reason"
            word = verdict[-1] if verdict else "no verdict"
            raise EngineError(f"trtexec {self.version} failed (exit code {code}, {word}): {said}.")
        return output

    def build(self, plan: BuildPlan, choice: Choice, onnx: Path, target: Path, timing_cache: Path | None) -> str:
        """Build one precision into ``target`` and return what was printed. Raises: EngineError."""
        part = target.with_name(target.name + ".part")
        try:
            output = self.run(build_arguments(self._numbers, plan, choice, onnx, part, timing_cache))
            if not part.is_file() or not part.stat().st_size:
                raise EngineError(f"trtexec says it built {target.name}, and wrote no file. Is the disk full?")
            with open(part, "rb") as file:
                os.fsync(file.fileno())
            os.replace(part, target)
        finally:
            if part.exists():
                part.unlink()
        return output

    def time(self, plan: BuildPlan, engine: Path, transfers: bool = True) -> dict[str, float]:
        """Latency of single inferences at the smallest batch [ms].

        Args:
            plan: what was built.
            engine: the file of the plan.
            transfers: with the copies to and from the GPU; False: its work alone.
        """
        with tempfile.TemporaryDirectory(prefix="sim2real-trtexec-") as folder:
            times = Path(folder) / "times.json"
            self.run(time_arguments(self._numbers, plan, engine, times, transfers))
            return read_times(times, "latencyMs" if transfers else "computeMs")

    def infer(self, plan: BuildPlan, engine: Path, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference: the program is started, given files and read; values come back with 6 digits."""
        with tempfile.TemporaryDirectory(prefix="sim2real-trtexec-") as folder:
            work = Path(folder)
            loads = []
            for i, (name, array) in enumerate(feeds.items()):
                (work / f"in{i}.bin").write_bytes(np.ascontiguousarray(array, np.float32).tobytes())
                loads.append(f"{name}:in{i}.bin")
            shapes = ",".join(f"{name}:{_dims(array.shape)}" for name, array in feeds.items())
            arguments = [f"--loadEngine={engine.resolve()}", f"--shapes={shapes}", f"--loadInputs={','.join(loads)}"]
            arguments += ["--exportOutput=out.json", "--iterations=1", "--warmUp=0", "--duration=0", "--avgRuns=1"]
            if self._numbers[0] >= 11:
                arguments.append("--includeDataTransfers")
            self.run(arguments, cwd=work)
            return read_outputs(work / "out.json")


def _dims(shape: Sequence[int]) -> str:
    return "x".join(str(size) for size in shape)


def _shapes(plan: BuildPlan, batch: int) -> str:
    return ",".join(f"{name}:{_dims(with_batch(shape, batch))}" for name, shape in plan.shapes.items())


def build_arguments(
    version: tuple[int, ...], plan: BuildPlan, choice: Choice, onnx: Path, target: Path, timing_cache: Path | None
) -> list[str]:
    """trtexec's arguments to build one precision with a version."""
    low, usual, high = plan.batch
    arguments = [
        f"--onnx={onnx}",
        f"--saveEngine={target}",
        f"--minShapes={_shapes(plan, low)}",
        f"--optShapes={_shapes(plan, usual)}",
        f"--maxShapes={_shapes(plan, high)}",
        f"--memPoolSize=workspace:{plan.workspace_mib}",
        "--profilingVerbosity=detailed",
        "--buildOnly" if version < (8, 6) else "--skipInference",
    ]
    if choice.typed and version[0] < 11:
        arguments.append("--stronglyTyped")
    arguments += [f"--{flag.lower()}" for flag in choice.flags]
    if not choice.tf32:
        arguments.append("--noTF32")
    if timing_cache is not None:
        arguments.append(f"--timingCacheFile={timing_cache}")
    if plan.optimization_level is not None and version >= (8, 6):
        arguments.append(f"--builderOptimizationLevel={plan.optimization_level}")
    return arguments


def time_arguments(version: tuple[int, ...], plan: BuildPlan, engine: Path, times: Path, transfers: bool) -> list[str]:
    """trtexec's arguments to time an engine, such that versions measure the same.

    From 11 on CUDA graphs, spinning and no transfers are the default; before they have to be asked for.
    """
    arguments = [
        f"--loadEngine={engine}",
        f"--shapes={_shapes(plan, plan.batch[0])}",
        "--warmUp=500",
        "--duration=10",
        "--percentile=50,90,95,99,99.9",
        f"--exportTimes={times}",
    ]
    if version[0] >= 11:
        return arguments + (["--includeDataTransfers"] if transfers else [])
    return [*arguments, "--useCudaGraph", "--useSpinWait", *([] if transfers else ["--noDataTransfers"])]


def read_times(path: Path, key: str = "latencyMs") -> dict[str, float]:
    """Percentiles out of the file of ``--exportTimes``.

    trtexec's own percentiles leave some runs away; these are of all of them. ``latencyMs`` is the way there, the
    computation and the way back, without the time that the launch took.

    Raises:
        EngineError: no such file, or nothing in it.
    """
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))
        values = np.array([float(run[key]) for run in runs])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"trtexec's times cannot be read: {error!r}.") from None
    if not len(values) or not np.isfinite(values).all():
        raise EngineError("trtexec measured no times.")
    return percentiles(values)


def read_outputs(path: Path) -> dict[str, np.ndarray]:
    """Tensors out of the file of ``--exportOutput``. Raises: EngineError."""
    try:
        found: dict[str, Any] = {}
        for tensor in json.loads(path.read_text(encoding="utf-8")):
            shape = [int(size) for size in re.findall(r"\d+", tensor["dimensions"])]
            found[tensor["name"]] = np.array(tensor["values"], np.float32).reshape(shape)
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"trtexec's outputs cannot be read: {error!r}.") from None
