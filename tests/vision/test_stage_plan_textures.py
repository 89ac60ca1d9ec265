"""Textures: folders as people have them, and made ones that every machine makes the same."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from PIL import Image

from sim2real.draws import Draws
from sim2real.spec import parse_spec
from sim2real.vision import VisionError, stage_plan_textures
from sim2real.vision.stage_plan_textures import (
    PATTERNS,
    load_textures,
    make_textures,
    sky_texture,
    spec_textures,
    surface_texture,
)


def picture(path):
    """A small picture file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4, 3), 90, np.uint8)).save(path)


@pytest.fixture
def dtd(tmp_path):
    """A folder as the Describable Textures Dataset has it."""
    for name in ("banded/banded_0001.jpg", "banded/banded_0002.jpg", "woven/woven_0001.jpg"):
        picture(tmp_path / "dtd" / "images" / name)
    (tmp_path / "dtd" / "imdb").mkdir()
    (tmp_path / "dtd" / "imdb" / "imdb.mat").write_bytes(b"no picture")
    (tmp_path / "dtd" / "labels").mkdir()
    (tmp_path / "dtd" / "labels" / "train1.txt").write_text("banded/banded_0002.jpg\nwoven/woven_0001.jpg\n\n")
    return tmp_path / "dtd"


def test_a_set_with_classes_is_read(dtd):
    """Pictures alone, sorted, counted by class; a split is what its list says."""
    found = load_textures(dtd)
    assert found.names == ("banded/banded_0001.jpg", "banded/banded_0002.jpg", "woven/woven_0001.jpg")
    assert found.classes == {"banded": 2, "woven": 1}
    assert load_textures(dtd, "train1").names == found.names[1:]
    assert load_textures(dtd / "images" / "woven").names == ("woven_0001.jpg",)


def test_the_digest_changes_with_the_set(dtd):
    """Another name or another size is another set."""
    before = load_textures(dtd).digest
    assert load_textures(dtd).digest == before
    assert load_textures(dtd, "train1").digest != before
    (dtd / "images" / "woven" / "woven_0001.jpg").write_bytes(b"short")
    assert load_textures(dtd).digest != before


def test_wrong_folders_are_refused(dtd, tmp_path):
    """What came, and what is there."""
    with pytest.raises(VisionError, match="is no folder"):
        load_textures(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VisionError, match="holds no pictures"):
        load_textures(tmp_path / "empty")
    with pytest.raises(VisionError, match="no list 'val1'; there are: train1"):
        load_textures(dtd, "val1")
    (dtd / "labels" / "test1.txt").write_text("../secret.jpg\n")
    with pytest.raises(VisionError, match=r"names \.\./secret\.jpg"):
        load_textures(dtd, "test1")


def test_every_picture_is_chosen_alike(dtd):
    """Numbers in [0, 1) reach each picture, the largest float32 below 1 too."""
    found = load_textures(dtd)
    names = found.choose([0.0, 0.34, 0.99, np.nextafter(np.float32(1), 0)])
    assert names == ["banded/banded_0001.jpg", "banded/banded_0002.jpg", *["woven/woven_0001.jpg"] * 2]
    assert found.path(names[0]) == (dtd / "images" / names[0]).as_posix() and found.path("") == ""
    counts = np.unique(found.choose(Draws(1).unit("x", np.arange(3000))[:, 0]), return_counts=True)[1]
    assert counts.min() > 900


def test_made_textures_are_the_same_everywhere(tmp_path):
    """Two folders, the same bytes; a second call writes nothing; another seed makes others."""
    one, two = (make_textures("surface", 7, tmp_path / name, count=6, height=32) for name in "ab")
    assert [(one.folder / n).read_bytes() for n in one.names] == [(two.folder / n).read_bytes() for n in two.names]
    stamps = [(one.folder / n).stat().st_mtime_ns for n in one.names]
    make_textures("surface", 7, tmp_path / "a", count=6, height=32)
    assert [(one.folder / n).stat().st_mtime_ns for n in one.names] == stamps
    other = make_textures("surface", 8, tmp_path / "a", count=6, height=32)
    assert other.folder != one.folder
    assert (other.folder / other.names[0]).read_bytes() != (one.folder / one.names[0]).read_bytes()
    with pytest.raises(VisionError, match="made here are surface, sky"):
        make_textures("sea", 7, tmp_path)
    with pytest.raises(VisionError, match="cannot be written"):
        make_textures("sky", 7, one.folder / one.names[0])


def test_made_surfaces_show_something_and_have_no_seam():
    """Each pattern has contrast; over the border neighbours differ no more than inside the clouds."""
    for number in range(len(PATTERNS)):
        texture = surface_texture(Draws(7), number, 64)
        assert texture.shape == (64, 64, 3) and texture.dtype == np.uint8 and texture.std() > 5.0
    clouds = surface_texture(Draws(7), PATTERNS.index("clouds"), 64).astype(int)
    inside = np.abs(np.diff(clouds, axis=1)).max()
    assert np.abs(clouds[:, 0] - clouds[:, -1]).max() <= inside and np.abs(clouds[0] - clouds[-1]).max() <= inside


def test_skies_are_above_and_grounds_below():
    """Twice as wide as high; the lower half is one colour."""
    sky = sky_texture(Draws(7), 0, 64)
    assert sky.shape == (64, 128, 3)
    assert np.ptp(sky[32:].reshape(-1, 3), axis=0).max() == 0 < np.ptp(sky[:32].reshape(-1, 3), axis=0).max()


def test_a_specs_textures_are_found(dtd, tmp_path, monkeypatch):
    """Made ones in the given place, folders relative to the given root, none where none are named."""
    few = functools.partial(make_textures, count=2, height=16)
    monkeypatch.setattr(stage_plan_textures, "make_textures", few)
    text = "schema: 1\nseed: 7\n"
    text += "vision: {stage: {dome: {textures: 'procedural:sky'}, materials: {select: '.*', textures: dtd}}}"
    found = spec_textures(parse_spec(text), tmp_path / "made", root=dtd.parent)
    assert found["surfaces"] == load_textures(dtd) and found["sky"].folder.parent == tmp_path / "made"
    assert spec_textures(parse_spec("schema: 1\nseed: 7\n"), tmp_path) == {"surfaces": None, "sky": None}
