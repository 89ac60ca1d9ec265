"""Captures a dataset of the opened stage: plan, write, step, develop, store, frame by frame.

The loop is asynchronous, so that the window stays alive, and works headless too. Whatever it changes (settings, render
product, writers, layer) is given back when it ends, by whatever end. A killed capture goes on where it stopped: chunks
are committed whole, and a frame depends on its number alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.datasets import CameraInfo, DatasetWriter, Manifest

from . import frame_writer
from .events import EVENT
from .kept_settings import CAPTURE_ON_PLAY, DLSS_MODE, HIDDEN, SEED, KeptSettings
from .scan import StageError, fingerprint, scan_stage
from .sink import SPLITS, FrameSink, link_pictures
from .stage_writer import FAR_M, NEAR_M, StageWriter

if TYPE_CHECKING:
    from sim2real.spec import Spec
    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_contents import StagePlan

QUALITY = 2
"""DLSS mode without which pictures below some 600 px show artefacts."""
DATASET = "dataset"
"""Folder of the dataset in the capture's."""
TASK = "stage"
"""What the dataset's manifest calls the scenes."""


@dataclass(frozen=True, kw_only=True)
class CaptureCfg:
    """What to capture."""

    out: Path
    """Folder of the capture: the dataset in ``dataset/``, its pictures also as ``rgb/`` and ``depth/``."""
    frames: int = 10_000
    """Frames of the whole set."""
    width: int = 640
    """Width [px]."""
    height: int = 480
    """Height [px]."""
    camera: str = ""
    """Path of the camera; empty for the stage's only one."""
    shard: tuple[int, int] = (0, 1)
    """Which part of the set: (i, n)."""
    rt_subframes: int = 8
    """Renderings for each frame, until textures and light have settled: 4 to 8 in real-time mode, 16 to 32 with path
    tracing."""
    event: bool = False
    """Whether the custom event is fired before each frame, for Replicator graphs of a user's own that wait for it."""
    basic_writer: bool = False
    """Whether Replicator's BasicWriter writes its own files too, clean depth in metres among them."""
    texture_root: Path = Path(".")
    """What folders of textures in the spec are relative to."""
    made_textures: Path | None = None
    """Where made textures are kept; None for ``textures/`` in ``out``."""

    def __post_init__(self) -> None:
        for name, least, most in (("frames", 1, 2**32 - 1), ("width", 16, 8192), ("height", 16, 8192)):
            if not least <= getattr(self, name) <= most:
                raise StageError(f"{name}: got {getattr(self, name)}; give {least} to {most}.")
        if not 1 <= self.rt_subframes <= 512:
            raise StageError(f"rt_subframes: got {self.rt_subframes}; give 1 to 512.")


@dataclass(frozen=True, kw_only=True)
class CaptureResult:
    """What a capture did."""

    frames: int
    """Frames that this run committed."""
    left: int
    """Frames of this shard that are still to be made: 0 unless it was stopped."""
    linked: bool
    """Whether ``rgb/`` and ``depth/`` are there; a file system without links has ``dataset/`` alone."""


def plan_stage(stage: Any, spec: Spec, cfg: CaptureCfg) -> StagePlanner:
    """The planner of a stage, with the textures that the spec names.

    Raises:
        StageError, VisionError: the stage, its textures and the spec do not fit.
    """
    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_textures import spec_textures

    made = cfg.made_textures if cfg.made_textures is not None else cfg.out.absolute() / "textures"
    contents = scan_stage(stage, spec, cfg.camera)
    if contents.camera is None:
        raise StageError("the stage has no camera; add one (Create > Camera) and name it.")
    return StagePlanner(spec, contents, **spec_textures(spec, made, cfg.texture_root))


def describe(planner: StagePlanner, cfg: CaptureCfg, scene: str, renderer: str) -> Manifest:
    """The manifest of the dataset that a capture makes."""
    from sim2real import __version__

    camera = planner.contents.camera
    assert camera is not None
    sets = {"surfaces": planner.surfaces, "sky": planner.sky}
    return Manifest(
        task=TASK,
        frames=cfg.frames,
        seed=planner.spec.seed,
        spec_yaml=planner.spec.to_yaml(),
        spec_digest=planner.spec.digest,
        camera=CameraInfo(
            width=cfg.width, height=cfg.height, focal_px=camera.focal_px(cfg.width), near_m=NEAR_M, far_m=FAR_M
        ),
        code_version=__version__,
        physics="none",
        device="cuda",
        splits=SPLITS,
        options={
            "camera": camera.path,
            "stage": scene,
            "rt_subframes": cfg.rt_subframes,
            "textures": {name: found.digest for name, found in sets.items() if found is not None},
        },
        versions={"renderer": renderer},
    )


async def capture(
    spec: Spec,
    cfg: CaptureCfg,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> CaptureResult:
    """Make the frames of the shard that are not there yet, of the stage that is open.

    Args:
        spec: What is uncertain.
        cfg: What to capture.
        progress: Called with (frames of the shard that are done, frames of the shard) after each frame.
        stop: Asked after each frame; True ends the capture and keeps what is whole.

    Raises:
        StageError, VisionError, DatasetError: before anything is rendered where that can be known.
    """
    import omni.kit.app
    import omni.timeline
    import omni.usd

    context = omni.usd.get_context()
    if omni.timeline.get_timeline_interface().is_playing():
        raise StageError("the timeline is playing; stop it first, since physics would move what is placed.")
    while context.get_stage_loading_status()[2] > 0:
        await omni.kit.app.get_app().next_update_async()
    stage = context.get_stage()
    planner = plan_stage(stage, spec, cfg)
    manifest = describe(planner, cfg, fingerprint(stage), omni.kit.app.get_app().get_kit_version())
    with DatasetWriter(cfg.out / DATASET, manifest, shard=cfg.shard) as store:
        sink = FrameSink(store, planner)
        total = sum(len(manifest.chunk_range(chunk)) for chunk in store.owned())
        linked = link_pictures(cfg.out.absolute(), DATASET)
        todo = sink.pending()
        progress(total - len(todo), total)
        if todo:
            async with _Products(planner, cfg, sink, todo[0]) as products:
                with StageWriter(stage, planner) as stage_writer:
                    for number, frame in enumerate(todo):
                        if stop():
                            break
                        plan = planner.plan(frame)
                        stage_writer.write(plan)
                        await products.render(plan)
                        progress(total - len(todo) + number + 1, total)
                    await products.finish()
        store.flush()
        left = len(sink.pending())
    return CaptureResult(frames=len(todo) - left, left=left, linked=linked)


class _Products:
    """Render product, writers and settings of a capture, given back at its end."""

    def __init__(self, planner: StagePlanner, cfg: CaptureCfg, sink: FrameSink, first: int) -> None:
        self._planner, self._cfg, self._sink, self._first = planner, cfg, sink, first
        self._waiting: deque[StagePlan] = deque()
        self._undo: list[Callable[[], Any]] = []
        self._writer: Any = None

    async def __aenter__(self) -> _Products:
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> None:
        import omni.replicator.core as rep

        try:
            await rep.orchestrator.wait_until_complete_async()
        finally:
            self._close()

    def _open(self) -> None:
        import carb.settings
        import omni.replicator.core as rep

        cfg, camera = self._cfg, self._planner.contents.camera
        assert camera is not None
        kept = KeptSettings(CAPTURE_ON_PLAY, DLSS_MODE, SEED, *HIDDEN)
        self._undo.append(kept.give_back)
        rep.orchestrator.set_capture_on_play(False)
        carb.settings.get_settings().set_int(DLSS_MODE, QUALITY)
        rep.set_global_seed(replicator_seed(self._planner.spec.seed))  # for graphs of the user's own
        product = rep.create.render_product(camera.path, (cfg.width, cfg.height), force_new=True, name="sim2real")
        self._undo.append(product.destroy)
        name = frame_writer.register()
        self._undo.append(frame_writer.unregister)
        self._writer = rep.writers.get(name)
        self._writer.initialize(take=self._take, device=_device())
        self._attach(self._writer, product)
        if cfg.basic_writer:
            folder = cfg.out.absolute() / "basic_writer" / f"from_{self._first:06d}"
            backend = rep.backends.get("DiskBackend")
            backend.initialize(output_dir=str(folder))
            basic = rep.writers.get("BasicWriter")
            labelled = bool(self._planner.contents.labels)
            basic.initialize(
                backend=backend,
                rgb=True,
                distance_to_image_plane=True,
                camera_params=True,
                semantic_segmentation=labelled,
                frame_padding=6,
            )
            self._attach(basic, product)

    def _attach(self, writer: Any, product: Any) -> None:
        writer.attach([product])
        self._undo.append(writer.detach)

    def _close(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _take(self, depth: Any, colour: Any) -> None:
        if not self._waiting:
            raise StageError("a frame came that nobody asked for; is another capture running?")
        self._sink.take(self._waiting.popleft(), depth, colour)

    async def render(self, plan: StagePlan) -> None:
        """Render what the stage shows now."""
        import omni.replicator.core as rep

        self._waiting.append(plan)
        if self._cfg.event:
            rep.utils.send_og_event(event_name=EVENT)
        await rep.orchestrator.step_async(rt_subframes=self._cfg.rt_subframes, delta_time=0.0, pause_timeline=False)
        self._check()

    async def finish(self) -> None:
        """Wait until every frame was taken.

        Raises:
            StageError: a frame never came.
        """
        import omni.replicator.core as rep

        await rep.orchestrator.wait_until_complete_async()
        self._check()
        if self._waiting:
            lost = self._waiting[0].frame
            raise StageError(f"frame {lost} was rendered and never reached the writer; see Replicator's log.")

    def _check(self) -> None:
        if self._writer.error is not None:
            raise self._writer.error


def replicator_seed(seed: int) -> int:
    """Replicator's seed for a spec's: 1 to 2^31 - 1, since 0 means "random" there."""
    return 1 + seed % (2**31 - 1)


def _device() -> str | None:
    """Where depth is asked for: on the GPU where Warp has one."""
    import warp as wp

    return "cuda" if wp.is_cuda_available() else None
