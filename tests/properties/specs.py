"""The spec of these tests: a term for nearly everything that both engines hold, and some for one of them alone."""

import functools

from sim2real.spec import parse_spec

TERMS = {
    "base_com": "{target: body.com, select: base, op: add, unit: m,"
    " dist: {uniform: [[-0.02, -0.02, -0.02], [0.02, 0.02, 0.02]]}}",
    "base_mass": "{target: body.mass, select: base, op: scale, dist: {log_uniform: [0.8, 1.25]}, keep: density}",
    "calf_inertia": "{target: body.inertia, select: '.*_calf', op: add, each: body,"
    " dist: {uniform: [[-0.4, -0.4, -0.4, -0.2, -0.2, -0.2], [0.4, 0.4, 0.4, 0.2, 0.2, 0.2]]}}",
    "coulomb": "{target: joint.friction, select: '.*', op: add, unit: N*m, each: joint, dist: {uniform: [0.0, 0.2]}}",
    "foot_friction": "{target: shape.friction, select: '.*_foot', against: ground, op: set, each: body,"
    " dist: {uniform: [0.4, 1.25]}}",
    "gravity": "{target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-0.5, 0.5]}}",
    "limits": "{target: joint.limit, select: '.*', op: add, unit: rad, each: joint,"
    " dist: {uniform: [[-0.05, 0.0], [0.0, 0.05]]}}",
    "load": "{target: body.payload, select: FL_hip, op: add, unit: kg, dist: {uniform: [0.0, 1.0]}}",
    "rotor": "{target: joint.armature, select: '.*', op: scale, each: joint, dist: {log_uniform: [0.5, 2.0]}}",
    "gain": "{target: actuator.kp, select: '.*', op: scale, each: joint, when: startup, dist: {uniform: [0.9, 1.1]}}",
    "speed": "{target: actuator.velocity_limit, select: '.*', op: scale, each: joint,"
    " dist: {beta: {a: 2, b: 5, low: 0.8, high: 1.2}}}",
    "strength": "{target: actuator.strength, select: '.*', op: scale, each: joint,"
    " dist: {truncated_normal: {mean: 1.0, std: 0.07, low: 0.8, high: 1.2}}}",
    "thigh_mass": "{target: body.mass, select: '.*_thigh', op: scale, each: body, mirror: {FR_: FL_, RR_: RL_},"
    " dist: {uniform: [0.9, 1.1]}}",
    "tilt": "{target: world.gravity_tilt, unit: deg, dist: {uniform: [0, 5]}}",
    "viscous": "{target: joint.viscous_friction, select: '.*', op: add, unit: N*m*s/rad, each: joint,"
    " dist: {uniform: [0.0, 0.05]}}",
    "bounce": "{target: shape.restitution, select: '.*_foot', op: set, dist: {uniform: [0.0, 0.3]},"
    " skip_on: [newton_mjwarp]}",
    "softness": "{target: contact.stiffness, select: '.*_foot', op: scale, dist: {log_uniform: [0.5, 2.0]},"
    " skip_on: [ovphysx, isaacsim_physx]}",
    "thigh_place": "{target: body.frame_offset, select: '.*_thigh', op: add, unit: mm, each: body,"
    " dist: {uniform: [[-2, -2, -2], [2, 2, 2]]}, skip_on: [ovphysx, isaacsim_physx]}",
    "heading": "{target: root.yaw, op: add, unit: rad, dist: {uniform: [-3, 3]}}",
    "place": "{target: root.position, op: add, unit: m, dist: {uniform: [[-0.5, -0.5, 0], [0.5, 0.5, 0.1]]}}",
    "pose": "{target: joint.position, op: scale, each: joint, dist: {uniform: [0.9, 1.1]}}",
    "push": "{target: body.force, select: base, unit: N, direction: horizontal, duration_s: 0.1,"
    " dist: {uniform: [0, 50]}, when: {interval_s: [0.1, 0.3]}}",
}
"""Terms by name, as YAML."""
ADR = (
    "curriculum: {adr: {metric: survival, grow: 0.75, shrink: 0.4, step: 0.1, episodes: 4,"
    " terms: {foot_friction: {start: [0.7, 0.9]}, load: {start: [0.0, 0.2]}}}}"
)
"""Ranges that grow, friction among them."""


def text_of(terms, tail="", seed=20):
    """A spec as text; the order of the terms is kept."""
    lines = [f"  {name}: {term}" for name, term in terms.items()]
    return "\n".join(["schema: 1", f"seed: {seed}", "unsupported: skip_declared", "terms:", *lines, tail, ""])


def spec_of(terms, tail="", seed=20):
    """A spec of some terms."""
    return parse_spec(text_of(terms, tail, seed))


@functools.cache
def whole(backwards=False):
    """The spec of all terms, in either order."""
    names = list(TERMS)[::-1] if backwards else list(TERMS)
    return spec_of({name: TERMS[name] for name in names}, ADR)
