"""What the solver holds beside what was drawn: reset worlds, read every quantity back, compare with NumPy's fold.

Each round resets other worlds. The touched ones must hold the new draws, all others every bit of what they held
before. An engine may round (PhysX keeps friction on a grid); what it may is a number with a reason, printed beside the
error that was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.friction import FRICTION
from sim2real.engines.ops import quantities_of
from sim2real.engines.quantities import QUANTITIES
from sim2real.lab.verify.expected import Expected, label
from sim2real.lab.verify.text import table

if TYPE_CHECKING:
    from sim2real.engines.engine import Engine
    from sim2real.engines.randomizer import Randomizer

FLOAT32 = 2e-6
"""Relative error of a number that went through a dozen float32 operations, of the largest number beside it."""
PRINCIPAL = 1e-5
"""The same for inertias, which both engines keep as principal moments and a float32 quaternion."""
SOLREF = 2e-5
"""The same for contact stiffness and damping, which MuJoCo keeps as a time constant and a damping ratio."""


@dataclass(frozen=True, kw_only=True)
class QuantityCheck:
    """One quantity, over all rounds."""

    quantity: str
    """Its name."""
    meaning: str
    """What it is, with its unit."""
    terms: tuple[str, ...]
    """Terms that change it."""
    numbers: int
    """How many numbers were compared."""
    spread: float
    """Largest difference between the draws and the nominal values: what an engine that ignored them would show."""
    error: float
    """Largest absolute difference between what is held and what was drawn."""
    allowed: float
    """How large it may be there."""
    reason: str
    """Why it may be so large."""
    where: str
    """World and element of that difference."""
    untouched: bool
    """Whether worlds that were not reset kept every bit."""
    passed: bool
    """Whether both hold."""


@dataclass(frozen=True, kw_only=True)
class ReadBack:
    """What was read back."""

    engine: str
    """The engine's name."""
    digest: str
    """The spec's."""
    num_worlds: int
    """Worlds."""
    rounds: int
    """How often worlds were reset."""
    checks: tuple[QuantityCheck, ...]
    """By quantity."""
    left: dict[str, str]
    """Terms that no property of the solver shows, and why."""

    @property
    def passed(self) -> bool:
        """Whether every quantity passed."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "passed": self.passed}

    def to_text(self) -> str:
        """Return it as a table."""
        head = f"spec {self.digest[:12]} on {self.engine}: {self.num_worlds} worlds, {self.rounds} resets"
        rows = [("quantity", "terms", "drawn off nominal", "held off drawn", "allowed", "others", "")]
        for check in self.checks:
            others = "bit-equal" if check.untouched else "CHANGED"
            verdict = "pass" if check.passed else f"FAIL at {check.where}"
            numbers = (f"{check.spread:.3g}", f"{check.error:.2g}", f"{check.allowed:.2g}")
            rows.append((check.meaning, ", ".join(check.terms), *numbers, others, verdict))
        lines = [head, "", *table(rows)]
        reasons = dict.fromkeys(f"  {check.quantity}: {check.reason}" for check in self.checks if check.reason)
        lines += ["", "allowed because", *reasons] if reasons else []
        lines += ["", "not read back", *(f"  {name}: {why}" for name, why in self.left.items())] if self.left else []
        return "\n".join(lines)


def read_back(
    randomizer: Randomizer, reset: Callable[[np.ndarray], None], *, rounds: int = 4, seed: int = 0
) -> ReadBack:
    """Reset worlds several times and compare.

    Args:
        randomizer: the spec in its engine, started; it is left with other episodes.
        reset: begins an episode in the given worlds, int32 (k,), by way of the randomizer.
        rounds: how often; the first takes all worlds, the others about half.
        seed: which worlds.
    """
    expected, engine, n = Expected(randomizer), randomizer.engine, randomizer.num_worlds
    rng = np.random.default_rng(seed)
    found = {name: _Worst(engine, name) for name in randomizer.quantities}
    for k in range(max(1, rounds)):
        before = {name: engine.read(name).copy() for name in found}
        worlds = np.arange(n) if k == 0 else np.sort(rng.permutation(n)[: max(1, n // 2)])
        reset(worlds.astype(np.int32))
        wanted, others = expected.values(), np.setdiff1d(np.arange(n), worlds)
        for name, worst in found.items():
            held = engine.read(name)
            worst.untouched &= bool((held[others] == before[name][others]).all())
            nominal = expected.nominal[name]
            if name == FRICTION:
                held, nominal = expected.pairs(held), expected.pairs(nominal)
            worst.take(held, wanted[name], nominal)
    return ReadBack(
        engine=engine.name,
        digest=randomizer.spec.digest,
        num_worlds=n,
        rounds=max(1, rounds),
        checks=tuple(worst.check(randomizer) for worst in found.values()),
        left=_left(randomizer),
    )


def allowed_error(engine: Engine, quantity: str) -> tuple[float, float, str]:
    """Return what an engine may be off: relative to the largest number of the element, absolute, and why."""
    if engine.name in ("ovphysx", "isaacsim_physx"):
        from sim2real.engines.physx.materials import FRICTION_STEP, RESTITUTION_STEP

        steps = {"shape_friction": FRICTION_STEP, "shape_restitution": RESTITUTION_STEP}
        if quantity in steps:
            return FLOAT32, steps[quantity] / 2, f"PhysX's few materials: rounded to multiples of {steps[quantity]:.3g}"
    if quantity == "body_inertia":
        return PRINCIPAL, 1e-12, "kept as principal moments and axes, of the largest entry"
    if quantity.startswith("contact_"):
        return SOLREF, 0.0, "kept as a time constant and a damping ratio"
    return FLOAT32, 1e-12, ""


class _Worst:
    """The worst number of a quantity so far."""

    def __init__(self, engine: Engine, quantity: str) -> None:
        self.engine, self.quantity, self.untouched = engine, quantity, True
        self.relative, self.absolute, self.reason = allowed_error(engine, quantity)
        self.numbers, self.spread, self.share, self.error, self.allowed, self.where = 0, 0.0, -1.0, 0.0, 0.0, ""

    def take(self, held: np.ndarray, wanted: np.ndarray, nominal: np.ndarray) -> None:
        size = np.maximum(np.abs(wanted), np.abs(nominal)).max(-1, keepdims=True)
        allowed = np.broadcast_to(self.absolute + self.relative * size, wanted.shape)
        error = np.abs(held.astype(np.float64) - wanted)
        error = np.where(np.isfinite(error), error, np.where(held == wanted, 0.0, np.inf))
        self.numbers += error.size
        shift = np.abs(wanted - nominal)
        self.spread = max(self.spread, float(shift[np.isfinite(shift)].max(initial=0.0)))
        share = error / np.maximum(allowed, 1e-30)
        if share.size and float(share.max()) > self.share:
            at = np.unravel_index(int(share.argmax()), share.shape)
            self.share, self.error, self.allowed = float(share[at]), float(error[at]), float(allowed[at])
            self.where = f"world {at[0]}, {label(self.engine, self.quantity, int(at[1]))}"

    def check(self, randomizer: Randomizer) -> QuantityCheck:
        terms = [r.name for r in randomizer.chosen.properties if self.quantity in quantities_of(r)]
        return QuantityCheck(
            quantity=self.quantity,
            meaning=QUANTITIES[self.quantity].meaning,
            terms=tuple(sorted(terms)),
            numbers=self.numbers,
            spread=self.spread,
            error=self.error,
            allowed=self.allowed,
            reason=self.reason,
            where=self.where,
            untouched=self.untouched,
            passed=self.share <= 1.0 and self.untouched,
        )


def _left(randomizer: Randomizer) -> dict[str, str]:
    chosen = randomizer.chosen
    found = {r.name: f"{r.term.target} is a state, written by the caller at its time" for r in chosen.handed}
    found |= {r.name: f"{r.term.target} is a wrench during steps, no property" for r in chosen.pushes}
    found |= {name: f"left out: {why}" for name, why in {**chosen.skipped, **chosen.elsewhere}.items()}
    return dict(sorted(found.items()))
