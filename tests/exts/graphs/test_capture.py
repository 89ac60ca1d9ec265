"""A capture on the stand-in for Kit: a sound dataset, resumable, and everything given back however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import numpy as np
import pytest

import kit_double
from exts.graphs.graph_stages import demo, told
from sim2real.datasets import DepthDataset
from sim2real.datasets.check import check_dataset
from sim2real.datasets.replicator import ReplicatorDataset
from sim2real.spec import load_spec, parse_spec
from sim2real.vision import VisionError

ON_PLAY = "/omni/replicator/captureOnPlay"
DLSS = "/rtx/post/dlss/execMode"
CORE = "omni.replicator.core"


@pytest.fixture
def capture(kit):
    """Runs a small capture to its end."""

    def run_here(folder, spec=None, **changes):
        return run(kit, folder, spec, **changes)

    return run_here


def run(kit, folder, spec=None, progress=lambda done, total: None, stop=lambda: False, **changes):
    """A small capture, to its end."""
    from sim2real_studio.graphs.capture import CaptureCfg, capture

    small = {"frames": 3, "width": 64, "height": 48, "rt_subframes": 1} | changes
    return kit.run(capture(spec or load_spec("stage"), CaptureCfg(out=folder, **small), progress, stop))


def files(folder):
    """Every file of a dataset by its name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.[pj]*") if path.is_file()}


def settings():
    """Kit's settings."""
    import carb.settings

    return carb.settings.get_settings()


def test_a_capture_makes_a_dataset(kit, opened, capture, tmp_path):
    """Depth, colour and records of every frame, told as it goes; the stage and the settings are given back."""
    from sim2real_studio.graphs.kept_settings import HIDDEN, SEED

    before, said = told(opened), []
    result = capture(tmp_path / "set", progress=lambda *counts: said.append(counts))
    assert (result.frames, result.left, result.linked) == (3, 0, True)
    assert said == [(k, 3) for k in range(4)]
    assert check_dataset(tmp_path / "set" / "dataset").ok
    frames = list(DepthDataset(tmp_path / "set" / "dataset"))
    for frame in frames:
        assert frame.depth_m.shape == (48, 64) and 0.2 < np.median(frame.depth_m[frame.depth_m > 0]) < 8.0
        assert set(frame.record["stage"]) == {"lamps", "dome", "surfaces", "objects", "distractors", "camera"}
    assert len({frame.depth_m.tobytes() for frame in frames}) == len(frames) == 3
    assert {p.name for p in (tmp_path / "set" / "rgb").iterdir()} == {f"{k:06d}.png" for k in range(3)}
    assert told(opened) == before
    assert settings().get_as_bool(ON_PLAY) is True
    assert [settings().get(path) for path in (DLSS, SEED, *HIDDEN)] == [None] * 6
    (seed,) = kit.journal.calls(f"{CORE}.set_global_seed")
    assert seed.arguments["seed"] == 8, "never 0: the spec's seed and one"
    assert not kit.journal.calls(f"{CORE}.utils.send_og_event")


def test_what_is_rendered_is_the_planned_camera(kit, opened, capture, tmp_path):
    """Without noise the depth on disk is what the plan's camera sees: the floor's distance follows its height."""
    spec = parse_spec(
        "schema: 1\nseed: 7\n"
        "vision: {stage: {camera: {position: {uniform: [[0, 0, 1], [0, 0, 2]]}, look_at: [0.01, 0, 0]}}}"
    )
    opened.RemovePrim("/World/obstacles")
    capture(tmp_path / "set", spec)
    for frame in DepthDataset(tmp_path / "set" / "dataset"):
        height = frame.record["stage"]["camera"]["position"][2]
        assert frame.depth_m[24, 32] == pytest.approx(height, abs=0.02)


def test_a_stopped_capture_goes_on(kit, opened, capture, tmp_path, monkeypatch):
    """Asked to stop, it keeps what is whole; the next run makes the rest, and the set is the one of a single run."""
    from sim2real_studio.graphs import capture as module

    asked, describe = [], module.describe
    monkeypatch.setattr(module, "describe", lambda *args: dataclasses.replace(describe(*args), chunk=2))
    few = {"frames": 5}
    stopped = capture(tmp_path / "one", stop=lambda: len(asked) == 3 or asked.append(1), **few)
    assert (stopped.frames, stopped.left) == (2, 3)
    rest = capture(tmp_path / "one", **few)
    assert (rest.frames, rest.left) == (3, 0)
    assert capture(tmp_path / "one", **few).frames == 0
    capture(tmp_path / "two", **few)
    for shard in (1, 0):
        capture(tmp_path / "shards", shard=(shard, 2), **few)
    whole = files(tmp_path / "two" / "dataset")
    assert files(tmp_path / "one" / "dataset") == whole == files(tmp_path / "shards" / "dataset")


def test_headless_and_in_the_window_the_frames_are_the_same(bare_package, tmp_path):
    """The same spec and seed: the same bytes with and without a window."""
    from sim2real_studio.graphs.demo_stage import build_stage

    made = []
    for gui in (True, False):
        with kit_double.installed("6.0", gui=gui) as kit:
            import omni.usd

            omni.usd.get_context().new_stage()
            kit.tick()
            build_stage(omni.usd.get_context().get_stage())
            run(kit, tmp_path / str(gui))
            made.append(files(tmp_path / str(gui) / "dataset"))
    assert made[0] == made[1] and len(made[0]) == 8


def test_the_basic_writer_writes_beside_it(kit, opened, capture, tmp_path):
    """Clean depth in metres, colour, camera and labels under the names of Replicator; read by our reader."""
    capture(tmp_path / "set", basic_writer=True)
    folder = tmp_path / "set" / "basic_writer" / "from_000000"
    frames = ReplicatorDataset(folder)
    assert len(frames) == 3 and frames[0].record["camera"]["cameraModel"] == "pinhole"
    assert (folder / "semantic_segmentation_000000.png").is_file()
    for clean, ours in zip(frames, DepthDataset(tmp_path / "set" / "dataset"), strict=True):
        both = (clean.depth_m > 0) & (ours.depth_m > 0)
        assert both.mean() > 0.3 and np.median(np.abs(clean.depth_m - ours.depth_m)[both]) < 0.1
        np.testing.assert_array_equal(clean.colour, ours.colour)


@pytest.mark.parametrize("background", ["inf", "zero"])
def test_what_is_not_seen_is_no_reading(kit, opened, capture, tmp_path, background):
    """Whether Replicator says infinity or 0 where nothing is hit: 0 on disk."""
    import omni.replicator.core  # noqa: F401

    kit.state["omni.replicator.core"].background = background
    spec = parse_spec("schema: 1\nseed: 7\nvision: {stage: {camera: {position: [-1, 0, 9], look_at: [-2, 0, 10]}}}")
    capture(tmp_path / "set", spec)
    assert all((frame.depth_m == 0).all() for frame in DepthDataset(tmp_path / "set" / "dataset"))


def test_a_cancelled_capture_gives_everything_back(kit, opened, capture, tmp_path):
    """Ended in the middle of a step, as when the extension is disabled: nothing of it stays, and it can go on."""
    from sim2real_studio.graphs import capture as module

    before, seen = told(opened), []

    async def ended():
        cfg = module.CaptureCfg(out=tmp_path / "set", frames=3, width=64, height=48, rt_subframes=4)
        work = asyncio.ensure_future(module.capture(load_spec("stage"), cfg, lambda *counts: seen.append(counts)))
        while len(seen) < 2:
            await asyncio.sleep(0)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    kit.run(ended())
    assert told(opened) == before and settings().get_as_bool(ON_PLAY) is True
    assert capture(tmp_path / "set", rt_subframes=4).frames == 3


def test_graphs_of_a_users_own_hang_on_the_event(kit, opened, capture, tmp_path):
    """Asked for, the event is fired before each frame, and a graph that waits for it runs."""
    import omni.replicator.core as rep
    from sim2real_studio.graphs.events import EVENT

    with rep.trigger.on_custom_event(event_name=EVENT), rep.get.prim_at_path("/World/arena/floor"):
        rep.modify.attribute("doubleSided", rep.distribution.choice([True, True]))
    assert opened.GetPrimAtPath("/World/arena/floor").GetAttribute("doubleSided").Get() is False
    capture(tmp_path / "set", event=True)
    assert len(kit.journal.calls(f"{CORE}.utils.send_og_event")) == 3
    assert opened.GetPrimAtPath("/World/arena/floor").GetAttribute("doubleSided").Get() is True


def test_a_failure_in_the_middle_gives_everything_back(kit, opened, capture, tmp_path, monkeypatch):
    """An error while a frame is developed reaches the caller; the stage, the settings and the writers are as before."""
    from sim2real_studio.graphs.sink import FrameSink

    before, take = told(opened), FrameSink.take

    def fails(self, plan, depth, colour):
        if plan.frame == 1:
            raise OSError("the disk is gone")
        take(self, plan, depth, colour)

    monkeypatch.setattr(FrameSink, "take", fails)
    with pytest.raises(OSError, match="the disk is gone"):
        capture(tmp_path / "set")
    assert told(opened) == before and settings().get_as_bool(ON_PLAY) is True
    monkeypatch.setattr(FrameSink, "take", take)
    assert capture(tmp_path / "set").frames == 3


def test_what_cannot_be_captured_is_refused_before_anything_is_rendered(kit, opened, capture, tmp_path):
    """A playing timeline, a wrong camera, textures that are not there, sizes out of range, another set's folder."""
    import omni.timeline
    from sim2real_studio.graphs.scan import StageError

    from sim2real.datasets import DatasetError

    timeline = omni.timeline.get_timeline_interface()
    timeline.play()
    timeline.commit()
    with pytest.raises(StageError, match="the timeline is playing"):
        capture(tmp_path / "set")
    timeline.stop()
    timeline.commit()
    with pytest.raises(StageError, match="is no camera on the stage; there are: /World/camera"):
        capture(tmp_path / "set", camera="/World/cam")
    lost = parse_spec("schema: 1\nseed: 7\nvision: {stage: {dome: {textures: skies}}}")
    with pytest.raises(VisionError, match="is no folder"):
        capture(tmp_path / "set", lost)
    for wrong in ({"frames": 0}, {"width": 8}, {"rt_subframes": 0}):
        with pytest.raises(StageError, match=next(iter(wrong))):
            capture(tmp_path / "set", **wrong)
    assert not kit.journal.calls(f"{CORE}.create.render_product")
    capture(tmp_path / "set")
    with pytest.raises(DatasetError, match="in use by another dataset"):
        capture(tmp_path / "set", load_spec("stage").with_seed(8))
    opened.GetPrimAtPath("/World/obstacles/box_0").GetAttribute("xformOp:translate").Set((1, 1, 1))
    with pytest.raises(DatasetError, match="options.stage"):
        capture(tmp_path / "set")


def test_a_stage_without_a_camera_is_refused(kit, opened, capture, tmp_path):
    """With what to do about it."""
    from sim2real_studio.graphs.scan import StageError

    opened.RemovePrim("/World/camera")
    with pytest.raises(StageError, match="the stage has no camera; add one"):
        capture(tmp_path / "set", parse_spec("schema: 1\nseed: 7\n"))


def test_plans_are_those_of_a_stage_without_kit(kit, opened, capture, tmp_path):
    """What a frame's record says is what a planner says of the same stage with USD alone, as a browser has it."""
    from sim2real_studio.graphs.scan import scan_stage

    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_textures import spec_textures

    capture(tmp_path / "set")
    spec = load_spec("stage")
    found = spec_textures(spec, tmp_path / "set" / "textures")
    planner = StagePlanner(spec, scan_stage(demo(), spec), **found)
    for frame in DepthDataset(tmp_path / "set" / "dataset"):
        assert frame.record["stage"] == planner.plan(frame.index).record()


def test_replicators_seed_is_never_zero(bare_package):
    """Seed 0 means "random" there; each spec's seed has its own as far as 31 bits go."""
    from sim2real_studio.graphs.capture import replicator_seed

    assert [replicator_seed(seed) for seed in (0, 1, 2**31 - 2, 2**31 - 1, 2**64 - 1)][:4] == [1, 2, 2**31 - 1, 1]
    assert 1 <= replicator_seed(2**64 - 1) < 2**31
