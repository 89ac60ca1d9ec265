"""Read-back beside an engine that does as told, and engines that do not."""

import numpy as np
import pytest

from engines.array_engine import ArrayEngine, rows_of
from engines.specs import TERMS, spec_of
from sim2real.engines.randomizer import Randomizer
from sim2real.lab.verify.readback import read_back

MORE = {
    "shape": "{target: body.inertia, op: scale, select: '.*_calf', each: body,"
    " dist: {uniform: [[0.9, 0.9, 0.9], [1.1, 1.1, 1.1]]}}",
    "skew": "{target: body.inertia, op: add, select: '.*_hip', dist: {uniform: [[-0.1, -0.1, -0.1, -0.1, -0.1, -0.1],"
    " [0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]}}",
    "thigh": "{target: body.inertia, op: scale, select: '.*_thigh', dist: {uniform: [0.9, 1.1]}}",
    "hips": "{target: body.mass, op: set, unit: kg, select: '.*_hip', each: body, keep: density,"
    " dist: {truncated_normal: {mean: 2, std: 0.1, low: 1.5, high: 2.5}}}",
    "restitution": "{target: shape.restitution, select: '.*_foot', dist: {uniform: [0, 0.3]}}",
    "passive": "{target: joint.damping, op: add, unit: N*m*s/rad, dist: {uniform: [0, 1]}, each: joint,"
    " when: {interval_s: [1, 2]}}",
    "push": "{target: body.force, select: base, unit: N, direction: any, duration_s: 0.1, dist: {uniform: [0, 50]},"
    " when: {interval_s: [1, 2]}}",
}
"""What the fold can do besides."""
TAIL = "curriculum: {adr: {metric: success, terms: {base_mass: {start: [0.9, 1.1]}}}}"


def started(engine, first_world=5, tail=""):
    """Everything at work in an engine."""
    randomizer = Randomizer(spec_of({**TERMS, **MORE}, tail=tail), engine, first_world=first_world, step_dt=0.02)
    randomizer.startup()
    return randomizer


def compared(randomizer, **options):
    """What read-back says, by quantity."""
    found = read_back(randomizer, lambda worlds: randomizer.reset(rows_of(*worlds)), **options)
    return found, {check.quantity: check for check in found.checks}


class Broken(ArrayEngine):
    """An engine with one fault."""

    fault = ""

    def write(self, quantity, values, rows):
        """Store, but for the fault."""
        before = self.held[quantity].copy()
        super().write(quantity, values, rows)
        if self.fault == "ignores" and quantity == "joint_armature":
            self.held[quantity] = before
        if self.fault == "all" and quantity == "gravity":
            self.held[quantity][...] = values.numpy()[rows.index.numpy()[0]]
        if self.fault == "accumulates" and quantity == "body_com":
            touched = (self.held[quantity] != before).any((1, 2))
            self.held[quantity][touched] = before[touched] * 0.5 + self.held[quantity][touched]
        if self.fault == "crosswise" and quantity == "actuator_kp":
            self.held[quantity] = self.held[quantity][:, ::-1].copy()
        if self.fault == "nan" and quantity == "shape_friction":
            self.held[quantity][1] = np.nan


@pytest.mark.parametrize("tail", ["", TAIL])
def test_an_engine_that_does_as_told_passes(tail):
    """Every family of targets at once, in two independent folds; what is compared has moved off its nominal value."""
    randomizer = started(ArrayEngine(11), tail=tail)
    found, checks = compared(randomizer, rounds=5)
    assert found.passed, found.to_text()
    assert set(checks) == set(randomizer.quantities) and len(checks) == 13
    assert all(check.spread > 100 * check.error and check.spread > 0 for check in found.checks)
    assert set(found.left) == {"push"}


def test_friction_is_that_of_pairs():
    """Under a rule that is no maximum the shapes hold other numbers than the draws, and their pairs hold the draws."""
    engine = ArrayEngine(6, friction_combine="average")
    spec = spec_of({"foot": TERMS["foot_friction"].replace("against: ground", "against: plane")})
    randomizer = Randomizer(spec, engine)
    randomizer.startup()
    found, checks = compared(randomizer)
    assert found.passed and checks["shape_friction"].spread > 0.1
    engine.friction_combine = "max"
    assert not compared(randomizer)[0].passed


@pytest.mark.parametrize(
    "fault, quantity",
    [
        ("ignores", "joint_armature"),
        ("all", "gravity"),
        ("accumulates", "body_com"),
        ("crosswise", "actuator_kp"),
        ("nan", "shape_friction"),
    ],
)
def test_each_fault_is_found_where_it_is(fault, quantity):
    """A write that is ignored, reaches all worlds, adds up, lands on other elements, or is no number."""
    engine = Broken(8)
    randomizer = started(engine)
    engine.fault = fault
    found, checks = compared(randomizer)
    assert not found.passed
    wrong = {name for name, check in checks.items() if not check.passed}
    assert wrong == {quantity}
    assert checks[quantity].untouched == (fault not in ("all", "crosswise", "nan"))
    assert ("CHANGED" in found.to_text()) != checks[quantity].untouched
    assert found.to_json()["passed"] is False
