"""What cannot be done is said before anything runs: all of it, by name, with what is allowed."""

import numpy as np
import pytest

from engines.array_engine import ArrayEngine, nominal_values, quadruped
from engines.specs import TERMS, spec_of
from sim2real.engines.engine import EngineError, Support
from sim2real.engines.randomizer import Randomizer


def fault_of(terms: dict[str, str], engine: ArrayEngine | None = None, **options) -> str:
    """The message with which a spec is refused."""
    engine = engine or ArrayEngine(3)
    with pytest.raises(EngineError) as caught:
        Randomizer(spec_of(terms, tail=options.pop("tail", "")), engine, **options)
    assert not engine.writes
    return str(caught.value)


BAD = {
    "an element": (
        {"a": "{target: body.mass, select: 'bsae', op: scale, dist: 1.1}"},
        ["terms.a: select 'bsae' matches no body; there are FL_calf, FL_hip, FL_thigh", "and 1 more"],
    ),
    "an asset": (
        {"a": "{target: body.mass, asset: rover, op: scale, dist: 1.1}"},
        ["terms.a: asset 'rover' matches nothing that has a body; there is ball, robot"],
    ),
    "a static asset's mass": (
        {"a": "{target: body.mass, asset: ground, op: scale, dist: 1.1}"},
        ["terms.a: asset 'ground' matches nothing that has a body"],
    ),
    "two sets": (
        {
            "a": "{target: joint.damping, op: set, unit: N*m*s/rad, dist: 1}",
            "b": "{target: joint.damping, select: FL_hip_joint, op: set, unit: N*m*s/rad, dist: 2}",
        },
        ["terms.a and terms.b: both set joint_damping of FL_hip_joint; only one 'op: set'"],
    ),
    "two sets of a mass": (
        {
            "a": "{target: body.mass, select: base, op: set, unit: kg, dist: 1, keep: density}",
            "b": "{target: body.mass, select: b.*, asset: robot, op: set, unit: kg, dist: 1}",
        },
        ["terms.a and terms.b: both set body_mass of base"],
    ),
    "a mass below zero": (
        {"a": "{target: body.mass, select: base, op: add, unit: kg, dist: {uniform: [-5, 0]}}"},
        ["terms.a: body_mass of base can reach -", "[kg]; it must stay above 0; narrow the range"],
    ),
    "a coupled mass below zero": (
        {"a": "{target: body.mass, select: base, op: add, unit: kg, dist: {uniform: [-5, 0]}, keep: density}"},
        ["terms.a: body_mass of base can reach -"],
    ),
    "damping below zero, by two terms": (
        {
            "a": "{target: joint.damping, op: scale, dist: {uniform: [0, 1]}}",
            "b": "{target: joint.damping, op: add, unit: N*m*s/rad, dist: {uniform: [-0.1, 0]}}",
        },
        ["terms.a and terms.b: joint_damping of FL_hip_joint can reach -0.1 [N·m·s/rad or N·s/m]; it must stay 0 or"],
    ),
    "gravity below zero": (
        {"a": "{target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-20, 0]}}"},
        ["terms.a: gravity can reach -10.19 m/s^2; it must stay 0 or more"],
    ),
    "limits that cross": (
        {"a": "{target: joint.limit, op: add, unit: rad, dist: {uniform: [[-3, -3], [3, 3]]}}"},
        ["terms.a: the limits of FL_hip_joint can cross: lower up to ", "; narrow the range"],
    ),
    "a mirror without a name": (
        {
            "a": "{target: joint.armature, op: set, unit: kg*m^2, each: joint, mirror: {right: left}, dist: 0.1}",
        },
        ["terms.a: mirror 'right: left' is in no selected name; there are FL_calf_joint"],
    ),
    "a counterpart": (
        {"a": "{target: shape.friction, select: '.*_foot', against: sky, op: set, dist: 1}"},
        ["terms.a: against 'sky' matches no other shape and no asset; there is ball/ball/0, ground/plane, robot/"],
    ),
    "three coordinates of an inertia": (
        {"a": "{target: body.inertia, select: base, op: add, dist: {uniform: [[0, 0, 0], [1, 1, 1]]}}"},
        ["terms.a: body.inertia takes 'op: scale' with 1 or 3 factors, or 'op: add'", "got op: add with 3"],
    ),
    "a hinge in metres": (
        {"a": "{target: joint.friction, op: set, unit: N, dist: 1}"},
        ["terms.a: joint FL_hip_joint turns, so joint.friction is in N*m, not N; select joints of one kind"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_specs_are_refused(what):
    """Each with a message that names the term, what came and what is there."""
    terms, expected = BAD[what]
    message = fault_of(terms)
    assert message.startswith("array: ")
    for part in expected:
        assert part in message, message


def test_all_faults_at_once():
    """One start shows the whole list."""
    message = fault_of({f"t{i}": BAD[what][0]["a"] for i, what in enumerate(("an element", "an asset"))})
    assert message.startswith("array: 2 things cannot be done:\n  terms.") and message.count("\n") == 2


def test_a_factor_on_zero_is_refused():
    """Scaling what is zero would change nothing, silently."""
    nominal = nominal_values(quadruped(), 3)
    nominal["joint_friction"][:] = 0.0
    scale = {"a": "{target: joint.friction, op: scale, dist: {uniform: [0.5, 2]}}"}
    message = fault_of(scale, ArrayEngine(3, nominal=nominal))
    assert (
        "terms.a: joint.friction is 0 on everything that '.*' selects, and a factor leaves it so; use 'op: set'"
        in message
    )
    nominal["joint_friction"][:, 5] = 0.1
    Randomizer(spec_of(scale), ArrayEngine(3, nominal=nominal))


@pytest.mark.parametrize("none", [np.inf, 1e10, np.finfo(np.float32).max])
@pytest.mark.parametrize(
    ("quantity", "term"),
    [
        ("joint_limit", "{target: joint.limit, op: add, unit: rad, dist: {uniform: [[-0.1, 0], [0, 0.1]]}}"),
        ("joint_limit", "{target: joint.limit, op: scale, dist: {uniform: [0.9, 1]}}"),
        ("actuator_effort_limit", "{target: actuator.effort_limit, op: scale, dist: {uniform: [0.9, 1]}}"),
        ("actuator_velocity_limit", "{target: actuator.velocity_limit, op: scale, dist: {uniform: [0.9, 1]}}"),
    ],
)
def test_a_limit_that_is_none_stays_none(quantity, term, none):
    """To move or to scale what has no bound would change nothing, silently; one joint with a limit is enough."""
    nominal = nominal_values(quadruped(), 3)
    nominal[quantity][:] = (-none, none) if quantity == "joint_limit" else none
    target = quantity.replace("_", ".", 1)
    message = fault_of({"a": term}, ArrayEngine(3, nominal=nominal))
    assert f"terms.a: {target} is unlimited on everything that '.*' selects, and would stay so; select" in message
    nominal[quantity][:, 5] = (-1.0, 1.0) if quantity == "joint_limit" else 1.0
    Randomizer(spec_of({"a": term}), ArrayEngine(3, nominal=nominal))


def test_a_declared_factor_on_zero_is_left_out_and_said():
    """Where the spec names the engine, the idle term is skipped, and the plan says why."""
    nominal = nominal_values(quadruped(), 3)
    nominal["joint_friction"][:] = 0.0
    scale = "{target: joint.friction, op: scale, dist: {uniform: [0.5, 2]}, skip_on: [mujoco]}"
    kept = "{target: joint.armature, op: add, unit: kg*m^2, dist: {uniform: [0, 0.02]}}"
    spec = spec_of({"idle": scale, "kept": kept}, tail="unsupported: skip_declared")
    engine = ArrayEngine(3, nominal=nominal)
    engine.name = "mujoco"
    randomizer = Randomizer(spec, engine)
    entry = {entry.term: entry for entry in randomizer.plan.entries}["idle"]
    assert list(randomizer.terms) == ["kept"] and entry.applied == "skipped"
    assert entry.note == "joint.friction is 0 on everything that '.*' selects, and a factor leaves it so"


def test_a_slide_in_metres():
    """A prismatic joint takes the linear unit, and refuses the angular one."""
    from dataclasses import replace

    elements = quadruped()
    elements = replace(elements, joint=tuple(replace(joint, prismatic=True) for joint in elements.joint))
    term = "{{target: joint.friction, op: set, unit: {}, dist: 1}}"
    Randomizer(spec_of({"a": term.format("N")}), ArrayEngine(3, elements=elements))
    message = fault_of({"a": term.format("N*m")}, ArrayEngine(3, elements=elements))
    assert "joint FL_hip_joint slides, so joint.friction is in N, not N*m" in message


def test_a_body_that_cannot_move():
    """The mass of a fixed body matters to nothing: said, not written."""
    from dataclasses import replace

    elements = quadruped()
    elements = replace(elements, body=(replace(elements.body[0], fixed=True), *elements.body[1:]))
    message = fault_of(
        {"m": "{target: body.mass, select: base, op: scale, dist: 1.1}"}, ArrayEngine(3, elements=elements)
    )
    assert "terms.m: base cannot move, so body.mass changes nothing" in message
    engine = ArrayEngine(3, elements=elements)
    randomizer = Randomizer(spec_of({"m": "{target: body.mass, op: scale, each: body, dist: 1.1}"}), engine)
    assert "robot/base" not in randomizer.terms["m"].labels and len(randomizer.terms["m"].labels) == 12


def test_what_an_engine_cannot_hold():
    """The engine's reason is passed on, with the two ways out."""
    cannot = {"shape.restitution": Support(able=False, note="contacts of this solver do not bounce")}
    term = "{{target: shape.restitution, select: trunk, op: set, dist: {{uniform: [0, 0.3]}}{}}}"
    engine = ArrayEngine(3, supports=cannot, name="mujoco")
    message = fault_of({"bounce": term.format("")}, engine)
    assert (
        "terms.bounce: mujoco cannot hold shape.restitution: contacts of this solver do not bounce; remove the term, or"
        " say 'unsupported: skip_declared' and in the term 'skip_on: [mujoco]'" in message
    )
    declared = spec_of({"bounce": term.format(", skip_on: [mujoco]")}, tail="unsupported: skip_declared")
    randomizer = Randomizer(declared, engine)
    assert randomizer.chosen.skipped == {"bounce": "contacts of this solver do not bounce"} and not randomizer.terms
    randomizer.startup()
    # An engine that can do it does it, declared or not.
    able = Randomizer(declared, ArrayEngine(3, name="mujoco"))
    assert set(able.terms) == {"bounce"}


def test_what_nobody_applies():
    """A target that no engine stores needs a caller who applies it."""
    able = ArrayEngine(3, supports={"root.yaw": Support(able=True)})
    term = {"yaw": "{target: root.yaw, op: set, unit: deg, dist: {uniform: [-20, 20]}}"}
    assert "terms.yaw: nobody applies root.yaw on array; remove the term" in fault_of(term, able)
    Randomizer(spec_of(term), able, handled={"root.yaw": Support(able=True)})
    assert Randomizer(spec_of(term), able, elsewhere=["root.yaw"]).chosen.elsewhere == {
        "yaw": "drawn and applied by the task"
    }


def test_two_targets_in_one_number():
    """Where an engine keeps two targets in one number, a spec may name one of them."""
    shared = {"joint.damping": Support(able=True, excludes=("joint.viscous_friction",))}
    terms = {
        "a": "{target: joint.damping, op: scale, dist: 1.1}",
        "b": "{target: joint.viscous_friction, op: scale, dist: 1.1}",
    }
    message = fault_of(terms, ArrayEngine(3, supports=shared))
    assert (
        "terms.a and terms.b: array keeps joint.damping and joint.viscous_friction in one number; name one" in message
    )


def test_an_impossible_inertia_is_refused():
    """A nominal inertia that no rigid body has cannot be reshaped."""
    nominal = nominal_values(quadruped(), 3)
    nominal["body_inertia"][:, 0] = np.diag([1.0, 1.0, 5.0]).reshape(9)
    message = fault_of(
        {"i": "{target: body.inertia, select: base, op: scale, dist: {uniform: [[0.8, 0.8, 0.8], [1.2, 1.2, 1.2]]}}"},
        ArrayEngine(3, nominal=nominal),
    )
    assert "terms.i: the nominal inertia of base is no rigid body's" in message


def test_a_massless_body_has_no_density():
    """An inertia cannot follow a mass of zero."""
    nominal = nominal_values(quadruped(), 3)
    nominal["body_mass"][:, 0] = 0.0
    message = fault_of(
        {"m": "{target: body.mass, select: base, op: add, unit: kg, dist: 1, keep: density}"},
        ArrayEngine(3, nominal=nominal),
    )
    assert "terms.m: base has no mass, so its inertia cannot follow; remove 'keep'" in message


def test_a_wrong_shape_of_the_engine_is_told():
    """Nominal values must be as many as the elements."""
    nominal = nominal_values(quadruped(), 3)
    nominal["joint_armature"] = nominal["joint_armature"][:, :5]
    message = fault_of({"a": TERMS["armature"]}, ArrayEngine(3, nominal=nominal))
    assert "array: nominal joint_armature has shape (3, 5, 1); its elements make (3, 12, 1)" in message
