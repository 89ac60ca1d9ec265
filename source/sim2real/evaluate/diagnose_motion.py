"""Causes between the robot and its log, and between what was sent and what the drives did.

The network cannot see these: what it was given and what was logged are wrong together, or right together. Measured
velocities against the change of measured positions find most of what is misread; the rest, and everything about the
drives, shows when the logged targets are replayed in MuJoCo from logged states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim2real.evaluate.diagnose_evidence import (
    BASE_RATES,
    JOINT_RATES,
    MOTION,
    NOTHING,
    Correction,
    Drive,
    Evidence,
    Felt,
    explained,
    weights_of,
)
from sim2real.evaluate.diagnose_search import (
    LATENCIES,
    SCALES,
    Cause,
    assign,
    axes_text,
    best_of,
    correlation,
    factor_text,
    on,
    on_axes,
    on_joints,
    reordered,
    search_number,
    search_set,
    signed_axes,
    swaps_text,
    times,
)
from sim2real.evaluate.engines.player import turn_back

READ, SENT, DRIVES = "reading", "sending", "drives"
DRIVER = "where the robot's state is read, and in the log"
FACTORS = (0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 4.0)
"""Factors on gains, strength and mass that are tried first [1]."""
FRICTIONS = (0.002, 0.01, 0.03, 0.1, 0.3)
"""Joint frictions that are tried first, as a share of the median effort limit [1]."""
GROUNDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.2)
"""Friction coefficients of the ground that are tried first [1]."""
STEPS = 7
"""Steps of the golden section where each costs a replay."""
LAGS = 6
"""Decisions by which a joint may follow its target, for correlations."""
AXES = "mend how the sensor is mounted, or its axes"


def motion_causes(evidence: Evidence) -> Iterator[Iterator[Cause]]:
    """The best of each kind, family by family, for the channels that are not consistent."""
    weights = weights_of(evidence.before)

    def loss(correction: Correction) -> float:
        return 1.0 - explained(weights, evidence.before, evidence.measure(correction))

    def quick(correction: Correction) -> float:
        return 1.0 - explained(weights, evidence.before, evidence.measure(correction, replayed=False))

    if weights[BASE_RATES] > 0.0:
        yield _base(evidence, quick)
    if weights[JOINT_RATES] > 0.0:
        yield _joint_rates(evidence, quick)
    if weights.get(MOTION, 0.0) > 0.0:
        moved = _moved(evidence)
        yield _orders(evidence, loss, moved)
        yield _signs(evidence, loss, moved)
        yield _scales(evidence, loss)
        yield _offsets(evidence)
        yield _drives(evidence, loss)


def _read(change: Callable[[Felt], Felt]) -> Correction:
    return Correction(read=change)


def _base(evidence: Evidence, quick: Any) -> Iterator[Cause]:
    quats: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
        "w, x, y, z stands where x, y, z, w should": ("order", lambda q: q[:, [1, 2, 3, 0]]),
        "x, y, z, w was rotated once too often": ("order", lambda q: q[:, [3, 0, 1, 2]]),
        "it turns the world into the base, not the base into the world": (
            "frame", lambda q: q * np.array([-1.0, -1.0, -1.0, 1.0])
        ),
    }  # fmt: skip
    for kind, name in (("order", "quaternion order"), ("frame", "orientation frame")):
        made = {text: _read(on("quat", turn)) for text, (of, turn) in quats.items() if of == kind}
        text = best_of(quick, made)
        yield Cause(
            name=name, side=READ, text=text, value=text, correction=made[text],
            advice=f"give x, y, z, w from the base to the world {DRIVER}",
        )  # fmt: skip
    world = _read(lambda felt: replace(felt, gyro=turn_back(felt.quat, felt.gyro)))
    yield Cause(
        name="angular velocity frame", side=READ, text="it is in the world's frame", value="world", correction=world,
        advice=f"turn it into the frame of the base {DRIVER}",
    )  # fmt: skip
    axes = {axes_text(o, s): _read(on("gyro", on_axes(o, s))) for o, s in signed_axes()}
    text = best_of(quick, axes)
    yield Cause(
        name="angular velocity axes", side=READ, text=f"{text} is the true (x, y, z)", value=text,
        correction=axes[text], advice=f"{AXES}, {DRIVER}",
    )  # fmt: skip

    def scaled(factor: float) -> Correction:
        return _read(on("gyro", times(factor)))

    factor, _ = search_number(quick, scaled, (*SCALES, 1.0), log=True)
    yield Cause(
        name="angular velocity scale", side=READ, text=factor_text(factor), value=factor, correction=scaled(factor),
        advice=f"mend its unit {DRIVER}",
    )  # fmt: skip


def _joint_rates(evidence: Evidence, quick: Any) -> Iterator[Cause]:
    names = evidence.contract.robot.joint_names  # type: ignore[union-attr]
    every = list(range(len(names)))
    change, rate = np.diff(evidence.felt.pos, axis=0), 0.5 * (evidence.felt.vel[1:] + evidence.felt.vel[:-1])
    order = assign(correlation(change, rate))
    text, pairs = swaps_text(order, names)
    for part, turn in (("velocity", order), ("position", np.argsort(order))):
        key = part[:3]
        made = _read(on(key, reordered(turn)))
        yield Cause(
            name=f"joint {part} order", side=READ, text=text or "none", value=pairs, correction=made,
            advice=f"read joint {part} by name {DRIVER}",
        )  # fmt: skip

        def flip(chosen: tuple[int, ...], key: str = key) -> Correction:
            signs = np.ones(len(names))
            signs[list(chosen)] = -1.0
            return _read(on(key, times(signs)))

        chosen = search_set(quick, flip, every)
        flipped = [names[i] for i in chosen]
        yield Cause(
            name=f"joint {part} sign", side=READ, text=", ".join(flipped) or "none", value=flipped,
            correction=flip(chosen), advice=f"turn the sign of these {DRIVER}",
        )  # fmt: skip

        def scaled(factor: float, key: str = key) -> Correction:
            return _read(on(key, times(factor)))

        factor, _ = search_number(quick, scaled, (*SCALES, 1.0), log=True)
        yield Cause(
            name=f"joint {part} scale", side=READ, text=factor_text(factor), value=factor, correction=scaled(factor),
            advice=f"mend the unit {DRIVER}",
        )  # fmt: skip


def _moved(evidence: Evidence) -> list[int]:
    """Columns of the joints that the policy moves."""
    names = evidence.contract.robot.joint_names  # type: ignore[union-attr]
    return [names.index(name) for name in evidence.contract.joint_positions.joints]


def _following(evidence: Evidence, moved: Sequence[int]) -> np.ndarray:
    """How each joint follows each target: the correlation at the lag at which all together are strongest."""
    targets, pos = evidence.targets[:, moved], evidence.felt.pos[:, moved]
    tables = [correlation(targets[: len(targets) - lag], pos[lag:]) for lag in range(LAGS)]
    return max(tables, key=lambda table: float(np.abs(table).max(axis=1).sum()))


def _orders(evidence: Evidence, loss: Any, moved: list[int]) -> Iterator[Cause]:
    if len(moved) < 2:
        return
    names = [evidence.contract.robot.joint_names[i] for i in moved]  # type: ignore[union-attr]
    order = assign(np.abs(_following(evidence, moved)))
    text, pairs = swaps_text(order, names)
    read, sent = (np.arange(evidence.felt.pos.shape[1]) for _ in range(2))
    read[moved], sent[moved] = np.array(moved)[order], np.array(moved)[np.argsort(order)]
    yield Cause(
        name="joint order", side=READ, text=text or "none", value=pairs,
        correction=_read(on_joints(reordered(read))),
        advice=f"read joints by name {DRIVER}",
    )  # fmt: skip
    yield Cause(
        name="joint order", side=SENT, text=text or "none", value=pairs,
        correction=Correction(sent=reordered(sent)),
        advice="send each target to the motor of its joint's name",
    )  # fmt: skip


def _signs(evidence: Evidence, loss: Any, moved: list[int]) -> Iterator[Cause]:
    names = evidence.contract.robot.joint_names  # type: ignore[union-attr]
    against = [moved[i] for i, value in enumerate(np.diag(_following(evidence, moved))) if value < 0.0]
    signs = np.ones(len(names))
    signs[against] = -1.0
    flipped = [names[i] for i in against]
    sides = {
        READ: (
            _read(on_joints(times(signs))),
            f"turn the sign of these joints {DRIVER}",
        ),
        SENT: (Correction(sent=times(signs)), "turn the sign of the targets of these joints"),
    }
    for side, (correction, advice) in sides.items():
        yield Cause(
            name="joint sign", side=side, text=", ".join(flipped) or "none", value=flipped, correction=correction,
            advice=advice,
        )  # fmt: skip


def _scales(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    default = np.array([joint.default_pos for joint in evidence.contract.robot.joints])  # type: ignore[union-attr]

    def read(factor: float) -> Correction:
        return _read(on_joints(times(factor)))

    def sent(factor: float) -> Correction:
        return Correction(sent=times(factor))

    def swing(factor: float) -> Correction:
        return Correction(sent=lambda targets: default + (targets - default) * factor)

    kinds = (
        ("joint scale", READ, read, f"mend the unit {DRIVER}"),
        ("target scale", SENT, sent, "mend the unit of the targets"),
        ("action scale", SENT, swing, "use the contract's scale of the action, once, around the contract's offset"),
    )
    for name, side, make, advice in kinds:
        factor, _ = search_number(loss, make, (*SCALES, 1.0), log=True, steps=STEPS)
        yield Cause(
            name=name, side=side, text=factor_text(factor), value=factor, correction=make(factor), advice=advice
        )


def _offsets(evidence: Evidence) -> Iterator[Cause]:
    """A zero that is off: the slope of each joint by one replay in which all are shifted, then a Gauss-Newton step."""
    names = evidence.contract.robot.joint_names  # type: ignore[union-attr]

    def read(offset: np.ndarray) -> Correction:
        return _read(lambda felt: replace(felt, pos=felt.pos - offset))

    def sent(offset: np.ndarray) -> Correction:
        return Correction(sent=lambda targets: targets + offset)

    for side, make, advice in (
        (READ, read, f"set the zeros of the encoders anew, or subtract this {DRIVER}"),
        (SENT, sent, "add the contract's offset to the action, once; compare the zeros of the motors with the URDF"),
    ):
        offset = np.zeros(len(names))
        for _ in range(3):
            miss = _missed(evidence, make(offset))
            slope = (_missed(evidence, make(offset + 0.01)) - miss) / 0.01
            size = (slope**2).sum(axis=(0, 1))
            offset = offset - np.where(size > 1e-9, (slope * miss).sum(axis=(0, 1)) / np.maximum(size, 1e-9), 0.0)
        large = [i for i in range(len(names)) if abs(offset[i]) > max(0.1 * np.abs(offset).max(), 1e-3)]
        yield Cause(
            name="zero of the joints", side=side, advice=advice, correction=make(offset),
            text=", ".join(f"{names[i]} {offset[i]:+.3f}" for i in large) or "none",
            value={name: float(value) for name, value in zip(names, offset, strict=True)},
        )  # fmt: skip


def _missed(evidence: Evidence, correction: Correction) -> np.ndarray:
    """How far the replay is from the log, relative to its start, (segments, decisions, joints)."""
    played, logged = evidence.motion(correction)
    missed: np.ndarray = (played - logged)[:, 1:]
    return missed


def _drives(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    robot = evidence.contract.robot
    assert robot is not None  # the evidence has one
    yield _drive(
        loss, "command latency", lambda v: Drive(latency_s=v), (0.0, *LATENCIES), lambda v: f"{1e3 * v:.3g} ms",
        "shorten the way from the policy to the motors (and from the sensors); or train with it in the spec's signals",
    )  # fmt: skip
    gains = {
        "kp": ("stiffness kp", "set the drives' kp to the contract's; or train with this one"),
        "kd": ("damping kd", "set the drives' kd to the contract's; or train with this one"),
        "strength": ("strength", "look for weak supply, heat or a wrong torque constant; or train with this strength"),
    }
    for field, (name, advice) in gains.items():
        yield _drive(loss, name, _drive_with(field), FACTORS, lambda v: f"x {v:.3g}", advice, log=True)
    yield _weak_joint(evidence, loss)
    limits = [joint.effort_limit for joint in robot.joints if joint.effort_limit]
    unit, own = float(np.median(limits)) if limits else 10.0, float(np.mean([j.friction for j in robot.joints]))
    grid = sorted({-own, 0.0, own, 2.0 * own, *(share * unit for share in FRICTIONS)})

    def said(value: float) -> str:
        return f"{own + value:.3g} N·m" + (f" (x {(own + value) / own:.3g})" if own > 0.0 else "")

    found = _drive(
        loss, "joint friction", lambda v: Drive(friction=v), grid, said,
        "grease, or measure it and put it into the contract's robot and the spec",
    )  # fmt: skip
    yield replace(found, value=own + found.value)
    yield _drive(
        loss, "mass", lambda v: Drive(mass=v), FACTORS, lambda v: f"x {v:.3g} of every link",
        "weigh the robot; put its load into the description, or train with it", log=True,
    )  # fmt: skip
    if robot.floating_base:
        yield _drive(
            loss, "ground friction", lambda v: Drive(ground=v), GROUNDS, lambda v: f"{v:.2g}",
            "train with such a ground in the spec", log=True,
        )  # fmt: skip


def _drive(
    loss: Any,
    name: str,
    make: Callable[[float], Drive],
    grid: Sequence[float],
    said: Callable[[float], str],
    advice: str,
    *,
    log: bool = False,
) -> Cause:
    value, _ = search_number(loss, lambda v: Correction(drive=make(v)), grid, log=log, steps=STEPS)
    return Cause(
        name=name, side=DRIVES, text=said(value), value=value, advice=advice, correction=Correction(drive=make(value))
    )


def _drive_with(field: str) -> Callable[[float], Drive]:
    return lambda value: Drive(**{field: value})


def _weak_joint(evidence: Evidence, loss: Any) -> Cause:
    """One joint of another strength: the joint whose own error a change of all strengths lowers most."""
    names = evidence.contract.robot.joint_names  # type: ignore[union-attr]
    miss = _missed(evidence, NOTHING)
    slope = (_missed(evidence, Correction(drive=Drive(strength=0.9))) - miss) / -0.1
    size = np.maximum((slope**2).sum(axis=(0, 1)), 1e-12)
    gain = (slope * miss).sum(axis=(0, 1)) ** 2 / size
    joint = int(gain.argmax())

    def make(factor: float) -> Drive:
        factors = np.ones(len(names))
        factors[joint] = factor
        return Drive(strength=factors)

    cause = _drive(
        loss, "strength of one joint", make, FACTORS, lambda v: f"{names[joint]} x {v:.3g}",
        "look at this motor, its gains and its transmission", log=True,
    )  # fmt: skip
    return replace(cause, value={names[joint]: cause.value})
