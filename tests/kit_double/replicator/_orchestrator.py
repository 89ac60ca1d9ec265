"""The orchestrator: steps, runs, and what is captured at each update of the app.

A step begins with one evaluation of the graph where the orchestrator had stopped (Replicator toggles its triggers once
to load what they need, and its generators begin anew), then runs the due triggers, renders, and calls the writers.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from enum import Enum
from typing import Any

from kit_double import StrictObject, check_callable

from ._products import HydraTexture
from ._rep import Rep
from ._usd import is_number


class Status(Enum):
    """States of the orchestrator."""

    STOPPED = 0
    STARTED = 1
    STARTING = 2
    LOADING = 3
    STOPPING = 4
    PAUSED = 5
    INITIALIZING = 6
    STEPPING = 7
    STEPPED = 8


class OrchestratorError(Exception):
    """A call that the state or the kind of application does not allow."""


class StatusCallback(StrictObject):
    """A registration; it ends when the object dies, so its owner keeps it."""

    def __init__(self, orchestrator: Orchestrator, callback: Callable[[Status], None]) -> None:
        self._orchestrator = orchestrator
        self._callback = callback
        self.register()

    def register(self) -> None:
        """Begins to call."""
        self._orchestrator.callbacks[id(self)] = weakref.ref(self)

    def unregister(self) -> None:
        """Ends it."""
        self._orchestrator.callbacks.pop(id(self), None)

    def __del__(self) -> None:
        self.unregister()


class Orchestrator:
    """One installation's orchestrator."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep
        self._status = Status.STOPPED
        self.callbacks: dict[int, weakref.ref[StatusCallback]] = {}
        self.frames = 0
        self._busy = False
        self._resume = False
        self._target: int | None = None
        self._captured = 0
        rep.kit.on_tick.append(self._on_update)

    @property
    def status(self) -> Status:
        """The state."""
        return self._status

    def _become(self, status: Status) -> None:
        if status is self._status:
            return
        self._status = status
        for held in list(self.callbacks.values()):
            callback = held()
            if callback is not None:
                callback._callback(status)
        if status is Status.STOPPED:
            for held in list(self._rep.writers.attached):
                held.writer.on_final_frame()

    @property
    def reference_time(self) -> tuple[int, int]:
        """The frame's time as a fraction."""
        return (self.frames, 60)

    def set_capture_on_play(self, value: Any) -> None:
        """Writes the setting."""
        if type(value) is not bool:
            raise TypeError(f"orchestrator.set_capture_on_play takes True or False, got {value!r}")
        self._rep.set_setting("/omni/replicator/captureOnPlay", value)

    # Capture --------------------------------------------------------------------------------------------------------

    def _watched(self) -> list[HydraTexture]:
        return [p for p in self._rep.products if p._handle._enabled and p._users]

    def _render(self) -> None:
        """Renders what is watched and gives it to the writers."""
        from ._render import bodies_of, render

        stage = self._rep.stage()
        watched = self._watched()
        bodies = bodies_of(stage) if watched else []
        for product in watched:
            camera = stage.GetPrimAtPath(product._camera)
            if not camera:
                self._rep.error(f"the camera {product._camera} of {product._path} is gone")
                continue
            product._frame = render(stage, camera, product._resolution, bodies)
            for annotator in self._rep.annotators.attached:
                if annotator._product is product:
                    annotator._result(product, False)  # so that the arrays that were handed out show this frame
        self.frames += 1
        self._rep.writers.write()

    def _initialize(self) -> None:
        """What the first step after a stop does: generators begin anew and each trigger is toggled once."""
        self._become(Status.INITIALIZING)
        self._rep.graph.restart()
        self._rep.annotators.restart()
        self._rep.graph.evaluate()
        for trigger in self._rep.graph.triggers:
            trigger.count = 0
        for path in ("grid/enabled", "outline/enabled", "show/lights", "show/camera"):
            self._rep.set_setting(f"/app/viewport/{path}", False)
        self._become(Status.STARTING)

    def _on_update(self) -> None:
        """At each update of the app: pending events, and the frames of a run or of capture on play."""
        graph = self._rep.graph
        if graph.events and not self._busy:
            graph.evaluate(frame=False)
        if self._status is Status.STOPPING:
            self._become(Status.STOPPED)
        if self._busy:
            return
        if self._status is Status.STARTING:
            self._become(Status.STARTED)
            return
        capturing = self._status is Status.STARTED and self._target != -1
        playing = bool(self._rep.setting("/omni/replicator/captureOnPlay")) and self._playing()
        if capturing or (playing and self._rep.writers.attached):
            if self._status is Status.STARTED and (self._reached() or graph.all_ended):
                self._become(Status.STOPPING)
                return
            graph.evaluate()
            self._render()
            self._captured += 1

    def _playing(self) -> bool:
        import sys

        return "omni.timeline" in sys.modules and self._rep.timeline().is_playing()

    def _reached(self) -> bool:
        return self._target is not None and self._captured >= self._target

    # Calls ----------------------------------------------------------------------------------------------------------

    async def step(self, rt_subframes: Any, pause_timeline: Any, delta_time: Any, wait_for_render: Any) -> None:
        """One frame.

        Raises:
            OrchestratorError: another step is under way. TypeError, ValueError: wrong arguments.
        """
        if type(rt_subframes) is not int or rt_subframes == 0 or rt_subframes < -1:
            raise ValueError(f"orchestrator.step: rt_subframes must be 1 or more, got {rt_subframes!r}")
        if delta_time is not None and (not is_number(delta_time) or delta_time < 0):
            raise ValueError(f"orchestrator.step: delta_time is None or seconds from 0.0, got {delta_time!r}")
        for name, value in (("pause_timeline", pause_timeline), ("wait_for_render", wait_for_render)):
            if type(value) is not bool:
                raise TypeError(f"orchestrator.step: {name} must be True or False, got {value!r}")
        if self._busy:
            raise OrchestratorError("a step is under way; await it before the next")
        if self._status is Status.STOPPING:
            self._rep.warn("Replicator is in the process of stopping, step skipped.", fault=True)
            await self._rep.kit.next_update()
            return
        self._busy = True
        try:
            await self._step(rt_subframes, pause_timeline, delta_time, wait_for_render)
        except BaseException:
            self._become(Status.STEPPED)
            raise
        finally:
            self._busy = False

    async def _step(self, rt_subframes: int, pause: bool, delta_time: float | None, wait: bool) -> None:
        rep, timeline = self._rep, self._rep.timeline()
        first = self._status is Status.STOPPED
        if first:
            await rep.kit.next_update()
            self._initialize()
            await rep.kit.next_update()
        if self._resume:
            self._resume = False
            timeline.play()
            timeline.commit()
        self._become(Status.STEPPING)
        asked = rep.graph.evaluate()
        held = rep.setting("/omni/replicator/RTSubframes") or 1
        for _ in range(max(1, rt_subframes, asked, int(held))):
            await rep.kit.next_update()
        if delta_time and not first:
            timeline.set_current_time(timeline.get_current_time() + delta_time)
            timeline.commit()
        elif delta_time is None and not first and rep.setting("/omni/replicator/captureOnPlay"):
            timeline.set_current_time(timeline.get_current_time() + 1.0 / timeline.get_time_codes_per_seconds())
            timeline.commit()
        if wait:
            self._render()
        else:
            rep.kit.defer(self._render)  # the data that annotators hold is of an earlier frame until then
        if pause and timeline.is_playing():
            self._resume = True
            timeline.pause()
            timeline.commit()
        self._become(Status.STEPPED)

    async def run(self, num_frames: Any, start_timeline: Any) -> None:
        """Starts a run."""
        if num_frames is not None:
            if type(num_frames) is not int or num_frames < 1:
                raise ValueError(f"orchestrator.run: num_frames must be 1 or more, got {num_frames!r}")
            self._target = num_frames  # sticky: the next run without a number has it too
        if self._target is None and not any(t._most for t in self._rep.graph.triggers):
            raise OrchestratorError("orchestrator.run without num_frames and without a trigger that ends never ends")
        await self._rep.kit.next_update()
        self._initialize()
        self._captured = 0
        if start_timeline:
            self._rep.timeline().play()
            self._rep.timeline().commit()

    async def run_until_complete(self, num_frames: Any, start_timeline: Any) -> None:
        """Runs and waits."""
        await self.run(num_frames, start_timeline)
        while self._status is not Status.STOPPED:
            await self._rep.kit.next_update()
        await self.wait()

    async def stop(self) -> None:
        """Stops a run or a series of steps."""
        if self._status is not Status.STOPPED:
            self._become(Status.STOPPING)
        while self._status is Status.STOPPING:
            await self._rep.kit.next_update()

    async def wait(self) -> None:
        """Stops after steps, and waits for a run and for the files."""
        if self._status is Status.STEPPED:
            await self.stop()
        while self._status not in (Status.STOPPING, Status.STOPPED):
            await self._rep.kit.next_update()
        self._become(Status.STOPPED)
        await self._rep.kit.next_update()
        self._rep.queue.flush()

    async def preview(self) -> None:
        """Evaluates the graph once, without a capture."""
        self._rep.graph.evaluate()
        await self._rep.kit.next_update()


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""
    one: Orchestrator = rep.orchestrator

    def sync(name: str, body: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if rep.kit.gui:
                raise OrchestratorError(
                    f"orchestrator.{name} is for scripts; in the app's window await orchestrator.{name}_async"
                )
            return rep.kit.run(body(**arguments))

        return call

    def pair(name: str, body: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
        return {f"{name}_async": body, name: sync(name, body)}

    def start(num_frames: Any, start_timeline: Any) -> None:
        import asyncio

        if rep.kit.loop.is_running():
            asyncio.ensure_future(one.run(num_frames, start_timeline))
        else:
            rep.kit.run(one.run(num_frames, start_timeline))

    def stop() -> None:
        if one.status is not Status.STOPPED:
            one._become(Status.STOPPING)

    def pause() -> None:
        if one.status is Status.STARTED:
            one._become(Status.PAUSED)

    def resume() -> None:
        if one.status is Status.PAUSED:
            one._become(Status.STARTED)

    def preview() -> None:
        rep.graph.evaluate()

    def register_status_callback(callback: Any) -> StatusCallback:
        check_callable("orchestrator.register_status_callback(callback)", callback, 1, optional=False)
        return StatusCallback(one, callback)

    functions = rep.functions(
        "orchestrator",
        {
            **pair("step", one.step),
            **pair("run_until_complete", one.run_until_complete),
            **pair("wait_until_complete", one.wait),
            "run": start,
            "run_async": one.run,
            "stop": stop,
            "stop_async": one.stop,
            "preview": preview,
            "preview_async": one.preview,
            "pause": pause,
            "resume": resume,
            "get_status": lambda: one.status,
            "get_is_started": lambda: one.status is Status.STARTED,
            "get_is_paused": lambda: one.status is Status.PAUSED,
            "get_is_stopped": lambda: one.status is Status.STOPPED,
            "set_capture_on_play": one.set_capture_on_play,
            "register_status_callback": register_status_callback,
        },
    )
    return {**functions, "OrchestratorError": OrchestratorError, "Status": Status, "StatusCallback": StatusCallback}
