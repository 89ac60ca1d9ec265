"""The manifest: one text per dataset, and differences that are told by name."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.datasets import CameraInfo, DatasetError, Manifest, depth_to_mm, mm_to_depth, read_manifest
from sim2real.datasets.manifest import canonical_json, plain

names = st.text(min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    frames=st.integers(1, 5000),
    chunk=st.integers(1, 500),
    focal=st.floats(1, 1000),
    options=st.dictionaries(names, json_values, max_size=3),
    spec=names,
)
def test_round_trip_is_exact(frames, chunk, focal, options, spec):
    """Text -> manifest -> text gives the same bytes, whatever the values and their order."""
    camera = CameraInfo(width=96, height=96, focal_px=focal, near_m=0.1, far_m=8)
    man = Manifest(
        task="t", frames=frames, chunk=chunk, seed=1, spec_yaml=spec, spec_digest="d", camera=camera,
        code_version="1", labels=("a", "b"), options=options,
    )  # fmt: skip
    text = man.to_json()
    again = Manifest.from_json(text)
    assert again.to_json() == text and not man.differences(again)
    backwards = dict(reversed(list(json.loads(text).items())))
    assert Manifest.from_json(json.dumps(backwards)).to_json() == text
    covered = [index for c in range(man.chunks) for index in (man.chunk_range(c)[0], man.chunk_range(c)[-1])]
    assert covered == sorted(covered) and covered[0] == 0 and covered[-1] == frames - 1


def test_whole_numbers_and_floats_of_a_camera_are_one_text(synth):
    """A focal length of 30 and of 30.0 is the same camera and the same file."""
    one, two = (CameraInfo(width=32, height=24, focal_px=f, near_m=0.1, far_m=8) for f in (30, 30.0))
    assert synth.manifest(camera=one).to_json() == synth.manifest(camera=two).to_json()


def test_numpy_values_become_exact_numbers():
    """float32 keeps its exact value, arrays become lists, and keys are sorted."""
    text = canonical_json(plain({"b": np.float32(0.1), "a": np.arange(2), "c": (np.int64(3), np.True_)}, "here"))
    assert text == '{"a":[0,1],"b":0.10000000149011612,"c":[3,true]}'


@pytest.mark.parametrize("text, words", [
    ("{", "not valid JSON"),
    ("[]", "no key 'schema'"),
    ('{"schema": 2}', "another schema"),
    ('{"schema": 1}', "not a whole manifest: 'spec'"),
    ('{"schema": 1, "spec": {"yaml": "", "digest": ""}, "camera": {"widht": 3}}', "widht"),
])  # fmt: skip
def test_damaged_manifest(tmp_path, text, words):
    """What is wrong is said with the file's name."""
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match=words) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path / "dataset.json") in str(caught.value)


def test_unknown_key_of_a_manifest_is_named(synth, tmp_path):
    """A key of a later version is not ignored silently."""
    values = synth.manifest().to_dict() | {"gravity": 3}
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    with pytest.raises(DatasetError, match="gravity"):
        read_manifest(tmp_path)


def test_folder_that_is_none(tmp_path):
    """A missing folder and one without a manifest are told apart."""
    with pytest.raises(DatasetError, match="does not exist"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="is not a dataset"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("values, words", [
    ({"frames": 0}, "frames: got 0"), ({"chunk": 0}, "chunk: got 0"), ({"frames": 1.5}, "frames: got 1.5"),
    ({"splits": ()}, "splits"), ({"size": (24, 0)}, "camera.width: got 0"),
])  # fmt: skip
def test_values_out_of_range(synth, values, words):
    """Sizes and counts that make no sense are refused where they are made."""
    with pytest.raises(DatasetError, match=words):
        synth.manifest(**values)


def test_depth_in_millimetres():
    """Nearest millimetre; what is no distance, and what does not fit 16 bits, is 0."""
    metres = np.array([0.0, -1.0, np.nan, np.inf, -np.inf, 0.0004, 0.0006, 1.2344, 1.2346, 65.535, 65.6], np.float32)
    assert depth_to_mm(metres).tolist() == [0, 0, 0, 0, 0, 0, 1, 1234, 1235, 65535, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.125, 65.5, width=32), min_size=1, max_size=20))
def test_depth_round_trip_is_within_half_a_millimetre(metres):
    """Storing costs at most half a millimetre, and storing again costs nothing."""
    depth = np.array(metres, np.float32)
    back = mm_to_depth(depth_to_mm(depth))
    assert back.dtype == np.float32 and np.abs(back - depth).max() <= 0.0005 + 1e-5
    assert np.array_equal(depth_to_mm(back), depth_to_mm(depth))
