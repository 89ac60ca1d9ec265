"""What every export shares: a folder that gets its name when it is whole, latency of single inferences, plain JSON."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.contract.bundle import CONTRACT_FILE, file_record, write_manifest
from sim2real.export.errors import ExportError
from sim2real.export.onnx_file import open_session

if TYPE_CHECKING:
    from sim2real.contract import Contract

PARITY_FILE = "parity.json"
LATENCY_FILE = "latency.json"
_NEW, _OLD = "new", "old"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # fcntl.h and linux/fs.h


def check_target(out: Path) -> None:
    """Refuse a folder that is not ours to replace. Raises: ExportError."""
    if out.is_dir() and any(out.iterdir()) and not (out / CONTRACT_FILE).exists():
        raise ExportError(f"{out} holds something else than a bundle; give a new folder. Nothing was changed.")
    if out.exists() and not out.is_dir():
        raise ExportError(f"{out} is a file; give a folder. Nothing was changed.")


@contextlib.contextmanager
def bundle_folder(out: Path) -> Iterator[Path]:
    """A temporary folder that takes the name ``out`` when the block ends well; an older bundle goes then.

    It lies in ``.NAME.partial-*`` beside ``out``, which is locked as long as this process lives. What a process that
    was killed has left there is removed first.

    Raises:
        ExportError: the disk does not take it; nothing is changed.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(out)
        around, lock = _locked_folder(out)
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error}). Nothing was changed.") from None
    try:
        work = around / _NEW
        work.mkdir(mode=0o755)
        yield work
        _take_the_name(work, out)
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error}). Nothing was changed.") from None
    finally:
        shutil.rmtree(around, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def write_bundle(work: Path, contract: Contract, contents: Mapping[str, bytes]) -> None:
    """Write a bundle's files, their hashes, and the script that builds its engines on a device."""
    from sim2real.export.tensorrt.build import make_plan
    from sim2real.export.tensorrt.script import SCRIPT_FILE, build_script

    records = {file: file_record(data) for file, data in contents.items()}
    for file, data in contents.items():
        (work / file).write_bytes(data)
    write_manifest(work, contract, records)
    script = build_script(make_plan(work)).encode()
    (work / SCRIPT_FILE).write_bytes(script)
    write_manifest(work, contract, {**records, SCRIPT_FILE: file_record(script)})


def _locked_folder(out: Path) -> tuple[Path, int | None]:
    """A new folder beside ``out`` and the handle that locks it; None on a file system without locks."""
    while True:
        around = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
        try:
            lock = _try_lock(around)
        except OSError:
            if around.is_dir():  # nobody locks here, so nobody takes it for a leftover
                return around, None
            continue
        if lock is not None and around.is_dir():
            return around, lock
        if lock is not None:  # another export took it for a leftover before it was locked
            os.close(lock)


def _try_lock(folder: Path) -> int | None:
    """Lock a folder and return the handle; None where somebody else has it. The lock ends with the process."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return handle


def _clear_leftovers(out: Path) -> None:
    """Remove what killed exports have left, and put an older bundle back that one of them had moved aside."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.partial-*"):
        try:
            lock = _try_lock(left)
        except OSError:  # gone meanwhile, somebody else's, or a file system without locks
            continue
        if lock is None:
            continue
        try:
            if (left / _OLD).is_dir() and not out.exists():
                (left / _OLD).rename(out)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(lock)


def _take_the_name(work: Path, out: Path) -> None:
    """Give the finished folder its name; an older bundle goes only when the new one is ready."""
    if not out.exists():
        work.rename(out)
    elif not _exchange(work, out):
        old = work.with_name(_OLD)
        out.rename(old)
        try:
            work.rename(out)
        except OSError:
            old.rename(out)
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names in one step, as Linux can; False where this system or file system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    done = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE))
    return bool(done == 0)


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
