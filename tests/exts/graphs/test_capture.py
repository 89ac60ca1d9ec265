"""A capture on the stand-in for Kit: a sound dataset, resumable, and everything given back however it ends."""

from __future__ import annotations

import numpy as np

from exts.graphs.graph_stages import told
from sim2real.datasets import DepthDataset
from sim2real.datasets.check import check_dataset
from sim2real.spec import load_spec

SIZE = {"width": 64, "height": 48}
ON_PLAY = "/omni/replicator/captureOnPlay"
DLSS = "/rtx/post/dlss/execMode"


def small(folder, frames=3, **changes):
    """The configuration of a small capture."""
    from sim2real_studio.graphs.capture import CaptureCfg

    return CaptureCfg(out=folder, **({"frames": frames, "rt_subframes": 1} | SIZE | changes))


def run(kit, folder, spec=None, frames=3, progress=None, stop=None, **changes):
    """Capture to the end."""
    from sim2real_studio.graphs.capture import capture

    work = capture(
        load_spec("stage") if spec is None else spec,
        small(folder, frames, **changes),
        progress or (lambda done, total: None),
        stop or (lambda: False),
    )
    return kit.run(work)


def test_a_capture_makes_a_dataset(kit, opened, tmp_path):
    """Depth, colour and records of every frame, told as it goes; the stage is given back."""
    import carb.settings

    settings = carb.settings.get_settings()
    before, said = told(opened), []
    result = run(kit, tmp_path / "set", progress=lambda *counts: said.append(counts))
    assert (result.frames, result.left, result.linked) == (3, 0, True)
    assert said == [(k, 3) for k in range(4)]
    assert check_dataset(tmp_path / "set" / "dataset").ok
    frames = DepthDataset(tmp_path / "set" / "dataset")
    assert len(frames) == 3
    for frame in frames:
        assert frame.depth_m.shape == (48, 64) and 0.2 < np.median(frame.depth_m[frame.depth_m > 0]) < 8.0
        assert set(frame.record["stage"]) == {"lamps", "dome", "surfaces", "objects", "distractors", "camera"}
    assert len({frame.depth_m.tobytes() for frame in frames}) == 3
    assert {p.name for p in (tmp_path / "set" / "rgb").iterdir()} == {f"{k:06d}.png" for k in range(3)}
    assert told(opened) == before
    assert settings.get_as_bool(ON_PLAY) is True and settings.get(DLSS) is None
