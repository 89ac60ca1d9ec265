"""Checking: a sound dataset passes, every kind of damage is named."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.cli import main as cli
from sim2real.datasets import DatasetError, DatasetWriter
from sim2real.datasets.check import check_dataset


@pytest.fixture
def copy(whole, tmp_path):
    """A dataset that a test may damage."""
    shutil.copytree(whole[0], tmp_path / "set")
    return tmp_path / "set"


@pytest.fixture(scope="module")
def small(synth, tmp_path_factory):
    """A dataset of 12 frames and its files' bytes."""
    folder = tmp_path_factory.mktemp("small")
    synth.write(folder, synth.manifest(frames=12), durable=False)
    return folder, synth.tree(folder)


def faults(folder):
    """What is wrong, as {file: problem}."""
    return {fault.file: fault.problem for fault in check_dataset(folder).faults}


def test_sound_dataset(synth, whole):
    """No fault, every frame counted once, classes as written, and nothing changed by looking."""
    seen = []
    report = check_dataset(whole[0], progress=seen.append)
    assert report.ok and report.frames_checked == report.frames_expected == sum(seen) == 100
    expected = {"train": {name: 0 for name in synth.LABELS}, "val": {name: 0 for name in synth.LABELS}}
    for index in range(100):
        _, _, record = synth.frame(index)
        expected[record["split"]][synth.LABELS[record["label"]]] += 1
    assert report.counts == expected and report.scenes == 25
    assert synth.tree(whole[0]) == whole[1]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_of_any_image_is_found(small, data):
    """Changing one byte of one image anywhere gives exactly one fault, with that file's name."""
    folder, files = small
    name = data.draw(st.sampled_from(sorted(name for name in files if name.endswith(".png"))))
    content = bytearray(files[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / name).write_bytes(content)
    try:
        assert list(faults(folder)) == [name]
    finally:
        (folder / name).write_bytes(files[name])


def test_truncated_image_is_named(copy):
    """A file cut short is told as what it is."""
    path = copy / "depth" / "000007.png"
    path.write_bytes(path.read_bytes()[:200])
    assert faults(copy) == {"depth/000007.png": faults(copy)["depth/000007.png"]}
    assert "does not decode" in faults(copy)["depth/000007.png"]


def test_every_other_kind_of_damage(copy):
    """Missing, wrong size, extra, temporary and dead lock files in one folder are all listed, each with its reason."""
    from PIL import Image

    (copy / "colour" / "000001.png").unlink()
    Image.fromarray(np.zeros((5, 5), np.uint16)).save(copy / "depth" / "000002.png")
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(copy / "colour" / "000003.png")
    (copy / "depth" / "000100.png").write_bytes(b"x")
    (copy / "notes.txt").write_text("x")
    (copy / "depth" / "000004.png.tmp").write_bytes(b"x")
    (copy / ".shard-1-of-3.lock").write_text("process 1\n")
    found = faults(copy)
    words = {
        "colour/000001.png": "is missing",
        "depth/000002.png": "is uint16 (5, 5); expected uint16 (24, 32)",
        "colour/000003.png": "is uint8 (24, 32); expected uint8 (24, 32, 3)",
        "depth/000100.png": "does not belong",
        "notes.txt": "does not belong",
        "depth/000004.png.tmp": "temporary file",
        ".shard-1-of-3.lock": "killed",
    }
    assert set(found) == set(words) and all(word in found[name] for name, word in words.items())


def test_damaged_records_and_missing_chunks(copy):
    """A record file that is no JSON, and runs of missing chunks, are one fault each."""
    (copy / "frames" / "000002.json").write_text("[")
    for chunk in (5, 6, 7, 12):
        (copy / "frames" / f"{chunk:06d}.json").unlink()
    found = faults(copy)
    assert set(found) == {"frames/000002.json", "frames/000005.json", "frames/000012.json"}
    assert "frames 40 to 63" in found["frames/000005.json"] and "frames 96 to 99" in found["frames/000012.json"]
    assert "cannot be read" in found["frames/000002.json"]


def test_images_of_unfinished_chunks_are_noted(copy):
    """Images without a committed record are no fault of their own: the chunk is what is missing."""
    (copy / "frames" / "000001.json").unlink()
    report = check_dataset(copy)
    assert [fault.file for fault in report.faults] == ["frames/000001.json"]
    assert report.notes[0].startswith("16 images belong to chunks that are not finished")


def test_scene_in_two_splits(copy):
    """A leak between the splits is a fault."""
    path = copy / "frames" / "000000.json"
    records = json.loads(path.read_text())
    records[0]["scene"] = 24
    path.write_text(json.dumps(records))
    assert "scene 24 is in two splits" in faults(copy)["frames"]


def test_live_writer_is_a_note(synth, copy):
    """A folder that is being written is not blamed for its lock."""
    with DatasetWriter(copy, synth.manifest()):
        report = check_dataset(copy)
    assert report.ok and any("a writer is at work" in note for note in report.notes)


def test_class_without_frames_is_noted(synth, tmp_path):
    """Two frames cannot show three classes; the report says which are missing."""
    synth.write(tmp_path, synth.manifest(frames=2))
    report = check_dataset(tmp_path)
    assert report.ok and "val has no frame of class 'right'" in report.notes


def test_dataset_without_labels(synth, tmp_path):
    """Frames without labels are counted as unlabelled."""
    man = synth.manifest(frames=8, labels=())
    content = synth.chunk_frames(man, 0)
    for record in content.records:
        del record["label"]
    with DatasetWriter(tmp_path, man) as writer:
        writer.write_chunk(0, content)
    report = check_dataset(tmp_path)
    assert report.ok and report.counts == {"train": {"unlabelled": 4}, "val": {"unlabelled": 4}}


def test_verb_prints_a_table(whole, capsys):
    """``check DIR`` prints the balance and ends with 0."""
    assert cli.main(["check", str(whole[0])]) == 0
    out = capsys.readouterr().out
    assert "100 of 100 frames, 25 scenes" in out and "All files are sound." in out
    row = next(line for line in out.splitlines() if line.startswith("train"))
    assert row.split()[1] == "80" and "%" in row


def test_verb_says_what_is_wrong(copy, capsys):
    """A fault gives exit code 1, the file's name and the remedy; a folder that is no dataset gives 2."""
    (copy / "depth" / "000007.png").write_bytes(b"")
    assert cli.main(["check", str(copy)]) == 1
    out = capsys.readouterr().out
    assert "fault: depth/000007.png: the file is empty" in out and "run 'generate' again" in out
    assert cli.main(["check", str(copy), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"][0]["file"] == "depth/000007.png"
    assert cli.main(["check", str(copy / "depth")]) == 2
    assert "is not a dataset" in capsys.readouterr().err


def test_many_faults_are_cut_short(synth, copy):
    """A folder with hundreds of faults does not flood the terminal; the number is told."""
    shutil.rmtree(copy / "depth")
    report = check_dataset(copy)
    assert len(report.faults) == 100 and "… and 70 more faults" in report.table()


def test_not_a_dataset(tmp_path):
    """An empty folder and a missing one are errors, not empty reports."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DatasetError):
            check_dataset(folder)
