"""Causes between what the robot reported and what its network was given: the answers of the log decide, exactly.

The log holds the robot's state as it was, and what the network answered on the robot. Where the program on the robot
gave the network something else (another order, sign, unit, quaternion, frame, age), the network of the bundle answers
otherwise, and only the right correction makes it answer the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from sim2real.evaluate.diagnose_evidence import (
    NETWORK,
    NOTHING,
    TOLERANCES,
    Correction,
    Evidence,
    Felt,
    relative,
    world_of,
)
from sim2real.evaluate.diagnose_search import (
    LATENCIES,
    SCALES,
    Cause,
    assign,
    axes_text,
    best_of,
    correlation,
    earlier,
    factor_text,
    on,
    on_axes,
    on_joints,
    reordered,
    search_number,
    search_order,
    search_set,
    signed_axes,
    swaps_text,
    times,
    usual_orders,
)

GIVEN, ANSWERED = "network input", "network output"
CHECK = "in the program that builds the observation on the robot (or let sim2real.deploy.JointPolicyRuntime build it)"


def network_causes(evidence: Evidence) -> Iterator[Cause]:
    """The best of each kind; nothing where the network answers as it did."""
    if relative(evidence.before[NETWORK]) <= TOLERANCES[NETWORK]:
        return

    def loss(correction: Correction) -> float:
        error, size = evidence.network(correction)
        return float(error.sum() / size.sum())

    for family in (_orders, _signs, _scales, _offsets, _orientation, _terms, _ages, _outputs):
        yield from family(evidence, loss)


def _columns(evidence: Evidence) -> tuple[list[int], list[str]]:
    """The joints that the network feels: columns of the state, and names."""
    names = evidence.contract.robot.joint_names  # type: ignore[union-attr]
    wanted = {joint for term in evidence.contract.state.terms for joint in term.joints}
    columns = [i for i, name in enumerate(names) if name in wanted]
    return columns, [names[i] for i in columns]


def _given(change: Callable[[Felt], Felt]) -> Correction:
    return Correction(given=change)


def _orders(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    columns, names = _columns(evidence)

    def make(order: np.ndarray) -> Correction:
        full = np.arange(evidence.felt.pos.shape[1])
        full[columns] = np.array(columns)[order]
        return _given(on_joints(reordered(full)))

    if len(columns) > 1:
        order = search_order(loss, make, usual_orders(names), len(columns))
        text, pairs = swaps_text(order, names)
        yield Cause(
            name="joint order", side=GIVEN, text=text or "none", value=pairs, correction=make(order),
            advice=f"read joints by name, in the order of the contract, {CHECK}",
        )  # fmt: skip


def _signs(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    columns, names = _columns(evidence)
    for what, parts in (("joint", ("pos", "vel")), ("joint position", ("pos",)), ("joint velocity", ("vel",))):

        def make(chosen: tuple[int, ...], parts: Sequence[str] = parts) -> Correction:
            signs = np.ones(evidence.felt.pos.shape[1])
            signs[list(chosen)] = -1.0
            return _given(lambda felt: replace(felt, **{name: getattr(felt, name) * signs for name in parts}))

        chosen = search_set(loss, make, columns)
        flipped = [names[columns.index(i)] for i in chosen]
        yield Cause(
            name=f"{what} sign", side=GIVEN, text=", ".join(flipped) or "none", value=flipped, correction=make(chosen),
            advice=f"turn the sign of these joints {CHECK}",
        )  # fmt: skip


def _scales(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    columns, names = _columns(evidence)
    for what, part in (("joint position", "pos"), ("joint velocity", "vel"), ("angular velocity", "gyro")):

        def make(factor: float, part: str = part, which: Any = slice(None)) -> Correction:
            def change(felt: Felt) -> Felt:
                value = getattr(felt, part).copy()
                value[:, which] *= factor
                return replace(felt, **{part: value})

            return _given(change)

        factor, _ = search_number(loss, make, (*SCALES, 1.0), log=True)
        yield Cause(
            name=f"{what} scale", side=GIVEN, text=factor_text(factor), value=factor, correction=make(factor),
            advice=f"mend the unit or the scale {CHECK}",
        )  # fmt: skip
        if part == "gyro":
            continue
        first = [(loss(make(value, which=i)), i) for i in columns for value in (0.5, 2.0)]
        joint = min(first)[1]
        factor, _ = search_number(loss, partial(make, which=joint), (*SCALES, 1.0), log=True)
        name = names[columns.index(joint)]
        yield Cause(
            name=f"{what} scale of one joint", side=GIVEN, text=f"{name} {factor_text(factor)}",
            value={name: factor}, correction=make(factor, which=joint),
            advice=f"mend the unit or the scale of this joint {CHECK}",
        )  # fmt: skip


def _offsets(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    columns, names = _columns(evidence)
    count = evidence.felt.pos.shape[1]

    def make(offset: np.ndarray) -> Correction:
        return _given(lambda felt: replace(felt, pos=felt.pos + offset))

    default = np.array([joint.default_pos for joint in evidence.contract.robot.joints])  # type: ignore[union-attr]
    best = min((np.zeros(count), default, -default), key=lambda offset: loss(make(offset)))
    for _ in range(3):  # Gauss-Newton
        miss = (evidence.answers(make(best)) - evidence.action)[evidence.skip :].ravel()
        slopes = []
        for i in columns:
            step = np.zeros(count)
            step[i] = 1e-3
            rise = evidence.answers(make(best + step)) - evidence.answers(make(best - step))
            slopes.append(rise[evidence.skip :].ravel() / 2e-3)
        further = best.copy()
        further[columns] -= np.linalg.lstsq(np.stack(slopes, axis=1), miss, rcond=1e-6)[0]
        if not loss(make(further)) < loss(make(best)):
            break
        best = further
    value = {name: float(best[i]) for i, name in zip(columns, names, strict=True)}
    large = {name: shift for name, shift in value.items() if abs(shift) > 0.1 * np.abs(best).max() + 1e-9}
    yield Cause(
        name="joint position offset", side=GIVEN, value=value, correction=make(best),
        text=", ".join(f"{name} {shift:+.3f}" for name, shift in large.items()) or "none",
        advice=f"subtract the contract's default pose, once, and check the zeros of the encoders, {CHECK}",
    )  # fmt: skip


def _orientation(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    kinds = {term.kind for term in evidence.contract.state.terms}
    if "projected_gravity" in kinds:
        quats: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "w, x, y, z was given for x, y, z, w": lambda q: q[:, [3, 0, 1, 2]],
            "x, y, z, w was rotated once too often": lambda q: q[:, [1, 2, 3, 0]],
        }
        others: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "the inverse rotation was given": lambda q: q * np.array([-1.0, -1.0, -1.0, 1.0]),
            "no rotation was given": lambda q: np.tile([0.0, 0.0, 0.0, 1.0], (len(q), 1)),
        }
        for name, choices in (("quaternion order", quats), ("orientation frame", others)):
            made = {text: _given(on("quat", turn)) for text, turn in choices.items()}
            text = best_of(loss, made)
            yield Cause(
                name=name, side=GIVEN, text=text, value=text, correction=made[text],
                advice=f"give x, y, z, w from the base to the world {CHECK}",
            )  # fmt: skip
        yield from _axes_of(evidence, loss, "gravity", "gravity", "projected_gravity")
    for kind, part, what in (("base_ang_vel", "gyro", "angular velocity"), ("base_lin_vel", "lin_vel", "velocity")):
        if kind not in kinds or getattr(evidence.felt, part) is None:
            continue
        world = _given(_in_the_world(part))
        yield Cause(
            name=f"{what} frame", side=GIVEN, text="the world's frame was given", value="world", correction=world,
            advice=f"give it in the frame of the base {CHECK}",
        )  # fmt: skip
        yield from _axes_of(evidence, loss, what, part, kind)


def _in_the_world(part: str) -> Callable[[Felt], Felt]:
    """A quantity of the base's frame in the world's."""
    return lambda felt: on(part, lambda value: world_of(felt.quat, value))(felt)


def _axes_of(evidence: Evidence, loss: Any, what: str, part: str, kind: str) -> Iterator[Cause]:
    made = {}
    for order, signs in signed_axes():
        if part == "gravity":
            make = _on_columns(evidence, kind, on_axes(order, signs))
        else:
            make = _given(on(part, on_axes(order, signs)))
        made[axes_text(order, signs)] = make
    text = best_of(loss, made)
    yield Cause(
        name=f"{what} axes", side=GIVEN, text=f"{text} was given for (x, y, z)", value=text, correction=made[text],
        advice=f"mend how the sensor is mounted, {CHECK}",
    )  # fmt: skip


def _blocks(evidence: Evidence) -> dict[str, np.ndarray]:
    """Columns of each term in the observation, (history, size), in the order in which the samples come."""
    state, found, at = evidence.contract.state, {}, 0
    width = sum(term.size for term in state.terms)
    for term in state.terms:
        if state.layout == "time_major":
            found[term.name] = at + width * np.arange(term.history)[:, None] + np.arange(term.size)
            at += term.size
        else:
            found[term.name] = at + np.arange(term.history * term.size).reshape(term.history, term.size)
            at += term.history * term.size
    return found


def _on_columns(evidence: Evidence, kind: str, change: Callable[[np.ndarray], np.ndarray]) -> Correction:
    """A change of every sample of the terms of a kind."""
    blocks = [_blocks(evidence)[term.name] for term in evidence.contract.state.terms if term.kind == kind]

    def observed(seen: np.ndarray) -> np.ndarray:
        seen = seen.copy()
        for block in blocks:
            for columns in block:
                seen[:, columns] = change(seen[:, columns])
        return seen

    return Correction(observed=observed)


def _terms(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    terms, blocks = evidence.contract.state.terms, _blocks(evidence)
    columns = {name: block.ravel() for name, block in blocks.items()}
    made = {}
    for i, one in enumerate(terms):
        for other in terms[i + 1 :]:
            a, b = columns[one.name], columns[other.name]
            if len(a) == len(b):
                order = np.arange(evidence.contract.state.size)
                order[a], order[b] = b, a
                made[f"{one.name} <-> {other.name}"] = Correction(observed=reordered(order))
    if made:
        text = best_of(loss, made)
        yield Cause(
            name="observation term order", side=GIVEN, text=text, value=text, correction=made[text],
            advice=f"keep the order of the contract's terms {CHECK}",
        )  # fmt: skip
    if max(term.history for term in terms) > 1:
        order = np.arange(evidence.contract.state.size)
        for block in blocks.values():
            order[block.ravel()] = block[::-1].ravel()
        yield Cause(
            name="history order", side=GIVEN, text="the samples came in the reverse order", value="reversed",
            correction=Correction(observed=reordered(order)),
            advice=f"keep the contract's history_order ({evidence.contract.state.history_order}) {CHECK}",
        )  # fmt: skip
    best: tuple[float, str, float, Correction] | None = None
    for term in terms:

        def make(factor: float, block: np.ndarray = columns[term.name]) -> Correction:
            weights = np.ones(evidence.contract.state.size, np.float32)
            weights[block] = factor
            return Correction(observed=times(weights))

        own = [1.0 / scale for scale in term.scale if scale > 0.0]
        factor, left = search_number(loss, make, (*SCALES, 1.0, *own), log=True)
        zero = loss(make(0.0))
        factor, left = (0.0, zero) if zero < left else (factor, left)
        if best is None or left < best[0]:
            best = (left, term.name, factor, make(factor))
    assert best is not None  # a policy has terms
    _, name, factor, correction = best
    yield Cause(
        name="observation term scale", side=GIVEN, value={name: factor}, correction=correction,
        text=f"{name} {factor_text(factor)}" if factor else f"{name} was not given",
        advice=f"use the contract's scale of this term {CHECK}",
    )  # fmt: skip


def _ages(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    def make(seconds: float) -> Correction:
        return _given(lambda felt: earlier(felt, seconds))

    seconds, _ = search_number(loss, make, (0.0, *LATENCIES), log=False)
    yield Cause(
        name="observation latency", side=GIVEN, text=f"{1e3 * seconds:.3g} ms", value=seconds, correction=make(seconds),
        advice="read the state right before the decision; or train with this latency in the spec's signals",
    )  # fmt: skip


def _outputs(evidence: Evidence, loss: Any) -> Iterator[Cause]:
    names = evidence.contract.joint_positions.joints
    said = evidence.answers(NOTHING)[evidence.skip :]
    logged = evidence.action[evidence.skip :]
    related = correlation(logged, said)
    order = assign(np.abs(related))

    def make(order: np.ndarray, factors: np.ndarray) -> Correction:
        return Correction(answered=lambda action: action[:, order] * factors)

    one = np.ones(len(names))
    if len(names) > 1:
        text, pairs = swaps_text(order, names)
        yield Cause(
            name="joint order", side=ANSWERED, text=text or "none", value=pairs, correction=make(order, one),
            advice="send each output to the joint that the contract's action names at its place",
        )  # fmt: skip
    own = np.arange(len(names))
    signs = np.where(np.diag(related) < 0.0, -1.0, 1.0)
    flipped = [name for name, sign in zip(names, signs, strict=True) if sign < 0]
    yield Cause(
        name="joint sign", side=ANSWERED, text=", ".join(flipped) or "none", value=flipped,
        correction=make(own, signs), advice="turn the sign of these outputs on their way to the joints",
    )  # fmt: skip
    factor = float((said * logged).sum() / max((said**2).sum(), 1e-12))
    if factor > 0.0:
        yield Cause(
            name="action scale", side=ANSWERED, text=factor_text(factor), value=factor,
            correction=make(own, factor * one), advice="use the contract's scale of the action, once",
        )  # fmt: skip
