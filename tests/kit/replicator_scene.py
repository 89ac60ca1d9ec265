"""A small metric scene with a camera, shared by the tests of the stand-in for Replicator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

SIZE = (64, 48)
"""Width and height of its render product [px]."""


def new_stage(kit: Any) -> Any:
    """A new stage, z up, in metres."""
    import omni.usd

    omni.usd.get_context().new_stage()
    kit.tick()
    return omni.usd.get_context().get_stage()


def build(kit: Any, **camera: Any) -> SimpleNamespace:
    """A floor, a labelled unit cube on it, a dome light and a camera 3 m away that looks at it along -x.

    Returns:
        ``rep``, ``stage``, ``cube``, ``camera`` and a render product ``product``.
    """
    stage = new_stage(kit)
    import omni.replicator.core as rep

    rep.orchestrator.set_capture_on_play(False)
    make = rep.functional.create
    make.dome_light(intensity=1000.0, exposure=0.0)
    make.plane(scale=(20.0, 20.0, 1.0), name="Floor")
    cube = make.cube(position=(0.0, 0.0, 0.5), semantics={"class": "cube"}, name="Cube")
    place = {"position": (3.0, 0.0, 0.5), "look_at": (0.0, 0.0, 0.5), "clipping_range": (0.01, 100.0), **camera}
    eye = make.camera(name="Eye", **place)
    product = rep.create.render_product("/Eye", SIZE, name="view")
    return SimpleNamespace(rep=rep, stage=stage, cube=cube, camera=eye, product=product)


def step(kit: Any, rep: Any, **keywords: Any) -> None:
    """One step of a frozen timeline."""
    kit.run(rep.orchestrator.step_async(**{"delta_time": 0.0, "pause_timeline": False, **keywords}))


def finish(kit: Any, rep: Any) -> None:
    """Waits for the files."""
    kit.run(rep.orchestrator.wait_until_complete_async())


def collector(rep: Any, structure: str) -> Any:
    """A registered writer that keeps what it gets."""

    class Collector(rep.Writer):
        def __init__(self, names):
            self.annotators = [rep.annotators.get(name) for name in names]
            self.data_structure = structure
            self.version = "1.0"
            self.frames = []

        def write(self, data):
            self.frames.append(data)

    rep.writers.register_writer(Collector)
    writer = rep.writers.get("Collector")
    writer.initialize(names=["rgb", "distance_to_image_plane"])
    return writer
