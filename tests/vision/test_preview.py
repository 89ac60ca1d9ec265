"""The preview page: one file, true numbers, nothing fetched, nothing injected."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from sim2real.draws import Draws
from sim2real.spec import load_spec, parse_spec
from sim2real.vision import VisionError, draw_picture_params, picture_key, randomize_pictures
from sim2real.vision.colour_maps import INVALID, colour_depth, colour_error, rgb
from sim2real.vision.preview import PreviewRow, measure_row, write_preview
from sim2real.vision.preview_chart import error_by_distance
from sim2real.vision.preview_colour import ColourRow, changes_pictures, colour_rows, not_shown
from sim2real.vision.preview_frames import analytic_pictures, noise_law, noisy_rows

SPEC = parse_spec("schema: 1\nseed: 7\nvision: {depth: {preset: realsense_d435, scale: {uniform: [0.9, 1.1]}}}\n")


class Page(HTMLParser):
    """Collects image sources, tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if tag == "img" and name == "src":
                self.images.append(value)
            if name in ("href", "src", "srcset", "action"):
                self.links.append(value)

    def handle_data(self, data):
        self.text += data + " "


def read(path) -> Page:
    """The parsed page."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_statistics_are_those_of_the_arrays():
    """RMSE over what both have, losses over what is there, no-depth over all pixels."""
    clean = np.float32([[1.0, 2.0, 3.0, 0.0]])
    row = PreviewRow(title="a", clean=clean, noisy=np.float32([[1.3, 0.0, 2.6, 0.0]]))
    stats = measure_row(row)
    assert stats.rmse_m == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2), rel=1e-5)
    assert stats.median_error_m == pytest.approx(0.35, rel=1e-5)
    assert stats.lost == pytest.approx(1 / 3)
    assert stats.invalid == pytest.approx(0.5)
    assert measure_row(PreviewRow(title="b", noisy=clean)).rmse_m is None


def test_colours_say_near_far_sign_and_nothing():
    """Near is lighter than far, too near is blue, too far is red, and invalid has its own colour in both."""
    depth = np.float32([[0.5, 3.5, 0.0, np.nan, np.inf]])
    picture = colour_depth(depth, 4.0).astype(int)
    assert picture[0, 0].sum() > picture[0, 1].sum()
    assert [tuple(picture[0, k]) for k in (2, 3, 4)] == [rgb(INVALID)] * 3
    error = colour_error(depth + np.float32([[0.2, -0.2, 0, 0, 0]]), depth, 0.2).astype(int)
    assert error[0, 0, 0] > error[0, 0, 2] and error[0, 1, 2] > error[0, 1, 0]
    assert tuple(error[0, 2]) == rgb(INVALID)


def test_the_page_stands_alone_and_shows_the_pictures(tmp_path):
    """Every picture is a PNG inside the page with the frame's pixels; nothing is loaded from anywhere."""
    rows = noisy_rows(SPEC, analytic_pictures(SPEC, 3, 48))
    path = write_preview(tmp_path / "new" / "page.html", rows, "Title", noise_law=noise_law(SPEC))
    page = read(path)
    assert len(page.images) == 3 * 4
    assert all(link.startswith("data:") for link in page.links)
    assert not re.search(r"https?://|url\(|@import", path.read_text(encoding="utf-8"))
    assert "script" not in page.tags
    stored = Image.open(io.BytesIO(base64.b64decode(page.images[1].partition(",")[2])))
    np.testing.assert_array_equal(np.asarray(stored), colour_depth(rows[0].noisy, 4.0))
    assert f"{measure_row(rows[0], 4.0).rmse_m * 1e3:.0f} mm" in page.text
    assert f"{rows[2].drawn['scale']:.3g}" in page.text
    assert set(rows[0].drawn) == {"scale"}, "the preset's own values are not drawn"


def test_the_page_can_do_without_truth_and_colour(tmp_path):
    """A stored frame has one picture, and the page claims no error."""
    page = read(write_preview(tmp_path / "p.html", [PreviewRow(title="x", noisy=np.ones((4, 4)))], "T"))
    assert len(page.images) == 1
    assert "error" not in page.text.lower()


def test_text_is_text(tmp_path):
    """Titles, facts and commands cannot bring their own markup."""
    row = PreviewRow(title="<script>alert(1)</script>", noisy=np.ones((2, 2)), facts={"<b>": "<i>"}, drawn={"<u>": 1.0})
    page = read(write_preview(tmp_path / "p.html", [row], "<h3>", lead="<hr>", command="<br>"))
    assert not {"script", "i", "u", "h3", "hr", "br"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text


def test_nothing_but_invalid_pixels_still_makes_a_page(tmp_path):
    """Frames without any depth have no error to show and do not fail."""
    nothing = np.zeros((4, 4), np.float32)
    write_preview(tmp_path / "p.html", [PreviewRow(title="x", noisy=nothing, clean=nothing)], "T")


def test_wrong_rows_are_refused(tmp_path):
    """No rows, or arrays of different sizes, and a path that cannot be written, each say so."""
    with pytest.raises(VisionError, match="at least one"):
        write_preview(tmp_path / "p.html", [], "T")
    with pytest.raises(VisionError, match="clean has shape"):
        PreviewRow(title="x", noisy=np.ones((2, 2)), clean=np.ones((2, 3)))
    (tmp_path / "file").write_text("")
    with pytest.raises(VisionError, match="cannot write"):
        write_preview(tmp_path / "file" / "p.html", [PreviewRow(title="x", noisy=np.ones((2, 2)))], "T")


def test_measured_errors_lie_on_the_noise_law():
    """On walls from 0.5 to 4 m the chart's points follow z^2 sigma / (f b) within 10 %, calibration error taken off."""
    spec = parse_spec(
        "schema: 1\nseed: 7\nvision: {depth: {preset: ideal, disparity_std_px: 0.1, scale: {uniform: [0.8, 1.2]}}}\n"
    )
    from sim2real.vision.preview_frames import Pictures

    z = np.linspace(0.5, 3.9, 12, dtype=np.float32)
    pictures = Pictures(
        depth=np.broadcast_to(z[:, None, None], (12, 64, 64)).copy(),
        colour=None,
        focal_px=np.full(12, 32.0),
        frame_ids=np.arange(12),
    )
    low, high = noise_law(spec)
    assert low == pytest.approx(high)
    for found in error_by_distance(noisy_rows(spec, pictures), 4.0):
        nearest = z[np.abs(z - found.distance_m).argmin()]
        scaled = found.spread_m
        assert scaled == pytest.approx(low * nearest**2, rel=0.1)


def test_a_spec_without_a_camera_is_answered():
    """The message says what to write."""
    with pytest.raises(VisionError, match="vision: {depth"):
        noise_law(parse_spec("schema: 1\nseed: 7\n"))


COLOURS = parse_spec(
    "schema: 1\nseed: 7\nvision: {light: {intensity: {uniform: [0.5, 2]}}, colour: {contrast: {uniform: [0.7, 1.3]}}, "
    "texture: {colour: 0.5, background: {uniform: [[0, 0, 0], [1, 1, 1]]}}}\n"
)


def test_the_colour_part_shows_each_episode(tmp_path):
    """Clean first, then one picture per episode with what was drawn, as the library alone makes them."""
    pictures = analytic_pictures(COLOURS, 2, 48)
    rows = colour_rows(COLOURS, pictures, 3)
    params = draw_picture_params(COLOURS.vision, Draws(7), [1], 2)
    empty = (~(np.isfinite(pictures.depth[1:]) & (pictures.depth[1:] > 0))).astype(np.uint8)
    wanted = randomize_pictures(pictures.colour[1:], params, picture_key(7), [1], episodes=2, empty=empty)
    np.testing.assert_array_equal(rows[1].changed[2], wanted[0])
    note = not_shown(COLOURS)
    page = read(write_preview(tmp_path / "p.html", [], "T", colours=rows, colour_note=note))
    assert len(page.images) == 2 * (1 + 3)
    stored = Image.open(io.BytesIO(base64.b64decode(page.images[7].partition(",")[2])))
    np.testing.assert_array_equal(np.asarray(stored), wanted[0])
    assert f"{params.contrast[0]:.3g}" in page.text and "texture.colour" in page.text
    assert "error" not in page.text.lower(), "there is no depth on this page"


def test_what_a_spec_says_about_colour_is_found():
    """A depth camera alone has no colour part, and nothing left to mention."""
    assert changes_pictures(load_spec("seeds/001")) and not changes_pictures(SPEC)
    assert not_shown(SPEC) == "" and not_shown(load_spec("seeds/001")) == ""


def test_wrong_colour_rows_are_refused():
    """Draws without values, or of another shape, and pictures without colour."""
    clean = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(VisionError, match="every draw"):
        ColourRow(title="x", clean=clean, changed=(clean,), drawn=())
    with pytest.raises(VisionError, match="every draw"):
        ColourRow(title="x", clean=clean, changed=(clean[:1],), drawn=({},))
    from sim2real.vision.preview_frames import Pictures

    bare = Pictures(depth=np.ones((1, 2, 2)), colour=None, focal_px=np.ones(1), frame_ids=np.arange(1))
    with pytest.raises(VisionError, match="no colour"):
        colour_rows(COLOURS, bare, 1)
