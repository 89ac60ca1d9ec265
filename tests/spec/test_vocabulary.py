"""Units, targets and camera fields: closed tables that agree with themselves and with the rest of the library."""

import math
import subprocess
import sys

import pytest

from sim2real.spec import SpecError, parse_spec
from sim2real.spec.nodes import compose
from sim2real.spec.quantities import parse_unit
from sim2real.spec.targets import EACH, KEEPS, OPS, TARGETS, WHENS, Target, default_when
from sim2real.spec.units import SPELLINGS, UNITS, find_unit, si_unit, units_of
from sim2real.spec.vision import DEPTH_FIELDS, DEPTH_PRESETS

DIMENSIONS = sorted({unit.dimension for unit in UNITS.values()})
VOCABULARY = """
    body.mass body.com body.inertia body.payload body.force body.torque body.velocity_kick body.frame_offset
    shape.friction shape.restitution contact.stiffness contact.damping
    joint.damping joint.friction joint.viscous_friction joint.armature joint.stiffness joint.limit joint.zero_offset
    actuator.kp actuator.kd actuator.strength actuator.effort_limit actuator.velocity_limit actuator.torque_constant
    actuator.backlash actuator.voltage actuator.thermal world.gravity world.gravity_tilt
    root.position root.yaw root.rotation root.velocity root.angular_velocity
    joint.position joint.velocity terrain.height geometry.scale link.length
    camera.position camera.rotation camera.focal_length obstacle.count obstacle.position obstacle.yaw dataset.split
""".split()


@pytest.mark.parametrize(
    ("text", "si"),
    [
        ("2.3 mm", 0.0023),
        ("7 cm", 0.07),
        ("1 in", 0.0254),
        ("180 deg", math.pi),
        ("60 rpm", 2.0 * math.pi),
        ("3.6 km/h", 1.0),
        ("20 ms", 0.02),
        ("1 N*m/deg", 180.0 / math.pi),
        ("5 %", 0.05),
        ("1 g*cm^2", 1e-7),
        ("3 px", 3.0),
        ("2 N·m", 2.0),
        ("9 m/s²", 9.0),
        ("45 °", math.pi / 4.0),
    ],
)
def test_conversions(text: str, si: float) -> None:
    """Known quantities; decimal units convert without a rounding error."""
    number, name = text.split(maxsplit=1)
    unit = find_unit(name)
    assert unit is not None
    value = float(number) * unit.factor / unit.divisor
    assert value == si if unit.divisor >= 1.0 and unit.factor == 1.0 else value == pytest.approx(si, rel=1e-15)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_every_dimension_has_one_si_unit(dimension: str) -> None:
    """One unit converts by one, and it comes first in messages."""
    si = [u.name for u in UNITS.values() if u.dimension == dimension and u.factor == u.divisor]
    assert si == [si_unit(dimension)] == [units_of((dimension,))[0]]


def test_spellings_lead_to_units() -> None:
    """Every other spelling means a unit, and none hides one."""
    assert set(SPELLINGS.values()) <= set(UNITS)
    assert not set(SPELLINGS) & set(UNITS)


@pytest.mark.parametrize("name", sorted(UNITS))
def test_units_of_other_dimensions_are_refused(name: str) -> None:
    """A unit is accepted for its own dimension and for no other."""
    node = compose(f"'{name}'", "u.yaml")
    for dimension in DIMENSIONS:
        if dimension == UNITS[name].dimension:
            assert parse_unit(node, (dimension,)) == UNITS[name]
        else:
            with pytest.raises(SpecError, match=f"measures {UNITS[name].dimension}, not {dimension}"):
                parse_unit(node, (dimension,))


def test_the_vocabulary_is_complete() -> None:
    """Every quantity that the library means to randomize has a name."""
    assert set(VOCABULARY) <= set(TARGETS)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_every_target_can_be_said(target: Target) -> None:
    """The table is consistent, and each target with each operation makes a spec that reads back the same."""
    assert set(target.ops) <= set(OPS) and set(target.when) <= set(WHENS) and set(target.each) <= set(EACH)
    assert set(target.keep) <= set(KEEPS) and set(target.dimensions) <= set(DIMENSIONS)
    for op in target.ops:
        for dim in target.dims:
            value = "1" if dim == 1 else str([1] * dim)
            unit = (
                "" if op == "scale" or target.dimensions == ("ratio",) else f"unit: {si_unit(target.dimensions[-1])}, "
            )
            direction = "direction: any, " if target.direction and dim == 1 else ""
            for when in target.when:
                said = "{interval_s: [1, 2]}" if when == "interval" else when
                text = f"target: {target.name}, op: {op}, {unit}{direction}dist: {value}, when: {said}"
                spec = parse_spec(f"schema: 1\nseed: 7\nterms: {{a: {{{text}}}}}")
                assert (spec.terms["a"].op, spec.terms["a"].dist.dim, spec.terms["a"].when) == (op, dim, when)
                assert parse_spec(spec.to_yaml()) == spec
    assert default_when(target) in target.when


def test_depth_fields_agree_with_the_camera_model() -> None:
    """Fields, limits and presets are the depth camera model's own."""
    model = pytest.importorskip("sim2real.vision.depth_model")
    presets = pytest.importorskip("sim2real.vision.presets")
    errors = pytest.importorskip("sim2real.vision.errors")
    assert tuple(DEPTH_FIELDS) == model.FIELDS
    assert set(DEPTH_PRESETS) == set(presets.PRESETS)
    base = {name: 1.0 for name in ("baseline_m", "focal_px")}
    for name, (_dimension, low, high) in DEPTH_FIELDS.items():
        others = {"range_max_m": 1000.0} if name == "range_min_m" else {}
        for value in (low, high):
            if name != "range_max_m" or value > 0.0:
                model.DepthCameraModel(**(base | others | {name: value}))
        for value in (low - 0.01, high * 1.01 + 0.01):
            with pytest.raises(errors.VisionError):
                model.DepthCameraModel(**(base | others | {name: value}))


def test_command_line_stays_fast() -> None:
    """Reading a spec needs neither NumPy nor Warp nor torch."""
    code = (
        "import sys; from sim2real.spec import load_spec; load_spec('avoidance');"
        "print([m for m in ('numpy', 'warp', 'torch', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"
