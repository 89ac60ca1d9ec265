"""A finished bundle gets the engines of a Jetson: one call, from an address to ``engines/<device>/``.

The bundle on this machine is read and proven first, and it changes in one step at the end, when everything is here and
whole. What the device has measured comes back as a spec too, so that training can draw its latency from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.contract import add_engine, check_file, read_manifest
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.export.jetson.address import Address, parse_address
from sim2real.export.jetson.flow import Built, JetsonCfg, Payload, Say, build_payload, quiet
from sim2real.export.jetson.times import latency_spec

DEVICE_FILE = "device.json"
SPEC_FILE = "latency_spec.yaml"


@dataclass(frozen=True, kw_only=True)
class JetsonResult:
    """A bundle that has engines now."""

    folder: Path
    """The device's folder in the bundle."""
    device: str
    """Its name."""
    built: Built
    """What the device gave."""

    @property
    def chosen(self) -> str:
        """The fastest precision that reproduces the golden vectors."""
        return str(self.built.record["chosen"])

    @property
    def spec(self) -> Path | None:
        """The spec with the measured latency; None where nothing was timed."""
        path = self.folder / SPEC_FILE
        return path if path.is_file() else None


def export_to_jetson(
    bundle: str | Path,
    address: str | Address,
    cfg: JetsonCfg | None = None,
    *,
    say: Say = quiet,
    settings: Mapping[str, Any] | None = None,
) -> JetsonResult:
    """Build, prove, time and weigh a bundle's engines on a Jetson, and add them to the bundle.

    Example:
        >>> result = export_to_jetson("runs/bundle", "nvidia@192.168.1.100")
        >>> result.chosen, result.built.measured["fp16"].power.watts

    Args:
        bundle: the folder that the export wrote.
        address: ``user@host[:port]``.
        cfg: how to connect and what to build.
        say: told of the progress: stage, precision, message.
        settings: fields of ``BuildPlan``; see ``sim2real.export.tensorrt.make_plan``.

    Raises:
        ContractError: the bundle is not whole.
        JetsonError: the message says what is wrong with the way, or with the device, and what to do.
    """
    where = parse_address(address) if isinstance(address, str) else address
    payload = payload_of(bundle, **(settings or {}))
    added: list[Path] = []
    built = build_payload(payload, where, cfg, say, keep=lambda found: added.append(add_built(bundle, found)))
    say("add", "", str(added[0]))
    return JetsonResult(folder=added[0], device=added[0].name, built=built)


def payload_of(bundle: str | Path, **settings: Any) -> Payload:
    """What a device needs of a bundle, every file proven. Raises: ContractError."""
    from sim2real.export.tensorrt import make_plan

    folder = Path(bundle)
    plan = make_plan(folder, **settings)
    manifest = read_manifest(folder)
    names = [*(network["file"] for network in plan.networks.values()), GOLDEN_FILE]
    return Payload(plan=plan, files={name: check_file(manifest, folder, name) for name in names})


def add_built(bundle: str | Path, built: Built) -> Path:
    """Put what came back into the bundle and return the device's folder. Raises: ContractError."""
    from sim2real.deploy.tensorrt_record import record_device

    device = record_device(built.record).folder
    files: dict[str, bytes] = dict(built.files)
    measured = {name: found.to_dict() for name, found in built.measured.items()}
    files[DEVICE_FILE] = (json.dumps({"probe": built.facts.to_dict(), "measured": measured}, indent=2) + "\n").encode()
    spec = measured_spec(built)
    if spec is not None:
        files[SPEC_FILE] = spec.encode()
    return add_engine(bundle, device, files, built.record)


def measured_spec(built: Built) -> str | None:
    """The chosen engine's latency as a spec; None where it was not timed."""
    chosen = built.record["chosen"]
    found = built.measured.get(chosen)
    if found is None or not found.times_ms:
        return None
    mode = "" if built.facts.power_mode is None else f", {built.facts.power_mode.name}"
    said = f"identified: trtexec {built.facts.tensorrt} on {built.facts.model or 'a device'}, {chosen}{mode}"
    return latency_spec(found.times_ms, said)
