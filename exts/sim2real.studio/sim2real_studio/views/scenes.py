"""Replicator: show a frame of the spec on the opened stage, give the stage back, capture a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import omni.ui as ui

from .own_fields import OwnFields
from .section import folding
from .style import ROW_HEIGHT, SPACING

if TYPE_CHECKING:
    from sim2real.studio import Field

    from ..session import Session

KEY = "scenes"
HELP = (
    "Randomizes lights, materials, background, camera, objects and distractors of the opened stage by the vision.stage"
    " part of the spec. A frame's number decides its scene, here, headless and in a capture. The file is not changed."
)
TEXTURES = "textures"
"""Where made textures are kept, in the studio's own folder of the workspace."""


class ScenesView:
    """The widgets for Replicator; built in the container that is open."""

    def __init__(self, session: Session, host: Any) -> None:
        """Build the section, folded as it was left."""
        self._session, self._scenes = session, session.scenes
        with folding(KEY, "Replicator", HELP, host):
            with ui.VStack(height=0, spacing=SPACING):
                ui.Label(HELP, name="dim", word_wrap=True, tooltip=HELP)
                self._fields = OwnFields(scene_fields, session.scene_values, session.changed, host.pick_for)
                with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
                    self._now = _button("Randomize now", "scenes.now", "Show the frame with this number", self._show)
                    self._next = _button("Next", "scenes.next", "Show the frame after this one", self._next_)
                    self._restore = _button(
                        "Restore stage", "scenes.restore", "Give the stage back as it was", self._scenes.restore
                    )
                with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
                    tip = "Capture the frames into the folder; what is there is kept, so it goes on after a stop"
                    self._capture = _button("Capture dataset", "scenes.capture", tip, self._capture_clicked)
                    tip = "End the capture after this frame and keep what is whole"
                    self._stop = _button("Stop", "scenes.stop", tip, self._scenes.stop)
                self._progress = ui.SimpleFloatModel(0.0)
                ui.ProgressBar(self._progress, height=ROW_HEIGHT, identifier="scenes.progress", tooltip="How far it is")
                self._text = ui.Label("", word_wrap=True, identifier="scenes.text", tooltip="What is shown or done")
                self._error = ui.Label(
                    "", name="error", word_wrap=True, visible=False, identifier="scenes.error", tooltip="What is wrong"
                )

    def show(self) -> None:
        """Show what runs, if the section is open."""
        if KEY not in self._session.open_sections:
            return
        scenes = self._scenes
        self._fields.show()
        for button in (self._now, self._next, self._capture):
            button.enabled = not scenes.busy
        self._stop.enabled = scenes.busy
        self._restore.enabled = scenes.shown and not scenes.busy
        self._progress.set_value(float(scenes.done / scenes.total) if scenes.total else 0.0)
        self._text.text = scenes.text
        self._error.text, self._error.visible = scenes.error, bool(scenes.error)

    def close(self) -> None:
        """End what the rows subscribed to."""
        self._fields.close()

    # -- clicks ------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        # A graph has an order of its own and takes no number.
        self._begin(None if self._fields["scenes.graph"] else self._fields["scenes.number"])

    def _next_(self) -> None:
        self._begin(None)

    def _begin(self, frame: int | None) -> None:
        def act() -> None:
            workspace = self._session.panel.workspace
            self._scenes.show(
                self._spec(),
                workspace.private,
                self._texture_root(),
                self._fields["scenes.camera"] or "",
                frame,
                self._fields["scenes.graph"],
            )

        self._try(act)

    def _capture_clicked(self) -> None:
        def act() -> None:
            from ..graphs.capture import CaptureCfg

            workspace = self._session.panel.workspace
            cfg = CaptureCfg(
                out=workspace.path(self._fields["scenes.out"]),
                frames=self._fields["scenes.frames"],
                width=self._fields["scenes.width"],
                height=self._fields["scenes.height"],
                camera=self._fields["scenes.camera"] or "",
                rt_subframes=self._fields["scenes.subframes"],
                event=self._fields["scenes.event"],
                basic_writer=self._fields["scenes.basic"],
                texture_root=self._texture_root(),
                made_textures=workspace.private / TEXTURES,
            )
            self._scenes.capture(self._spec(), cfg)

        self._try(act)

    def _try(self, act: Callable[[], None]) -> None:
        from sim2real.errors import Sim2RealError

        try:
            if not self._fields.valid:
                self._scenes.error = "mend the fields above first"
            else:
                act()
        except Sim2RealError as error:
            self._scenes.error = str(error)
        self._session.changed()

    def _spec(self) -> Any:
        return self._session.panel.values.document.spec

    def _texture_root(self) -> Path:
        """Folders of textures in a spec are relative to its file; those of a preset to the workspace."""
        document = self._session.panel.values.document
        root = self._session.panel.workspace.root
        return root if document.preset or document.folder is None else Path(document.folder)


def _button(label: str, identifier: str, tooltip: str, act: Callable[[], None]) -> ui.Button:
    return ui.Button(label, identifier=identifier, tooltip=tooltip, clicked_fn=act)


def scene_fields() -> tuple[Field, ...]:
    """Return the fields of the section."""
    from sim2real.studio import Field

    return (
        Field(
            key="scenes.camera",
            label="Camera",
            help="Path of the camera on the stage.",
            kind="text",
            optional=True,
            hint="the stage's only camera",
        ),
        Field(
            key="scenes.number",
            label="Frame",
            help="Number of the frame to show; with the spec's seed it decides the whole scene.",
            kind="integer",
            low=0,
            high=2**32 - 1,
            default=0,
        ),
        Field(
            key="scenes.graph",
            label="As a graph",
            help="Build a Replicator graph of the frames, fired by the custom event sim2real.randomize.",
            kind="toggle",
            default=False,
        ),
        Field(
            key="scenes.out",
            label="Folder",
            help="Folder of the captured dataset, below the workspace: dataset/, and its pictures in rgb/ and depth/.",
            kind="path",
            default="datasets/replicator",
        ),
        Field(
            key="scenes.frames",
            label="Frames",
            help="Frames of the whole dataset.",
            kind="integer",
            low=1,
            high=2**32 - 1,
            default=10_000,
        ),
        _pixels("scenes.width", "Width", 640),
        _pixels("scenes.height", "Height", 480),
        Field(
            key="scenes.subframes",
            label="Subframes",
            help="Renderings for each frame until light and textures have settled: 4 to 8 in real-time mode, 16 to 32"
            " with path tracing.",
            kind="integer",
            low=1,
            high=512,
            default=8,
        ),
        Field(
            key="scenes.event",
            label="Fire the event",
            help="Fire sim2real.randomize before each frame, for Replicator graphs of your own.",
            kind="toggle",
            default=False,
        ),
        Field(
            key="scenes.basic",
            label="BasicWriter too",
            help="Let Replicator's BasicWriter write its own files beside the dataset.",
            kind="toggle",
            default=False,
        ),
    )


def _pixels(key: str, label: str, default: int) -> Field:
    from sim2real.studio import Field

    return Field(
        key=key,
        label=label,
        help=f"{label} of the pictures.",
        kind="integer",
        unit="px",
        low=16,
        high=8192,
        default=default,
    )
