"""The preview shows frames: frame 17 looks the same in any grid, and its numbers are those of every other door."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.spec import load_spec, parse_spec
from sim2real.studio import Panel, Picture, Table, Text
from sim2real.studio.preview import grid, make_views, preview, turn
from sim2real.vision import draw_depth_params, draw_picture_params

HEIGHT, WIDTH = 24, 32


@pytest.mark.parametrize("preset", ["avoidance", "seeds/001"])
def test_a_frame_does_not_depend_on_its_neighbours(preset: str):
    """Alone, in another order, or among sixteen: the very same pixels."""
    spec = load_spec(preset)
    many = make_views(spec, range(16), HEIGHT, WIDTH)
    few = make_views(spec, [11, 3], HEIGHT, WIDTH)
    for name in ("clean", "colour", "depth"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[[11, 3]])
    if many.noisy is not None:
        np.testing.assert_array_equal(few.noisy, many.noisy[[11, 3]])
    assert few.drawn == (many.drawn[11], many.drawn[3])


def test_the_numbers_are_the_draws():
    """Camera pose, focal length, depth noise, light and colour: each by the stream of every other door."""
    ids = np.arange(5, 9)
    for preset in ("avoidance", "seeds/000", "seeds/001"):
        spec = load_spec(preset)
        views, draws = make_views(spec, ids, HEIGHT, WIDTH), Draws(spec.seed)
        for target, axes in (("camera.position", "xyz"), ("camera.rotation", ("roll", "pitch", "yaw"))):
            for name, term in spec.targeting(target).items():
                drawn = draws.sample(name, term.dist, ids)[:, 0]
                for i, row in enumerate(views.drawn):
                    assert [row[f"{name}.{axis}"] for axis in axes] == [float(v) for v in drawn[i]]
        for name, term in spec.targeting("camera.focal_length").items():
            assert [row[name] for row in views.drawn] == draws.sample(name, term.dist, ids)[:, 0].tolist()
        if "depth" in spec.vision:
            params = draw_depth_params(spec.vision["depth"], draws, ids)
            for i, row in enumerate(views.drawn):
                wanted = params.row(i)
                assert {k: row[k] for k in spec.vision["depth"].overrides} == {
                    k: wanted[k] for k in spec.vision["depth"].overrides
                }
        pictures = draw_picture_params(spec.vision, draws, ids)
        for i, row in enumerate(views.drawn):
            assert pictures.row(i).items() <= row.items()


def test_another_seed_is_another_world():
    """And the same seed the same one."""
    spec = load_spec("avoidance")
    one, same, other = (make_views(spec.with_seed(seed), range(2), HEIGHT, WIDTH) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.noisy, same.noisy)
    assert (one.noisy != other.noisy).any() and one.drawn != other.drawn


def test_nothing_uncertain_changes_nothing():
    """Without camera and picture in the spec the views are as rendered, and there is no table of draws."""
    spec = parse_spec("schema: 1\nseed: 1\n")
    views = make_views(spec, range(3), HEIGHT, WIDTH)
    np.testing.assert_array_equal(views.colour, views.clean)
    assert views.noisy is None
    (picture,) = preview(spec, range(3), HEIGHT, WIDTH)
    assert isinstance(picture, Picture) and picture.pixels.shape == (2 * HEIGHT + 4, 2 * WIDTH + 4, 3)


def test_a_wider_lens_sees_more():
    """The focal length acts: half of it, and the lowest row shows the floor at half the distance."""
    text = "schema: 1\nseed: 1\nterms:\n  f: {{target: camera.focal_length, op: scale, dist: {}}}\n"
    near, wide = (make_views(parse_spec(text.format(f)), [0], 48, 64).depth[0] for f in (1.0, 0.5))
    assert wide[47, 2] == pytest.approx(0.5 * near[47, 2], rel=1e-5)


def test_the_camera_moves_as_it_is_drawn():
    """At twice the height the floor below is twice as far; roll, pitch and yaw turn as they should."""
    lift = "schema: 1\nseed: 1\nterms:\n  p: {target: camera.position, unit: m, dist: {constant: [0, 0, 0.25]}}\n"
    low, high = (make_views(parse_spec(t), [0], 48, 64).depth[0] for t in ("schema: 1\nseed: 1\n", lift))
    assert high[47, 2] == pytest.approx(2.0 * low[47, 2], rel=1e-5)
    np.testing.assert_allclose(turn(0.0, 0.0, np.pi / 2) @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(turn(0.0, np.pi / 2, 0.0) @ (1, 0, 0), (0, 0, -1), atol=1e-12)
    np.testing.assert_allclose(turn(0.3, -0.2, 1.1) @ turn(0.3, -0.2, 1.1).T, np.eye(3), atol=1e-12)


def test_without_kornia_colours_stay_and_it_is_said(monkeypatch: pytest.MonkeyPatch):
    """Isaac Sim's Python lacks it: depth and light are shown all the same."""
    monkeypatch.setitem(sys.modules, "kornia", None)
    monkeypatch.setitem(sys.modules, "kornia.enhance", None)
    spec = load_spec("seeds/001")
    shown = preview(spec, range(2), HEIGHT, WIDTH)
    assert any(isinstance(output, Text) and "kornia" in output.lines[0] for output in shown)
    light = replace(spec, vision=spec.vision.__class__({"light": spec.vision["light"]}))
    views = make_views(light, range(2), HEIGHT, WIDTH)
    assert not views.note and (views.colour != views.clean).any()


def test_what_only_a_stage_has_is_said_not_to_be_shown():
    """The small rooms have no dome, no materials and no distractors."""
    shown = preview(load_spec("stage"), range(2), HEIGHT, WIDTH)
    assert any(isinstance(output, Text) and "Isaac Sim" in output.lines[0] for output in shown)


def test_a_grid_holds_every_tile():
    """In reading order, each with its own pixels."""
    tiles = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 5, 3), np.uint8)
    sheet = grid(tiles)
    for i in range(7):
        top, left = (i // 3) * 7, (i % 3) * 9
        assert (sheet[top : top + 3, left : left + 5] == i).all()


def test_the_button_shows_it_and_a_reopened_panel_too(tmp_path):
    """As many views as asked for; the pictures are kept with the workspace."""
    panel = Panel(tmp_path, ["/bin/true"])
    panel.apply_preset("avoidance")
    panel.set("visual.views", 4)
    panel.set("visual.size", "160 x 120")
    job = panel.start("visual.preview")
    assert panel.settle(120) and panel.job(job.id).state == "done"
    panel.outputs("visual")
    panel.settle(60)
    shown = panel.outputs("visual")
    assert [type(output) for output in shown[:3]] == [Picture, Picture, Table] and len(shown[2].rows) == 4
    assert shown[0].pixels.shape == (2 * 120 + 4, 2 * 160 + 4, 3)
    panel.close()
    again = Panel(tmp_path, ["/bin/true"])
    again.outputs("visual")
    again.settle(60)
    kept = again.outputs("visual")
    np.testing.assert_array_equal(kept[0].pixels, shown[0].pixels)
    assert kept[2] == shown[2]
    again.close()
