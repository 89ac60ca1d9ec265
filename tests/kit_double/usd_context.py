"""omni.usd: the context with a real USD stage, its selection and its events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import BoundEnum, StrictObject, check_plain
from .carb_events import EventStream, dispatch

STAGE_EVENTS = (
    "SAVED SAVE_FAILED OPENING OPENED OPEN_FAILED CLOSING CLOSED SELECTION_CHANGED ASSETS_LOADED ASSETS_LOAD_ABORTED "
    "GIZMO_TRACKING_CHANGED MDL_PARAM_LOADED SETTINGS_LOADED SETTINGS_SAVING OMNIGRAPH_START_PLAY OMNIGRAPH_STOP_PLAY "
    "SIMULATION_START_PLAY SIMULATION_STOP_PLAY ANIMATION_START_PLAY ANIMATION_STOP_PLAY DIRTY_STATE_CHANGED "
    "ASSETS_LOADING ACTIVE_LIGHT_COUNTS_CHANGED HIERARCHY_CHANGED HYDRA_GEOSTREAMING_STARTED "
    "HYDRA_GEOSTREAMING_STOPPED HYDRA_GEOSTREAMING_STOPPED_NOT_ENOUGH_MEM HYDRA_GEOSTREAMING_STOPPED_AT_LIMIT SAVING"
)
StageEventType: Any = BoundEnum("StageEventType", STAGE_EVENTS, start=0)
StageRenderingEventType: Any = BoundEnum(
    "StageRenderingEventType",
    "NEW_FRAME HYDRA_ENGINE_FRAMES_COMPLETE HYDRA_ENGINE_FRAMES_ADDED RENDERER_RECORDING_COMPLETE",
    start=0,
)


class Selection(StrictObject):
    """The paths that are selected."""

    _kit_double = True

    def __init__(self, context: UsdContext) -> None:
        self._context = context
        self._paths: list[str] = []

    def get_selected_prim_paths(self):
        """The paths, in order."""
        return list(self._paths)

    def set_selected_prim_paths(self, paths, expand_in_stage, /):
        """Selects these; a path that the stage lacks is not selected."""
        check_plain("set_selected_prim_paths: expand_in_stage", expand_in_stage, bool)
        check_plain("set_selected_prim_paths: paths", paths, (list, tuple))
        stage = self._context.get_stage()
        for path in paths:
            check_plain("a selected path", path, str)
        self._paths = [path for path in paths if stage is not None and stage.GetPrimAtPath(path)]
        self._context._tell(StageEventType.SELECTION_CHANGED)
        return True

    def clear_selected_prim_paths(self):
        """Selects nothing."""
        self.set_selected_prim_paths([], False)
        return True

    def is_prim_path_selected(self, path, /):
        """Whether a path is selected."""
        return path in self._paths


class UsdContext(StrictObject):
    """The opened stage."""

    _kit_double = True

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._stage: Any = None
        self._id: int | None = None
        self._selection = Selection(self)
        self._stream = EventStream(kit, "the stage's event stream")
        self.new_stage()

    def _tell(self, event: Any) -> None:
        dispatch(self._kit, self.stage_event_name(event), {})
        self._stream._send(int(event), {})

    def _hold(self, stage: Any) -> None:
        from pxr import UsdUtils

        self.close_stage()
        self._tell(StageEventType.OPENING)
        self._stage = stage
        self._id = UsdUtils.StageCache.Get().Insert(stage).ToLongInt()
        self._tell(StageEventType.OPENED)
        self._tell(StageEventType.ASSETS_LOADED)

    def new_stage(self):
        """An empty stage, Z up, in metres, as Isaac Sim makes it."""
        from pxr import Usd, UsdGeom

        self._kit.journal.add("omni.usd.UsdContext.new_stage", {})
        stage = Usd.Stage.CreateInMemory()
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetDefaultPrim(stage.DefinePrim("/World", "Xform"))
        self._hold(stage)
        return True

    async def new_stage_async(self):
        """An empty stage, an update later."""
        await self._kit.next_update()
        return self.new_stage(), ""

    def open_stage(self, url):
        """Opens a file; False where it is none."""
        from pxr import Usd

        check_plain("open_stage: url", url, str)
        self._kit.journal.add("omni.usd.UsdContext.open_stage", {"url": url})
        if not Path(url).is_file():
            self._tell(StageEventType.OPEN_FAILED)
            return False
        self._hold(Usd.Stage.Open(url))
        return True

    async def open_stage_async(self, url):
        """Opens a file, an update later: whether it opened, and why not."""
        await self._kit.next_update()
        opened = self.open_stage(url)
        return opened, "" if opened else f"{url} cannot be opened"

    def close_stage(self):
        """Drops the stage."""
        from pxr import UsdUtils

        if self._stage is not None:
            self._tell(StageEventType.CLOSING)
            UsdUtils.StageCache.Get().Erase(self._stage)
            self._stage, self._id = None, None
            self._selection._paths = []
            self._tell(StageEventType.CLOSED)
        return True

    async def close_stage_async(self):
        """Drops the stage, an update later."""
        await self._kit.next_update()
        return self.close_stage(), ""

    def get_stage(self):
        """The stage, or None."""
        return self._stage

    def get_stage_id(self):
        """Its number in the stage cache."""
        return self._id

    def get_stage_url(self):
        """Where it lies; ``anon:`` in memory."""
        return "" if self._stage is None else self._stage.GetRootLayer().identifier

    def is_new_stage(self):
        """Whether the stage was never saved."""
        return self._stage is not None and self._stage.GetRootLayer().anonymous

    def can_open_stage(self):
        """Whether another stage can be opened."""
        return True

    def get_stage_loading_status(self):
        """A message, how many files are loaded, how many load."""
        return "", 0, 0

    def get_selection(self):
        """What is selected."""
        return self._selection

    def get_stage_event_stream(self):
        """Events 1.0."""
        return self._stream

    def stage_event_name(self, event_type):
        """The name of an event of Events 2.0."""
        if not isinstance(event_type, StageEventType):
            raise TypeError(f"stage_event_name takes an omni.usd.StageEventType, got {event_type!r}")
        return f"omni.usd.stage:{event_type.name}"

    def stage_rendering_event_name(self, event_type, immediate=False):
        """The name of a renderer's event of Events 2.0."""
        if not isinstance(event_type, StageRenderingEventType):
            raise TypeError(f"stage_rendering_event_name takes an omni.usd.StageRenderingEventType, got {event_type!r}")
        return f"omni.usd.rendering:{event_type.name}:{bool(immediate)}"


def context_of(kit: Kit) -> UsdContext:
    """The context of an installation; made, with an empty stage, at first use."""
    if "omni.usd" not in kit.state:
        kept = list(kit.journal.entries)  # the app makes its first stage, not the code under test
        kit.state["omni.usd"] = UsdContext(kit)
        kit.journal.entries[:] = kept
        kit.on_close.append(kit.state["omni.usd"].close_stage)
    return kit.state["omni.usd"]


@module("omni.usd")
def build(kit: Kit) -> dict[str, Any]:
    """The context by its name; there is only the unnamed one."""

    def get_context(name: str = "") -> UsdContext:
        if check_plain("get_context: name", name, str):
            raise ValueError(f"the stand-in has the unnamed USD context alone, not {name!r}")
        return context_of(kit)

    return {
        "get_context": kit.function("omni.usd.get_context", "(name='')", get_context),
        "StageEventType": StageEventType,
        "StageRenderingEventType": StageRenderingEventType,
        "UsdContext": UsdContext,
        "Selection": Selection,
    }
