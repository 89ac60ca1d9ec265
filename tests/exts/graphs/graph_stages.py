"""What the tests of the graphs share: the demo stage, small specs, and a stage compared with itself."""

from __future__ import annotations

from typing import Any

from sim2real.spec import load_spec, parse_spec


def demo() -> Any:
    """The stage that the script builds, in memory."""
    from pxr import Usd
    from sim2real_studio.graphs.demo_stage import build_stage

    stage = Usd.Stage.CreateInMemory()
    build_stage(stage)
    return stage


def spec_of(text: str, seed: int = 7) -> Any:
    """A spec with this vision section."""
    return parse_spec(f"schema: 1\nseed: {seed}\nvision: {{{text}}}\n", "test")


def planner_of(stage: Any, folder: Any, spec: Any = None) -> Any:
    """The planner of a stage; the preset's where no spec is given."""
    from sim2real_studio.graphs.scan import scan_stage

    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_textures import make_textures

    spec = load_spec("stage") if spec is None else spec
    made = {name: make_textures(kind, 7, folder, count=4, height=16) for name, kind in TEXTURES.items()}
    return StagePlanner(spec, scan_stage(stage, spec), **made)


TEXTURES = {"surfaces": "surface", "sky": "sky"}


def told(stage: Any) -> str:
    """Everything that a stage says, all layers flattened; without the scope that render products leave behind."""
    from pxr import Usd

    flat = Usd.Stage.Open(stage.Flatten())
    flat.RemovePrim("/Render")
    return flat.GetRootLayer().ExportToString()
