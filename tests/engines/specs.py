"""Specs for the engine's tests, from a few lines of YAML each."""

from __future__ import annotations

from sim2real.spec import Spec, parse_spec

TERMS = {
    "base_mass": "{target: body.mass, select: base, op: scale, dist: {log_uniform: [0.8, 1.25]}, keep: density}",
    "base_com": "{target: body.com, select: base, op: add, unit: cm, dist: {uniform: [[-2, -2, -2], [2, 2, 2]]}}",
    "payload": "{target: body.payload, select: base, op: add, unit: kg, dist: {uniform: [0, 3]}}",
    "foot_friction": "{target: shape.friction, select: '.*_foot', against: ground, op: set,"
    " dist: {uniform: [0.4, 1.25]}}",
    "strength": "{target: actuator.strength, op: scale, each: joint,"
    " dist: {truncated_normal: {mean: 1, std: 0.07, low: 0.8, high: 1.2}}}",
    "kp": "{target: actuator.kp, op: scale, dist: {uniform: [0.9, 1.1]}, when: startup}",
    "armature": "{target: joint.armature, op: add, unit: kg*m^2, each: joint, dist: {uniform: [0, 0.02]}}",
    "limits": "{target: joint.limit, op: add, unit: deg, dist: {uniform: [[-2, -2], [2, 2]]}}",
    "gravity": "{target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-0.5, 0.5]}}",
    "tilt": "{target: world.gravity_tilt, unit: deg, dist: {uniform: [0, 5]}}",
}
"""A spec of every family that needs no step."""


def spec_of(terms: dict[str, str], seed: int = 7, tail: str = "") -> Spec:
    """Return the spec of named terms."""
    lines = [f"  {name}: {term}" for name, term in terms.items()]
    return parse_spec("\n".join(["schema: 1", f"seed: {seed}", "terms:", *lines, tail]))
