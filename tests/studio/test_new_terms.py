"""Every quantity of the vocabulary can be added with a click, to any spec, and begins with little."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim2real.spec import preset_names
from sim2real.spec.targets import TARGETS
from sim2real.studio import Panel
from sim2real.studio.document import SpecDocument
from sim2real.studio.new_terms import with_term

EMPTY = SpecDocument(text="schema: 1\nseed: 1\n", name="empty")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_added(target: str):
    """The loader takes what is written, and factors stay near 1."""
    (term,) = with_term(EMPTY, target).spec.terms.values()
    assert term.target == target
    if term.op == "scale":
        assert term.dist.bounds() == ((0.9,) * term.dist.dim, (1.1,) * term.dist.dim)


@pytest.mark.parametrize("preset", preset_names())
def test_terms_that_are_there_stay(preset: str):
    """In every preset the new one comes last, under a name of its own, twice if need be."""
    document = SpecDocument.of_preset(preset)
    added = with_term(with_term(document, "body.inertia"), "body.inertia").spec
    names = list(added.terms)
    assert names[:-2] == list(document.spec.terms) and len(set(names)) == len(names)
    assert {name: added.terms[name] for name in names[:-2]} == dict(document.spec.terms)


def test_the_panel_adds_it_in_one_step(tmp_path: Path):
    """Its fields are there at once, the choice is back at nothing, undo takes it away."""
    panel = Panel(tmp_path, ["/bin/true"])
    before = panel.spec_text()
    assert panel.set("physics.add", "joint.damping") is None
    assert panel.value("physics.add") == "nothing"
    assert panel.set("physics.terms.joint_damping.range", "0.5 2") is None
    assert panel.values.document.spec.terms["joint_damping"].dist.bounds() == ((0.5,), (2.0,))
    assert panel.set("visual.add", "camera.rotation") is None
    assert panel.value("visual.terms.camera_rotation.range") == (-0.02, 0.02)
    while panel.undo():
        pass
    assert panel.spec_text() == before
    panel.close()
