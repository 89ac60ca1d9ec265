"""Nothing in an artefact runs, nothing outside its folder is opened, and what is wrong is named."""

import pytest

from sim2real.export.importers.found import by_pattern
from sim2real.export.importers.reading import ArtefactError, pair, read_bytes, read_yaml


def written(tmp_path, text):
    path = tmp_path / "deploy.yaml"
    path.write_text(text)
    return path


def test_plain_yaml_is_read(tmp_path):
    """Numbers, lists and mappings come as they are."""
    assert read_yaml(written(tmp_path, "a: [1, 2.5]\nb: {c: null}\n")) == {"a": [1, 2.5], "b": {"c": None}}


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['touch {mark}']",
        "a: !!python/object/apply:subprocess.Popen [['touch', '{mark}']]",
        "a: !!python/name:os.system",
        "a: !!python/object/new:builtins.slice [1, 2, 3]",
        "a: !!python/object/apply:builtins.slice [0, 3, null]",
        "a: !!python/object/apply:builtins.slice ['touch {mark}']",
        "a: !something 3",
    ],
)
@pytest.mark.parametrize("slices", [False, True])
def test_a_tag_is_refused_and_runs_nothing(tmp_path, text, slices):
    """No object is made of a tag, with or without the one slice that is known."""
    mark = tmp_path / "mark"
    with pytest.raises(ArtefactError, match=r"Only plain YAML is taken"):
        read_yaml(written(tmp_path, text.format(mark=mark)), slices=slices)
    assert not mark.exists()


def test_a_slice_over_everything_means_all(tmp_path):
    """Where unitree's files are read, and only there."""
    path = written(tmp_path, "ids: !!python/object/apply:builtins.slice [null, null, null]")
    assert read_yaml(path, slices=True) == {"ids": None}
    with pytest.raises(ArtefactError, match="slice"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "a comes twice"),
        ("[1, 2]", "it must hold a mapping"),
        ("a: [1", "Only plain YAML"),
        ("a: &x [*x]\nb: {" * 3, "Only plain YAML"),
        ("[" * 5000, "Only plain YAML"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text, said):
    """Also one that is nested without end."""
    with pytest.raises(ArtefactError, match=said):
        read_yaml(written(tmp_path, text))


def test_sizes_are_limited(tmp_path):
    """A file is not read beyond its limit."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * (1 << 20) + b"y")
    assert len(read_bytes(path, (1 << 20) + 1)) == (1 << 20) + 1
    with pytest.raises(ArtefactError, match="larger than 1 MiB"):
        read_bytes(path, 1 << 20)
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_bytes(tmp_path / "absent", 10)


def test_a_number_for_each_joint():
    """The first pattern that fits holds."""
    joints = ("a_hip", "b_hip", "a_knee")
    assert by_pattern("25", joints, "--kp") == dict.fromkeys(joints, 25.0)
    assert by_pattern("a_.*=1,.*=2", joints, "--kp") == {"a_hip": 1.0, "b_hip": 2.0, "a_knee": 1.0}
    for text, said in (
        ("x", "must be a number"),
        ("a_.*=1", "says nothing for b_hip"),
        (".*=1,z=2", "no joint is left for z"),
        ("(=1", "must be a number"),
    ):
        with pytest.raises(ArtefactError, match=said):
            by_pattern(text, joints, "--kp")


def test_a_range_without_ends_is_none():
    """One infinite end becomes the largest float that a contract can hold."""
    assert pair([-float("inf"), float("inf")], "f", "clip") is None
    assert pair([-1, float("inf")], "f", "clip") == (-1.0, 3.0e38)
    for value in ([1, 0], [1], "ab", [float("nan"), 1]):
        with pytest.raises(ArtefactError, match="clip"):
            pair(value, "f", "clip")
