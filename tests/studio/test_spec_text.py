"""Changes of a spec's text touch what they are about and nothing else: no comment, no other value, no order."""

import difflib

import pytest
import yaml

from sim2real.paths import presets_dir
from sim2real.spec import parse_spec, preset_names
from sim2real.studio import StudioError, spec_text

BLOCK = """\
schema: 1
seed: 7  # of every draw
terms:
  # what it weighs
  mass:
    target: body.mass
    op: scale
    dist:
      uniform:
        - 0.9
        - 1.1   # measured
    when: reset

  friction: {target: shape.friction, op: set, dist: {uniform: [0.4, 1.2]}}  # of the ground
# the end
"""


def text_of(preset: str) -> str:
    """A preset as it was written."""
    return (presets_dir() / "randomization" / f"{preset}.yaml").read_text(encoding="utf-8")


def paths_of(node: yaml.Node, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place below a node that has a name."""
    if not isinstance(node, yaml.MappingNode):
        return []
    found = []
    for key, value in node.value:
        found += [(*path, key.value), *paths_of(value, (*path, key.value))]
    return found


def comments(text: str) -> list[str]:
    """Every comment of a text, in order."""
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


@pytest.mark.parametrize("preset", ["go2", "avoidance", "seeds/000"])
def test_writing_what_is_there_changes_nothing(preset: str):
    """The value at every place of every preset, written anew, is the same data; whatever is not there stays."""
    text = text_of(preset)
    whole = spec_text.plain(spec_text.read(text).node)
    for path in paths_of(spec_text.read(text).node):
        value = whole
        for name in path:
            value = value[name]
        changed = spec_text.replaced(text, path, spec_text.flow(value))
        assert spec_text.plain(spec_text.read(changed).node) == whole, path


@pytest.mark.parametrize("preset", ["ur5", "avoidance", "seeds/000"])
def test_removing_leaves_all_others(preset: str):
    """Without one entry, every other one is what it was."""
    text = text_of(preset)
    assert paths_of(spec_text.read(text).node)
    for path in paths_of(spec_text.read(text).node):
        left = spec_text.plain(spec_text.read(spec_text.removed(text, path)).node)
        wanted = spec_text.plain(spec_text.read(text).node)
        _remove(wanted, path)
        assert left == wanted, path


def _remove(data: dict, path: tuple[str, ...]) -> None:
    """The same, on the data."""
    *above, last = path
    inner = data
    for name in above:
        inner = inner[name]
    del inner[last]
    if not inner and above:
        _remove(data, tuple(above))


@pytest.mark.parametrize("preset", preset_names())
def test_both_loaders_see_the_same_places(preset: str):
    """The quick loader and the one in Python tell the same lines and columns."""
    if not yaml.__with_libyaml__:
        pytest.fail("this PyYAML was built without libyaml, which the lock's wheel has")

    def marks(node: yaml.Node) -> list[tuple[int, int]]:
        found = [(node.start_mark.index, node.end_mark.index)]
        for entry in node.value if isinstance(node, yaml.CollectionNode) else ():
            for child in entry if isinstance(entry, tuple) else (entry,):
                found += marks(child)
        return found

    text = text_of(preset)
    quick, slow = (yaml.compose(text, Loader=loader) for loader in (yaml.CSafeLoader, yaml.SafeLoader))
    assert marks(quick) == marks(slow)


def test_a_block_keeps_its_neighbours():
    """A list on lines of its own becomes one line; comments and blank lines around it stay."""
    path = ("terms", "mass", "dist", "uniform")
    changed = spec_text.replaced(BLOCK, path, "[0.8, 1.2]")
    lines = [line for line in difflib.ndiff(BLOCK.splitlines(), changed.splitlines()) if line[0] in "+-"]
    assert lines == ["-         - 0.9", "-         - 1.1   # measured", "+         [0.8, 1.2]   # measured"]
    assert parse_spec(changed).terms["mass"].dist.bounds() == ((0.8,), (1.2,))


def test_comments_survive_a_removal():
    """Only a comment on the removed lines goes."""
    left = spec_text.removed(BLOCK, ("terms", "friction"))
    assert comments(left) == ["# of every draw", "# what it weighs", "# measured", "# the end"]
    assert set(parse_spec(left).terms) == {"mass"}


@pytest.mark.parametrize(
    "path, value",
    [
        (("terms", "mass", "keep"), "density"),
        (("terms", "friction", "select"), "foot"),
        (("unsupported",), "error"),
    ],
)
def test_an_entry_is_put_beside_the_others(path: tuple[str, ...], value: str):
    """In a block on a line of its own, in braces behind the last, at the top at the end."""
    changed = spec_text.inserted(BLOCK, path, spec_text.flow(value))
    wanted = spec_text.plain(spec_text.read(BLOCK).node)
    inner = wanted
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    assert spec_text.plain(spec_text.read(changed).node) == wanted and comments(changed) == comments(BLOCK)


def test_what_is_shared_is_left_to_an_editor():
    """A change at an anchor or at its alias would change two places at once."""
    text = "schema: 1\nseed: 7\nterms:\n  a: {dist: &wide {uniform: [0, 1]}}\n  b: {dist: *wide}\n  c: {<<: {x: 1}}\n"
    for path in (("terms", "a", "dist"), ("terms", "b", "dist"), ("terms", "c", "x"), ("terms", "nobody")):
        with pytest.raises(StudioError, match=path[-1]):
            spec_text.replaced(text, path, "1")


@pytest.mark.parametrize(
    "value", [1e-9, -0.0, 12345678.9, 3, True, "a b: c", 'say "no"', "yes", "100%", {"a": [1, {"b": 2.5}]}]
)
def test_flow_reads_back(value: object):
    """What is written in one line is read back as the same."""
    found = yaml.safe_load(f"x: {spec_text.flow(value)}")["x"]
    assert (float(found) if isinstance(value, float) else found) == value
