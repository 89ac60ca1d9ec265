"""The studio's window: a toolbar, the panel's sections, the tools for the opened stage, the jobs.

It draws what the session holds and sends back what is typed. Where something is missing it shows what, and the remedy.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import omni.ui as ui
from omni.kit.menu.utils import MenuHelperWindow

from . import compat
from .pickers import Picker
from .views.jobs import JobsView
from .views.scenes import ScenesView
from .views.section import SectionView
from .views.stage import StageView
from .views.style import ROW_HEIGHT, SPACING, STYLE

if TYPE_CHECKING:
    from sim2real.studio import Field

    from .session import Session

TITLE = "sim2real Studio"
WIDTH, HEIGHT = 520, 900
"""Size of the window where it does not dock [px]."""
DOCK = "Property"
"""Window beside which it docks."""


class StudioWindow(MenuHelperWindow):
    """The window; made when it is shown, destroyed when it is closed."""

    def __init__(self, session: Session) -> None:
        """Build the window for a session."""
        super().__init__(TITLE, width=WIDTH, height=HEIGHT)
        self._session = session
        self._picker = Picker()
        self._sections: list[SectionView] = []
        self._stage: StageView | None = None
        self._scenes: ScenesView | None = None
        self._advanced_subscription: Any = None
        self._jobs: JobsView | None = None
        self._notice_text = ""
        self._built: Any = None
        self.frame.style = STYLE
        self.frame.set_build_fn(self._build)
        self.deferred_dock_in(DOCK, ui.DockPolicy.CURRENT_WINDOW_IS_ACTIVE)
        session.listen(self._show)

    def destroy(self) -> None:
        """Give the widgets back; the session goes on."""
        if self._session is not None:
            self._session.listen(None)
            self._picker.close()
            self._session = None
        self._drop_views()
        super().destroy()

    def _drop_views(self) -> None:
        for view in (*self._sections, self._stage, self._scenes):
            if view is not None:
                view.close()
        self._sections, self._advanced_subscription = [], None
        self._stage = self._scenes = self._jobs = None

    # -- building ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._drop_views()
        self._built = self._session.panel
        with ui.ScrollingFrame(horizontal_scrollbar_policy=ui.ScrollBarPolicy.SCROLLBAR_ALWAYS_OFF):
            with ui.VStack(height=0, spacing=2 * SPACING):
                if self._session.panel is None:
                    self._build_problems()
                else:
                    self._build_panel()

    def _build_problems(self) -> None:
        ui.Label("The studio cannot start yet.", name="heading", tooltip="Something that it needs is missing")
        for number, problem in enumerate(self._session.problems):
            ui.Label(problem.what, name="bad", word_wrap=True, identifier=f"problem.{number}", tooltip=problem.what)
            ui.Label(
                problem.remedy, word_wrap=True, identifier=f"problem.{number}.remedy", tooltip="What to do about it"
            )
        ui.Button(
            "Try again",
            height=ROW_HEIGHT,
            name="primary",
            identifier="problem.retry",
            tooltip="Look for what was missing again",
            clicked_fn=self._retry,
        )

    def _build_panel(self) -> None:
        panel = self._session.panel
        self._build_toolbar()
        self._notice = ui.Label(
            "", name="error", word_wrap=True, visible=False, identifier="notice", tooltip="What went wrong last"
        )
        self._sections = [SectionView(section, panel, self) for section in panel.sections]
        self._stage = StageView(self._session, self)
        self._scenes = ScenesView(self._session, self)
        with ui.CollapsableFrame(
            "Jobs", identifier="jobs.frame", tooltip="What was started here; it goes on when the window closes"
        ):
            self._jobs = JobsView(self._cancel, self._remove)
        self._session.changed()

    def _build_toolbar(self) -> None:
        self._spec = ui.Label(
            "", height=ROW_HEIGHT, elided_text=True, identifier="toolbar.spec", tooltip="The spec that is edited"
        )
        with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
            self._undo = _tool("Undo", "toolbar.undo", "Take the last change back", self._undo_clicked)
            self._redo = _tool("Redo", "toolbar.redo", "Make the change again", self._redo_clicked)
            _tool("Load...", "toolbar.load", "Take a panel or a spec from a YAML file", self._load_clicked)
            _tool("Save...", "toolbar.save", "Write the panel or the spec (*.spec.yaml) to a file", self._save_clicked)
            _tool("Workspace...", "toolbar.workspace", "Choose the folder of runs and data", self._workspace_clicked)
            _tool("Command...", "toolbar.command", "Choose sim2real.sh, which runs long work", self._command_clicked)
            self._advanced = ui.SimpleBoolModel(self._session.advanced)
            tip = "Show the fields that are rarely changed"
            ui.CheckBox(self._advanced, width=ROW_HEIGHT, identifier="toolbar.advanced", tooltip=tip)
            ui.Label("Advanced", width=70, tooltip=tip)
            self._advanced_subscription = self._advanced.subscribe_value_changed_fn(self._advanced_changed)

    # -- showing -----------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Bring the widgets up to date; called by the session, between two updates."""
        panel = self._session.panel
        if self._built is not panel:
            self.frame.rebuild()
            return
        if panel is None or self._jobs is None:
            return
        self._spec.text = f"Spec: {panel.values.document.name}"
        self._undo.enabled, self._redo.enabled = panel.can_undo, panel.can_redo
        self._notice.text = self._notice_text or "\n".join(panel.notices)
        self._notice.visible = bool(self._notice.text)
        for view in self._sections:
            view.show()
        self._stage.show()
        self._scenes.show()
        self._jobs.show(panel.jobs)

    # -- what a section asks for -------------------------------------------------------------------------------------

    @property
    def advanced(self) -> bool:
        """Whether advanced fields are shown."""
        return self._session.advanced

    @property
    def refused(self) -> dict[str, Any]:
        """What fields did not take last, by key; kept by the session."""
        return self._session.refused

    @property
    def open_sections(self) -> set[str]:
        """Keys of what is unfolded; kept by the session."""
        return self._session.open_sections

    def fold(self, key: str, collapsed: bool) -> None:
        """Remember that a section or a group was folded or unfolded."""
        (self.open_sections.discard if collapsed else self.open_sections.add)(key)
        self._session.changed()

    def send(self, key: str, value: Any) -> None:
        """Give a field what a person typed; a refusal shows at the field."""

        def act() -> None:
            if self._session.panel.set(key, value) is None:
                self.refused.pop(key, None)
            else:
                self.refused[key] = value

        self._guard(act)

    def pick(self, field: Field) -> None:
        """Choose a file of the workspace for a field."""
        self.pick_for(field, lambda path: self.send(field.key, path))

    def pick_for(self, field: Field, send: Callable[[str], None]) -> None:
        """Choose a file for a field, and give its path to a function."""
        self._picker.ask(field.label, "Choose", self._session.panel.workspace.root, send)

    def start(self, action: str) -> None:
        """Start an action."""
        self._guard(lambda: self._session.panel.start(action))

    def open_file(self, path: str) -> None:
        """Open a file of the workspace with the desktop's own program."""
        try:
            found = self._session.panel.workspace.path(path)
            compat.open_with_desktop(found)
        except ImportError:
            self._session.tell(f"Open it yourself: {found}")
        except Exception as error:  # a desktop without a program for it
            self._fail(str(error))

    def fail(self, text: str) -> None:
        """Show what went wrong above the sections."""
        self._fail(text)

    # -- clicks ------------------------------------------------------------------------------------------------------

    def _retry(self) -> None:
        self._session.open()
        self._built = object()  # the list of what is missing may be another

    def _undo_clicked(self) -> None:
        self._guard(self._session.panel.undo)

    def _redo_clicked(self) -> None:
        self._guard(self._session.panel.redo)

    def _load_clicked(self) -> None:
        panel = self._session.panel
        self._picker.ask("Load a panel or a spec", "Load", panel.workspace.root, self._load)

    def _load(self, path: str) -> None:
        self._guard(lambda: self._session.panel.load(path))

    def _save_clicked(self) -> None:
        panel = self._session.panel
        self._picker.ask("Save the panel, or the spec alone", "Save", panel.workspace.root, self._save, "panel.yaml")

    def _save(self, path: str) -> None:
        self._guard(lambda: self._session.tell(f"Saved {self._session.panel.save(path)}"))

    def _workspace_clicked(self) -> None:
        panel = self._session.panel
        self._picker.ask("Workspace", "Open", panel.workspace.root, self._open_workspace)

    def _open_workspace(self, path: str) -> None:
        wrong = self._session.set_workspace(path)
        if wrong:
            self._fail(wrong)

    def _command_clicked(self) -> None:
        folder = self._session.extension.resolve().parents[1]
        self._picker.ask("The program sim2real.sh", "Choose", folder, self._take_command, "sim2real.sh")

    def _take_command(self, path: str) -> None:
        self._guard(lambda: self._session.set_command(shlex.quote(path)))

    def _advanced_changed(self, model: ui.AbstractValueModel) -> None:
        self._session.advanced = model.get_value_as_bool()
        self._session.changed()

    def _cancel(self, job: str) -> None:
        self._guard(lambda: self._session.panel.cancel(job))

    def _remove(self, job: str) -> None:
        self._guard(lambda: self._session.panel.remove(job))

    def _guard(self, act: Any) -> None:
        """Do something that a person asked for; what is refused is shown, and what works clears the last refusal."""
        from sim2real.errors import Sim2RealError

        try:
            act()
        except Sim2RealError as error:
            self._fail(str(error))
        else:
            self._notice_text = ""
            self._session.changed()

    def _fail(self, text: str) -> None:
        self._notice_text = text
        self._session.changed()


def _tool(label: str, identifier: str, tooltip: str, clicked: Any) -> ui.Button:
    return ui.Button(label, width=0, identifier=identifier, tooltip=tooltip, clicked_fn=clicked)


__all__ = ["TITLE", "StudioWindow"]
