"""Folders of Replicator's BasicWriter, in every form that it writes, made here with the documented file names."""

import json

import numpy as np
import pytest
from PIL import Image

from sim2real.datasets import DatasetError, FrameSource
from sim2real.datasets.check import check_dataset
from sim2real.datasets.replicator import ReplicatorDataset

FORMS = {
    "flat": "{annotator}_{number}.{ext}",
    "folders": "Replicator_01/{annotator}/{annotator}_{number}.{ext}",
    "flat folders": "Replicator_01/{annotator}_{number}.{ext}",
    "common": "{annotator}/Replicator_01_{annotator}_{number}.{ext}",
    "prefixed": "Replicator_01_{annotator}_{number}.{ext}",
}
BACKGROUND = {"inf": np.inf, "zero": 0.0, "nan": np.nan, "negative": -1.0}


def put(folder, form, number, metres, colour=True, product="Replicator_01"):
    """Write one frame's files as the BasicWriter does, distracting ones included."""

    def path(annotator, ext):
        name = form.format(annotator=annotator, number=number, ext=ext).replace("Replicator_01", product)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        return folder / name

    np.save(path("distance_to_image_plane", "npy"), metres)
    np.save(path("distance_to_camera", "npy"), metres + 1)
    Image.fromarray(np.zeros(metres.shape[:2], np.uint8)).save(path("distance_to_image_plane", "png"))
    Image.fromarray(np.zeros((*metres.shape[:2], 3), np.uint8)).save(path("semantic_segmentation", "png"))
    path("camera_params", "json").write_text(json.dumps({"cameraFocalLength": 24.0}))
    if colour:
        rgba = np.dstack([np.full(metres.shape[:2], v, np.uint8) for v in (10, 20, 30, 255)])
        Image.fromarray(rgba).save(path("rgb", "png"))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("background", BACKGROUND.values(), ids=BACKGROUND.keys())
def test_every_folder_form(tmp_path, form, background):
    """Metres, colour and camera are found whatever the folder's form; background of any kind reads as 0."""
    metres = np.full((6, 8), 2.5, np.float32)
    metres[0, 0] = background
    for number in ("0000", "0001", "0010"):
        put(tmp_path, form, number, metres)
    (tmp_path / "metadata.txt").write_text("x")
    data = ReplicatorDataset(tmp_path)
    assert isinstance(data, FrameSource) and len(data) == 3
    for position, sample in enumerate(data):
        expected = metres.copy()
        expected[0, 0] = 0
        assert sample.index == position and np.array_equal(sample.depth_m, expected)
        assert sample.colour.shape == (6, 8, 3) and sample.colour[3, 3].tolist() == [10, 20, 30]
        assert sample.label is None and sample.record["camera"] == {"cameraFocalLength": 24.0}
    assert [frame.number for frame in data.frames] == ["0000", "0001", "0010"]
    assert data.labels.tolist() == [-1, -1, -1]
    assert check_dataset(tmp_path).ok


@pytest.mark.parametrize("form", [FORMS["folders"], FORMS["common"]])
def test_several_render_products(tmp_path, form):
    """Frames of several cameras stay apart: each depth goes with the colour of its own camera."""
    for product, value in (("left", 1.0), ("right", 2.0)):
        for number in ("0000", "0001"):
            put(tmp_path, form, number, np.full((4, 4), value, np.float32), colour=product == "left", product=product)
    data = ReplicatorDataset(tmp_path)
    assert [frame.name for frame in data.frames] == ["left/0000", "left/0001", "right/0000", "right/0001"]
    assert [float(sample.depth_m[0, 0]) for sample in data] == [1, 1, 2, 2]
    assert [sample.colour is None for sample in data] == [False, False, True, True]


def test_frames_are_ordered_by_number(tmp_path):
    """Numbers sort as numbers, past the padding too, and sequence numbers of triggers come first."""
    for number in ("10000", "9999", "2_0000", "1_0001"):
        put(tmp_path, FORMS["flat"], number, np.ones((4, 4), np.float32))
    numbers = [frame.number for frame in ReplicatorDataset(tmp_path).frames]
    assert numbers == ["1_0001", "2_0000", "9999", "10000"]


def test_labels_from_a_side_file(tmp_path):
    """Classes come by frame name; frames that are not named have none; unknown names and no classes are errors."""
    for number in ("0000", "0001"):
        put(tmp_path, FORMS["flat"], number, np.ones((4, 4), np.float32))
    side = tmp_path / "labels.json"
    side.write_text('{"0001": 2}')
    data = ReplicatorDataset(tmp_path, side)
    assert [sample.label for sample in data] == [None, 2] and data.labels.tolist() == [-1, 2]
    with pytest.raises(DatasetError, match="no frame is called '7'.*Names here look like '0000'"):
        ReplicatorDataset(tmp_path, {"7": 1})
    with pytest.raises(DatasetError, match="frame '0000': got 'left'"):
        ReplicatorDataset(tmp_path, {"0000": "left"})
    side.write_text("[1, 2]")
    with pytest.raises(DatasetError, match="got a list"):
        ReplicatorDataset(tmp_path, side)


def test_damage_is_named(tmp_path):
    """Half-written and odd files are named, in reading and by the check, and the sound ones still read."""
    for number in ("0000", "0001", "0002", "0003"):
        put(tmp_path, FORMS["flat"], number, np.ones((4, 4), np.float32))
    first, second = (tmp_path / f"distance_to_image_plane_000{i}.npy" for i in (0, 1))
    first.write_bytes(first.read_bytes()[:-10])
    np.save(second, np.ones((4, 4), np.uint8))
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "rgb_0002.png")
    (tmp_path / "distance_to_image_plane_0003.npy").unlink()
    data = ReplicatorDataset(tmp_path)
    for position, words in enumerate(["0000.npy cannot be read", "0001.npy holds uint8", r"rgb_0002.png is \(5, 5\)"]):
        with pytest.raises(DatasetError, match=words):
            data[position]
    report = check_dataset(tmp_path)
    assert {fault.file for fault in report.faults} == {
        "distance_to_image_plane_0000.npy", "distance_to_image_plane_0001.npy", "rgb_0002.png", "rgb_0003.png",
    }  # fmt: skip


def test_pickles_are_never_loaded(tmp_path):
    """An npy that holds a pickled object is refused, not executed."""
    np.save(tmp_path / "distance_to_image_plane_0000.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(DatasetError, match="cannot be read"):
        ReplicatorDataset(tmp_path)[0]


def test_folder_without_depth(tmp_path):
    """The error says which option of the writer was missing."""
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "rgb_0000.png")
    with pytest.raises(DatasetError, match="distance_to_image_plane=True"):
        ReplicatorDataset(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        ReplicatorDataset(tmp_path / "nowhere")
