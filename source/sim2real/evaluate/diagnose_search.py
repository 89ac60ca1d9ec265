"""What the families of causes share: candidates by number and by order, and how the best of them is found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim2real.evaluate.diagnose_evidence import Correction, Felt

SCALES = (0.002, math.pi / 180, 0.1, 0.25, 0.5, 0.8, 1.25, 2.0, 4.0, 10.0, 180 / math.pi, 500.0)
"""Factors that are tried first [1]: degrees for radians, and what is easily forgotten."""
LATENCIES = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.14, 0.2)
"""Delays that are tried first [s]."""
GAIN = 0.98
"""A further change of the same kind has to lower the squared error below this share of it."""
WORTH = 0.99
"""A number is refined when the grid's best lowers the squared error below this share of what no change leaves."""
ROUNDS = 12
"""Most changes of one kind, one after the other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cause:
    """A kind of fault with its best estimate."""

    name: str
    """What it is."""
    side: str
    """Where: `network input`, `network output`, `reading`, `sending` or `drives`."""
    text: str
    """The estimate, for a reader."""
    value: Any
    """The estimate, as JSON types."""
    advice: str
    """What to do about it."""
    correction: Correction
    """What puts it right."""


Loss = Callable[[Correction], float]
"""Squared error that is left, relative [1]."""


def search_number(
    loss: Loss, make: Callable[[float], Correction], grid: Sequence[float], *, log: bool, steps: int = 10
) -> tuple[float, float]:
    """The best value of one parameter: the grid, then a golden section between the neighbours of its best.

    Returns:
        The value, and what is left with it.
    """
    values = sorted(set(grid))
    tried = {value: loss(make(value)) for value in values}
    best = min(values, key=tried.__getitem__)
    at = values.index(best)
    low, high = values[max(at - 1, 0)], values[min(at + 1, len(values) - 1)]
    if tried[best] > WORTH * tried.get(1.0 if log else 0.0, math.inf):
        return best, tried[best]
    warp: Callable[[float], float] = math.log if log else float
    back: Callable[[float], float] = math.exp if log else float
    a, b, ratio = warp(low), warp(high), (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(steps):
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        for point in (c, d):
            if back(point) not in tried:
                tried[back(point)] = loss(make(back(point)))
        a, b = (a, d) if tried[back(c)] < tried[back(d)] else (c, b)
    best = min(tried, key=tried.__getitem__)
    return best, tried[best]


def search_set(loss: Loss, make: Callable[[tuple[Any, ...]], Correction], choices: Sequence[Any]) -> tuple[Any, ...]:
    """Choices that help together: the best one, then the best beside it, until none helps."""
    chosen: tuple[Any, ...] = ()
    left = loss(make(chosen))
    for _ in range(ROUNDS):
        rest = [choice for choice in choices if choice not in chosen]
        tried = [(loss(make((*chosen, choice))), i) for i, choice in enumerate(rest)]
        if not tried or not min(tried)[0] < GAIN * left:
            break
        left, at = min(tried)
        chosen = (*chosen, rest[at])
    return chosen


def search_order(
    loss: Loss, make: Callable[[np.ndarray], Correction], starts: Iterable[np.ndarray], count: int
) -> np.ndarray:
    """The best order: from the best start, swap pairs as long as that helps."""
    best = np.arange(count)
    left = loss(make(best))
    for start in starts:
        if (found := loss(make(start))) < left:
            best, left = start, found
    for _ in range(ROUNDS):
        tried = []
        for i, j in itertools.combinations(range(count), 2):
            other = best.copy()
            other[[i, j]] = other[[j, i]]
            tried.append((loss(make(other)), i, j))
        if not tried or not min(tried)[0] < GAIN * left:
            break
        left, i, j = min(tried)
        best = best.copy()
        best[[i, j]] = best[[j, i]]
    return best


def usual_orders(names: Sequence[str]) -> list[np.ndarray]:
    """Orders of joints that are met in practice: by the alphabet, by kind of joint, left and right or legs swapped."""
    count = len(names)
    place = {name: i for i, name in enumerate(names)}
    orders = [np.array(sorted(range(count), key=lambda i: names[i]))]
    orders.append(np.array(sorted(range(count), key=lambda i: (names[i].split("_", 1)[-1], i))))
    kinds = list(dict.fromkeys(name.split("_", 1)[-1] for name in names))
    orders.append(np.array(sorted(range(count), key=lambda i: (kinds.index(names[i].split("_", 1)[-1]), i))))
    for pairs in (("FL", "FR", "RL", "RR"), ("left", "right"), ("L", "R"), ("FL", "RL", "FR", "RR")):
        turned = list(names)
        for one, other in zip(pairs[::2], pairs[1::2], strict=True):
            swap = {one: other, other: one}
            turned = ["_".join(swap.get(part, part) for part in name.split("_")) for name in turned]
        if set(turned) == set(names):
            orders.append(np.array([place[name] for name in turned]))
    return [*orders, *(np.argsort(order) for order in orders)]


def assign(score: np.ndarray) -> np.ndarray:
    """For each row the column, each column once, with a large sum of scores: greedy, then swaps, (n,)."""
    count, left = len(score), score.astype(float).copy()
    found = np.zeros(count, int)
    for _ in range(count):
        row, column = np.unravel_index(np.argmax(left), left.shape)
        found[row] = column
        left[row], left[:, column] = -np.inf, -np.inf
    better = True
    while better:
        better = False
        for i, j in itertools.combinations(range(count), 2):
            now, then = score[i, found[i]] + score[j, found[j]], score[i, found[j]] + score[j, found[i]]
            if then > now + 1e-12:
                found[[i, j]] = found[[j, i]]
                better = True
    return found


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each column of one with each of the other, (n, m); 0 where a column does not move."""
    a, b = one - one.mean(axis=0), other - other.mean(axis=0)
    a, b = (x / np.maximum(np.linalg.norm(x, axis=0), 1e-9) for x in (a, b))
    found: np.ndarray = a.T @ b
    return found


def signed_axes() -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """All orders and signs of three axes but the usual."""
    orders, signs = itertools.permutations(range(3)), list(itertools.product((1.0, -1.0), repeat=3))
    return [(o, s) for o in orders for s in signs if (o, s) != ((0, 1, 2), (1.0, 1.0, 1.0))]


def axes_text(order: tuple[int, ...], signs: tuple[float, ...]) -> str:
    """(y, -x, z) for a frame that is turned."""
    return "(" + ", ".join(f"{'-' if s < 0 else ''}{'xyz'[i]}" for i, s in zip(order, signs, strict=True)) + ")"


def earlier(felt: Felt, seconds: float) -> Felt:
    """The state of some time before (after, where it is negative); commands and the last action as they were."""
    times = felt.time - seconds

    def at(value: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(times, felt.time, column) for column in value.T], axis=1)

    flips = np.where((felt.quat[1:] * felt.quat[:-1]).sum(axis=1) < 0.0, -1.0, 1.0)
    quat = at(felt.quat * np.concatenate([[1.0], np.cumprod(flips)])[:, None])
    return replace(
        felt, pos=at(felt.pos), vel=at(felt.vel), gyro=at(felt.gyro),
        quat=quat / np.maximum(np.linalg.norm(quat, axis=1, keepdims=True), 1e-9),
        lin_vel=None if felt.lin_vel is None else at(felt.lin_vel),
        place=None if felt.place is None else at(felt.place),
    )  # fmt: skip


def swaps_text(order: np.ndarray, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """An order as what stands where: `a <- b` for each place that holds another joint's number."""
    pairs = {names[i]: names[int(j)] for i, j in enumerate(order) if i != j}
    said = [f"{one} <-> {other}" for one, other in pairs.items() if pairs.get(other) == one and one < other]
    said += [f"{one} <- {other}" for one, other in pairs.items() if pairs.get(other) != one]
    return ", ".join(said), pairs


def factor_text(factor: float) -> str:
    """A factor, and what it reminds of."""
    known = {math.pi / 180: "degrees taken for radians", 180 / math.pi: "radians taken for degrees"}
    hint = next((text for value, text in known.items() if abs(math.log(factor / value)) < 0.03), "")
    return f"x {factor:.3g}" + (f" ({hint})" if hint else "")


def on(part: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Felt], Felt]:
    """A change of one quantity of the state."""

    def changed(felt: Felt) -> Felt:
        values: dict[str, Any] = {part: change(getattr(felt, part))}
        return replace(felt, **values)

    return changed


def on_joints(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Felt], Felt]:
    """The same change of joint positions and velocities."""
    return lambda felt: replace(felt, pos=change(felt.pos), vel=change(felt.vel))


def times(factor: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplied by a number, or by one for each column."""
    return lambda value: value * factor


def reordered(order: Any) -> Callable[[np.ndarray], np.ndarray]:
    """With the columns in another order."""
    return lambda value: value[:, order]


def on_axes(order: tuple[int, ...], signs: tuple[float, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """With three axes in another order and with other signs."""
    return lambda value: value[:, list(order)] * np.array(signs)


def best_of(loss: Loss, made: Mapping[str, Correction]) -> str:
    """The name of the correction that leaves least."""
    return min(made, key=lambda name: loss(made[name]))


def short(text: str, most: int = 90) -> str:
    """A text that fits a line of a table."""
    return text if len(text) <= most else text[: most - 4] + " ..."
