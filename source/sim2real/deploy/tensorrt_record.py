"""The record beside the engines of a device: what was built of what, where, and what it proved.

It carries its own hash, so that a changed line is noticed, and it is compared with the machine before a plan is loaded:
TensorRT would refuse most plans of another machine itself, but in its own words, and a plan of another contract it
would run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sim2real.deploy.tensorrt_device import Device, EngineError, same_version

RECORD_SCHEMA = 1
_KEYS = {
    "schema",
    "policy",
    "contract_sha256",
    "device",
    "cuda",
    "power_mode",
    "route",
    "chosen",
    "engines",
    "parity",
    "latency",
    "record_sha256",
}
AGAIN = "Build the engines on this machine: run build_on_device.py of the bundle, or 'sim2real export --engine'."


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its hash."""
    data = {name: value for name, value in record.items() if name != "record_sha256"}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return dict(data, record_sha256=hashlib.sha256(text.encode()).hexdigest())


def check_seal(record: Any, source: str) -> dict[str, Any]:
    """A record that is whole and unchanged. Raises: EngineError."""
    if not isinstance(record, Mapping) or set(record) != _KEYS or record["schema"] != RECORD_SCHEMA:
        raise EngineError(f"{source}: not a record of engines that this version of sim2real reads. {AGAIN}")
    if seal(record)["record_sha256"] != record["record_sha256"]:
        raise EngineError(f"{source}: the record was changed after the build. {AGAIN}")
    return dict(record)


def record_device(record: Mapping[str, Any]) -> Device:
    """The machine that the engines were built on."""
    return Device(**record["device"])


def check_device(record: Mapping[str, Any], here: Device, source: str) -> None:
    """Refuse engines of another TensorRT, GPU, system or processor.

    Raises:
        EngineError: it names everything that differs.
    """
    built = record_device(record)
    differs = []
    if not same_version(built.tensorrt, here.tensorrt):
        differs.append(f"TensorRT {built.tensorrt}, here is {here.tensorrt}")
    names = {"sm": "compute capability", "gpu": "GPU", "l4t": "L4T", "machine": "processor"}
    for name, said in names.items():
        before, now = getattr(built, name), getattr(here, name)
        if before != now:
            differs.append(f"{said} {before}, here is {now}")
    if differs:
        raise EngineError(f"{source}: built for {'; '.join(differs)}. An engine runs only where it was built. {AGAIN}")


def check_engine(record: Mapping[str, Any], precision: str, plan: bytes, source: str) -> None:
    """Refuse a plan that is not the one of the record, or one that did not prove itself.

    Args:
        record: the record.
        precision: ``fp32``, ``fp16`` or ``int8``.
        plan: content of the plan.
        source: name of the plan, for errors.

    Raises:
        EngineError: truncated, of another content, or of a precision whose proof failed.
    """
    entry = record["engines"].get(precision)
    if entry is None:
        reason = record["parity"].get(precision, {}).get("reason", "it was not asked for")
        built = ", ".join(sorted(record["engines"])) or "none"
        raise EngineError(f"{source}: there is no {precision} engine ({reason}); there is: {built}.")
    wanted = entry["plan"]
    if len(plan) < wanted["bytes"]:
        raise EngineError(f"{source}: truncated: {len(plan)} of {wanted['bytes']} bytes. {AGAIN}")
    if hashlib.sha256(plan).hexdigest() != wanted["sha256"]:
        raise EngineError(f"{source}: not the plan that was built with this record (SHA-256 differs). {AGAIN}")
    if record["parity"][precision]["status"] == "fail":
        raise EngineError(f"{source}: the {precision} engine did not reproduce the golden vectors when it was built.")


def device_dict(device: Device) -> dict[str, Any]:
    """A device as plain values."""
    return dataclasses.asdict(device)
