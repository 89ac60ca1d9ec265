"""Replicator by the window: a frame now, the stage given back, a dataset captured, stopped, completed, ended."""

import json
import shutil

import pytest

from exts.driver import Studio
from sim2real.spec import load_spec


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The preset's textures, made once: they are most of what a small capture costs."""
    from sim2real.vision.stage_plan_textures import spec_textures

    folder = tmp_path_factory.mktemp("made")
    spec_textures(load_spec("stage"), folder, folder)
    return folder


@pytest.fixture
def scenes(studio, made) -> Studio:
    """The window on the demo stage, with the preset for stages and small pictures."""
    import omni.usd
    from sim2real_studio.graphs.demo_stage import build_stage

    context = omni.usd.get_context()
    context.new_stage()
    studio.kit.tick()
    build_stage(context.get_stage())
    shutil.copytree(made, studio.panel.workspace.private / "textures")
    studio.panel.apply_preset("stage")
    studio.open().unfold("scenes")
    for key, text in {"width": "64", "height": "48", "subframes": "1", "frames": "3"}.items():
        studio.type(f"scenes.{key}", text)
    return studio


def stage_text() -> str:
    """What the stage says, all layers flattened, without what render products leave behind."""
    import omni.usd
    from pxr import Usd

    flat = Usd.Stage.Open(omni.usd.get_context().get_stage().Flatten())
    flat.RemovePrim("/Render")
    return flat.GetRootLayer().ExportToString()


def idle(studio: Studio) -> bool:
    """Whether nothing runs on the stage."""
    return not studio.session.scenes.busy


def test_frame_is_the_plans_and_the_stage_comes_back(scenes):
    """What the window shows as frame 2 is what the library plans as frame 2; Restore leaves no trace."""
    import omni.usd
    from sim2real_studio.graphs.scan import scan_stage

    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_textures import spec_textures

    before, stage = stage_text(), omni.usd.get_context().get_stage()
    spec = scenes.panel.values.document.spec
    contents = scan_stage(stage, spec)
    scenes.type("scenes.number", "2")
    scenes.click("scenes.now")
    scenes.wait(lambda: idle(scenes))
    assert scenes.widget("scenes.text").text == "The stage shows frame 2."
    root = scenes.panel.workspace.root
    plan = StagePlanner(spec, contents, **spec_textures(spec, root / ".studio" / "textures", root)).plan(2)
    for lamp in plan.lamps:
        held = stage.GetPrimAtPath(lamp.path).GetAttribute("inputs:intensity").Get()
        assert held == pytest.approx(lamp.intensity)
    assert scenes.session.scenes._randomizer.shown == plan
    scenes.click("scenes.next")
    scenes.wait(lambda: idle(scenes))
    assert "frame 3" in scenes.widget("scenes.text").text
    scenes.click("scenes.restore")
    scenes.show()
    assert stage_text() == before and not scenes.widget("scenes.restore").enabled


def test_capture_stops_goes_on_and_ends(scenes):
    """Stopped after a frame, the same settings complete the set; the bar is full, and the stage is as it was."""
    before = stage_text()
    scenes.click("scenes.capture")
    scenes.wait(lambda: scenes.session.scenes.done >= 1)
    scenes.click("scenes.stop")
    scenes.wait(lambda: idle(scenes))
    scenes.click("scenes.capture")
    scenes.wait(lambda: idle(scenes))
    assert scenes.widget("scenes.error").visible is False, scenes.session.scenes.error
    assert scenes.find("scenes.progress").model.as_float == 1.0
    folder = scenes.panel.workspace.root / "datasets" / "replicator"
    assert json.loads((folder / "dataset" / "dataset.json").read_text())["frames"] == 3
    assert len(list((folder / "rgb").iterdir())) == len(list((folder / "depth").iterdir())) == 3
    assert stage_text() == before
    assert any("frames captured" in text for text in scenes.told())


def test_what_is_wrong_is_told(scenes):
    """A bad field, a spec without a stage part, a stage without a camera, an app without Replicator."""
    import omni.usd

    from kit_double.kit_app import take_extension_away

    scenes.type("scenes.width", "7")
    assert "16" in scenes.error("scenes.width")
    scenes.click("scenes.capture")
    scenes.show()
    assert "mend the fields" in scenes.widget("scenes.error").text
    scenes.type("scenes.width", "64")
    take_extension_away(scenes.kit, "omni.replicator.core")
    scenes.click("scenes.capture")
    scenes.wait(lambda: idle(scenes))
    assert "omni.replicator.core" in scenes.widget("scenes.error").text
    omni.usd.get_context().get_stage().RemovePrim("/World/camera")
    scenes.click("scenes.now")
    scenes.wait(lambda: idle(scenes))
    assert "no camera" in scenes.widget("scenes.error").text


def test_extension_ends_in_the_middle_of_a_capture(scenes):
    """Unloaded while frames are made: nothing is left behind, and the stage is as it was (the fixture looks)."""
    before = stage_text()
    scenes.click("scenes.capture")
    scenes.wait(lambda: scenes.session.scenes.done >= 1)
    scenes.close()
    scenes.extension.unload(updates=12)
    assert stage_text() == before
