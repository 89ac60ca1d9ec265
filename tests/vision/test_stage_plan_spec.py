"""The stage part of a spec's vision section: read, written, refused, and told for every renderer."""

from __future__ import annotations

import pytest

from sim2real.spec import SpecError, Uniform, VisionStageSpec, load_spec, parse_spec
from sim2real.spec.vision_stage import STAGE_FIELDS, STAGE_OPTIONS
from sim2real.vision import VisionError
from sim2real.vision.support import RENDERERS, SCENE, vision_plan, vision_support

HEAD = "schema: 1\nseed: 7\n"


def read(text: str):
    """A spec with this stage."""
    return parse_spec(f"{HEAD}vision: {{stage: {{{text}}}}}\n", "bad.yaml")


def test_a_stage_is_read():
    """Fields with units and provenance, options, labels; flattened for those who list a spec."""
    spec = read(
        "lights: {position: {uniform: [[-2, -2, -2], [2, 2, 2]], provenance: default}, select: '/World/.*'}, "
        "dome: {turn: {uniform: [0, 180], unit: deg}, textures: 'procedural:sky', provenance: 'identified:desk'}, "
        "semantics: {box: '/World/b.*'}"
    )
    stage = spec.vision["stage"]
    assert isinstance(stage, VisionStageSpec)
    assert stage.overrides["lights.position"] == Uniform((-2.0,) * 3, (2.0,) * 3)
    assert stage.overrides["dome.turn"].bounds()[1][0] == pytest.approx(3.141592653589793)
    assert stage.provenance == {"lights.position": "default", "dome.*": "identified:desk"}
    assert stage.option("dome", "textures") == "procedural:sky"
    assert stage.option("materials", "textures", "none") == "none"
    assert stage.semantics == {"box": "/World/b.*"}


def test_a_stage_is_written_back_the_same():
    """The whole preset survives, with its fingerprint; provenance changes no fingerprint, an option does."""
    spec = load_spec("stage")
    again = parse_spec(spec.to_yaml())
    assert again == spec and again.digest == spec.digest
    plain = read("objects: {select: '/a', scale: 2}")
    assert read("objects: {select: '/a', scale: {constant: 2, provenance: default}}").digest == plain.digest
    assert read("objects: {select: '/b', scale: 2}").digest != plain.digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "says nothing; give some of lights, dome, materials"),
        ("lamps: {}", "unknown key; allowed here: lights, dome"),
        ("lights: {}", "says nothing"),
        ("lights: {select: '/a'}", "says nothing"),
        ("lights: {position: [1, 2]}", "got 2 components; give 3"),
        ("lights: {position: {uniform: [[0, 0, 0], [1, 1, 1]], unit: kg}}", "measures mass"),
        ("lights: {select: '(', position: [1, 2, 3]}", "is no regular expression"),
        ("dome: {textures: 'procedural:sea'}", "made here are procedural:surface, procedural:sky"),
        ("dome: {select: '/a', turn: 1}", "unknown key"),
        ("materials: {roughness: 1}", "'select' is missing"),
        ("materials: {select: '/a', roughness: 1.5}", "allowed: 0 to 1"),
        ("materials: {select: '/a', textured: 0.5}", "belongs to 'textures'"),
        ("objects: {scale: 1}", "'select' is missing"),
        ("objects: {select: '/a', visible: {uniform: [0, 2]}}", "allowed: 0 to 1"),
        ("objects: {select: '/a', scale: 0}", "allowed: 0.01 to 100"),
        ("distractors: {size: 1, position: [0, 0, 0]}", "'count' is missing"),
        ("distractors: {count: 3, position: [0, 0, 0]}", "'size' is missing"),
        ("distractors: {count: 2.5, size: 1, position: [0, 0, 0]}", "counts things"),
        ("distractors: {count: 999, size: 1, position: [0, 0, 0]}", "allowed: 0 to 256"),
        ("distractors: {count: 1, size: 1, position: [0, 0, 0], shapes: []}", "got an empty list"),
        ("distractors: {count: 1, size: 1, position: [0, 0, 0], shapes: [torus]}", "unknown shape 'torus'"),
        ("camera: {look_at: 1}", "got 1 components; give 3"),
        ("semantics: {}", "says nothing"),
        ("semantics: {box: '['}", "is no regular expression"),
    ],
)
def test_wrong_stages_are_refused(text, said):
    """Each with the line, the key and what is allowed."""
    with pytest.raises(SpecError) as caught:
        read(text)
    assert said in str(caught.value) and "bad.yaml:3: vision.stage" in str(caught.value)


def test_all_faults_of_a_stage_are_told_at_once():
    """Two groups, three fields."""
    with pytest.raises(SpecError) as caught:
        read("camera: {position: [0, 0, 1e9], look_at: 1}, objects: {select: '/a', scale: 0}, semantics: {a: '/a'}")
    assert len(caught.value.faults) == 3


def test_every_field_has_an_answer_for_every_renderer():
    """Replicator writes them all to the stage; nobody else has one."""
    for group, fields in STAGE_FIELDS.items():
        named = [f for f in STAGE_OPTIONS[group] if f == "textures"]
        for field in (*fields, *named):
            for renderer in RENDERERS:
                where, note = vision_support(f"stage.{group}.{field}", renderer)
                assert note and where == (SCENE if renderer == "replicator" else "")
    with pytest.raises(VisionError, match=r"unknown field 'vision.stage.lights.colour'"):
        vision_support("stage.lights.colour", "replicator")


def test_the_preset_is_done_by_replicator_and_refused_where_there_is_no_stage():
    """Each entry of the preset acts; textures and labels are entries too, so that nobody passes over them."""
    spec = load_spec("stage")
    entries = vision_plan(spec, "replicator")
    assert all(entry.able for entry in entries)
    assert {"stage.dome.textures", "stage.materials.textures", "stage.semantics"} <= {e.field for e in entries}
    refused = {entry.field for entry in vision_plan(spec, "newton_warp") if not entry.able}
    assert refused == {entry.field for entry in entries if entry.field.startswith("stage.")}
