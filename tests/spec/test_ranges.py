"""Joint distributions, samples from files, steps, assets, twins and curricula: read in SI, written, read again."""

from pathlib import Path

import numpy as np
import pytest

from sim2real.spec import (
    AdrRange,
    Beta,
    Choice,
    Empirical,
    Mixture,
    MultivariateNormal,
    Normal,
    Rates,
    Spec,
    SpecError,
    StageSpec,
    Uniform,
    UniformInt,
    load_spec,
    parse_spec,
)
from sim2real.spec.distributions import Distribution
from spec.bad_specs import HEAD, term, yaw

SPEC = """
schema: 1
seed: 7
rates: {control_hz: 50, physics_hz: 200}
unsupported: skip_declared
terms:
  box_mass:
    {target: body.mass, asset: "box_.*", op: scale, dist: {beta: {a: 2, b: 5, low: 0.8, high: 1.2}}, skip_on: [ovphysx]}
  rotor:
    target: joint.armature
    op: scale
    dist: {mixture: {parts: [{uniform: [0.4, 0.6]}, {beta: {a: 2, b: 2, low: 0.9, high: 1.1}}], weights: [3, 1]}}
    each: joint
    mirror: {FR_: FL_, RR_: RL_}
  base_com:
    target: body.com
    unit: mm
    dist: {multivariate_normal: {mean: [0, 0, 10], covariance: [[4, 1, 0], [1, 4, 0], [0, 0, 0]]}}
  yaw: {target: root.yaw, op: add, unit: deg, dist: {uniform: [-90, 90]}}
signals:
  action: {latency: {uniform_int: [0, 3], unit: steps}, relative: {uniform: [0, 5], unit: "%"}}
  pose: {latency: {uniform: [0.5, 2], unit: steps}, white: {uniform: [0, 0.01]}}
curriculum:
  adr: {grow: 0.8, episodes: 20, terms: {yaw: {start: [-9, 18]}}}
"""


@pytest.fixture(scope="module")
def spec() -> Spec:
    return parse_spec(SPEC)


def test_distributions(spec: Spec) -> None:
    """Units scale bounds, values and covariances, never shapes or weights."""
    assert spec.terms["box_mass"].dist == Beta(2, 5, 0.8, 1.2)
    assert spec.terms["rotor"].dist == Mixture([Uniform(0.4, 0.6), Beta(2, 2, 0.9, 1.1)], [3, 1])
    com = spec.terms["base_com"].dist
    assert isinstance(com, MultivariateNormal)
    assert com.mean == (0.0, 0.0, 0.01)
    assert np.allclose(com.covariance, np.array([[4, 1, 0], [1, 4, 0], [0, 0, 0]]) * 1e-6, rtol=1e-12, atol=0.0)
    assert com.bounds()[1][2] == 0.01 and com.bounds()[1][0] == pytest.approx(5.42 * 0.002)


def test_names_and_engines(spec: Spec) -> None:
    """Assets, twins and engines to be left out are kept as written; without them there is the robot alone."""
    assert (spec.terms["box_mass"].asset, spec.terms["rotor"].asset) == ("box_.*", "robot")
    assert spec.terms["rotor"].mirror == {"FR_": "FL_", "RR_": "RL_"}
    assert (spec.unsupported, spec.terms["box_mass"].skip_on, spec.terms["yaw"].skip_on) == (
        "skip_declared", ("ovphysx",), ()
    )  # fmt: skip


def test_steps_are_seconds(spec: Spec) -> None:
    """Control steps become seconds by the declared rate: whole ones a choice, others a range."""
    assert spec.rates == Rates(control_hz=50, physics_hz=200)
    assert spec.signals["action"].latency == Choice([0.0, 0.02, 0.04, 0.06])
    assert spec.signals["pose"].latency == Uniform(0.01, 0.04)
    assert spec.signals["action"].relative == Uniform(0.0, 0.05)
    same = SPEC.replace("{uniform_int: [0, 3], unit: steps}", "{choice: [0, 20, 40, 60], unit: ms}")
    assert same != SPEC and parse_spec(same).digest == spec.digest
    assert "steps" not in spec.to_yaml()


def test_round_trip(spec: Spec) -> None:
    """Writing and reading gives an equal spec."""
    assert parse_spec(spec.to_yaml()) == spec
    assert parse_spec(spec.to_yaml()).digest == spec.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('asset: "box_.*", ', ""),
        (", skip_on: [ovphysx]", ", skip_on: [mujoco]"),
        ("RR_: RL_", "RR_: FL_"),
        ("a: 2, b: 5", "a: 2, b: 6"),
        ("weights: [3, 1]", "weights: [3, 2]"),
        ("[[4, 1, 0], [1, 4, 0]", "[[4, 2, 0], [2, 4, 0]"),
        ("episodes: 20", "episodes: 21"),
        ("start: [-9, 18]", "start: [-9, 17]"),
        ("control_hz: 50", "control_hz: 100"),
        (", relative: {uniform: [0, 5]", ", relative: {uniform: [0, 6]"),
    ],
)
def test_digest_sees(spec: Spec, old: str, new: str) -> None:
    """Every value that changes a draw changes the digest."""
    assert old in SPEC
    assert parse_spec(SPEC.replace(old, new)).digest != spec.digest


def test_ranges_that_move(spec: Spec) -> None:
    """A start range is given in the term's unit; one that names no terms moves all that can, from nominal on."""
    assert spec.curriculum.adr is not None
    assert spec.curriculum.adr.terms == {"yaw": AdrRange(start_low=(np.radians(-9),), start_high=(np.radians(18),))}
    assert (spec.curriculum.adr.episodes, spec.curriculum.adr.step) == (20, 0.1)
    text = (
        "schema: 1\nseed: 7\ncurriculum: {adr: {}}\nterms:\n"
        "  a: {target: body.mass, op: scale, dist: {uniform: [0.8, 1.2]}}\n"
        "  b: {target: body.com, unit: cm, dist: {uniform: [[-1, -1, 1], [1, 1, 2]]}}\n"
        "  c: {target: shape.friction, op: set, dist: {log_uniform: [0.5, 1.5]}}\n"
        "  d: {target: root.yaw, op: add, unit: rad, dist: {normal: [0, 1]}}\n"
        "  e: {target: joint.armature, op: scale, dist: {uniform: [0.8, 1.2]}, when: startup}\n"
    )
    moved = parse_spec(text)
    assert moved.curriculum.adr is not None
    assert {name: start.start_low for name, start in moved.curriculum.adr.terms.items()} == {
        "a": (1.0,), "b": (0.0, 0.0, 0.01), "c": (1.0,)
    }  # fmt: skip
    assert all(start.start_low == start.start_high for start in moved.curriculum.adr.terms.values())
    assert parse_spec(moved.to_yaml()) == moved and "terms: {a:" not in moved.to_yaml()


def test_stages() -> None:
    """Stages are read in order."""
    text = (
        "curriculum:\n  stages: [{name: easy, iterations: 300, range: 0.3}, {name: full, iterations: 700, range: 1}]\n"
    )
    spec = parse_spec(HEAD + text)
    assert spec.curriculum.stages == (
        StageSpec(name="easy", iterations=300, range=0.3),
        StageSpec(name="full", iterations=700, range=1.0),
    )
    assert parse_spec(spec.to_yaml()) == spec
    assert spec.digest != parse_spec(HEAD + text.replace("0.3", "0.4")).digest


def samples_spec(folder: Path, empirical: str) -> Path:
    """Write a spec with one empirical term and return its path."""
    path = folder / "mine.yaml"
    path.write_text(yaw(f"{{empirical: {empirical}}}"))
    return path


def test_samples_from_csv(tmp_path: Path) -> None:
    """Columns are chosen by name, numbers are converted, and the file is not needed any more."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "m.csv").write_text("mass, yaw\n1.5, 90\n\n2.5,-180\n", encoding="utf-8-sig")
    spec = load_spec(samples_spec(tmp_path, "{file: data/m.csv, columns: [yaw]}"))
    assert spec.terms["t"].dist == Empirical([np.pi / 2, -np.pi])
    (tmp_path / "data" / "m.csv").unlink()
    assert parse_spec(spec.to_yaml()) == spec
    inline = load_spec(samples_spec(tmp_path, "{values: [90, -180]}"))
    assert inline.digest == spec.digest
    assert load_spec(samples_spec(tmp_path, "{values: [90, -181]}")).digest != spec.digest


def test_samples_from_npy(tmp_path: Path) -> None:
    """A NumPy array gives a scalar for each entry, or a vector for each row."""
    np.save(tmp_path / "m.npy", np.array([1, 2, 3], dtype=np.int32))
    assert load_spec(samples_spec(tmp_path, "{file: m.npy}")).terms["t"].dist == Empirical(
        np.array([1, 2, 3]) * np.pi / 180
    )
    rows = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "v.npy", rows)
    text = term(f"target: body.com, unit: m, dist: {{empirical: {{file: {tmp_path / 'v.npy'}}}}}")
    assert parse_spec(text).terms["t"].dist == Empirical(rows.tolist())


@pytest.mark.parametrize(
    ("content", "empirical", "message"),
    [
        ("mass,yaw\n1,2\n", "{file: m.csv}", "samples have 2 component"),
        (
            "mass,yaw\n1,2\n",
            "{file: m.csv, columns: [yow]}",
            "columns[0]: m.csv has no column 'yow'; did you mean 'yaw'?",
        ),
        ("mass,yaw\n1,2\n", "{file: m.csv, columns: []}", "got an empty list; give columns of m.csv: mass, yaw"),
        ("mass,mass\n1,2\n", "{file: m.csv}", "a name stands twice in the header"),
        ("yaw\n1\n2,3\n", "{file: m.csv}", "m.csv: row 3 has 2 cells, the header has 1"),
        ("yaw\n1\nx\n", "{file: m.csv}", "m.csv: row 3, column 'yaw' holds 'x'; give a finite number"),
        ("yaw\nnan\n", "{file: m.csv}", "holds 'nan'; give a finite number"),
        ("yaw\n", "{file: m.csv}", "m.csv holds no samples; give at least one row"),
        ("", "{file: m.csv}", "m.csv holds no samples"),
        (b"yaw\n\xff\n", "{file: m.csv}", "m.csv is no CSV file"),
        ("yaw\n" + "1\n" * 10_001, "{file: m.csv}", "m.csv holds 10001 samples of 1 number(s); give at most 10000"),
        ("#" * 4_000_001, "{file: m.csv}", "m.csv has more than 4000000 bytes"),
        (b"no array", "{file: m.npy}", "m.npy is no NumPy array"),
        (np.zeros((2, 2, 2)), "{file: m.npy}", "m.npy is float64 of shape (2, 2, 2); give numbers of shape"),
        (np.array(["a"]), "{file: m.npy}", "m.npy is <U1 of shape (1,)"),
        (np.array([np.inf]), "{file: m.npy}", "m.npy holds a number that is not finite"),
        (np.array([{}]), "{file: m.npy}", "m.npy is no NumPy array"),
        (np.zeros(0), "{file: m.npy}", "m.npy holds no samples"),
        (np.zeros(2), "{file: m.npy, columns: [yaw]}", "a .npy file has no column names; remove 'columns'"),
    ],
)
def test_wrong_samples(tmp_path: Path, content: object, empirical: str, message: str) -> None:
    """A file that holds no samples is refused, where the spec names it."""
    name = "m.npy" if "npy" in empirical else "m.csv"
    if isinstance(content, np.ndarray):
        np.save(tmp_path / name, content)
    else:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)  # type: ignore[attr-defined]
    path = samples_spec(tmp_path, empirical)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert message in str(caught.value) and str(caught.value).startswith(f"{path}:4: terms.t.dist")


@pytest.mark.parametrize(
    ("dist", "whole"),
    [
        (UniformInt(0, 3), True),
        (Choice([1, 2]), True),
        (Choice([1, 2.5]), False),
        (Empirical([1, 2]), True),
        (Mixture([UniformInt(0, 3), UniformInt(7, 9)]), True),
        (Mixture([UniformInt(0, 3), Uniform(7, 9)]), False),
        (Normal(0, 1), False),
    ],
)
def test_whole_numbers(dist: Distribution, whole: bool) -> None:
    """What counts things gives whole numbers only."""
    assert dist.whole is whole


def test_backlash_takes_an_angle() -> None:
    """Free play of a gear is measured at its joint."""
    text = term("target: actuator.backlash, unit: deg, dist: {uniform: [0, 1]}, each: joint")
    assert parse_spec(text).terms["t"].target == "actuator.backlash"
