"""The vision section of a spec for colour pictures: read, written, refused; and what a renderer does of it."""

from __future__ import annotations

import pytest

from sim2real.spec import SpecError, Uniform, load_spec, parse_spec, preset_names
from sim2real.spec.vision import IMAGE_DEFAULT_WHEN, IMAGE_FIELDS
from sim2real.vision import VisionError
from sim2real.vision.support import RENDERERS, vision_plan, vision_support

HEAD = "schema: 1\nseed: 7\n"


def read(text: str):
    """A spec with this vision section."""
    return parse_spec(f"{HEAD}vision: {{{text}}}\n", "bad.yaml")


def test_a_section_is_read():
    """Fields with distributions, units, provenance; times with their defaults."""
    spec = read(
        "light: {intensity: {uniform: [50, 200], unit: '%', provenance: default}, temperature_K: 4000}, "
        "colour: {contrast: {uniform: [0.7, 1.3]}, when: reset}"
    )
    light, colour = spec.vision["light"], spec.vision["colour"]
    assert light.overrides["intensity"] == Uniform(0.5, 2.0) and light.provenance["intensity"] == "default"
    assert (light.when, colour.when) == ("reset", "reset")
    assert read("occlusion: {chance: 0.2, height: 0.1, width: 0.1}").vision["occlusion"].when == "step"
    assert set(IMAGE_DEFAULT_WHEN) == set(IMAGE_FIELDS)


@pytest.mark.parametrize(
    "text",
    [
        "light: {illuminance_lx: {uniform: [200, 2000], unit: lx}, nominal_lx: 500, ambient: {uniform: [0.1, 0.4]}}",
        "colour: {when: reset, blur_std_px: {uniform: [0.1, 2]}, blur_size_px: 5, provenance: 'identified:desk 2'}",
        "texture: {colour: {uniform: [[0, 0, 0], [1, 1, 1]]}, background: {choice: [[0, 0, 0], [1, 1, 1]]}}",
        "depth: {preset: ideal}, occlusion: {chance: 0.2, height: 0.1, width: {uniform: [0, 1]}, black: 1}",
    ],
)
def test_what_is_written_reads_back(text):
    """The same spec, the same digest."""
    spec = read(text)
    again = parse_spec(spec.to_yaml())
    assert again == spec and again.digest == spec.digest


def test_the_digest_covers_what_changes_a_draw():
    """Every value and the time; neither the order nor provenance."""
    base = "colour: {contrast: {uniform: [0.7, 1.3]}, noise_std: 0.05}"
    same = ("colour: {noise_std: 0.05, contrast: {uniform: [0.7, 1.3], provenance: default}, when: step}",)
    other = (
        "colour: {contrast: {uniform: [0.7, 1.2]}, noise_std: 0.05}",
        "colour: {contrast: {uniform: [0.7, 1.3]}, noise_std: 0.05, when: reset}",
        "colour: {contrast: {uniform: [0.7, 1.3]}}",
    )
    assert {read(text).digest for text in same} == {read(base).digest}
    assert read(base).digest not in {read(text).digest for text in other}


@pytest.mark.parametrize(
    "text, said",
    [
        ("lamp: {}", "vision.lamp: unknown key"),
        ("light: {}", "vision.light: says nothing; give some of intensity"),
        ("light: 3", "vision.light: got '3'; give a mapping"),
        ("light: {intensty: 1}", "vision.light.intensty: unknown key; did you mean 'intensity'?"),
        ("light: {intensity: {normal: [1, 0.5]}}", "use truncated_normal to cut its tails"),
        ("light: {intensity: -1}", "vision.light.intensity: reaches -1; allowed: 0 to 100"),
        ("light: {temperature_K: {uniform: [1000, 7000]}}", "reaches 1000 to 7000 K; allowed: 1667 to 25000 K"),
        ("light: {temperature_K: {uniform: [3, 7], unit: deg}}", "unit 'deg' measures angle, not temperature"),
        ("light: {intensity: 1, illuminance_lx: 500}", "scales the light that 'illuminance_lx' sets; give one"),
        ("light: {intensity: 1, nominal_lx: 500}", "give 'illuminance_lx' beside it"),
        ("light: {ambient: 2}", "vision.light.ambient: reaches 2; allowed: 0 to 1"),
        ("light: {ambient: 0.1, when: sometimes}", "unknown time 'sometimes'"),
        ("colour: {hue_turn: {uniform: [-36, 36]}}", "reaches -36 to 36; allowed: -0.5 to 0.5"),
        ("colour: {brightness: {uniform: [[1, 1], [2, 2]]}}", "got 2 components; give a single one"),
        ("colour: {blur_size_px: 5}", "give 'blur_std_px' beside it"),
        ("colour: {blur_std_px: 1, blur_size_px: 4}", "one odd number of pixels"),
        ("colour: {blur_std_px: 1, blur_size_px: {uniform: [3, 5]}}", "one odd number of pixels"),
        ("colour: {blur_std_px: 0}", "reaches 0 px; allowed: 0.01 to 16 px"),
        ("colour: {noise_chance: 0.3}", "give 'noise_std' beside it"),
        ("colour: {noise_std: 0.1, noise_chance: 30}", "reaches 30; allowed: 0 to 1"),
        ("occlusion: {chance: 0.2}", "give 'height' and 'width' of what occludes"),
        ("occlusion: {height: 0.2, width: 0.1}", "give 'chance' beside it"),
        ("occlusion: {chance: 0.2, height: 20, width: 0.1}", "vision.occlusion.height: reaches 20; allowed: 0 to 1"),
        ("texture: {colour: {uniform: [[0, 0], [1, 1]]}}", "got 2 components; give red, green and blue, or one grey"),
        ("texture: {colour: {uniform: [0, 255]}}", "vision.texture.colour: reaches 0 to 255; allowed: 0 to 1"),
        ("texture: {colour: {uniform: [0, 1], unit: '%'}}", "unknown distribution 'unit'"),
        ("colour: {contrast: {uniform: [0.7, 1.3], provenance: guess}}", "got 'guess'; give default"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    """File, line, key, what came and what is allowed."""
    with pytest.raises(SpecError) as caught:
        read(text)
    assert said in str(caught.value) and str(caught.value).startswith("bad.yaml:3: vision")


def test_all_faults_are_told_at_once():
    """Two kinds, two fields: three lines."""
    with pytest.raises(SpecError) as caught:
        read("light: {intensity: -1, ambient: 3}, colour: {contrast: -2}")
    assert len(caught.value.faults) == 3


def test_every_field_has_an_answer_for_every_renderer():
    """The table is complete: able, or why not."""
    for renderer in RENDERERS:
        for kind, fields in IMAGE_FIELDS.items():
            for field in fields:
                _, note = vision_support(f"{kind}.{field}", renderer)
                assert note
    with pytest.raises(VisionError, match="unknown renderer 'povray'"):
        vision_support("light.intensity", "povray")
    with pytest.raises(VisionError, match=r"unknown field 'vision.light.colour'"):
        vision_support("light.colour", "image")


def test_the_plan_says_what_happens_where():
    """One entry per field, in the spec's order; what a renderer cannot do is there, with the reason."""
    spec = read(
        "depth: {preset: ideal, scale: 1.1}, light: {intensity: 2}, "
        "texture: {colour: {uniform: [0, 1]}, background: 0.5}"
    )
    plan = {renderer: vision_plan(spec, renderer) for renderer in RENDERERS}
    assert [entry.field for entry in plan["image"]] == [
        *("depth.preset", "depth.scale", "light.intensity", "texture.colour", "texture.background")
    ]
    able = {renderer: [entry.able for entry in entries] for renderer, entries in plan.items()}
    assert able["image"] == [False, False, True, False, False]
    assert able["newton_warp"] == [True] * 5
    assert able["isaac_rtx"] == [True, True, True, False, True]
    assert [entry.where for entry in plan["newton_warp"]][2:] == ["image space", "scene", "image space"]


def test_every_preset_has_a_plan():
    """No preset says something that no renderer knows."""
    for name in preset_names():
        spec = load_spec(name)
        renderer = "replicator" if "stage" in spec.vision else "newton_warp"
        assert all(entry.able for entry in vision_plan(spec, renderer)), name
