"""The window inside Kit: it opens, takes good values, refuses bad ones, and keeps everything when it is closed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import omni.kit.test
import omni.kit.ui_test as ui_test
import omni.ui as ui

from sim2real_studio import current_session
from sim2real_studio.window import TITLE


class TestStudio(omni.kit.test.AsyncTestCase):
    """The studio's window over a workspace of its own."""

    async def setUp(self) -> None:
        """Open the window on an empty workspace."""
        self._folder = tempfile.TemporaryDirectory()
        self.session = current_session()
        self._before = str(self.session.panel.workspace.root)
        self.assertEqual(self.session.set_workspace(self._folder.name), "")
        ui.Workspace.show_window(TITLE, True)
        await ui_test.human_delay(20)

    async def tearDown(self) -> None:
        """Close the window and give back the workspace."""
        ui.Workspace.show_window(TITLE, False)
        await ui_test.human_delay(5)
        self.session.set_workspace(self._before)
        self.session = None
        self._folder.cleanup()

    def find(self, identifier: str) -> ui_test.WidgetRef:
        """Return a widget of the window by its identifier."""
        return ui_test.find(f"{TITLE}//Frame/**/*.identifier=='{identifier}'")

    async def unfold(self, section: str) -> None:
        """Open a section."""
        self.find(f"{section}.frame").widget.collapsed = False
        await ui_test.human_delay(10)

    async def test_every_section_is_there(self) -> None:
        """Each section of the panel has a frame, and no problem is shown."""
        for section in self.session.panel.sections:
            self.assertIsNotNone(self.find(f"{section.key}.frame"), section.key)
        self.assertIsNone(self.find("problem.0"))

    async def test_good_value_enters(self) -> None:
        """A number that is typed is the panel's value."""
        await self.unfold("train")
        await self.find("train.num_envs").input("32")
        await ui_test.human_delay(10)
        self.assertEqual(self.session.panel.value("train.num_envs"), 32)

    async def test_bad_value_is_refused_at_the_field(self) -> None:
        """A text that is no number leaves the value alone, and the message stands below the field."""
        await self.unfold("train")
        before = self.session.panel.value("train.num_envs")
        await self.find("train.num_envs").input("many")
        await ui_test.human_delay(10)
        self.assertEqual(self.session.panel.value("train.num_envs"), before)
        error = self.find("train.num_envs.error").widget
        self.assertTrue(error.visible)
        self.assertIn("many", error.text)

    async def test_closing_loses_nothing(self) -> None:
        """A window that is opened again shows what was set."""
        await self.unfold("train")
        await self.find("train.num_envs").input("64")
        ui.Workspace.show_window(TITLE, False)
        await ui_test.human_delay(10)
        ui.Workspace.show_window(TITLE, True)
        await ui_test.human_delay(20)
        self.assertEqual(self.find("train.num_envs").model.get_value_as_string(), "64")
        self.assertTrue((Path(self._folder.name) / ".studio").is_dir())
