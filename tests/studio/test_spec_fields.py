"""Every range of every preset can be edited, is judged by the spec's loader, and changes its own line alone."""

import pytest

from sim2real.errors import Sim2RealError
from sim2real.spec import SpecError, preset_names
from sim2real.spec.targets import TARGETS
from sim2real.studio import FieldError, spec_fields
from sim2real.studio.document import SpecDocument

SECTIONS = ("physics", "visual")


def edited(document: SpecDocument, key: str, value: object) -> SpecDocument:
    """The document after a field's change."""
    section = key.partition(".")[0]
    field = next(field for field in spec_fields.fields_of(document, section) if field.key == key)
    changed = spec_fields.edited(document, section, key, field.check(value))
    assert changed is not None, f"{key}: {value} is what it was"
    return changed


@pytest.mark.parametrize("preset", preset_names())
def test_all_of_a_preset_can_be_seen(preset: str):
    """Each term, each number of a signal and each number of a picture has a field, which shows what the spec says."""
    document = SpecDocument.of_preset(preset)
    keys = [field.key for section in SECTIONS for field in spec_fields.fields_of(document, section)]
    assert len(keys) == len(set(keys))
    spec = document.spec
    wanted = {f"terms.{name}" for name in spec.terms}
    wanted |= {f"signals.{n}.{p}" for n, s in spec.signals.items() for p in spec_fields.SIGNAL_PARTS if getattr(s, p)}
    wanted |= {f"vision.{kind}.{name}" for kind, camera in spec.vision.items() for name in camera.overrides}
    for place in wanted:
        assert any(key.partition(".")[2].startswith(place + ".") for key in keys), place


@pytest.mark.parametrize("preset", preset_names())
def test_what_is_shown_is_what_is_read(preset: str):
    """A field's text, typed again, is its value: nothing changes."""
    document = SpecDocument.of_preset(preset)
    for section in SECTIONS:
        for field in spec_fields.fields_of(document, section):
            value = field.check(field.show(field.default))
            assert value == field.default, field.key
            assert spec_fields.edited(document, section, field.key, value) is None


@pytest.mark.parametrize("preset", ["ur5", "avoidance", "seeds/000"])
def test_a_change_is_one_line(preset: str):
    """A narrower range changes one line of the file, and the spec's digest; the preset's name is no longer enough."""
    document = SpecDocument.of_preset(preset)
    before = document.text.splitlines()
    fields = [field for section in SECTIONS for field in spec_fields.fields_of(document, section)]
    ranges = [f for f in fields if f.kind == "range" and f.step != 1.0 and f.default[0] < f.default[1]]
    assert ranges
    for field in ranges:
        low, high = field.default
        changed = edited(document, field.key, (low, low + 0.75 * (high - low)))
        after = changed.text.splitlines()
        assert len(after) == len(before) and sum(a != b for a, b in zip(before, after, strict=True)) == 1, field.key
        assert not changed.preset
        if field.key.endswith("interval"):
            continue  # how often, which is no range of a draw
        assert changed.spec.digest != document.spec.digest


def test_units_stay_as_written():
    """What was typed in centimetres stands in the file in centimetres, and in the spec in metres."""
    changed = edited(SpecDocument.of_preset("avoidance"), "visual.terms.camera_position.range.x", "-2, 2.5")
    assert "uniform: [[-2, -1, -1], [2.5, 1, 1]]" in changed.text
    assert changed.spec.terms["camera_position"].dist.bounds() == ((-0.02, -0.01, -0.01), (0.025, 0.01, 0.01))


def test_a_typed_number_is_nobodys_data_sheet():
    """The source of a range goes when the range is changed by hand, and only that one's."""
    document = SpecDocument.of_preset("go2")
    changed = edited(document, "physics.terms.base_mass.range", "0.7 1.3").spec
    assert changed.terms["base_mass"].provenance == "default"
    assert changed.terms["payload"].provenance == document.spec.terms["payload"].provenance != "default"
    changed = edited(document, "physics.signals.command.latency.range", "0 30").spec
    assert changed.signals["command"].provenance["latency"] == "default"
    assert changed.signals["command"].provenance["jitter"].startswith("datasheet:")


@pytest.mark.parametrize(
    "key, value, part",
    [
        ("physics.terms.base_mass.range", "-1 1", "at least 0"),
        ("physics.terms.base_mass.range", "2 1", "above high"),
        ("physics.signals.command.latency.range", "0 50000", "allowed: 0 to 10 s"),
        ("physics.terms.base_mass.text", "{choice: [1, 2}", "no valid YAML"),
        ("physics.terms.base_mass.text", "{unform: [1, 2]}", "did you mean 'uniform'"),
        ("physics.terms.base_mass.select", "(", "no regular expression"),
        ("physics.terms.push.interval", "0 0", "0 < shortest"),
    ],
)
def test_bad_values_are_refused_with_the_loaders_words(key: str, value: object, part: str):
    """The panel has no rules of its own: what the loader says is what the field says."""
    with pytest.raises((FieldError, SpecError)) as caught:
        edited(SpecDocument.of_preset("go2"), key, value)
    assert part in str(caught.value)


@pytest.mark.parametrize("preset", ["gymnasium", "avoidance", "seeds/001"])
def test_switching_off_and_on_is_nothing(preset: str):
    """What is off does not act and is not lost; on again, the file and the spec are what they were."""
    document = SpecDocument.of_preset(preset)
    for section in SECTIONS:
        for field in spec_fields.fields_of(document, section):
            if field.key.endswith(".on"):
                try:
                    off = edited(document, field.key, False)
                except Sim2RealError as error:
                    assert "curriculum" in str(error)  # which names it, and has to be changed first
                    continue
                assert off.spec.digest != document.spec.digest and off.text == document.text
                again = edited(off, field.key, True)
                assert again.acting == document.text and again.spec == document.spec


@pytest.mark.parametrize("kind", ["constant", "uniform", "log_uniform", "normal", "truncated_normal", "beta"])
def test_another_distribution_keeps_the_ends(kind: str):
    """The kind changes, the ends stay, except where there are none."""
    document = edited(SpecDocument.of_preset("go2"), "physics.terms.motor_strength.text", "{uniform: [0.8, 1.2]}")
    changed = document if kind == "uniform" else edited(document, "physics.terms.motor_strength.kind", kind)
    dist = changed.spec.terms["motor_strength"].dist
    assert dist.kind == kind
    if kind not in ("constant", "normal"):
        assert dist.bounds() == ((0.8,), (1.2,))


def test_when_may_become_an_interval_and_back():
    """The interval's own field comes and goes with it."""
    document = edited(SpecDocument.of_preset("go2"), "physics.terms.push.interval", "2, 3")
    assert document.spec.terms["push"].interval_s == (2.0, 3.0)
    document = edited(document, "physics.terms.push.when", "reset")
    assert document.spec.terms["push"].when == "reset" and document.spec.terms["push"].interval_s is None
    assert not any(field.key == "physics.terms.push.interval" for field in spec_fields.fields_of(document, "physics"))
    assert edited(document, "physics.terms.push.when", "interval").spec.terms["push"].interval_s == (5.0, 10.0)


def test_a_stages_words_can_be_edited():
    """Which prims are meant, which textures, what labels say: texts beside the ranges, judged by the loader."""
    document = SpecDocument.of_preset("stage")
    document = edited(document, "visual.vision.stage.materials.select.text", "/World/.*")
    document = edited(document, "visual.vision.stage.distractors.shapes.text", "[cube]")
    document = edited(document, "visual.vision.stage.distractors.count.range", "1, 2")
    document = edited(document, "visual.vision.stage.semantics.text", "{box: /World/Box}")
    document = edited(document, "visual.vision.stage.lights.on", False)
    stage = document.spec.vision["stage"]
    assert stage.option("materials", "select") == "/World/.*" and stage.option("distractors", "shapes") == ("cube",)
    assert stage.groups["distractors"].overrides["count"].bounds() == ((1.0,), (2.0,))
    assert dict(stage.semantics) == {"box": "/World/Box"} and "lights" not in stage.groups
    with pytest.raises(SpecError, match="no regular expression"):
        edited(document, "visual.vision.stage.materials.select.text", "(")


def test_every_target_has_its_section():
    """No target falls between the two sections."""
    for target in TARGETS:
        text = f"schema: 1\nseed: 1\nterms:\n  it: {{target: {target}, dist: 1}}\n"
        document = SpecDocument(text=text, name="x")
        shown = [s for s in SECTIONS if any(".it." in f.key for f in spec_fields.fields_of(document, s))]
        assert len(shown) == 1, target
