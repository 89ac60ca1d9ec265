"""A person at the page: finds widgets by what is written on them, types, clicks, and reads what stands there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim2real.studio.browser.server import Studio

CHROMIUM = "/usr/bin/chromium"
"""Debian's; 'apt-get install chromium' puts it there."""
FLAGS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""A container has neither a user namespace nor a GPU; without any WebGL viser shows no panel."""
NARROW = (960, 720)
"""Size of a page whose 3-D view is small: drawing it in software costs more than all the rest."""
PATIENCE_S = 120.0
"""How long a page may take to show what is waited for, on a machine that does other things too."""


class Person:
    """One page of a studio, and the hands in front of it."""

    def __init__(self, page: Any, studio: Studio) -> None:
        """Open the studio's address.

        Args:
            page: Playwright's page.
            studio: what is served.
        """
        self.page, self.studio = page, studio
        self.complaints: list[str] = []
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(studio.address)
        self.tab("Robot & task")

    @property
    def panel(self) -> Any:
        """The panel behind the page."""
        return self.studio.panel

    def tab(self, name: str) -> None:
        """Go to a tab."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def row(self, label: str) -> Any:
        """The row of a field that can be seen."""
        pattern = re.compile(rf"^{re.escape(label)}( \[.*\])?$")
        rows = self.page.locator(".mantine-Flex-root:visible").filter(has=self.page.locator("label", has_text=pattern))
        return rows.first

    def type(self, label: str, text: str) -> None:
        """Type a text into a field, letter by letter, instead of what stands there."""
        box = self.row(label).locator("input")
        box.fill("")
        box.press_sequentially(text)

    def text(self, label: str) -> str:
        """What stands in a field."""
        return str(self.row(label).locator("input").first.input_value())

    def choose(self, label: str, word: str) -> None:
        """Choose a word of a box."""
        self.row(label).get_by_role("combobox").click()
        self.page.get_by_role("option", name=word, exact=True).click()

    def tick(self, label: str) -> None:
        """Click a check mark."""
        self.row(label).locator("input[type=checkbox]").click()

    def click(self, name: str) -> None:
        """Click a button that can be seen."""
        self.button(name).click()

    def button(self, name: str) -> Any:
        """A button that can be seen."""
        return self.page.get_by_role("button", name=name, exact=True).locator("visible=true").first

    def error(self, key: str) -> Any:
        """What stands below a field that refused its value."""
        return self.page.locator(f'[role=alert][data-field="{key}"]:visible')

    def shown(self, kind: str) -> Any:
        """The outputs of a kind that can be seen."""
        return self.page.locator(f'.s2r[data-kind="{kind}"]:visible')

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Wait until something is so."""
        rest = int(10 * seconds)
        while not condition():
            rest -= 1
            assert rest > 0, f"it never came to be so: {what}"
            self.page.wait_for_timeout(100)

    def job(self, action: str, *states: str, seconds: float = 600.0) -> Any:
        """Wait until the newest job of an action is in one of some states, and return it."""

        def newest() -> Any:
            return next((job for job in self.panel.jobs if job.action == action), None)

        def arrived() -> bool:
            job = newest()
            if job is not None and job.over and job.state not in states:
                raise AssertionError(f"{action} is {job.state}: {job.text}\n" + "\n".join(job.log[-30:]))
            return job is not None and job.state in states

        self.until(arrived, f"{action} {states}", seconds)
        return newest()


@contextmanager
def browser() -> Iterator[Any]:
    """A real Chromium without a window."""
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        raise RuntimeError(f"these tests drive {CHROMIUM}, which is not there: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def opened(workspace: Path, chromium: Any, size: tuple[int, int] = NARROW, **options: Any) -> Iterator[Person]:
    """A studio of a workspace and a page of it."""
    studio = Studio(workspace, port=0, **options)
    try:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
        try:
            person = Person(context.new_page(), studio)
            yield person
            assert not person.complaints
        finally:
            context.close()
    finally:
        studio.close()
