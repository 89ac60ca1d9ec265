"""Engines of a finished bundle: files below ``engines/<device>/`` that were built on a device for it.

An engine is built after the export, on the machine that runs it, so it joins a bundle that is whole already. The
contract, its hash and every other file stay as they are; only the list of files in ``contract.json`` grows. At any
moment, also after a power cut, the bundle is whole: first the list forgets the device's older files, then the folder is
exchanged, then the list names the new ones. What is not in the list is no part of the bundle.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim2real.contract.bundle import FileRecord, check_file, file_record, read_manifest, write_manifest
from sim2real.contract.errors import ContractError
from sim2real.contract.reading import need_label, parse_json

ENGINES = "engines"
RECORD_FILE = "record.json"


def add_engine(
    bundle: str | os.PathLike[str],
    device: str,
    files: Mapping[str, bytes | str | os.PathLike[str]],
    record: Mapping[str, Any],
) -> Path:
    """Add what was built on a device to a finished bundle, in place of what that device had there.

    The folder ``engines/<device>/`` then holds the files and ``record.json``, all of them covered by the sizes and
    hashes in ``contract.json``; read them with ``check_file(manifest, bundle, "engines/<device>/<name>")``, which
    refuses what is not listed. The contract and its hash do not change. Two processes that add at the same time wait
    for each other.

    Example:
        >>> add_engine("bundle", "orin_nano", {"fp16.plan": Path("fp16.plan")}, {"tensorrt": "10.3.0", "parity": {}})

    Args:
        bundle: the folder that the export wrote.
        device: name of the device: letters, digits, ``_``, ``-``, ``.``.
        files: content, or a file to copy, by the name that it gets; none may be called ``record.json``.
        record: how they were built, plain JSON values. ``parity``, where given, is what ``read_parity`` reports.

    Returns:
        The device's folder.

    Raises:
        ContractError: no bundle, a name that is not allowed, a record that JSON cannot hold, or a disk that does not
            take it. The bundle is whole in each case.
    """
    folder = Path(bundle)
    need_label(device, "device")
    for name in files:
        need_label(name, "name of an engine's file")
    if RECORD_FILE in files:
        raise ContractError(f"a file of an engine is called {RECORD_FILE}; that name is the record's.")
    try:
        text = json.dumps(dict(record), indent=2, sort_keys=True, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ContractError(f"the record of {device} holds something that JSON cannot: {error}.") from None
    with locked(folder):
        try:
            return _exchange(folder, device, {**files, RECORD_FILE: text.encode()})
        except OSError as error:
            raise ContractError(f"{folder}: the engine of {device} cannot be written ({error}).") from None


def _exchange(folder: Path, device: str, files: Mapping[str, Any]) -> Path:
    """Write the device's folder beside its place, and put it there."""
    manifest = read_manifest(folder)
    target = folder / ENGINES / device
    target.parent.mkdir(exist_ok=True)
    for left in target.parent.glob(".*.partial-*"):  # of a process that was killed: nobody else is in here
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{device}.partial-", dir=target.parent))
    try:
        records: dict[str, FileRecord] = {}
        for name, given in files.items():
            content = bytes(given) if isinstance(given, (bytes, bytearray, memoryview)) else Path(given).read_bytes()
            write_whole(work / name, content)
            records[f"{ENGINES}/{device}/{name}"] = file_record(content)
        work.chmod(0o755)
        others = {n: r for n, r in manifest.files.items() if not n.startswith(f"{ENGINES}/{device}/")}
        if target.exists():
            write_manifest(folder, manifest.contract, others)
            shutil.rmtree(target)
        work.rename(target)
        write_manifest(folder, manifest.contract, {**others, **records})
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def engine_devices(bundle: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the devices that have engines in a bundle. Raises: ContractError."""
    names = (name.split("/") for name in read_manifest(Path(bundle)).files)
    return tuple(sorted({parts[1] for parts in names if len(parts) == 3 and parts[0] == ENGINES}))


def engine_record(bundle: str | os.PathLike[str], device: str) -> dict[str, Any]:
    """The record that a device's engines were added with. Raises: ContractError."""
    folder, name = Path(bundle), f"{ENGINES}/{device}/{RECORD_FILE}"
    found = parse_json(check_file(read_manifest(folder), folder, name).decode("utf-8", "replace"), str(folder / name))
    if not isinstance(found, dict):
        raise ContractError(f"{folder / name}: it must hold an object.")
    return found


def read_parity(bundle: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of ``parity.json``, with the parity of the engines that were added since under ``engines``.

    Raises:
        ContractError: no bundle, or a file that is not the one that was written.
    """
    folder = Path(bundle)
    text = check_file(read_manifest(folder), folder, "parity.json").decode("utf-8", "replace")
    parity: dict[str, Any] = parse_json(text, str(folder / "parity.json"))
    found = {device: engine_record(folder, device) for device in engine_devices(folder)}
    parity["engines"] = {device: record.get("parity", "not_run") for device, record in found.items()}
    return parity


def write_whole(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against others that change it; the lock ends with the process, however it ends."""
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ContractError(f"{folder}: not a bundle ({error.strerror}).") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
