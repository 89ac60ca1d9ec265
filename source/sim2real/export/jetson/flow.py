"""The way to the device and back: probe, send, build and prove, time and weigh, fetch.

The device does the work with the same script that a bundle carries (``build_on_device.py``), detached from the
connection. Where the folder on the device is stands in a journal here, under a key of everything that the result
depends on. Whoever comes again, after a lost connection or a stopped program, finds the folder by that key and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import posixpath
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sim2real.export.jetson.address import Address
from sim2real.export.jetson.connect import Link, SshCfg, connected
from sim2real.export.jetson.errors import DeviceError, JetsonError, LinkLostError
from sim2real.export.jetson.measure import Measured, measure
from sim2real.export.jetson.probe import DeviceFacts, PowerMode, probe
from sim2real.export.jetson.remote import STEP_SCRIPT, Workspace, home_of, last_line
from sim2real.export.tensorrt.plan import PRECISIONS, BuildPlan, check_precisions
from sim2real.paths import cache_dir

Say = Callable[[str, str, str], None]
"""Told of the progress: stage, precision, message."""
BUILD = "build"
SCRIPT = "build_on_device.py"
RECORD = "record.json"
MOST_RECORD = 4 << 20
_QUIET_S = 30.0


def quiet(stage: str, precision: str, message: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, kw_only=True)
class JetsonCfg:
    """How to build on a device."""

    precisions: tuple[str, ...] = PRECISIONS
    """What to build."""
    power_mode: str | None = None
    """Name or number of the power mode that the device must be in; None: any, with a word about it."""
    timing: bool = True
    """Time each engine with trtexec, and weigh it with tegrastats meanwhile."""
    ssh: SshCfg = field(default_factory=SshCfg)
    """How to connect."""
    build_timeout_s: float = 7200.0
    """How long all builds may take [s]."""
    poll_s: float = 2.0
    """Time between two looks at what the device does [s]."""
    reconnects: int = 5
    """How often a lost connection is made again."""
    reconnect_wait_s: float = 5.0
    """Time before each of them [s]."""


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What goes to the device."""

    plan: BuildPlan
    """What to build."""
    files: Mapping[str, bytes]
    """The plan's ONNX files and the golden vectors, by name."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What came back."""

    facts: DeviceFacts
    """The device."""
    record: dict[str, Any]
    """The record that it sealed: ``chosen``, ``engines``, ``parity``, ``latency``."""
    files: Mapping[str, bytes]
    """Plans and what belongs to them, by name."""
    measured: Mapping[str, Measured]
    """Times and watts by precision."""


def build_payload(
    payload: Payload,
    address: Address,
    cfg: JetsonCfg | None = None,
    say: Say = quiet,
    keep: Callable[[Built], None] | None = None,
) -> Built:
    """Build engines on a device and bring them back.

    Args:
        payload: what to build.
        address: the device.
        cfg: how.
        say: told of the progress.
        keep: takes what came back to where it belongs; only after it the folder on the device is deleted.

    Raises:
        HostKeyError: the device is unknown or another one.
        LinkLostError: the connection broke too often; the same call goes on.
        DeviceError: something is missing there, no engine could be built, or none passed its proof.
    """
    cfg = cfg or JetsonCfg()
    check_precisions(cfg.precisions)
    return asyncio.run(_with_patience(payload, address, cfg, say, keep))


async def _with_patience(
    payload: Payload, address: Address, cfg: JetsonCfg, say: Say, keep: Callable[[Built], None] | None
) -> Built:
    """Connect again when the line is cut."""
    left, cut = cfg.reconnects, False
    while True:
        try:
            say("connect", "", str(address))
            async with connected(address, cfg.ssh) as link:
                return await _go(link, payload, cfg, say, keep)
        except JetsonError as error:
            unreachable = cut and type(error) is JetsonError
            if left <= 0 or not (isinstance(error, LinkLostError) or unreachable):
                raise
            left, cut = left - 1, True
            say("connect", "", f"lost; again in {cfg.reconnect_wait_s:g} s ({left} more tries after that)")
            await asyncio.sleep(cfg.reconnect_wait_s)


async def _go(link: Link, payload: Payload, cfg: JetsonCfg, say: Say, keep: Callable[[Built], None] | None) -> Built:
    """Everything, over one connection."""
    home = await home_of(link)
    facts = await probe(link, home)
    say("probe", "", str(facts))
    check_power(facts, cfg.power_mode, str(link.address), say)
    work, journal = await _workspace(link, home, facts, payload, cfg, say)
    try:
        await _build(work, facts, cfg, say)
        record = await _record(work, payload.plan)
        measured = await measure(work, facts, payload.plan, record, cfg.poll_s, say) if cfg.timing else {}
        say("fetch", "", ", ".join(sorted(record["engines"])))
        built = Built(facts=facts, record=record, files=await _fetch(work, record), measured=measured)
    except DeviceError:
        await work.remove()
        journal.unlink(missing_ok=True)
        raise
    if keep is not None:
        keep(built)
    await work.remove()
    journal.unlink(missing_ok=True)
    return built


def check_power(facts: DeviceFacts, wanted: str | None, where: str, say: Say) -> None:
    """Compare the power mode with the wanted one. Raises: DeviceError."""
    now, modes = facts.power_mode, facts.power_modes
    if wanted is None:
        best = next((mode for mode in modes if mode.name.startswith("MAXN")), None)
        if now is not None and best is not None and now.name != best.name:
            say("probe", "", f"power mode {now.name}; engines are tuned for it. For {best.name}, there: {best.command}")
        return
    match: PowerMode | None = next((m for m in modes if wanted.lower() == m.name.lower() or wanted == str(m.id)), None)
    if match is None:
        names = ", ".join(f"{mode.name} ({mode.id})" for mode in modes) or "none that can be read"
        raise DeviceError(f"{where} has no power mode {wanted!r}; it has: {names}. Nothing was sent.")
    if now != match:
        is_in = "an unknown power mode" if now is None else f"power mode {now.name}"
        raise DeviceError(
            f"{where} is in {is_in}, wanted is {match.name}. It needs root, so type it there: '{match.command}', then "
            "'sudo jetson_clocks'; then run the same command again. Nothing was sent."
        )


async def _workspace(
    link: Link, home: str, facts: DeviceFacts, payload: Payload, cfg: JetsonCfg, say: Say
) -> tuple[Workspace, Path]:
    """The folder of an earlier try, or a fresh one with everything in it; and the journal that knows where it is."""
    from sim2real.export.tensorrt.script import build_script

    contents = {**payload.files, SCRIPT: build_script(payload.plan).encode()}
    key = _key(contents, facts, link.address, cfg.precisions)
    journal = cache_dir("jetson") / f"{key}.json"
    path = _journalled(journal)
    if path is not None:
        work = await Workspace.find(link, home, path, key)
        if work is not None:
            say("resume", "", f"goes on in {posixpath.basename(path)} on the device")
            return work, journal
        with contextlib.suppress(JetsonError):  # not in this home any more: not ours to touch
            await Workspace(link, path).remove(home)
    need = 4 * sum(map(len, contents.values())) // (1 << 20) + 64
    if facts.free_disk_mib < need:
        raise DeviceError(
            f"{link.address} has {facts.free_disk_mib} MiB free in {home}, about {need} MiB are needed. Make room "
            "there ('sudo apt clean', old engines, 'docker system prune'). Nothing was sent."
        )
    journal.parent.mkdir(parents=True, exist_ok=True)
    work = await Workspace.create(link, home)
    journal.write_text(json.dumps({"path": work.path, "address": str(link.address)}))
    say("send", "", f"{len(contents)} files, {sum(map(len, contents.values())) / 1e6:.1f} MB")
    try:
        await work.send({**contents, STEP_SCRIPT.name: STEP_SCRIPT.read_bytes()})
        await work.mark(key)
    except LinkLostError:
        raise
    except JetsonError:
        await work.remove(home)
        journal.unlink(missing_ok=True)
        raise
    return work, journal


def _key(contents: Mapping[str, bytes], facts: DeviceFacts, address: Address, precisions: tuple[str, ...]) -> str:
    """Hash of everything that the result depends on."""
    still = replace(facts, free_memory_mib=0, free_disk_mib=0).to_dict()
    parts = {
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        "device": still,
        "address": str(address),
        "precisions": precisions,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _journalled(journal: Path) -> str | None:
    """Path of the folder that a journal names; None without one."""
    try:
        path = json.loads(journal.read_text())["path"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return path if isinstance(path, str) else None


async def _build(work: Workspace, facts: DeviceFacts, cfg: JetsonCfg, say: Say) -> None:
    """Run the script, or wait for the one that runs. Raises: DeviceError."""
    state: Any = await work.status(BUILD)
    if state in ("none", "gone"):
        script = ("nice", "-n", "5", "python3", work.at(SCRIPT), "--json", "--out", work.path)
        await work.start(BUILD, (*script, "--precisions", ",".join(cfg.precisions)), cfg.build_timeout_s)
    seen, spoke = 0, time.monotonic()

    async def tick() -> None:
        nonlocal seen, spoke
        lines = await work.lines(BUILD, seen)
        seen += len(lines)
        for line in lines:
            said = _message(line)
            if said is not None and said[0] != "record":
                say(*said)
                spoke = time.monotonic()
        if time.monotonic() - spoke > _QUIET_S:
            spoke = time.monotonic()
            say("wait", "", "TensorRT is at work on the device")

    state = await work.finish(BUILD, cfg.poll_s, tick)
    await tick()
    if state in (0, 1):
        return
    where = str(work.link.address)
    if state in (124, 137):
        raise DeviceError(
            f"{where}: the build took longer than {cfg.build_timeout_s:g} s, or ran out of memory "
            f"({facts.free_memory_mib} MiB were free), and was ended. Close the desktop and other programs there, or "
            "build fewer precisions: --precisions fp16."
        )
    told = [said for said in map(_message, await work.lines(BUILD, 0)) if said is not None and said[0] == "error"]
    why = told[-1][2] if told else last_line(await work.tail(BUILD))
    if not isinstance(state, int):
        raise DeviceError(f"{where}: the build ended without an exit code ({why}). Was the device switched off?")
    raise DeviceError(f"{where}: the build failed: {why}")


def _message(line: str) -> tuple[str, str, str] | None:
    """A line of the script's progress, fit to be printed; None for anything else."""
    try:
        data = json.loads(line)
        texts = [str(data.get(name, "")) for name in ("stage", "precision", "message")]
    except (ValueError, AttributeError):
        return None
    stage, precision, message = ("".join(c for c in text if c.isprintable())[:500] for text in texts)
    return stage, precision, message


async def _record(work: Workspace, plan: BuildPlan) -> dict[str, Any]:
    """The record, whole, of this plan, with an engine that passed. Raises: DeviceError."""
    from sim2real.deploy.tensorrt_device import EngineError
    from sim2real.deploy.tensorrt_record import check_seal

    where = f"{work.link.address}: {RECORD}"
    try:
        record = check_seal(json.loads(await work.text(RECORD, MOST_RECORD)), where)
    except (EngineError, ValueError) as error:
        raise DeviceError(f"{where} cannot be taken: {error}") from None
    if record["contract_sha256"] != plan.contract_sha256:
        raise DeviceError(f"{where} is that of another contract; it is not taken. Run the command again.")
    if record["chosen"] is None:
        reasons = "; ".join(f"{name}: {_why(entry)}" for name, entry in sorted(record["parity"].items()))
        raise DeviceError(f"{work.link.address}: no engine passed its proof, so none is kept ({reasons}).")
    return record


def _why(entry: Mapping[str, Any]) -> str:
    """Why a precision is not there."""
    from sim2real.deploy.tensorrt_proof import describe

    return str(entry["reason"]) if "reason" in entry else describe(entry)


async def _fetch(work: Workspace, record: Mapping[str, Any]) -> dict[str, bytes]:
    """The plans and their layers, as the record names them. Raises: DeviceError."""
    files: dict[str, bytes] = {}
    for precision, entry in record["engines"].items():
        if precision not in PRECISIONS or entry["plan"]["file"] != f"{precision}.plan":
            raise DeviceError(f"{work.link.address}: the record names {entry['plan']['file']!r}; it is not fetched.")
        content = await work.fetch(f"{precision}.plan")
        if hashlib.sha256(content).hexdigest() != entry["plan"]["sha256"]:
            raise DeviceError(f"{work.link.address}: {precision}.plan is not the plan of the record. Run it again.")
        files[f"{precision}.plan"] = content
        if "layers" in entry:
            files[f"{precision}.layers.json"] = await work.fetch(f"{precision}.layers.json")
    return files
