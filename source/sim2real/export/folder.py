"""What every export shares: a folder that gets its name when it is whole, latency of single inferences, plain JSON."""

from __future__ import annotations

import contextlib
import json
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract.bundle import CONTRACT_FILE
from sim2real.export.errors import ExportError
from sim2real.export.onnx_file import open_session

PARITY_FILE = "parity.json"
LATENCY_FILE = "latency.json"


def check_target(out: Path) -> None:
    """Refuse a folder that is not ours to replace. Raises: ExportError."""
    if out.is_dir() and any(out.iterdir()) and not (out / CONTRACT_FILE).exists():
        raise ExportError(f"{out} holds something else than a bundle; give a new folder. Nothing was changed.")
    if out.exists() and not out.is_dir():
        raise ExportError(f"{out} is a file; give a folder. Nothing was changed.")


@contextlib.contextmanager
def bundle_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside ``out`` that takes its name when the block ends well; an older bundle goes then.

    Raises:
        ExportError: the disk does not take it; nothing is changed.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error}). Nothing was changed.") from None
    try:
        yield work
        _take_the_name(work, out)
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error}). Nothing was changed.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take_the_name(work: Path, out: Path) -> None:
    """Give the finished folder its name; an older bundle goes only when the new one is ready."""
    work.chmod(0o755)
    old = None
    if out.exists():
        old = work.with_name(work.name + "-old")
        out.rename(old)
    work.rename(out)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def time_inference(content: bytes, one: np.ndarray | Mapping[str, np.ndarray], runs: int) -> dict[str, float | int]:
    """Latency of single inferences on one thread [ms].

    Args:
        content: the ONNX file.
        one: inputs by name with a batch of 1, or the only input.
        runs: how many to time.
    """
    session = open_session(content, threads=1)
    feeds = dict(one) if isinstance(one, Mapping) else {session.get_inputs()[0].name: one}
    for _ in range(max(3, runs // 10)):
        session.run(None, feeds)
    times = np.empty(runs)
    for i in range(runs):
        began = time.perf_counter()
        session.run(None, feeds)
        times[i] = time.perf_counter() - began
    p50, p99 = np.percentile(times * 1e3, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "threads": 1}


def runtime_name() -> str:
    """What the latency was measured with."""
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}, CPU, {platform.machine()}"


def json_bytes(data: Mapping[str, Any]) -> bytes:
    """A JSON file's content."""
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()
