"""Whole bundles around the small networks, with contract, golden vectors and hashes as the export writes them."""

from __future__ import annotations

import functools
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contract.state_contracts import JOINTS, make
from sim2real.contract import (
    ActionMapper,
    ClassAction,
    Contract,
    DepthObservation,
    DepthPreprocess,
    Golden,
    GoldenReference,
    ObservationAssembler,
    RecurrentState,
    RobotState,
    Rollout,
    embed,
    file_record,
    write_manifest,
)
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.export.half import to_half
from tensorrt_double import nets
from tensorrt_double.network import open_session

KINDS = ("mlp", "gru", "resnet18")
SIZE = 16
STEPS, ROBOTS = 6, 2


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="sim2real-engines-")


def made(kind: str, precisions: tuple[str, ...] = ("float", "fp16", "int8")) -> Path:
    """A bundle, made once; take a ``copy_of`` to change it."""
    return _made(kind, precisions)


@functools.cache
def _made(kind: str, precisions: tuple[str, ...]) -> Path:
    folder = Path(_folder().name) / f"{kind}-{'-'.join(precisions)}"
    folder.mkdir()
    (_see if kind == "resnet18" else _walk)(kind, folder, precisions)
    return folder


def copy_of(kind: str, target: Path, precisions: tuple[str, ...] = ("float", "fp16", "int8")) -> Path:
    """A bundle of one's own."""
    shutil.copytree(made(kind, precisions), target)
    return target


def _models(float_model: Any, precisions: tuple[str, ...]) -> dict[str, Any]:
    twins = {
        "float": lambda: float_model,
        "fp16": lambda: to_half(float_model),
        "int8": lambda: nets.with_pairs(float_model),
    }
    return {name: twins[name]() for name in precisions}


def _write(folder: Path, contract: Contract, golden: bytes, models: dict[str, Any]) -> None:
    contents = {GOLDEN_FILE: golden, "parity.json": b"{}\n"}
    for precision, model in models.items():
        embed(model, contract, precision)
        contents[contract.model_file(precision)] = model.SerializeToString()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_manifest(folder, contract, {name: file_record(content) for name, content in contents.items()})


def _see(kind: str, folder: Path, precisions: tuple[str, ...]) -> None:
    """A classifier of depth frames."""
    models = _models(nets.resnet18(SIZE, 3), precisions)
    sessions = {name: open_session(model.SerializeToString()) for name, model in models.items()}
    preprocess = DepthPreprocess(width=SIZE, height=SIZE, near_m=0.1, far_m=4.0)
    frames = np.random.default_rng(5).integers(200, 3900, (64, SIZE, SIZE)).astype(np.uint16)
    frames[:, : SIZE // 2] //= np.arange(1, 5, dtype=np.uint16)[np.arange(64) % 4][:, None, None]
    inputs = preprocess.apply(frames)
    logits = {name: session.run(None, {"depth": inputs})[0] for name, session in sessions.items()}
    top = np.sort(logits["float"], axis=1)
    rows = np.argsort(top[:, -2] - top[:, -1])[:8]  # those that it is sure of
    golden = Golden(
        depth_mm=frames[rows],
        inputs=inputs[rows],
        logits=logits["float"][rows],
        logits_fp16=logits["fp16"][rows] if "fp16" in logits else None,
        logits_int8=logits["int8"][rows] if "int8" in logits else None,
    ).to_bytes()
    contract = Contract(
        name="see",
        task="avoidance",
        observation=DepthObservation(preprocess=preprocess),
        action=ClassAction(names=("forward", "left", "right")),
        rate_hz=10,
        dataset_hash="e" * 64,
        code_version="0.1.0",
        golden=GoldenReference(sha256=file_record(golden).sha256, frames=len(rows)),
    )
    _write(folder, contract, golden, models)


def _walk(kind: str, folder: Path, precisions: tuple[str, ...]) -> None:
    """A policy that moves three joints, with a memory or without."""
    memory = (RecurrentState(size=8),) if kind == "gru" else ()
    contract = make(memory=memory)
    size = contract.state.size
    contract = replace(contract, name="walk")
    net = nets.gru(size, len(JOINTS)) if memory else nets.mlp(size, len(JOINTS))
    _rename(net, {"observation": contract.observation.name, "actions": contract.action.output})
    models = _models(net, precisions)
    sessions = {name: open_session(model.SerializeToString()) for name, model in models.items()}
    rollout = _record(contract, sessions)
    golden = rollout.to_bytes()
    reference = replace(contract.golden, sha256=file_record(golden).sha256, frames=STEPS * ROBOTS)
    _write(folder, replace(contract, golden=reference), golden, models)


def _rename(model: Any, names: dict[str, str]) -> None:
    """Call tensors what the contract calls them."""
    for value in [*model.graph.input, *model.graph.output]:
        value.name = names.get(value.name, value.name)
    for node in model.graph.node:
        for side in (node.input, node.output):
            for i, name in enumerate(side):
                side[i] = names.get(name, name)


def _record(contract: Contract, sessions: dict[str, Any]) -> Rollout:
    """Two robots for six decisions; the second begins an episode anew in between."""
    rng = np.random.default_rng(11)
    assembler, mapper = ObservationAssembler(contract, ROBOTS), ActionMapper(contract)
    fresh = np.zeros((STEPS, ROBOTS), bool)
    fresh[0], fresh[3, 1] = True, True
    quat = rng.standard_normal((STEPS, ROBOTS, 4)).astype(np.float32)
    states = {
        "joint_pos": rng.uniform(-0.5, 0.5, (STEPS, ROBOTS, 3)).astype(np.float32),
        "joint_vel": rng.uniform(-1, 1, (STEPS, ROBOTS, 3)).astype(np.float32),
        "base_ang_vel": rng.uniform(-1, 1, (STEPS, ROBOTS, 3)).astype(np.float32),
        "base_quat_xyzw": quat / np.linalg.norm(quat, axis=-1, keepdims=True),
    }
    commands = {"base_velocity": rng.uniform(-1, 1, (STEPS, ROBOTS, 3)).astype(np.float32)}
    held = {p: {s.input: np.zeros(s.shape(ROBOTS), np.float32) for s in contract.memory} for p in sessions}
    last = np.zeros((ROBOTS, 3), np.float32)
    columns: dict[str, list[np.ndarray]] = {n: [] for n in ("last_action", "observations", "targets", *sessions)}
    for step in range(STEPS):
        last[fresh[step]] = 0.0
        for state in (s for states_of in held.values() for s in states_of.values()):
            state[:, fresh[step]] = 0.0
        assembler.reset(fresh[step])
        state = RobotState(
            joint_names=JOINTS,
            commands={name: values[step] for name, values in commands.items()},
            last_action=last.copy(),
            **{name: values[step] for name, values in states.items()},
        )
        observation = assembler(state)
        columns["last_action"].append(last.copy())
        columns["observations"].append(observation)
        for precision, session in sessions.items():
            names = [value.name for value in session.get_outputs()]
            feeds = {contract.observation.name: observation, **held[precision]}
            found = dict(zip(names, session.run(names, feeds), strict=True))
            columns[precision].append(found[contract.action.output])
            held[precision] = {s.input: found[s.output] for s in contract.memory}
        columns["targets"].append(mapper.targets(columns["float"][-1]))
        last = mapper.raw(columns["float"][-1])
    stacked = {name: np.stack(values) for name, values in columns.items()}
    return Rollout(
        joint_names=JOINTS,
        states=states,
        commands=commands,
        fresh=fresh,
        last_action=stacked["last_action"],
        observations=stacked["observations"],
        actions=stacked["float"],
        targets=stacked["targets"],
        outputs={name: stacked[name] for name in sessions if name != "float"},
    )
