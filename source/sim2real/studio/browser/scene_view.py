"""The scene as a tab and as the page's 3-D view: the worlds of a running environment, its robots and its cameras.

The environment runs in a process of its own (:mod:`sim2real.pipeline.scene_stream`), with the panel's task, engine and
spec. A thread reads what it writes; the panel never waits for it, and if it dies the tab says so and why.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.errors import Sim2RealError
from sim2real.pipeline.scene_stream import MOST_WORLDS, Message, read_message
from sim2real.studio.browser import html
from sim2real.studio.browser.worlds import Worlds
from sim2real.studio.command import job_environment
from sim2real.studio.preview import grid

if TYPE_CHECKING:
    from sim2real.studio.browser.view import View

HELP = (
    "Runs the task in its engine with the panel's spec, and shows the worlds beside the panel. The last policy of the "
    "run folder in 'Train' moves the robots. Without one they hold their default pose, and the rover drives slowly."
)
PICTURE_S = 0.5
"""Time between two pictures of the cameras in the tab [s]."""
LAST_LINES = 12
"""Lines of the process that are kept to tell why it ended."""


class SceneView:
    """The tab, the process and the thread that reads it."""

    def __init__(self, tabs: Any, view: View) -> None:
        """Build the tab; nothing runs until a person starts it.

        Args:
            tabs: viser's tab group.
            view: the panel's view.
        """
        self._view = view
        gui = view.server.gui
        with tabs.add_tab("Scene"):
            gui.add_html(html.note(HELP))
            self._count = gui.add_text("Worlds", "6", hint=f"Environments that are shown, 1 to {MOST_WORLDS}.")
            self._count_error = gui.add_html("", visible=False)
            self._policy = gui.add_checkbox(
                "Policy", True, hint="Let the last policy of the run folder move the robots."
            )
            self._start = gui.add_button("Start the scene", hint="Starts the engine; takes half a minute or more.")
            self._stop = gui.add_button("Stop the scene", visible=False, color="red", hint="Ends the engine's process.")
            self._status = gui.add_html(html.note("No scene runs."))
            self._picture = gui.add_image(np.zeros((1, 1, 3), np.uint8), label="Cameras", visible=False)
        self._start.on_click(lambda _event: self.start())
        self._stop.on_click(lambda _event: self.stop())
        self._worlds = Worlds(view.server)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._told = ("No scene runs.", "dim")
        self._shown: Any = None
        self._pictured_at = float("-inf")

    # What people do -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the environment with the panel's values."""
        self._view.flush()
        with self._lock:
            if self._process is not None:
                return
            try:
                command = self._command()
            except Sim2RealError as error:
                self._tell(str(error), "bad")
                return
            self._said.clear()
            self._process = subprocess.Popen(
                command,
                cwd=self._view.panel.workspace.root,
                env=job_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._tell("The engine starts; the first time it compiles its kernels.", "dim")
            for target in (self._read, self._listen):
                threading.Thread(target=target, args=(self._process,), name="sim2real-scene", daemon=True).start()

    def _command(self) -> list[str]:
        """The program that streams the scene.

        Raises:
            Sim2RealError: the number of worlds is none, or the spec cannot be written.
        """
        text = self._count.value.strip()
        good = text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_WORLDS
        self._count_error.content = "" if good else html.error(f"got {text!r}; give 1 to {MOST_WORLDS}")
        self._count_error.visible = not good
        if not good:
            raise Sim2RealError("The number of worlds is wrong.")
        values = self._view.panel.values
        words = [sys.executable, "-m", "sim2real.pipeline.scene_stream", values["robot.task"], "--worlds", text]
        words += ["--physics", values["robot.physics"], "--spec", values.spec_argument()]
        words += ["--device", "cuda" if values["robot.device"] == "cuda" else "cpu"]
        run = values.workspace.path(values["train.out"])
        if self._policy.value and any(run.glob("model_*.pt")):
            words += ["--run", str(run)]
        return words

    def stop(self) -> None:
        """End the process; its thread tells when it is gone."""
        with self._lock:
            if self._process is not None:
                self._process.kill()  # it holds nothing that has to be saved

    # What the threads do --------------------------------------------------------------------------------------------

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Keep the last lines of what the process says."""
        assert process.stderr is not None
        for line in process.stderr:
            self._said.append(line.decode("utf-8", errors="replace").rstrip())

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Show what the process writes until it ends."""
        assert process.stdout is not None and process.stdin is not None
        failed = ""
        try:
            while (message := read_message(process.stdout)) is not None:
                if message.kind == "error":
                    failed = str(message.facts["text"])
                else:
                    self._take(message)
        except (ValueError, KeyError) as error:
            failed = f"what the process wrote cannot be read: {error}"
            process.kill()
        process.stdin.close()
        code = process.wait()
        with self._lock:
            self._process = None
        self._worlds.clear()
        if failed or code not in (0, -9):
            last = "\n".join(self._said)
            self._tell(failed or f"The scene's process ended with code {code}.\n{last}", "bad")
        else:
            self._tell("The scene was stopped.", "dim")

    def _take(self, message: Message) -> None:
        if message.kind == "scene":
            self._worlds.build(message)
            facts = message.facts
            self._tell(
                f"{facts['worlds']} worlds of {facts['task']} in {facts['physics']}; moved by {facts['moved_by']}.",
                "good",
            )
        else:
            self._worlds.move(message)

    def _tell(self, text: str, mark: str) -> None:
        self._told = (text, mark)

    def show(self) -> None:
        """Show how it stands; called by the view's thread."""
        self._show_picture()
        shown = (self._told, self._process is not None, self._worlds.time_s)
        if shown == self._shown:
            return
        self._shown = shown
        (text, mark), running, time_s = shown
        lines = [*text.splitlines(), f"Time of the robots: {time_s:.1f} s"] if time_s is not None else text.splitlines()
        self._status.content = html.boxed(html.marked(lines, mark), "scene")
        self._start.visible, self._stop.visible = not running, running

    def _show_picture(self) -> None:
        """Show what the first cameras see, a grid of them, once in a while."""
        pictures = self._worlds.pictures
        if pictures is None:
            if self._picture.visible:
                self._picture.visible = False
        elif time.monotonic() - self._pictured_at > PICTURE_S:
            self._pictured_at = time.monotonic()
            self._picture.image = grid(pictures)
            self._picture.visible = True

    def close(self) -> None:
        """End the process."""
        self.stop()
