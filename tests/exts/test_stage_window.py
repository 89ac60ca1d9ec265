"""The opened stage by the window: select, randomize, read the table, undo, stop; and what is refused."""

import importlib

import numpy as np
import pytest

from exts.driver import Studio
from exts.stages import robots
from sim2real.draws import Draws

SPEC = """\
schema: 1
seed: 11
terms:
  base: {target: body.mass, select: base, op: scale, dist: {uniform: [0.5, 1.5]}, when: reset}
  kick: {target: body.force, select: base, unit: N, dist: {uniform: [1, 5]}, direction: x, when: reset}
"""


@pytest.fixture
def window(studio) -> Studio:
    """The window over a stage with two robots, physics running, the first robot selected."""
    import omni.timeline
    import omni.usd

    importlib.import_module("isaacsim.core.simulation_manager")
    context = omni.usd.get_context()
    context.new_stage()
    studio.kit.tick()
    made = robots(2)
    context.get_stage().GetRootLayer().TransferContent(made.GetRootLayer())
    timeline(play=True)
    studio.kit.tick(2)
    context.get_selection().set_selected_prim_paths(["/World/robot_0/foot"], True)
    (studio.panel.workspace.root / "mine.spec.yaml").write_text(SPEC)
    studio.panel.load("mine.spec.yaml")
    studio.open().unfold("stage")
    yield studio
    timeline(play=False)
    studio.kit.tick(2)


def timeline(*, play: bool) -> None:
    """Press Play or Stop."""
    import omni.timeline

    line = omni.timeline.get_timeline_interface()
    line.play() if play else line.stop()
    line.commit()


def masses() -> np.ndarray:
    """The links' masses as Isaac's own class reads them."""
    prims = importlib.import_module("isaacsim.core.experimental.prims")
    return prims.Articulation(["/World/robot_0"]).get_link_masses().numpy()[0]


def cells(window: Studio) -> list[str]:
    """The texts of the outcome's table."""
    import omni.kit.ui_test as ui_test

    return [ref.widget.text for ref in ui_test.find_all("sim2real Studio//Frame/**/*") if _in_table(ref.widget)]


def _in_table(widget) -> bool:
    return type(widget).__name__ == "Label" and (widget.tooltip or "").split(":")[0] in (
        "term", "element", "quantity", "before", "after",
    )  # fmt: skip


def test_spec_of_the_panel_is_drawn_and_undone(window):
    """The mass is the draw of the world and episode that were typed; the table says so, and Undo takes it back."""
    assert "/World/robot_0/foot" in window.widget("stage.selected").text
    window.type("stage.world", "5")
    window.type("stage.episode", "2")
    window.click("stage.randomize")
    window.show()
    drawn = float(Draws(11).sample("base", window.panel.values.document.spec.terms["base"].dist, 5, 2)[0, 0])
    assert masses()[0] == pytest.approx(2.0 * drawn, rel=1e-6)
    assert cells(window)[-5:] == ["base", "robot/base", "mass [kg]", "2", f"{2.0 * drawn:.4g}"]
    assert any("kick" in text and "no episodes" in text for text in _texts(window))
    window.click("stage.undo")
    window.show()
    assert masses()[0] == 2.0 and not window.widget("stage.undo").enabled


def _texts(window: Studio) -> list[str]:
    import omni.kit.ui_test as ui_test

    found = ui_test.find_all("sim2real Studio//Frame/**/Label[*]")
    return [ref.widget.text for ref in found]


def test_one_range_without_a_spec(window):
    """One quantity is scaled for every link, within what was typed."""
    window.select("stage.source", "one range")
    window.type("stage.range.low", "1.1")
    window.type("stage.range.high", "1.3")
    window.click("stage.randomize")
    window.show()
    assert ((masses() >= 2.2) & (masses() <= 2.6)).all() and len(set(masses())) == 3
    window.type("stage.range.low", "-1")
    assert "0.01" in window.error("stage.range")
    before = masses()
    window.click("stage.randomize")
    window.show()
    assert "mend the fields" in window.widget("stage.error").text
    np.testing.assert_array_equal(masses(), before)


def test_nothing_selected_and_stopped_physics_are_told(window):
    """Both messages say what to do."""
    import omni.usd

    omni.usd.get_context().get_selection().clear_selected_prim_paths()
    window.show()
    assert "Nothing is selected" in window.widget("stage.selected").text
    window.click("stage.randomize")
    window.show()
    assert "click a robot" in window.widget("stage.error").text


def test_stop_gives_everything_back(window):
    """When the timeline stops, PhysX forgets its tensors: the tool forgets with it, and USD is as it was."""
    import omni.usd

    stage = omni.usd.get_context().get_stage()
    text = stage.GetSessionLayer().ExportToString()
    window.select("stage.source", "one range")
    window.select("stage.target", "shape.friction")
    window.type("stage.range.low", "1.2")
    window.type("stage.range.high", "1.4")
    window.click("stage.randomize")
    window.show()
    assert stage.GetSessionLayer().ExportToString() != text, window.widget("stage.error").text
    timeline(play=False)
    window.kit.tick(3)
    window.show()
    assert stage.GetSessionLayer().ExportToString() == text
    assert not window.widget("stage.undo").enabled


def test_window_keeps_what_was_set_when_it_is_closed(window):
    """The stage tools' fields are the session's, not the window's."""
    window.type("stage.world", "9")
    window.close()
    window.open()
    window.show()
    assert window.find("stage.world").model.as_string == "9"
