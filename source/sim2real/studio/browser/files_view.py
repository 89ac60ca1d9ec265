"""Files as a tab: the panel's state and the spec saved and loaded, the spec's text, and the newest files to open."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sim2real.studio.browser import html
from sim2real.studio.browser.gate import FILES

if TYPE_CHECKING:
    from sim2real.studio.browser.view import View

SHOWN = 15
"""Files that are listed."""
HELP = (
    "Keep what is set in a file, and take it back. A name that ends in .spec.yaml holds the spec alone, which every "
    "verb takes with --spec."
)
KINDS = ("**/report.html", "**/*.spec.yaml", "*.yaml", "panels/*.yaml", "**/*.onnx")
"""Which files are listed."""


class FilesView:
    """The widgets of the tab."""

    def __init__(self, tabs: Any, view: View) -> None:
        """Build the tab.

        Args:
            tabs: viser's tab group.
            view: the panel's view.
        """
        self._view = view
        gui = view.server.gui
        with tabs.add_tab("Files"):
            gui.add_html(html.note(HELP))
            self._path = gui.add_text("File", "panels/mine.yaml", hint="Path of a file below the workspace.")
            self._save = gui.add_button("Save", hint="Writes the panel's values and the spec, or the spec alone.")
            self._load = gui.add_button("Load", hint="Takes the file's values or spec; undo brings the old ones back.")
            self._error = gui.add_html("", visible=False)
            self._list = gui.add_html("")
            with gui.add_folder("The spec as text", expand_by_default=False):
                self._text = gui.add_html("")
        self._save.on_click(lambda _event: self._try(self._do_save))
        self._load.on_click(lambda _event: self._try(self._do_load))
        self._stamp: Any = None

    def _try(self, do: Any) -> None:
        from sim2real.errors import Sim2RealError

        self._view.flush()
        try:
            said, message = do(), ""
        except Sim2RealError as error:
            said, message = "", str(error)
        self._error.content = html.error(message) if message else html.note(said, "good")
        self._error.visible = True
        self._stamp = None
        self._view.refresh()

    def _do_save(self) -> str:
        return f"Saved as {self._view.panel.save(self._path.value)}"

    def _do_load(self) -> str:
        self._view.panel.load(self._path.value)
        return f"Took {self._path.value}"

    def show(self) -> None:
        """Show the newest files and the spec, when something changed."""
        panel = self._view.panel
        stamp = (panel.values.revision, tuple(job.id for job in panel.jobs if job.over))
        if stamp == self._stamp:
            return
        self._stamp = stamp
        found = list(dict.fromkeys(name for kind in KINDS for name in panel.workspace.files(kind, SHOWN)))[:SHOWN]
        links = "<br>".join(
            f'<a href="{FILES}{quote(name)}" target="_blank" rel="noopener">{escape(name)}</a>' for name in found
        )
        self._list.content = html.boxed(f"<h4>Newest files</h4>{links}" if found else "", "files")
        self._text.content = html.boxed(f"<pre>{escape(panel.spec_text())}</pre>", "spec")

    def close(self) -> None:
        """Nothing runs here."""
