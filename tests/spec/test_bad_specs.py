"""Every wrong spec is refused by saying where, what came and what is allowed; nothing but SpecError ever comes out."""

import pickle
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim2real.errors import Sim2RealError
from sim2real.spec import SpecError, load_spec, parse_spec
from sim2real.spec.distributions import KINDS
from sim2real.spec.targets import TARGETS
from sim2real.spec.units import UNITS
from sim2real.spec.vision import DEPTH_FIELDS
from spec.bad_specs import BAD_SPECS, HEAD, term
from spec.bad_specs_ranges import BAD_RANGES

BAD_SPECS = BAD_SPECS + BAD_RANGES

EXAMPLE = (Path(__file__).parent / "example.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("text", "fragments"), [case[1:] for case in BAD_SPECS], ids=[case[0] for case in BAD_SPECS])
def test_bad_specs(text: str, fragments: list[str]) -> None:
    """The message names the file, and the fragments are in it."""
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "bad.yaml")
    message = str(caught.value)
    assert message.startswith("bad.yaml")
    for fragment in fragments:
        assert fragment in message
    assert all(line.startswith("bad.yaml") for line in message.split("\n"))


def test_the_table_is_large_and_without_repeats() -> None:
    """At least 60 different wrong files."""
    assert len({case[1] for case in BAD_SPECS}) == len({case[0] for case in BAD_SPECS}) == len(BAD_SPECS) >= 60


def test_all_faults_at_once() -> None:
    """Faults in different terms and sections are told together, in the order of the file."""
    text = (
        "schema: 1\nseed: -1\nterms:\n"
        "  a: {target: root.yaw, op: set, unit: deg, dist: {uniform: [5, 1]}}\n"
        "  b: {target: root.pitch, dist: 1}\n"
        "vision: {depth: {preset: none}}\nextra: 1\n"
    )
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "bad.yaml")
    assert [fault.line for fault in caught.value.faults] == [2, 4, 5, 6, 7]
    assert [fault.key for fault in caught.value.faults] == [
        "seed", "terms.a.dist.uniform", "terms.b.target", "vision.depth.preset", "extra",
    ]  # fmt: skip
    assert str(caught.value).count("\n") == 4


def test_error_is_for_people_and_pickles() -> None:
    """The command line knows the error's base class, and the error crosses processes."""
    with pytest.raises(Sim2RealError) as caught:
        parse_spec("schema: 1\n", "bad.yaml")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """A missing file lists the presets, and a misspelt preset suggests the right one."""
    with pytest.raises(SpecError, match=r"no such file, and no preset of that name; presets: .*avoidance"):
        load_spec(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match=r"avoidence: no such file.*did you mean 'avoidance'\?"):
        load_spec("avoidence")


def test_unreadable_files(tmp_path: Path) -> None:
    """A folder, a binary file and an impossible name are errors of the spec, not tracebacks."""
    with pytest.raises(SpecError, match="is a folder; give a YAML file"):
        load_spec(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"schema: 1\nseed: \xff\xfe")
    with pytest.raises(SpecError, match=r"is not UTF-8 text \(byte 16\); save it as UTF-8"):
        load_spec(binary)
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(SpecError):
            load_spec(name)
    large = tmp_path / "large.yaml"
    large.write_text("#" * 1_000_001)
    with pytest.raises(SpecError, match="has 1000001 characters; a spec has at most 1000000"):
        load_spec(large)


@pytest.mark.parametrize(
    "text",
    [
        "&a [*a]",
        "&a {schema: *a, seed: *a}",
        "schema: 1\nseed: 7\nterms: &t {<<: *t, a: *t}",
        "schema: 1\nseed: 7\nterms: {<<: &x [*x, *x]}",
        "schema: 1\nseed: 7\nterms: {a: &a {target: *a, dist: {uniform: *a}}}",
        term("target: root.yaw, op: set, unit: deg, dist: &d {mixture: [*d]}"),
        term("target: root.yaw, op: set, unit: deg, dist: {mixture: &d [*d, {mixture: *d}]}"),
        "schema: 1\nseed: 7\na: &a [1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nterms: *c",
    ],
)
def test_aliases_that_bite(text: str) -> None:
    """Structures that hold themselves, or explode, end in an error."""
    with pytest.raises(SpecError):
        parse_spec(text)


def reads_or_refuses(text: str) -> None:
    """Read a text; whatever is accepted has to survive writing and reading again."""
    try:
        spec = parse_spec(text, "fuzz.yaml")
    except SpecError as error:
        assert str(error).startswith("fuzz.yaml")
    else:
        assert parse_spec(spec.to_yaml()) == spec


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_fuzz_text(text: str) -> None:
    """Any text."""
    reads_or_refuses(text)
    reads_or_refuses(HEAD + text)


WORDS = st.sampled_from(
    [*TARGETS, *KINDS, *UNITS, *DEPTH_FIELDS, "schema", "seed", "terms", "signals", "vision", "curriculum", "depth"]
    + ["rates", "unsupported", "control_hz", "steps", "stages", "start", "iterations", "range", "asset", "mirror"]
    + ["skip_on", "a", "b", "parts", "mean", "covariance", "file", "columns", "relative", "skip_declared", "ovphysx"]
    + ["preset", "ideal", "adr", "target", "select", "op", "unit", "dist", "when", "each", "keep", "against", "set"]
    + ["scale", "add", "reset", "interval_s", "latency", "white", "bias", "dropout", "values", "weights", "low", "high"]
    + ["mean", "std", "direction", "any", "duration_s", "provenance", "<<", "foot[", "1:30", "0x1F", "1_000", "٣"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.text(max_size=5), st.dates(), st.binary(max_size=3)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(WORDS, SCALARS), inner, max_size=5)),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(WORDS, TREES, max_size=5), st.booleans())
def test_fuzz_trees(tree: dict[str, object], headed: bool) -> None:
    """Any tree of the spec's own words and of every kind of YAML value, where a spec is expected."""
    head = {"schema": 1, "seed": 7} if headed else {}
    reads_or_refuses(yaml.safe_dump({**tree, **head}, allow_unicode=True))


@settings(max_examples=300, deadline=None)
@given(
    TREES,
    st.sampled_from(
        ["dist", "when", "select", "unit", "each", "op", "duration_s", "provenance", "asset", "mirror", "skip_on"]
    ),
)
def test_fuzz_a_term(tree: object, key: str) -> None:
    """Any tree in one place of a term that is right otherwise."""
    fields = {"target": "body.force", "unit": "N", "dist": {"uniform": [0, 1]}, "direction": "any", key: tree}
    document = {"schema": 1, "seed": 7, "terms": {"push": fields}}
    reads_or_refuses(yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_fuzz_mutations(data: st.DataObject) -> None:
    """A good spec with pieces cut out, doubled and exchanged."""
    text = EXAMPLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        piece = data.draw(st.one_of(st.text(max_size=6), SCALARS.map(str), st.just(text[start:end] * 2)))
        text = text[:start] + piece + text[end:]
    reads_or_refuses(text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_fuzz_bytes(tmp_path: Path, content: bytes) -> None:
    """Any file."""
    path = tmp_path / "fuzz.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError):
        load_spec(path)


@settings(max_examples=200, deadline=None)
@given(st.floats(), st.floats(), st.sampled_from(sorted(KINDS)), st.sampled_from(["deg", "rad", "mrad"]))
def test_fuzz_numbers(a: float, b: float, kind: str, unit: str) -> None:
    """Any two floats as the numbers of any distribution."""
    reads_or_refuses(term(f"target: root.yaw, op: add, unit: {unit}, dist: {{{kind}: [{a!r}, {b!r}]}}"))


@settings(max_examples=300, deadline=None)
@given(
    TREES,
    st.sampled_from(["beta", "mixture", "multivariate_normal", "empirical", "choice"]),
    st.sampled_from(["root.yaw", "body.com"]),
)
def test_fuzz_a_distribution(tree: object, kind: str, target: str) -> None:
    """Any tree where the numbers of a distribution are expected."""
    fields = {"target": target, "op": "add", "unit": "rad" if target == "root.yaw" else "m", "dist": {kind: tree}}
    reads_or_refuses(yaml.safe_dump({"schema": 1, "seed": 7, "terms": {"t": fields}}, allow_unicode=True))


@settings(max_examples=200, deadline=None)
@given(TREES, st.sampled_from(["rates", "unsupported", "curriculum", "signals"]))
def test_fuzz_a_section(tree: object, section: str) -> None:
    """Any tree in place of a section."""
    terms = {"yaw": {"target": "root.yaw", "op": "add", "unit": "rad", "dist": {"uniform": [-1, 1]}}}
    reads_or_refuses(yaml.safe_dump({"schema": 1, "seed": 7, "terms": terms, section: tree}, allow_unicode=True))


@settings(max_examples=200, deadline=None)
@given(TREES, st.sampled_from(["grow", "episodes", "terms", "metric", "yaw", "start"]))
def test_fuzz_a_curriculum(tree: object, key: str) -> None:
    """Any tree in one place of a curriculum that is right otherwise."""
    yaw: object = {"start": [0.0, 0.1]} if key != "start" else {"start": tree}
    adr = {"grow": 0.8, "terms": {"yaw": tree if key == "yaw" else yaw}}
    if key in ("grow", "episodes", "terms", "metric"):
        adr[key] = tree  # type: ignore[assignment]
    terms = {"yaw": {"target": "root.yaw", "op": "add", "unit": "rad", "dist": {"uniform": [-1, 1]}}}
    document = {"schema": 1, "seed": 7, "terms": terms, "curriculum": {"adr": adr}}
    reads_or_refuses(yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)),
    name=st.sampled_from(["m.csv", "m.npy"]),
)
def test_fuzz_a_file_of_samples(tmp_path: Path, content: bytes, name: str) -> None:
    """Any file of samples beside the spec."""
    (tmp_path / name).write_bytes(content)
    path = tmp_path / "fuzz.yaml"
    path.write_text(term(f"target: root.yaw, op: add, unit: rad, dist: {{empirical: {{file: {name}}}}}"))
    try:
        spec = load_spec(path)
    except SpecError as error:
        assert "terms.t.dist" in str(error)
    else:
        assert parse_spec(spec.to_yaml()) == spec
