"""The errors of sensors in a spec: units made of others, what is refused, and that all of it reads back the same."""

import math
from pathlib import Path

import pytest

from sim2real.signals.error_plan import LEVELS
from sim2real.spec import SpecError, parse_spec
from sim2real.spec.distributions import Constant, Uniform
from sim2real.spec.units import DENSITY, INVERSE, UNITS, WALK, made_units

HEAD = "schema: 1\nseed: 1\nsignals:\n  s: "
FULL = (
    "{unit: deg/s, misalignment: {uniform: [-1, 1], unit: deg}, mount: box, cross_axis: {uniform: [-1, 1], unit: '%'},"
    " noise_density: {uniform: [0.01, 0.02], unit: deg/s/sqrt(Hz)}, bias_instability: {constant: 3, unit: deg/h},"
    " correlation_time: {constant: [100, 1000], unit: ms}, walk: {constant: 6, unit: deg/h/sqrt(h)}, saturation: 2000,"
    " saturation_low: -1000, quadratic: {constant: 2, unit: 1/(deg/s)}, dropout_each: 0.1, on_dropout_each: limit,"
    " provenance: 'datasheet:a gyro'}"
)


def read(text):
    """The signal `s` of a spec."""
    return parse_spec(f"{HEAD}{text}\n").signals["s"]


def test_every_part_is_read_in_si():
    """And written so that it reads the same."""
    deg, signal = math.pi / 180.0, read(FULL)
    assert signal.misalignment == Uniform(-deg, deg) and signal.cross_axis == Uniform(-0.01, 0.01)
    assert signal.noise_density.bounds()[1][0] == pytest.approx(0.02 * deg)
    assert signal.bias_instability.bounds()[0][0] == pytest.approx(3 * deg / 3600)
    assert signal.walk.bounds()[0][0] == pytest.approx(6 * deg / 3600 / 60)
    assert signal.correlation_time == Constant((0.1, 1.0))
    assert signal.quadratic.bounds()[0][0] == pytest.approx(2 / deg)
    assert signal.saturation_low.bounds()[0][0] == pytest.approx(-1000 * deg)
    spec = parse_spec(f"{HEAD}{FULL}\n")
    assert parse_spec(spec.to_yaml()) == spec


@pytest.mark.parametrize(
    ("base", "part", "unit", "si"),
    [
        ("rad/s", "noise_density", "deg/sqrt(h)", math.pi / 180 / 60),
        ("rad/s", "noise_density", "mdeg/s/sqrt(Hz)", math.pi / 180 / 1000),
        ("m/s^2", "noise_density", "ug/sqrt(Hz)", 9.80665e-6),
        ("m/s^2", "noise_density", "m/s/sqrt(h)", 1 / 60),
        ("rad/s", "walk", "rad/s^2/sqrt(Hz)", 1.0),
        ("rad/s", "walk", "deg/s", math.pi / 180),
        ("m/s^2", "walk", "mg0/sqrt(s)", 9.80665e-3),
        ("m/s^2", "bias", "mg0", 9.80665e-3),
        ("m", "quadratic", "1/mm", 1000.0),
        ("m", "noise_density", "mm/sqrt(Hz)", 0.001),
    ],
)
def test_units_of_data_sheets(base, part, unit, si):
    """Known factors."""
    dist = getattr(read(f"{{unit: {base}, {part}: {{constant: 2, unit: {unit}}}}}"), part)
    assert dist.bounds()[0][0] == pytest.approx(2 * si, rel=1e-12)


def test_without_a_unit_of_its_own_a_part_is_in_the_signals():
    """Also where it is made of it: a density in deg/s/sqrt(Hz), and one over degrees."""
    signal = read("{unit: deg, noise_density: 3, quadratic: 3, walk: 3}")
    values = [getattr(signal, part).bounds()[0][0] for part in ("noise_density", "quadratic", "walk")]
    assert values == pytest.approx([3 * math.pi / 180, 3 * 180 / math.pi, 3 * math.pi / 180])


@pytest.mark.parametrize("shape", [DENSITY, WALK, INVERSE])
def test_made_units_begin_with_si(shape):
    """One of each dimension converts by one and stands first; all have a factor above 0."""
    for dimension in {unit.dimension for unit in UNITS.values()}:
        made = list(made_units(shape, dimension).values())
        assert made[0].factor == made[0].divisor and len({unit.name for unit in made}) == len(made)
        assert all(unit.factor > 0 and unit.divisor > 0 for unit in made)


def test_all_errors_are_documented():
    """Each stands in the guide's table, in the order in which it applies."""
    guide = (Path(__file__).parents[2] / "docs" / "signals.md").read_text(encoding="utf-8")
    places = [guide.index(f"`{part}`") for part in LEVELS]
    assert places == sorted(places)
    for companion in ("mount", "correlation_time", "on_dropout_each"):
        assert f"`{companion}`" in guide


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("noise_density: -1", "signals.s.noise_density: reaches -1; allowed: at least 0"),
        ("noise_density: {normal: [1, 0.5]}", "use truncated_normal to cut its tails"),
        (
            "unit: rad/s, noise_density: {constant: 1, unit: deg/s}",
            r"signals.s.noise_density.unit: unknown unit 'deg/s'.*allowed here: rad/s/sqrt\(Hz\), .*deg/sqrt\(h\)",
        ),
        ("unit: m/s^2, noise_density: {constant: 1, unit: deg/sqrt(h)}", r"unknown unit 'deg/sqrt\(h\)'"),
        ("unit: rad/s, bias: {constant: 1, unit: deg/s/sqrt(Hz)}", "unknown unit"),
        ("noise_density: {constant: 1, unit: deg/sqrt(h)}", "give the unit once for the signal, as its 'unit'"),
        ("bias_instability: -1", "signals.s.bias_instability: reaches -1; allowed: at least 0"),
        ("correlation_time: 3", "signals.s.correlation_time: there is no 'bias_instability' to act on; give a"),
        (
            "bias_instability: 1, correlation_time: {uniform: [1, 2]}",
            r"signals.s.correlation_time: got uniform; give constant times, such as \[1, 10, 100\]",
        ),
        ("bias_instability: 1, correlation_time: 0", "reaches 0 s; allowed: 0.001 to 1e"),
        (
            "bias_instability: 1, correlation_time: [1, 2, 3, 4, 5]",
            "signals.s.correlation_time: got 5 components; give 1 or 2 or 3 or 4",
        ),
        ("misalignment: [1, 2]", "signals.s.misalignment: got 2 components; give 1 or 3"),
        ("misalignment: {constant: 1, unit: m}", "unit 'm' measures length, not angle; allowed: rad, deg, mrad"),
        ("cross_axis: [1, 2, 3]", "signals.s.cross_axis: got 3 components; give 1 or 6"),
        ("mount: imu", "signals.s.mount: there is no 'misalignment' to act on; give a 'misalignment' range of angles"),
        ("eccentricity: 0.01", "signals.s.eccentricity: repeats with every turn of an angle; give 'unit: rad'"),
        ("unit: m, eccentricity: 0.01", "repeats with every turn of an angle"),
        ("unit: rad, eccentricity: -1", "signals.s.eccentricity: reaches -1 ?; allowed: at least 0"),
        ("unit: m, quadratic: {constant: 1, unit: m}", "signals.s.quadratic.unit: unknown unit 'm'.*allowed here: 1/m"),
        ("dropout_each: 2", "signals.s.dropout_each: reaches 2; allowed: 0 to 1"),
        ("on_dropout_each: zero", "signals.s.on_dropout_each: there is no 'dropout_each' to act on"),
        ("dropout_each: 0.1, on_dropout_each: max", "unknown behaviour 'max'; allowed: hold, zero, limit"),
        ("dropout_each: 0.1, on_dropout_each: limit", "'limit' gives the 'saturation', and there is none; give one"),
        (
            "saturation: 1, saturation_low: 2",
            "signals.s.saturation_low: reaches 2, above 'saturation', which reaches 1",
        ),
        ("noise_densty: 1", "unknown key; did you mean 'noise_density'?"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    """With place and remedy."""
    with pytest.raises(SpecError, match=said):
        read(f"{{{text}}}")
