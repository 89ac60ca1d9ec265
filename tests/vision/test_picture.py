"""Changed colour pictures against torchvision and plain NumPy, alone and in any batch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.draws.normal import normal_from_unit
from sim2real.spec import parse_spec
from sim2real.vision import (
    PICTURE_STREAM,
    PictureParams,
    VisionError,
    clear_params,
    draw_picture_params,
    picture_key,
    randomize_pictures,
)
from sim2real.vision.light import linear_from_srgb
from sim2real.vision.picture_params import box_pixels

VISUAL_RANDOMIZER = parse_spec(
    """
schema: 1
seed: 7
vision:
  light: {intensity: {uniform: [0.5, 2.0]}, temperature_K: {uniform: [3000, 7000]}, ambient: {uniform: [0.1, 0.4]}}
  colour:
    brightness: {uniform: [0.7, 1.3]}
    contrast: {uniform: [0.7, 1.3]}
    saturation: {uniform: [0.7, 1.3]}
    hue_turn: {uniform: [-0.1, 0.1]}
    blur_std_px: {uniform: [0.1, 2.0]}
    blur_size_px: 5
    noise_std: 0.05
    noise_chance: 0.3
  occlusion: {chance: 0.2, height: {uniform: [0.05, 0.2]}, width: {uniform: [0.05, 0.2]}, black: 0.5}
  texture: {background: {uniform: [[0, 0, 0], [1, 1, 1]]}}
"""
)
KEY = picture_key(7)
SIZE = (37, 53)


def pictures(count: int) -> np.ndarray:
    """Smooth colourful pictures with a hard edge."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    waves = [np.sin(rows / (5 + i) + columns / (9 - i) + np.arange(count)[:, None, None]) for i in range(3)]
    made = np.stack(waves, axis=-1) * 90 + 128
    made[:, 10:20, 15:30] = (250, 3, 90)
    return made.astype(np.uint8)


def empties(count: int) -> np.ndarray:
    """The upper rows show nothing."""
    mask = np.zeros((count, *SIZE), np.uint8)
    mask[:, :6] = 1
    return mask


def changed(clean: np.ndarray, **values) -> np.ndarray:
    """Pictures under params that differ from clear ones in some values."""
    count = len(clean)
    kept = {name: getattr(clear_params(count), name) for name in PictureParams.__dataclass_fields__}
    for name, value in values.items():
        like = np.asarray(kept[name])
        kept[name] = np.broadcast_to(value, like.shape).astype(like.dtype) if like.ndim else value
    return randomize_pictures(clean, PictureParams(**kept), KEY, np.arange(count))


def randomized(spec, ids, clean, episodes=0, occurrences=0) -> np.ndarray:
    """Pictures as a spec changes them."""
    params = draw_picture_params(spec.vision, Draws(spec.seed), ids, episodes, occurrences)
    key, empty = picture_key(spec.seed), empties(len(ids))
    return randomize_pictures(clean, params, key, ids, episodes=episodes, occurrences=occurrences, empty=empty)


def test_without_any_change_the_picture_comes_back():
    """All 256 values, bit for bit."""
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, None, :, None], (2, 3, 256, 3)).copy()
    np.testing.assert_array_equal(randomize_pictures(ramp, clear_params(2), KEY, [0, 1]), ramp)


@pytest.mark.parametrize("seed", range(6))
def test_colours_and_blur_are_torchvisions(seed):
    """ColorJitter in the drawn order and GaussianBlur, each picture its own, within one of 255 steps."""
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchvision.transforms.functional")
    rng, clean = np.random.default_rng(seed), pictures(5)
    factors = rng.uniform(0.7, 1.3, (3, 5)).astype(np.float32)
    hue, blur = rng.uniform(-0.1, 0.1, 5).astype(np.float32), rng.uniform(0.1, 2.0, 5).astype(np.float32)
    order = np.stack([rng.permutation(4) for _ in range(5)])
    got = changed(
        clean,
        brightness=factors[0],
        contrast=factors[1],
        saturation=factors[2],
        hue_turn=hue,
        order=order,
        blur_std_px=blur,
    )
    for i in range(5):
        truth = torch.from_numpy(clean[i]).permute(2, 0, 1).float() / 255.0
        for number in order[i]:
            if number == 3:
                truth = functional.adjust_hue(truth, float(hue[i]))
            else:
                names = ("adjust_brightness", "adjust_contrast", "adjust_saturation")
                truth = getattr(functional, names[number])(truth, float(factors[number, i]))
        truth = functional.gaussian_blur(truth, [5, 5], [float(blur[i])] * 2)
        wanted = (truth.permute(1, 2, 0).numpy() * 255.0).round().astype(int)
        assert np.abs(got[i].astype(int) - wanted).max() <= 1


def test_light_is_the_numpy_reference():
    """Gain and flat light on linear values, within one of 255 steps; the strong light saturates."""
    clean = pictures(3)
    gain = np.float32([[0.4, 0.5, 0.3], [1.9, 2.1, 1.5], [1.0, 1.0, 1.0]])
    ambient = np.float32([0.0, 0.2, 0.4])
    got = changed(clean, gain=gain, ambient=ambient)
    linear = linear_from_srgb()[clean].astype(np.float64)
    mean = (linear @ [0.2126, 0.7152, 0.0722]).mean(axis=(1, 2))[:, None, None, None]
    flat = ambient[:, None, None, None]
    lit = np.clip(gain[:, None, None] * ((1 - flat) * linear + flat * mean), 0.0, 1.0)
    code = np.where(lit <= 0.0031308, 12.92 * lit, 1.055 * lit ** (1 / 2.4) - 0.055)
    assert np.abs(got - code * 255.0).max() < 0.51
    assert (got[1] == 255).mean() > (clean[1] == 255).mean()


def test_noise_is_the_numpy_reference():
    """Each number of each picture takes the stream's word of its place."""
    clean = pictures(2)
    std = np.float32([0.05, 0.0])
    got = changed(clean, noise_std=std)
    u = Draws(7).unit(PICTURE_STREAM, [0], 0, 0, clean[0].size).reshape(clean[0].shape)
    wanted = np.clip(clean[0] / np.float32(255.0) + std[0] * normal_from_unit(u), 0.0, 1.0) * 255.0 + 0.5
    assert np.abs(got[0].astype(int) - wanted.astype(int)).max() <= 1
    assert (got[0] == wanted.astype(np.uint8)).mean() > 0.999
    np.testing.assert_array_equal(got[1], clean[1])
    grey = changed(np.full((1, 200, 200, 3), 128, np.uint8), noise_std=0.05)
    assert grey.std() / 255.0 == pytest.approx(0.05, rel=0.02)


def test_what_occludes_is_where_it_was_drawn():
    """The rectangle has the colour; everything beside it is untouched."""
    clean = pictures(3)
    box = np.float32([[0.2, 0.1, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [0.1, 0.2, 0.99999, 0.99999]])
    colour = np.uint8([[9, 8, 7], [1, 1, 1], [0, 0, 0]])
    got = changed(clean, box=box, box_colour=colour)
    wanted = clean.copy()
    wanted[0, :7, :5] = (9, 8, 7)
    wanted[2, SIZE[0] - 3 :, SIZE[1] - 10 :] = 0
    np.testing.assert_array_equal(got, wanted)


def test_the_background_fills_what_shows_nothing():
    """There and nowhere else; and without a mask it is refused."""
    clean, colour = pictures(2), np.uint8([[10, 20, 30], [200, 100, 0]])
    spec = parse_spec("schema: 1\nseed: 7\nvision: {texture: {background: {uniform: [[0, 0, 0], [1, 1, 1]]}}}\n")
    params = draw_picture_params(spec.vision, Draws(7), [0, 1])
    params.background[:] = colour
    got = randomize_pictures(clean, params, KEY, [0, 1], empty=empties(2))
    wanted = clean.copy()
    wanted[:, :6] = colour[:, None, None]
    np.testing.assert_array_equal(got, wanted)
    with pytest.raises(VisionError, match="'empty' is missing"):
        randomize_pictures(clean, params, KEY, [0, 1])
    with pytest.raises(VisionError, match="empty has shape"):
        randomize_pictures(clean, params, KEY, [0, 1], empty=empties(2)[:, 1:])


def test_a_picture_is_the_same_in_any_batch():
    """Alone, among others, in another order: bit for bit, with everything switched on."""
    clean, ids = pictures(16), np.arange(100, 116)
    together = randomized(VISUAL_RANDOMIZER, ids, clean, episodes=2, occurrences=5)
    for rows in ([0], [15], [7, 3], [4, 5, 6, 8, 9]):
        alone = randomized(VISUAL_RANDOMIZER, ids[rows], clean[rows], episodes=2, occurrences=5)
        np.testing.assert_array_equal(alone, together[rows])


def test_kinds_hold_as_long_as_they_say():
    """Light stays for the episode; colours, noise and occlusion change with every picture; both with the episode."""
    ids = np.arange(64)

    def drawn(episode: int, occurrence: int) -> PictureParams:
        return draw_picture_params(VISUAL_RANDOMIZER.vision, Draws(7), ids, episode, occurrence)

    first, later, other = drawn(0, 0), drawn(0, 1), drawn(1, 0)
    for name in ("gain", "ambient", "background"):
        np.testing.assert_array_equal(getattr(first, name), getattr(later, name))
        assert (getattr(first, name) != getattr(other, name)).any()
    for name in ("brightness", "contrast", "saturation", "hue_turn", "order", "blur_std_px", "noise_std", "box"):
        assert (getattr(first, name) != getattr(later, name)).any()


def test_the_seeds_figures_come_out():
    """Over 20 000 pictures: every range is filled and kept, chances are the seed's, orders are all 24."""
    ids = np.arange(20000)
    params = draw_picture_params(VISUAL_RANDOMIZER.vision, Draws(7), ids)
    for name, low, high in (
        ("brightness", 0.7, 1.3),
        ("contrast", 0.7, 1.3),
        ("saturation", 0.7, 1.3),
        ("hue_turn", -0.1, 0.1),
        ("blur_std_px", 0.1, 2.0),
        ("ambient", 0.1, 0.4),
    ):
        values = getattr(params, name)
        assert low <= values.min() < low + 0.01 * (high - low) and high - 0.01 * (high - low) < values.max() <= high
    luminance = params.gain @ np.float32([0.2126, 0.7152, 0.0722])
    assert 0.4999 < luminance.min() < 0.52 and 1.98 < luminance.max() < 2.0001
    assert set(np.unique(params.noise_std)) == {np.float32(0.0), np.float32(0.05)}
    assert (params.noise_std > 0).mean() == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 20000))
    there = params.box[:, 0] > 0
    assert there.mean() == pytest.approx(0.2, abs=5 * math.sqrt(0.16 / 20000))
    assert 0.05 <= params.box[there, :2].min() < 0.052 and 0.198 < params.box[there, :2].max() <= 0.2
    black = (params.box_colour[there] == 0).all(axis=1)
    assert black.mean() == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / there.sum()))
    assert set(np.unique(params.box_colour[there][~black])) == set(range(256))
    assert len(np.unique(params.order, axis=0)) == 24
    pixels = box_pixels(params, 96, 128)
    assert (pixels >= 0).all() and (pixels[:, 2] <= 96).all() and (pixels[:, 3] <= 128).all()
    assert pixels[there, 0].min() == 0 and pixels[there, 2].max() == 96


def test_one_field_changes_no_other():
    """Without contrast and noise all else is drawn as before: streams know nothing of each other."""
    text = (
        "schema: 1\nseed: 7\nvision: {colour: {brightness: {uniform: [0.7, 1.3]}, hue_turn: {uniform: [-0.1, 0.1]}}}\n"
    )
    less = draw_picture_params(parse_spec(text).vision, Draws(7), np.arange(9), 1, 2)
    all_of_it = draw_picture_params(VISUAL_RANDOMIZER.vision, Draws(7), np.arange(9), 1, 2)
    np.testing.assert_array_equal(less.brightness, all_of_it.brightness)
    np.testing.assert_array_equal(less.hue_turn, all_of_it.hue_turn)


def test_a_light_in_lux_is_compared_with_the_nominal_one():
    """1000 lx over 250 lx is four times the light; over the default 500 lx twice."""
    for nominal, gain in (("nominal_lx: 250", 4.0), ("ambient: 0.0", 2.0)):
        text = f"schema: 1\nseed: 7\nvision: {{light: {{illuminance_lx: 1000, {nominal}}}}}\n"
        params = draw_picture_params(parse_spec(text).vision, Draws(7), [3])
        np.testing.assert_allclose(params.gain, gain, rtol=1e-6)


def test_kinds_of_arrays_come_back():
    """Warp for Warp, torch for torch, the numbers of NumPy; and what was given stays as it was."""
    import warp as wp

    torch = pytest.importorskip("torch")
    clean, ids = pictures(3), np.arange(3)
    params = draw_picture_params(VISUAL_RANDOMIZER.vision, Draws(7), ids)
    wanted = randomize_pictures(clean, params, KEY, ids, empty=empties(3))
    warped = randomize_pictures(wp.array(clean), params, KEY, ids, empty=wp.array(empties(3)))
    assert isinstance(warped, wp.array)
    np.testing.assert_array_equal(warped.numpy(), wanted)
    given = torch.from_numpy(clean.copy())
    torched = randomize_pictures(given, params, KEY, ids, empty=torch.from_numpy(empties(3)))
    np.testing.assert_array_equal(torched.numpy(), wanted)
    np.testing.assert_array_equal(given.numpy(), pictures(3))


def test_wrong_input_is_refused():
    """Shapes, counts and sizes, each by its name."""
    clean = pictures(2)
    with pytest.raises(VisionError, match="4 channels"):
        randomize_pictures(np.zeros((2, 3, 3, 4), np.uint8), clear_params(2), KEY, [0, 1])
    with pytest.raises(VisionError, match="params 3"):
        randomize_pictures(clean, clear_params(3), KEY, [0, 1])
    with pytest.raises(VisionError, match="frame_ids"):
        randomize_pictures(clean, clear_params(2), KEY, [-1, 0])


def test_the_drawn_values_are_told_by_name():
    """What changes nothing is left out, so that a report is short."""
    assert clear_params(1).row(0) == {}
    params = draw_picture_params(VISUAL_RANDOMIZER.vision, Draws(7), np.arange(40))
    told = [params[i : i + 1].row(0) for i in range(40)]
    assert told == [params.row(i) for i in range(40)]
    assert {name for row in told for name in row} == {
        *("brightness", "contrast", "saturation", "hue_turn", "ambient", "blur_std_px", "noise_std"),
        *("light_red", "light_green", "light_blue", "box_height", "box_width"),
    }
