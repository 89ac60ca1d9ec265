"""Probes: do bodies move by what was drawn? Each measures a parameter from a motion whose law is known.

A probe runs twice. First with a constant that differs from the nominal value: every world must show the analytic
motion. Then with a draw for each world: what the motion tells is compared, world by world, with what was drawn. The
draws are NumPy's, so a probe sees the whole way from the spec to the solver, and nothing of what the solver says of
itself. Tolerances are those of the time step and of the contact model; each states its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.errors import Sim2RealError
from sim2real.lab.verify.expected import Expected
from sim2real.lab.verify.measure import (
    hinge_inertia,
    measure_damping,
    measure_friction,
    measure_gravity,
    measure_inertia,
    measure_joint_friction,
    measure_restitution,
)
from sim2real.lab.verify.text import table
from sim2real.spec import parse_spec

if TYPE_CHECKING:
    from sim2real.lab.verify.measure import Bench

Values = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far an estimate may be from the draw, and why."""

    relative: float
    """Of the draw."""
    absolute: float
    """In the parameter's unit."""
    reason: str
    """Why so much."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One experiment."""

    name: str
    """As typed."""
    targets: tuple[str, ...]
    """What the engine must be able to hold."""
    units: Mapping[str, str]
    """The parameters that it measures, with their units."""
    constant: str
    """Terms with one value for all worlds."""
    drawn: str
    """Terms with a draw for each world."""
    measure: Callable[[Bench], Values]
    """Lets bodies move; each parameter (num_worlds,)."""
    truth: Callable[[Values], Values]
    """The parameters (num_worlds,) from the expected quantities (num_worlds, count, width) of the named element."""
    element: Mapping[str, str]
    """`asset/name` of the element that each quantity is taken of."""
    tolerance: Mapping[str, Tolerance]
    """By parameter."""


_TILT = "{target: world.gravity_tilt, unit: deg, dist: "
_ON_RAMP = "{target: shape.friction, asset: slider, against: ramp, op: set, dist: "
_BAR = "asset: hinge, select: bar, op: scale, dist: "
_STEP = "the time step's error over the motion"
PROBES: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe(
            name="gravity",
            targets=("world.gravity", "world.gravity_tilt"),
            units={"gravity": "m/s²", "tilt": "rad"},
            constant=f"g: {{target: world.gravity, op: set, unit: m/s^2, dist: 3.71}}\n  t: {_TILT}4}}",
            drawn="g: {target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-0.5, 0.5]}}\n"
            f"  t: {_TILT}{{uniform: [0, 5]}}}}",
            measure=measure_gravity,
            truth=lambda held: _size_and_tilt(held["gravity"]),
            element={"gravity": "world/world"},
            tolerance={
                "gravity": Tolerance(relative=2e-4, absolute=0.0, reason="free fall in float32, no contact"),
                "tilt": Tolerance(relative=0.0, absolute=2e-4, reason="the same, sideways"),
            },
        ),
        Probe(
            name="friction",
            targets=("shape.friction",),
            units={"friction": "1"},
            constant=f"mu: {_ON_RAMP}0.45}}",
            drawn=f"mu: {_ON_RAMP}{{uniform: [0.2, 1.0]}}}}",
            measure=measure_friction,
            truth=lambda held: {"friction": held["shape_friction"][:, 0]},
            element={"shape_friction": "slider/slider/0"},
            tolerance={
                "friction": Tolerance(
                    relative=2e-3,
                    absolute=2e-4,
                    reason="PhysX keeps friction on a grid of 1/4096; Newton's soft contacts need some steps to close",
                )
            },
        ),
        Probe(
            name="inertia",
            targets=("body.inertia", "joint.armature"),
            units={"inertia": "kg·m²"},
            constant=f"i: {{target: body.inertia, {_BAR}1.7}}\n"
            "  a: {target: joint.armature, asset: hinge, op: add, unit: kg*m^2, dist: 0.02}",
            drawn=f"i: {{target: body.inertia, {_BAR}{{uniform: [0.5, 2.0]}}}}\n"
            "  a: {target: joint.armature, asset: hinge, op: add, unit: kg*m^2, dist: {uniform: [0, 0.05]}}",
            measure=measure_inertia,
            truth=lambda held: {"inertia": hinge_inertia(held["body_inertia"][:, 8], held["joint_armature"][:, 0])},
            element={"body_inertia": "hinge/bar", "joint_armature": "hinge/pivot"},
            tolerance={"inertia": Tolerance(relative=2e-3, absolute=0.0, reason=_STEP)},
        ),
        Probe(
            name="damping",
            targets=("joint.damping",),
            units={"damping": "N·m·s/rad"},
            constant="d: {target: joint.damping, asset: hinge, op: set, unit: N*m*s/rad, dist: 0.1}",
            drawn="d: {target: joint.damping, asset: hinge, op: set, unit: N*m*s/rad, dist: {uniform: [0.02, 0.3]}}",
            measure=measure_damping,
            truth=lambda held: {"damping": held["joint_damping"][:, 0]},
            element={"joint_damping": "hinge/pivot"},
            tolerance={
                "damping": Tolerance(relative=0.01, absolute=1e-4, reason=f"{_STEP}: half of damping x step / inertia")
            },
        ),
        Probe(
            name="joint_friction",
            targets=("joint.friction",),
            units={"joint_friction": "N·m"},
            constant="f: {target: joint.friction, asset: hinge, op: set, unit: N*m, dist: 0.3}",
            drawn="f: {target: joint.friction, asset: hinge, op: set, unit: N*m, dist: {uniform: [0.05, 0.6]}}",
            measure=measure_joint_friction,
            truth=lambda held: {"joint_friction": held["joint_friction"][:, 0]},
            element={"joint_friction": "hinge/pivot"},
            tolerance={
                "joint_friction": Tolerance(
                    relative=2e-3, absolute=1e-3, reason="seen: PhysX brakes by 3e-4 N·m less, whatever the friction"
                )
            },
        ),
        Probe(
            name="restitution",
            targets=("shape.restitution",),
            units={"restitution": "1"},
            constant="e: {target: shape.restitution, asset: ball, dist: 0.5}",
            drawn="e: {target: shape.restitution, asset: ball, dist: {uniform: [0.1, 0.8]}}",
            measure=measure_restitution,
            truth=lambda held: {"restitution": held["shape_restitution"][:, 0]},
            element={"shape_restitution": "ball/ball/0"},
            tolerance={
                "restitution": Tolerance(
                    relative=0.01, absolute=5e-3, reason="the time of the impact is known to a step only"
                )
            },
        ),
    )
}
"""All probes by name."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One parameter of one run of a probe."""

    probe: str
    """The probe."""
    parameter: str
    """What was measured."""
    unit: str
    """Its unit."""
    run: str
    """`constant` or `drawn`."""
    drawn: list[float]
    """What each world drew."""
    estimated: list[float]
    """What its motion tells."""
    error: float
    """Largest relative error; where the draws reach zero, of the largest draw."""
    correlation: float | None
    """Of the estimates with the draws; None for a constant."""
    allowed: Tolerance
    """How far off they may be."""
    passed: bool
    """Whether every world is within the tolerance."""


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """What the probes found on one engine."""

    engine: str
    """The engine's name."""
    num_worlds: int
    """Worlds."""
    seed: int
    """Seed of the draws."""
    outcomes: tuple[Outcome, ...]
    """By probe, parameter and run."""
    cannot: dict[str, str] = field(default_factory=dict)
    """Probes that can tell nothing on this engine, and why."""

    @property
    def passed(self) -> bool:
        """Whether every probe that ran passed."""
        return all(outcome.passed for outcome in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "passed": self.passed}

    def to_text(self) -> str:
        """Return it as a table."""
        rows = [("probe", "parameter", "run", "drawn", "estimated", "worst error", "correlation", "")]
        for one in self.outcomes:
            unit = "" if one.unit == "1" else f" [{one.unit}]"
            correlation = "" if one.correlation is None else f"{one.correlation:.6f}"
            spans = (_span(one.drawn), _span(one.estimated))
            verdict = "pass" if one.passed else f"FAIL, allowed {_allowed(one.allowed)}"
            rows.append(
                (one.probe, one.parameter + unit, one.run, *spans, f"{100 * one.error:.3f} %", correlation, verdict)
            )
        lines = [f"probes on {self.engine}: {self.num_worlds} worlds, seed {self.seed}", "", *table(rows)]
        reasons = {f"  {o.parameter}: {_allowed(o.allowed)}; {o.allowed.reason}" for o in self.outcomes}
        lines += ["", "allowed", *sorted(reasons)] if reasons else []
        lines += [f"\ncannot tell {name} on {self.engine}: {why}" for name, why in self.cannot.items()]
        return "\n".join(lines)


def run_probes(
    names: tuple[str, ...] | None, physics: str, *, num_envs: int = 16, seed: int = 7, device: str = "cpu"
) -> ProbeReport:
    """Run probes on an engine.

    Args:
        names: which; None for all.
        physics: the engine.
        num_envs: worlds, 2 or more.
        seed: seed of the draws.
        device: `cpu`, `cuda` or `cuda:N`.

    Raises:
        Sim2RealError: unknown probe, engine or device; fewer than 2 worlds.
    """
    chosen = _chosen(names)
    if num_envs < 2:
        raise Sim2RealError(f"num_envs is {num_envs}; a probe compares worlds, give 2 or more")
    from sim2real.lab.launch import check_device, check_physics, make_env

    check_physics(physics)
    check_device(device)
    from sim2real.lab.verify.measure import Bench
    from sim2real.lab.verify.scene import register

    outcomes: list[Outcome] = []
    cannot: dict[str, str] = {}
    changes: dict[str, Any] = {"scene.num_envs": num_envs}
    with make_env(register(), physics, device, **changes) as env:
        env.reset()
        bench = Bench(env)
        for probe in chosen:
            missing = [s for s in map(bench.engine.support, probe.targets) if not s.able]
            if missing:
                cannot[probe.name] = missing[0].note
                continue
            for run in ("constant", "drawn"):
                outcomes += probe_once(bench, probe, run, seed)
    return ProbeReport(engine=physics, num_worlds=num_envs, seed=seed, outcomes=tuple(outcomes), cannot=cannot)


def probe_once(bench: Bench, probe: Probe, run: str, seed: int) -> list[Outcome]:
    """Run a probe with its `constant` or its `drawn` terms, and leave the engine with its nominal values."""
    from sim2real.engines.randomizer import Randomizer

    spec = parse_spec(f"schema: 1\nseed: {seed}\nterms:\n  {getattr(probe, run)}\n", f"probe {probe.name}")
    randomizer = Randomizer(spec, bench.engine, step_dt=bench.dt)
    randomizer.startup()
    expected = Expected(randomizer).values()
    truth = probe.truth({name: expected[name][:, bench.number(name, at)] for name, at in probe.element.items()})
    estimate = probe.measure(bench)
    bench.restore(randomizer.quantities)
    return [judge(probe, parameter, run, truth[parameter], estimate[parameter]) for parameter in probe.units]


def judge(probe: Probe, parameter: str, run: str, drawn: np.ndarray, estimated: np.ndarray) -> Outcome:
    """Compare estimates (num_worlds,) with draws (num_worlds,)."""
    allowed = probe.tolerance[parameter]
    error = np.abs(estimated - drawn)
    scale = np.abs(drawn) if allowed.relative else np.full_like(drawn, np.abs(drawn).max())
    within = error <= allowed.absolute + allowed.relative * np.abs(drawn)
    correlation = None if run == "constant" else float(np.corrcoef(drawn, estimated)[0, 1])
    return Outcome(
        probe=probe.name,
        parameter=parameter,
        unit=probe.units[parameter],
        run=run,
        drawn=[float(value) for value in drawn],
        estimated=[float(value) for value in estimated],
        error=float((error / scale).max()),
        correlation=correlation,
        allowed=allowed,
        passed=bool(within.all()),
    )


def _chosen(names: tuple[str, ...] | None) -> list[Probe]:
    wanted = tuple(PROBES) if names is None else tuple(name.strip() for name in names)
    unknown = [name for name in wanted if name not in PROBES]
    if unknown:
        raise Sim2RealError(f"unknown probe '{unknown[0]}'; probes: {', '.join(PROBES)}")
    return [PROBES[name] for name in dict.fromkeys(wanted)]


def _size_and_tilt(gravity: np.ndarray) -> Values:
    size = np.linalg.norm(gravity, axis=-1)
    return {"gravity": size, "tilt": np.arctan2(np.linalg.norm(gravity[:, :2], axis=-1), -gravity[:, 2])}


def _span(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.5g}" if math.isclose(low, high, rel_tol=1e-5) else f"{low:.5g} to {high:.5g}"


def _allowed(tolerance: Tolerance) -> str:
    parts = [f"{100 * tolerance.relative:g} %"] if tolerance.relative else []
    return " + ".join(parts + ([f"{tolerance.absolute:g}"] if tolerance.absolute else []))
