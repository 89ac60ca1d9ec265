"""A spec is read in SI, written and read back the same, and has a fingerprint that only its values change."""

import copy
import dataclasses
import pickle
from pathlib import Path

import pytest

from sim2real.spec import (
    Constant,
    LogUniform,
    Normal,
    Spec,
    TruncatedNormal,
    Uniform,
    UniformInt,
    load_spec,
    parse_spec,
)
from sim2real.spec.frozen import FrozenDict

EXAMPLE = (Path(__file__).parent / "example.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def spec() -> Spec:
    return parse_spec(EXAMPLE, "example.yaml")


def test_terms(spec: Spec) -> None:
    """Terms hold what was written, in SI, with the target's defaults filled in."""
    assert list(spec.terms)[:3] == ["base_mass", "base_com", "foot_friction"]
    mass = spec.terms["base_mass"]
    assert (mass.target, mass.select, mass.op, mass.keep) == ("body.mass", "base", "scale", "density")
    assert (mass.dist, mass.unit, mass.when, mass.each) == (LogUniform(0.8, 1.25), "1", "reset", "world")
    assert spec.terms["base_com"].dist == Uniform([-0.02] * 3, [0.02] * 3)
    assert spec.terms["base_com"].unit == "m"
    assert spec.terms["foot_friction"].against == "ground"
    strength = spec.terms["motor_strength"]
    assert strength.dist == TruncatedNormal(1.0, 0.07, 0.8, 1.2)
    assert (strength.op, strength.each, strength.provenance) == ("scale", "joint", "identified:run 12")
    push = spec.terms["push"]
    assert (push.op, push.when, push.interval_s) == ("add", "interval", (5.0, 10.0))
    assert (push.direction, push.duration_s) == ("horizontal", 0.2)
    assert spec.terms["gravity_tilt"].dist.bounds()[1][0] == pytest.approx(0.0872664626)
    assert spec.terms["gravity_tilt"].unit == "rad"
    assert spec.terms["obstacles"].dist == UniformInt(8, 12)
    assert list(spec.targeting("body.mass")) == ["base_mass"]


def test_signals_vision_curriculum(spec: Spec) -> None:
    """The other sections too; a number stands for a constant."""
    command = spec.signals["command"]
    assert command.latency == Uniform(0.0, 0.02)
    assert command.jitter == Normal(0.0, 0.001)
    assert (command.dropout, command.on_dropout) == (Constant(0.002), "hold")
    assert (spec.signals["imu"].bus, spec.signals["imu"].provenance) == ("spi", {"latency": "datasheet:BMI088"})
    assert spec.signals["joint_pos"].unit == "rad"
    assert spec.signals["joint_pos"].white == Constant(0.3 * 3.141592653589793 / 180.0)
    depth = spec.vision["depth"]
    assert depth.preset == "realsense_d435"
    assert depth.overrides == {
        "scale": Uniform(0.8, 1.2),
        "offset_m": Constant(0.01),
        "temporal_std_m": Uniform(0.0, 0.002),
    }
    assert spec.curriculum.adr is not None
    assert (spec.curriculum.adr.metric, spec.curriculum.adr.grow) == ("success", 0.75)


def test_round_trip(spec: Spec) -> None:
    """Writing and reading gives an equal spec, provenance included."""
    again = parse_spec(spec.to_yaml())
    assert again == spec
    assert again.digest == spec.digest
    assert again.to_yaml() == spec.to_yaml()


def test_digest_is_golden(spec: Spec) -> None:
    """A change of this number orphans every dataset and every bundle."""
    assert spec.digest == "cc9a0a2e88ee951bdbbf1783b2ce4e8a63f3078b38f695de13176e5e3875a0c4"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unit: mm, dist: {uniform: [[-20, -20, -20], [20, 20, 20]]}", "unit: m, dist: {uniform: [-0.02, 0.02]}"),
        ("dist: {uniform: [0, 5]}, unit: deg", "unit: rad, dist: {uniform: [0.0, 0.08726646259971647]}"),
        ("{uniform: [0, 20], unit: ms}", "{uniform: {high: 0.02, low: 0}}"),
        ("1e-3", "0.001"),
        ("1e-3", "1.0E-03"),
        ('select: ".*"\n    op', "op"),
        ("dropout: 0.002", "dropout: {constant: 2e-3}"),
        ("identified:run 12", "default"),
        ("when: reset, keep: density", "keep: density"),
        ("seed: 7", "seed: 7  # lucky"),
        ("grow: 0.75, ", ""),
        ("schema: 1\nseed: 7\n", "seed: 7\nschema: 1\n"),
        ("weights: [9, 1]", "weights: [9.0, 1.0]"),
    ],
)
def test_digest_ignores(spec: Spec, old: str, new: str) -> None:
    """Spelling, units, defaults, order, comments and provenance do not change the digest."""
    assert old in EXAMPLE
    assert parse_spec(EXAMPLE.replace(old, new)).digest == spec.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 7", "seed: 8"),
        ("base_mass", "base_weight"),
        ("[0.8, 1.25]", "[0.8, 1.26]"),
        ("log_uniform", "uniform"),
        (", keep: density", ""),
        ("unit: mm", "unit: cm"),
        ("select: base, op: scale", "select: trunk, op: scale"),
        ("interval_s: [5, 10]", "interval_s: [5, 11]"),
        ("on_dropout: hold", "on_dropout: zero"),
        ("preset: realsense_d435", "preset: ideal"),
        ("offset_m: 0.01", "offset_m: 0.02"),
        ("step: 0.1", "step: 0.2"),
        ("each: joint", "each: world"),
    ],
)
def test_digest_sees(spec: Spec, old: str, new: str) -> None:
    """Every value that changes a draw changes the digest."""
    assert old in EXAMPLE
    assert parse_spec(EXAMPLE.replace(old, new)).digest != spec.digest


def test_term_order_does_not_matter(spec: Spec) -> None:
    """The same terms in another order are the same spec to the digest."""
    turned = dataclasses.replace(spec, terms=FrozenDict(reversed(spec.terms.items())))
    assert list(turned.terms) != list(spec.terms)
    assert turned.digest == spec.digest


def test_with_seed(spec: Spec) -> None:
    """Another seed, the rest as it was."""
    other = spec.with_seed(2**64 - 1)
    assert other.seed == 2**64 - 1
    assert other.terms == spec.terms
    assert other.digest != spec.digest
    assert parse_spec(other.to_yaml()) == other
    for seed in (-1, 2**64, True, 1.5):
        with pytest.raises(ValueError, match=r"seed: got .*; give a whole number from 0 to 2\^64 - 1"):
            spec.with_seed(seed)  # type: ignore[arg-type]


def test_frozen(spec: Spec) -> None:
    """Nothing in a spec can be changed, and it pickles, copies and hashes."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.seed = 8  # type: ignore[misc]
    with pytest.raises(TypeError, match="cannot be changed"):
        spec.terms["x"] = spec.terms["push"]
    with pytest.raises(TypeError, match="cannot be changed"):
        spec.terms.pop("push")
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec) == spec
    assert hash(parse_spec(EXAMPLE)) == hash(spec)


def test_numbers_as_people_write_them() -> None:
    """What YAML 1.1 would read as text is a number here."""
    for text, value in {"1e-3": 1e-3, "1E3": 1e3, "+2": 2.0, ".5": 0.5, "5.": 5.0, "-1.5e+2": -150.0, "0": 0.0}.items():
        got = parse_spec(f"schema: 1\nseed: 7\nterms: {{a: {{target: root.yaw, op: add, unit: rad, dist: {text}}}}}")
        assert got.terms["a"].dist == Constant(value)
    assert parse_spec("schema: 1\nseed: 18446744073709551615").seed == 2**64 - 1
    assert parse_spec("schema: 1.0\nseed: 1e3").seed == 1000


def test_anchors_and_merge_keys() -> None:
    """Anchors, aliases and merge keys work; a mapping's own entries win over merged ones."""
    text = """
schema: 1
seed: 7
terms:
  a: &base {target: body.mass, op: scale, select: left, dist: &range {uniform: [0.9, 1.1]}}
  b: {<<: *base, select: right}
  c: {<<: [{op: add, unit: kg}, *base], select: tail}
  d: {target: body.inertia, op: scale, dist: *range}
"""
    terms = parse_spec(text).terms
    assert terms["b"] == dataclasses.replace(terms["a"], select="right")
    assert (terms["c"].op, terms["c"].unit, terms["c"].select) == ("add", "kg", "tail")
    assert terms["d"].dist == terms["a"].dist


def test_load_from_file(tmp_path: Path, spec: Spec) -> None:
    """A file is read by path, with or without a byte order mark, and named in messages as the user named it."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert load_spec(path) == load_spec(str(path)) == spec


def test_minimal() -> None:
    """A spec without sections randomizes nothing."""
    spec = parse_spec("schema: 1\nseed: 0\n")
    assert (spec.terms, spec.signals, spec.vision, spec.curriculum.adr) == ({}, {}, {}, None)
    assert parse_spec(spec.to_yaml()) == spec
